"""A player that shows a stream's spectrogram and what a network hears at every step."""

import base64
import html
import io
import json
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from earshot import audio, files
from earshot.audio import blocks_of
from earshot.errors import EarshotError
from earshot.features.stream import StreamSpectrogram

__all__ = ["Player"]

HERE = Path(__file__).parent
RATE = 16000
MOST_COLUMNS, TILE_COLUMNS = 60_000, 4096
LONG_S = 300.0
"""Longer sound is sent as Ogg Vorbis: a fifth of FLAC's space, and MP3 would come 70 ms late."""
RED, GREEN, NOTHING = "#c8553d", "#2a9d5c", "#8a94a3"
OTHERS = ("#2a6f97", "#e09f3e", "#7b2d8b", "#1b998b", "#457b9d", "#9c6644", "#b5179e", "#588157",
          "#5a189a", "#bc6c25")  # fmt: skip


class Player(anywidget.AnyWidget):
    """Plays a sound, with a cursor on its spectrogram and a square for what is heard.

    Below the spectrogram runs a ribbon of the classes. The square is green for "speech" and red
    for "noise", has other colours for words, and shows how sure the network is. Space plays and
    pauses, arrows go on and back, + and - zoom, a click goes to its place. In JupyterLab, Notebook
    7, VS Code and Colab; :meth:`save_html` writes the same as a page of its own.

    Parameters
    ----------
    sound : str, path, or ndarray of shape (samples,)
        Of any length.
    steps : earshot.recognition.Steps
        From :func:`earshot.recognition.classify`.
    sample_rate : int, optional
        In Hz, of a waveform.
    title : str
    """

    _esm = HERE / "stream_player.js"
    _css = HERE / "stream_player.css"
    about = traitlets.Dict().tag(sync=True)
    sound = traitlets.Bytes().tag(sync=True)
    tiles = traitlets.Bytes().tag(sync=True)
    labels = traitlets.Bytes().tag(sync=True)
    certainty = traitlets.Bytes().tag(sync=True)

    def __init__(self, sound, steps, *, sample_rate=None, title=""):
        rate = RATE if sample_rate is None else audio.whole_rate(sample_rate)
        sound = sound if isinstance(sound, str | Path) else audio.validate(sound)
        if len(steps.class_names) > 256 or not np.isfinite(steps.probabilities).all():
            raise EarshotError("A player shows 256 classes at most, and no NaN among the answers.")
        shown = rate if rate < RATE and rate % 100 == 0 else RATE
        spectrogram = StreamSpectrogram(
            sample_rate=shown, n_fft=2 * (shown * 16 // 1000), hop_length=shown // 100, n_mels=64,
            floor_s=None, top_db=90.0,
        )  # fmt: skip
        long_s = audio.duration(sound) if isinstance(sound, str | Path) else len(sound) / rate
        heard_s = len(steps) / steps.steps_per_s
        if abs(long_s - heard_s) > 0.1:
            raise EarshotError(
                f"The steps are about {heard_s:.1f} s of sound, and this is {long_s:.1f} s long: "
                "give the sound that was classified, and its sample_rate."
            )
        quantized = np.concatenate(
            [spectrogram.to_quantized(part) for part in spectrogram.blocks(blocks_of(sound, rate))]
        )
        n = -(-len(quantized) // MOST_COLUMNS)
        quantized = np.pad(quantized, [(0, -len(quantized) % n), (0, 0)], "edge")
        tiles = _tiles(quantized.reshape(-1, n, spectrogram.n_bands).max(axis=1))
        coded, kind = _coded(sound, rate, long_s > LONG_S)
        segments = [
            [segment.start_s, segment.end_s, steps.class_names.index(segment.word)]
            for segment in steps.segments()
        ]
        about = {
            "title": title,
            "duration_s": long_s,
            "steps_per_s": steps.steps_per_s,
            "columns_per_s": spectrogram.steps_per_s / n,
            "words": list(steps.class_names),
            "colours": _colours(steps.class_names),
            "segments": segments,
            "tile_sizes": [len(tile) for tile in tiles],
            "sound_type": kind,
        }
        super().__init__(
            about=about,
            sound=coded,
            tiles=b"".join(tiles),
            labels=steps.labels.astype(np.uint8).tobytes(),
            certainty=np.rint(255 * steps.probability).astype(np.uint8).tobytes(),
        )

    def save_html(self, path):
        """Write the player as one HTML file that needs no network, to be sent to somebody.

        Parameters
        ----------
        path : str or path
            One that is there already is replaced.
        """
        data = {
            name: base64.b64encode(getattr(self, name)).decode()
            for name in ("sound", "tiles", "labels", "certainty")
        }
        script = (HERE / "stream_player.js").read_text(encoding="utf-8")
        page = PAGE.format(
            title=html.escape(self.about["title"] or "earshot"),
            style=(HERE / "stream_player.css").read_text(encoding="utf-8"),
            script=script.replace("export default", "const player ="),
            about=json.dumps(self.about).replace("<", "\\u003c"),
            data=json.dumps(data),
        )
        with files.atomic_path(path) as temporary:
            temporary.write_text(page, encoding="utf-8")


PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head>
<body>
<script type="module">
{script}
const data = {data};
const decoded = Object.fromEntries(Object.entries(data).map(([name, text]) =>
  [name, new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer)]));
decoded.about = {about};
player.render({{ model: {{ get: (name) => decoded[name] }}, el: document.body }});
</script>
</body>
</html>
"""


def _tiles(quantized):
    """Colour a spectrogram (columns, bands) and cut it into PNG spectrograms, as a list of bytes."""
    import matplotlib
    from PIL import Image

    low, high = np.percentile(quantized, 5), max(int(quantized.max()), 1)
    scaled = np.clip((quantized - low) / max(high - low, 1) * 255, 0, 255).astype(np.uint8)
    palette = (matplotlib.colormaps["magma"](np.arange(256))[:, :3] * 255).astype(np.uint8)
    tiles = []
    for start in range(0, len(scaled), TILE_COLUMNS):
        spectrogram = Image.fromarray(scaled[start : start + TILE_COLUMNS].T[::-1], mode="P")
        spectrogram.putpalette(palette.tobytes())
        file = io.BytesIO()
        spectrogram.save(file, format="PNG")
        tiles.append(file.getvalue())
    return tiles


def _coded(sound, sample_rate, long):
    """Code a sound for the browser; gives the bytes and their type."""
    import soundfile

    file = io.BytesIO()
    form, coding = ("OGG", "VORBIS") if long else ("FLAC", "PCM_16")
    with soundfile.SoundFile(file, "w", RATE, 1, coding, format=form) as out:
        resampler = None
        for block, rate in blocks_of(sound, sample_rate):
            resampler = resampler or audio.Resampler(rate, RATE)
            out.write(np.clip(resampler.push(block), -1, 1))
        out.write(np.clip(resampler.flush(), -1, 1))
    return file.getvalue(), "audio/ogg" if long else "audio/flac"


def _colours(words):
    """A colour for each class; the first is what lies between the others."""
    known = {"noise": RED, "speech": GREEN, "": NOTHING}
    return [known.get(word, OTHERS[i % len(OTHERS)]) for i, word in enumerate(words)]
