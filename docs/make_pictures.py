"""Make the README's pictures: docs/earshot.gif and docs/thumbnails/*.png.

    python docs/make_pictures.py --data data

The animation shows what the package itself cuts, computes and answers (models/spoken_digit, asked
about recordings that it was not trained on); the thumbnails are cut out of the figures in the
committed notebooks.
"""

import argparse
import base64
import io
import json
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyBboxPatch, Rectangle
from PIL import Image, ImageOps

import earshot

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
THUMBNAIL = (240, 136)
"""Width and height in pixels."""
FIGURES = {
    "01": (3, (0.0, 0.0, 0.61, 1.0)),
    "02": (1, (0.0, 0.06, 1.0, 1.0)),
    "03": (8, (0.0, 0.0, 1.0, 1.0)),
    "04": (8, (0.334, 0.0, 0.667, 1.0)),
    "05": (0, (0.0, 0.0, 1.0, 1.0)),
    "06": (0, (0.0, 0.0, 0.61, 1.0)),
    "07": (2, (0.0, 0.0, 0.735, 1.0)),
    "08": (0, (0.0, 0.0, 0.61, 1.0)),
    "09": (15, (0.0, 0.0, 0.95, 1.0)),
    "10": (1, (0.0, 0.0, 1.0, 1.0)),
    "11": (3, (0.0, 0.0, 0.63, 1.0)),
}
"""For each notebook: which of its figures, and the part of it: left, top, right, bottom."""

BACK, PANEL, DIM, LIGHT = "#10182b", "#18233d", "#5d6b89", "#eef2fa"
SOUND, MARK = "#56b4e9", "#f5b63f"
"""Sky blue and orange: told apart with every kind of colour vision."""
STAGES = ("record", "cut", "learn", "recognize")
TAUGHT, SPOKEN, SPEAKER = ("two", "six", "seven"), ("seven", "two"), "jackson"
COLUMNS = 230
"""Bars that draw the recording."""
EVERY_MS = 50
"""How long a frame is shown while something moves."""


def smooth(t):
    """Go from 0 to 1 slowly at both ends."""
    t = min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)


def panel(figure, box):
    """Give axes without ticks; the box is left, top, width and height in pixels."""
    left, top, width, height = box
    axes = figure.add_axes((left / 800, 1 - (top + height) / 360, width / 800, height / 360))
    axes.set(xticks=[], yticks=[], facecolor=PANEL)
    axes.spines[:].set_visible(False)
    return axes


def write(figure, x, y, text, size=13, colour=LIGHT, **how):
    """Write at a place in pixels from the top left."""
    how = {"ha": "center", "va": "center", **how}
    return figure.text(x / 800, 1 - y / 360, text, size=size * 0.72, color=colour, **how)


def canvas(stage, caption):
    """Begin a frame: the four stages above, what happens below."""
    figure = plt.figure(figsize=(8, 3.6), dpi=100, facecolor=BACK)
    for i, name in enumerate(STAGES):
        now = i == stage
        x = 115 + 190 * i
        write(figure, x, 29, name, 22, MARK if now else DIM, weight="bold" if now else "normal")
        if i:
            write(figure, x - 95, 29, "→", 18, DIM)
    write(figure, 400, 334, caption, 19, LIGHT)
    return figure


def key(figure, x, y, letter, down):
    """Draw a key of the keyboard."""
    style = {"boxstyle": "round,pad=0.45", "lw": 1.6}
    how = {"facecolor": MARK, "edgecolor": MARK} if down else {"facecolor": BACK, "edgecolor": DIM}
    colour = BACK if down else LIGHT
    write(figure, x, y, letter, 17, colour, weight="bold", bbox={**style, **how})


def bars(axes, peaks, shown, colours):
    """Draw a recording as upright bars, the first ``shown`` of them."""
    n = len(peaks)
    axes.set(xlim=(-2, n + 1), ylim=(-1.2, 1.2))
    axes.axhline(0, color=DIM, lw=0.8, zorder=1)
    at = np.arange(shown)
    axes.vlines(at, -peaks[:shown], peaks[:shown], colors=colours[:shown], lw=1.9, zorder=3)


def record(peaks, rate_s, t):
    """Scene 1: s, the word five times, q."""
    figure = canvas(0, "press s, say your word a few times, press q")
    axes = panel(figure, (30, 58, 740, 196))
    shown = round(min(max((t - 0.1) / 0.8, 0), 1) * len(peaks))
    bars(axes, peaks, shown, [SOUND] * len(peaks))
    key(figure, 360, 290, "s", t < 0.14)
    key(figure, 440, 290, "q", t > 0.92)
    if 0.1 < t < 0.92:
        axes.axvline(shown, color=MARK, lw=1.5, zorder=4)
    write(figure, 770, 290, f"● {shown * rate_s:.1f} s", 16, MARK if t < 0.92 else DIM, ha="right")
    return figure


def cut(peaks, rate_s, found, t):
    """Scene 2: the cuts that split_words makes."""
    figure = canvas(1, "it is cut at the pauses, with nothing to set")
    axes = panel(figure, (30, 58, 740, 196))
    n = smooth(t / 0.75) * len(found)
    colours = np.array([DIM if n else SOUND] * len(peaks), dtype=object)
    for i, segment in enumerate(found):
        first, last = segment.start_s / rate_s, segment.end_s / rate_s
        high = smooth(n - i)
        if high == 0:
            continue
        colours[int(first) : int(np.ceil(last)) + 1] = SOUND
        box = Rectangle((first, -1.1 * high), last - first, 2.2 * high, zorder=2)
        box.set(facecolor=MARK + "2e", edgecolor=MARK, lw=1.6)
        axes.add_patch(box)
        if high > 0.6:
            at = 30 + 740 * ((first + last) / 2 + 2) / (len(peaks) + 3)
            write(figure, at, 282, str(i + 1), 21, MARK, weight="bold")
    bars(axes, peaks, len(peaks), colours)
    return figure


def show(axes, spectrogram, part):
    """Draw the first part of a log-mel spectrogram."""
    how = {"origin": "lower", "aspect": "auto", "cmap": "magma", "vmin": -45, "vmax": 0}
    axes.imshow(spectrogram.T, interpolation="bicubic", extent=(0, 1, 0, 1), **how)
    axes.add_patch(Rectangle((smooth(part), 0), 1, 1, facecolor=PANEL, lw=0))
    axes.set(xlim=(0, 1))


def learn(spectrograms, t):
    """Scene 3: log-mel spectrograms of every word, and the learning."""
    figure = canvas(2, "a network learns from the log-mel spectrograms")
    shown = smooth(t / 0.6) * 5
    for row, (word, ones) in enumerate(spectrograms.items()):
        y = 56 + 81 * row
        write(figure, 114, y + 37, word, 20, ha="right", weight="bold")
        for column, spectrogram in enumerate(ones):
            axes = panel(figure, (130 + 128 * column, y, 120, 75))
            show(axes, spectrogram, shown - column)
    done = smooth((t - 0.5) / 0.45)
    for width, colour in ((632, PANEL), (max(632 * done, 4), MARK)):
        line = FancyBboxPatch((130 / 800, 1 - 309 / 360), width / 800, 4 / 360)
        line.set(boxstyle="square,pad=0", facecolor=colour, lw=0, transform=figure.transFigure)
        figure.add_artist(line)
    return figure


def recognize(spectrogram, prediction, t):
    """Scene 4: what the committed recognizer answers."""
    figure = canvas(3, "a new recording: which word is it?")
    axes = panel(figure, (30, 58, 250, 244))
    show(axes, spectrogram, t / 0.35)
    grow = smooth((t - 0.35) / 0.3)
    axes = panel(figure, (370, 58, 180, 244))
    axes.set(xlim=(0, 1), ylim=(len(prediction.probabilities) - 0.5, -0.5))
    for i, (word, probability) in enumerate(prediction.probabilities.items()):
        best = word == prediction.word and grow > 0.6
        colour, weight = (MARK, "bold") if best else (LIGHT, "normal")
        axes.barh(i, max(probability * grow, 0.01), height=0.7, color=MARK if best else SOUND)
        write(figure, 358, 58 + 24.4 * (i + 0.5), word, 16, colour, ha="right", weight=weight)
    pop = smooth((t - 0.6) / 0.15)
    if pop:
        write(figure, 670, 165, prediction.word, 26 + 24 * pop, MARK, weight="bold")
        write(figure, 670, 217, f"{prediction.probability:.0%}", 24, LIGHT, alpha=pop)
    return figure


def frame(figure):
    """Turn a figure into an image, and close it."""
    figure.canvas.draw()
    image = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    plt.close(figure)
    return image


def material(data):
    """Compute what the animation shows: a recording, its cuts, spectrograms and answers."""
    train, test = earshot.spoken_digit(data).official_split()
    one_voice = train.subset(np.array(train.speakers) == SPEAKER)
    each = {word: one_voice.only([word]).subset(range(5)) for word in TAUGHT}
    stream = earshot.datasets.make_stream(
        each["seven"], snr_db=25, pauses_s=(0.35, 0.55), sample_rate=8000, seed=3
    )
    found = earshot.split_words(stream.waveform, stream.sample_rate)
    peaks = np.array([np.abs(part).max() for part in np.array_split(stream.waveform, COLUMNS)])
    recognizer = earshot.load(ROOT / "models" / "spoken_digit")
    spectrograms = {word: recognizer.front_end(words.waveforms) for word, words in each.items()}
    strangers = test.subset(np.array(test.speakers) == "theo")
    asked = [strangers.only([word]).waveforms[0] for word in SPOKEN]
    answers = list(zip(recognizer.front_end(asked), recognizer.predict(asked), strict=True))
    return peaks / peaks.max(), stream.duration_s / COLUMNS, found, spectrograms, answers


def animation(data):
    """Give the frames and how long each is shown, in ms."""
    peaks, rate_s, found, spectrograms, answers = material(data)
    scenes = [
        (40, 600, lambda t: record(peaks, rate_s, t)),
        (22, 900, lambda t: cut(peaks, rate_s, found, t)),
        (24, 600, lambda t: learn(spectrograms, t)),
        *((20, 900, lambda t, answer=answer: recognize(*answer, t)) for answer in answers),
    ]
    frames, times_ms = [], []
    for n, hold_ms, draw in scenes:
        frames += [frame(draw(t)) for t in np.linspace(0, 1, n)]
        times_ms += [EVERY_MS] * (n - 1) + [hold_ms]
    return frames, times_ms


def write_gif(path, frames, times_ms, n_colours=96):
    """Write the animation, with one palette for all of it."""
    some = frames[12::9]
    sheet = Image.new("RGB", (800, 360 * len(some)))
    for i, one in enumerate(some):
        sheet.paste(one, (0, 360 * i))
    palette = sheet.quantize(n_colours, dither=Image.Dither.NONE)
    few = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in frames]
    few[0].save(
        path, save_all=True, append_images=few[1:], duration=times_ms, loop=0, optimize=True
    )


def figures_of(notebook):
    """Give the figures in a notebook, in their order."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if png := output.get("data", {}).get("image/png"):
                yield Image.open(io.BytesIO(base64.b64decode("".join(png)))).convert("RGB")


def write_thumbnails(folder):
    """Write a small image for every notebook."""
    folder.mkdir(exist_ok=True)
    for number, (which, (left, top, right, bottom)) in FIGURES.items():
        figure = list(figures_of(next((ROOT / "notebooks").glob(f"{number}_*.ipynb"))))[which]
        width, height = figure.size
        part = figure.crop((left * width, top * height, right * width, bottom * height))
        small = ImageOps.pad(part, THUMBNAIL, Image.Resampling.LANCZOS, color="white")
        small.quantize(64, dither=Image.Dither.NONE).save(folder / f"{number}.png", optimize=True)


def main():
    """Read the command line and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default=ROOT / "data", type=Path, help="the spoken digits")
    parser.add_argument("--frames", type=Path, help="a folder for the frames, to look at")
    options = parser.parse_args()
    write_thumbnails(DOCS / "thumbnails")
    frames, times_ms = animation(options.data)
    write_gif(DOCS / "earshot.gif", frames, times_ms)
    if options.frames:
        options.frames.mkdir(parents=True, exist_ok=True)
        for i, one in enumerate(frames):
            one.save(options.frames / f"{i:03}.png")
    print(f"{len(frames)} frames, {sum(times_ms) / 1000:.1f} s")


if __name__ == "__main__":
    main()
