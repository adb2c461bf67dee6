"""What all benchmarks share: the machine and versions, a table, and the data."""

import datetime
import importlib.metadata
import os
import platform
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def header(command):
    """Print when, where and with which versions something is measured."""
    packages = ("numpy", "scipy", "librosa", "keras", "tensorflow")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    print(f"\n`{command}`, {datetime.date.today()}, {_processor()}, {os.cpu_count()} cores,")
    print(f"Python {platform.python_version()}, {versions}\n")


def table(head, rows):
    """Print a Markdown table."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for i, row in enumerate(cells):
        padded = " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True))
        print(f"| {padded} |")
        if i == 0:
            print("|" + "|".join("-" * (w + 2) for w in widths) + "|")
    print(flush=True)


def median_s(function, repeats=20, warm_up=2):
    """Median time of a call, in seconds."""
    times = []
    for i in range(warm_up + repeats):
        started = time.perf_counter()
        function()
        if i >= warm_up:
            times.append(time.perf_counter() - started)
    return float(np.median(times))


def spoken_digit():
    """The real data set; synthetic speech does not do for figures."""
    from earshot import datasets

    return datasets.spoken_digit(ROOT / "data", fallback=False)


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
