"""Time from a clip, a file or a folder to words, and from a new process to the first word."""

import os
import subprocess
import sys

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"

import tempfile
import time
from pathlib import Path

import numpy as np
from report import ROOT, header, median_s, spoken_digit, table

import earshot

NEW_PROCESS = """
import time
started = time.perf_counter()
import tensorflow, keras
imported = time.perf_counter()
import earshot
r = earshot.load({model!r})
loaded = time.perf_counter()
r.predict({clip!r})
print(imported - started, loaded - imported, time.perf_counter() - loaded)
"""

LIGHT = """
import time, sys
started = time.perf_counter()
import {modules}
print(time.perf_counter() - started, "tensorflow" in sys.modules)
"""


def run(code):
    """Run code in a new process and give the figures that it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def main():
    """Measure and print."""
    header("python benchmarks/inference.py")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    model = str(ROOT / "models" / "spoken_digit")
    r = earshot.load(model)
    digits = spoken_digit()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        digits.save_folder(folder)
        paths = sorted(Path(folder).rglob("*.wav"))
        x, spectrogram = digits.waveforms[0], r.front_end(digits.waveforms[0])[None]
        some = paths[:: len(paths) // 100]
        rows.append(
            ["one clip in memory to word", f"{1e3 * median_s(lambda: r.predict(x), 200):.2f} ms"]
        )
        rows.append(
            ["one file to word", f"{1e3 * median_s(lambda: r.predict(some[0]), 200):.2f} ms"]
        )
        habit = median_s(lambda: r.model.predict(spectrogram, verbose=0), 20)
        started = time.perf_counter()
        for path in some:
            r.predict(path)
        single = (time.perf_counter() - started) / len(some)
        r.predict(paths)
        started = time.perf_counter()
        r.predict(paths)
        folder_s = (time.perf_counter() - started) / len(paths)
        rows += [
            [f"folder of {len(paths):,} files", f"{1 / folder_s:,.0f} clips/s"],
            ["the same, file by file with predict(path)", f"{1 / single:,.0f} clips/s"],
            ["keras' model.predict, one spectrogram at a time", f"{1 / habit:,.0f} clips/s"],
            ["folder against file by file", f"{single / folder_s:.1f}x"],
            ["folder against model.predict one by one", f"{habit / folder_s:.1f}x"],
        ]
        runs = [run(NEW_PROCESS.format(model=model, clip=str(some[0]))) for _ in range(3)]
    imported, loaded, first = np.median(np.array(runs, dtype=float), axis=0)
    modules = (
        "earshot.audio, earshot.features.log_mel, earshot.datasets.espeak, earshot.datasets.folders"
    )
    light = [run(LIGHT.format(modules=modules)) for _ in range(3)]
    assert all(row[1] == "False" for row in light), "a light module imports TensorFlow"
    rows += [
        ["new process: importing TensorFlow and Keras", f"{imported:.2f} s"],
        ["then loading the recognizer and the first word", f"{loaded + first:.2f} s"],
        [f"import {modules}", f"{np.median([float(row[0]) for row in light]):.2f} s"],
    ]
    table(["one core", "median"], rows)


if __name__ == "__main__":
    main()
