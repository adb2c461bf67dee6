"""One digit somewhere in a longer recording: does predict find it, in noise and beside a knock?

    python benchmarks/long_clips.py [--seeds 0 1]

Test recordings of the spoken digits, asked of models/spoken_digit, which was trained on other
recordings of the same people. The noises are made up, of benchmarks/household.py; a knock is twelve
dB above the word. Peer: the second with the most energy.
"""

import argparse
import itertools

import numpy as np
from household import household
from report import ROOT, header, spoken_digit, table

import earshot
from earshot.segmentation.stretches import word_stretch

RATE = 8000
LENGTHS_S = (1.5, 2.5, 5.0)
SNRS_DB = (45, 20, 10, 5)
CLIPS = slice(0, None, 2)


def loudest(x):
    """Cut the second with the most energy out."""
    total = np.concatenate([[0.0], np.cumsum(np.square(x, dtype=float))])
    start = int(np.argmax(total[RATE:] - total[:-RATE]))
    return x[start : start + RATE]


def knock(peak, rng):
    """Something hits the table: 50 ms, its own peak as given."""
    x = np.exp(-np.arange(RATE // 20) / 60) * rng.standard_normal(RATE // 20)
    return peak * x / np.abs(x).max()


def recordings(clips, length_s, snr_db, noises, knocks, rng):
    """Lay each clip into noise of its own, and a knock beside it where asked for."""
    n, found = round(length_s * RATE), []
    for clip in clips:
        noise = noises[rng.integers(len(noises))]
        x = np.roll(noise, rng.integers(len(noise)))[:n]
        x = x * np.std(clip) / np.std(x) * 10 ** (-snr_db / 20)
        at = rng.integers(0, n - len(clip) + 1)
        x[at : at + len(clip)] += clip
        if knocks:
            at = rng.integers(0, n - RATE // 20)
            x[at : at + RATE // 20] += knock(4 * np.abs(clip).max(), rng)
        found.append(x.astype(np.float32))
    return found


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    options = parser.parse_args()
    header("python benchmarks/long_clips.py")
    recognizer = earshot.load(ROOT / "models" / "spoken_digit")
    front_end, (_, test) = recognizer.front_end, spoken_digit().official_split()
    fits = [len(x) <= LENGTHS_S[0] * RATE for x in test.waveforms]
    test = test.subset(np.flatnonzero(fits)[CLIPS])
    noises = [earshot.audio.resample(x, 16000, RATE) for x in household().values()]
    ways = {"the loudest second": loudest, "predict": lambda x: word_stretch(x, front_end)}
    rows = []
    for knocks, length_s, how in itertools.product((False, True), LENGTHS_S, ways):
        shares = []
        for snr_db in SNRS_DB:
            right = []
            for seed in options.seeds:
                rng = np.random.default_rng(seed)
                clips = recordings(test.waveforms, length_s, snr_db, noises, knocks, rng)
                answers = recognizer.probabilities([ways[how](x) for x in clips]).argmax(axis=1)
                right.append(np.mean(answers == test.labels))
            shares.append(f"{np.mean(right):.1%}")
        rows.append((f"{length_s:g} s{' and a knock' if knocks else ''}", how, *shares))
    head = [f"{snr} dB" for snr in SNRS_DB]
    table((f"{len(test)} digits, {len(options.seeds)} draws, in", "asked about", *head), rows)


if __name__ == "__main__":
    main()
