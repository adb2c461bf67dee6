"""Recording and live recognition, on a virtual microphone with real key presses.

    python benchmarks/recording.py --minutes 20

Needs Debian's packages libportaudio2, libasound2-plugins, pulseaudio, pulseaudio-utils, xvfb and
xdotool. --minutes is the length of the long take; at 50 words a minute, 20 minutes are 1,000 words.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from report import ROOT, header, spoken_digit, table
from scipy.signal import correlate

import earshot
from earshot import audio, datasets, recording
from earshot.recording import takes

sys.path.insert(0, str(ROOT / "tests"))
from support import hardware

RATE = 16000
WORD_S = 1.2
N_ONSETS = 10


def said(digits, duration_s, *, seed=0):
    """Give a stream of digits of about this length."""
    chosen = np.random.default_rng(seed).integers(len(digits), size=round(duration_s / WORD_S))
    pauses = (0.45, 1.02)  # a digit takes 0.44 s on average
    return datasets.make_stream(digits.subset(chosen), snr_db=35, pauses_s=pauses, seed=seed)


def written(folder, x):
    """Write a waveform for the virtual mouth."""
    path = Path(tempfile.mkdtemp(dir=folder)) / "said.wav"
    audio.write(path, x, RATE)
    return path


def memory_mb():
    """What this process holds now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def meanwhile(steps):
    """Do something in another thread."""
    thread = threading.Thread(target=steps, daemon=True)
    thread.start()
    return thread


def found_at(heard, x):
    """Where a waveform begins in a longer one (in samples), and how alike they are there."""
    products = correlate(heard, x, "valid")
    at = int(products.argmax())
    return at, products[at] / np.linalg.norm(x) / np.linalg.norm(heard[at : at + len(x)])


def onsets(folder, microphone, screen, digits):
    """Press s when a word has begun already; how many are whole, how long before the key."""
    whole, before_ms = 0, []
    for i in range(N_ONSETS):
        word = audio.resample(digits.waveforms[37 * i], 8000, RATE)
        path = written(folder, word)

        def press(path=path):
            time.sleep(1)
            mouth = subprocess.Popen(["paplay", path])
            time.sleep(0.25)
            screen.press("s")
            mouth.wait()
            screen.press("q")

        meanwhile(press)
        heard, _ = recording.Recorder().record(folder).read(RATE)
        at, likeness = found_at(heard, word)
        whole += likeness > 0.99
        before_ms.append(1000 * (recording.Recorder.pre_roll_s - at / RATE))
    return f"{whole} of {N_ONSETS} words whole that began up to {max(before_ms):.0f} ms before s"


def long_take(folder, microphone, screen, digits, minutes):
    """Record for minutes: processor, memory, and every word."""
    stream = said(digits, 60 * minutes)
    path, memory, levels = written(folder, stream.waveform), [], {}

    def speak():
        time.sleep(1)
        screen.press("s")
        levels["cpu"], levels["at"] = time.process_time(), time.monotonic()
        mouth = subprocess.Popen(["paplay", path])
        while mouth.poll() is None:
            memory.append(memory_mb())
            time.sleep(1)
        levels["cpu"] = time.process_time() - levels["cpu"]
        levels["at"] = time.monotonic() - levels["at"]
        levels["q"] = time.monotonic()
        screen.press("q")

    meanwhile(speak)
    take = recording.Recorder(longest_s=7200).record(folder)
    cut = takes.cut(take.path, folder / "own", "digit")
    after_q_s = time.monotonic() - levels["q"]
    heard, _ = take.read(RATE)
    start, _ = found_at(heard[: 60 * RATE], stream.waveform[: 30 * RATE])
    alike = [
        found_at(heard[max(start + round(s.start_s * RATE) - 800, 0) :][: len(x) + 1600], x)[1]
        for s in stream.segments
        for x in [s.cut(stream.waveform, RATE)]
    ]
    found = earshot.split_words(take.path)
    middles = np.array([(s.start_s + s.end_s) / 2 for s in found]) - start / RATE
    cut_out = sum(np.any((middles > s.start_s) & (middles < s.end_s)) for s in stream.segments)
    first = memory[len(memory) // 10]
    return {
        "length": f"{take.duration_s:.0f} s, {len(stream.segments):,} words",
        "words that are in the take (correlation above 0.95)": f"{sum(np.array(alike) > 0.95):,}",
        "words that were cut out": f"{cut_out:,} ({len(cut):,} files)",
        "processor while recording": f"{100 * levels['cpu'] / levels['at']:.1f} % of a core",
        "memory, after a tenth and at most": f"{first:.0f} MB, {max(memory):.0f} MB",
        "from q to cut words on disk": f"{after_q_s:.2f} s",
        "notes": " ".join(take.notes) or "none",
    }


def live(folder, microphone, screen, digits):
    """From the end of a word to its name: as a whole, and what of it is computing."""
    stream, recognizer = said(digits, 60, seed=1), earshot.load(ROOT / "models" / "spoken_digit")
    path, arrivals, blocks, answers = written(folder, stream.waveform), [], [], []

    def watched():
        for block, rate in recording.Recorder().blocks():
            arrivals.append(time.monotonic())
            blocks.append((block, rate))
            yield block, rate

    def speak():
        hardware.wait_for(lambda: len(blocks) > 50, "sound")
        microphone.speak(path)
        time.sleep(0.5)
        screen.press("q")

    meanwhile(speak)
    for heard in earshot.listen(recognizer, watched()):
        answers.append((heard, time.monotonic(), arrivals[-1]))
    first, rate = blocks[0]
    block_s = len(first) / rate
    x = audio.resample(np.concatenate([block for block, _ in blocks]), rate, RATE)
    start = found_at(x, stream.waveform[: 20 * RATE])[0] / RATE
    latency_s, computing_s, right = [], [], 0
    sound_card_s = 0.04  # what PortAudio states for this microphone
    for heard, named_at, block_at in answers:
        for segment in stream.segments:
            if segment.start_s < (heard.start_s + heard.end_s) / 2 - start < segment.end_s:
                last = int((segment.end_s + start) / block_s)
                latency_s.append(named_at - arrivals[last] + sound_card_s)
                computing_s.append(named_at - block_at)
                right += heard.word == segment.word
    return {
        "words, heard, right": f"{len(stream.segments)}, {len(latency_s)}, {right}",
        "end of word to its name, median": f"{1000 * np.median(latency_s):.0f} ms",
        "of which computing, median": f"{1000 * np.median(computing_s):.1f} ms",
    }


def after_q(folder, microphone, screen, digits):
    """From q to the name of the word, as in notebook 05."""
    recognizer, times = earshot.load(ROOT / "models" / "spoken_digit"), []
    recognizer.predict(np.random.default_rng(0).standard_normal(8000).astype(np.float32) / 10)
    for i in range(5):
        path, pressed = written(folder, said(digits, 1.5, seed=i).waveform), []

        def speak(path=path, pressed=pressed):
            time.sleep(1)
            screen.press("s")
            microphone.speak(path)
            pressed.append(time.monotonic())
            screen.press("q")

        meanwhile(speak)
        take = recording.Recorder().record(folder)
        recognizer.predict(take.words(), take.sample_rate)
        times.append(time.monotonic() - pressed[0])
    return f"{1000 * np.median(times):.0f} ms median, {1000 * max(times):.0f} ms at most"


def measured(hands, minutes):
    """Measure everything, without the meter on the screen; gives the rows of the table."""
    rows = [("s pressed too late", onsets(*hands))]
    half_a_minute = long_take(*hands, 0.5)
    name = "from q to cut words on disk"
    rows.append((f"30 s: {name}", half_a_minute[name]))
    # Before TensorFlow is loaded, so that the memory is that of recording.
    rows += [(f"long take: {name}", value) for name, value in long_take(*hands, minutes).items()]
    rows.append(("one word: from q to its name", after_q(*hands)))
    return rows + [(f"live: {name}", value) for name, value in live(*hands).items()]


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=2, help="length of the long take")
    minutes = parser.parse_args().minutes
    missing = [p for p in ("pulseaudio", "paplay", "Xvfb", "xdotool") if not shutil.which(p)]
    if missing:
        print(f"Not measured, not installed: {', '.join(missing)}.")
        return
    header(f"python benchmarks/recording.py --minutes {minutes:g}")
    digits = spoken_digit()
    with tempfile.TemporaryDirectory(prefix="ear-", dir="/tmp") as folder:
        folder = Path(folder)
        microphone, screen = hardware.Microphone(folder / "card", rate=RATE), hardware.Screen()
        os.environ.update(microphone.env | screen.env)
        hands = folder, microphone, screen, digits
        try:
            with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
                rows = measured(hands, minutes)
        finally:
            microphone.close()
            screen.close()
        table(("", "measured"), rows)


if __name__ == "__main__":
    main()
