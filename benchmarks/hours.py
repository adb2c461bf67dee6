"""Hours of listening: the memory that it takes, and its share of a core.

    python benchmarks/hours.py [--hours 3]

Synthetic sentences go round, over made-up noise whose level changes, and a minute of silence comes
after every nine; they are given in blocks of odd lengths, from one sample to ten seconds, to a
recognizer of two learned words.
"""

import argparse
import os
import sys
import time
import warnings

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # what one core does

import numpy as np
import psutil
from new_words import sentences
from report import ROOT, header, table

import earshot
from earshot.datasets.augmentation import coloured_noise

RATE = 16000
LONGEST_S = 10.0  # of a block


def ten_minutes(speech, rng):
    """Speech over noise of a new colour and level each minute, and a minute of silence."""
    minutes = np.resize(np.roll(speech, -rng.integers(len(speech))), (10, 60 * RATE)).copy()
    noise = coloured_noise(10, 60 * RATE, rng)
    minutes += noise * 10 ** (rng.uniform(-60, -20, (10, 1)) / 20)
    minutes[-1] = 0
    return minutes.reshape(-1).astype(np.float32)


def blocks(hours, rng, passed):
    """Blocks of odd lengths, short ones as often as long ones; ``passed`` is told the hours."""
    speech = np.concatenate(sentences().waveforms)
    for hour in range(hours):
        for _ in range(6):
            x, start = ten_minutes(speech, rng), 0
            while start < len(x):
                n = int(np.exp(rng.uniform(0, np.log(LONGEST_S * RATE))))
                yield x[start : start + n], RATE
                start += n
        passed(hour + 1)


def main():
    """Listen, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore", earshot.EarshotWarning)
    words = earshot.synthetic(("lantern", "melody"), n_voices=5, n_takes=1, accents=False)
    r = earshot.learn_words(earshot.load(ROOT / "models" / "base"), words)
    list(earshot.listen(r, [(np.zeros(20 * RATE, np.float32), RATE)]))  # what comes once
    rows, began, heard = [], time.process_time(), 0

    def passed(hours):
        used = (time.process_time() - began) / 3600 / hours if hours else 0
        megabytes = psutil.Process().memory_info().rss / 2**20
        rows.append([f"{hours} h", f"{megabytes:.0f} MB", f"{100 * used:.1f} %", heard])
        print(*rows[-1], file=sys.stderr)  # a few minutes before the table

    passed(0)
    for _ in earshot.listen(r, blocks(options.hours, np.random.default_rng(0), passed)):
        heard += 1
    header("python benchmarks/hours.py")
    table(["after", "memory of the process", "of one core until then", "words named"], rows)


if __name__ == "__main__":
    main()
