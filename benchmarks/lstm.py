"""How well the four experiments with LSTMs do, how long they take, and how much memory.

    python benchmarks/lstm.py [--quick] [--speakers]

Recordings 0 to 4 of spoken_digit are the test (the official split). With --speakers, instead, a
larger form of experiment 2 is trained five times on four speakers and synthetic voices, and tested
on the fifth.
"""

import argparse
import dataclasses
import resource
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from report import header, spoken_digit, table


def experiments(n_words):
    """Name, front end, network and epochs of each experiment; and whether it has variants."""
    from earshot.samples import Samples
    from earshot.spectrogram import SPECTROGRAM_35

    from earshot import models

    raw = Samples()
    spectrogram = dataclasses.replace(SPECTROGRAM_35, fmin_hz=60.0, fmax_hz=4000.0, top_db=50.0)

    def on_samples():
        return models.raw_lstm(raw.n_samples, n_words)

    def on_spectrograms(reading="time"):
        return models.spectrogram_lstm(spectrogram.output_shape, n_words, reading=reading)

    return {
        "1 raw samples": (raw, on_samples, 30, False),
        "2 spectrogram": (spectrogram, on_spectrograms, 40, False),
        "2 spectrogram, textbook's mean": (spectrogram, lambda: on_spectrograms("mean"), 40, False),
        "3 raw samples, nine variants": (raw, on_samples, 5, True),
        "4 spectrogram, nine variants": (spectrogram, on_spectrograms, 8, True),
    }


def run(build, train, test, front_end, *, epochs, folder=None, seed=0):
    """Train and test once; gives both accuracies, and the seconds of an epoch."""
    import keras

    from earshot import training, variants

    keras.utils.set_random_seed(seed)
    model = build()
    data = train if folder is None else variants.write_variants(train, folder, front_end)
    started = time.perf_counter()
    training.fit(
        model, data, front_end, epochs=epochs, learning_rate=4e-3, seed=seed, progress=False
    )
    epoch_s = (time.perf_counter() - started) / epochs
    return (
        training.accuracy(model, train, front_end),
        training.accuracy(model, test, front_end),
        epoch_s,
    )


def augmenting(words):
    """Time the nine variants of some clips, against librosa clip by clip."""
    import librosa
    from earshot.spectrogram import SPECTROGRAM_35

    from earshot import variants

    some = words.subset(np.arange(0, len(words), 25)).resampled(22050)
    effects = librosa.effects

    def theirs(clips):
        for clip in clips:
            for stretch in variants.STRETCHES:
                slower = effects.time_stretch(clip, rate=stretch)
                for half_step in variants.HALF_STEPS:
                    effects.pitch_shift(slower, sr=22050, n_steps=half_step)

    def ours(clips):
        with ThreadPoolExecutor() as threads:
            list(threads.map(variants.stretch_and_shift, clips))

    rows = []
    for name, make in (("librosa, one by one", theirs), ("earshot", ours)):
        make(some.waveforms[:2])  # librosa compiles on the first call
        started = time.perf_counter()
        make(some.waveforms)
        rows.append([name, time.perf_counter() - started])
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        variants.write_variants(some, Path(folder) / "store", SPECTROGRAM_35)
        rows.append(["earshot, with spectrograms, on disk", time.perf_counter() - started])
    per = 1600 / len(some)
    table(
        ["1,600 clips to 14,400", "time", "faster"],
        [[name, f"{per * took_s:.0f} s", f"{rows[0][1] / took_s:.1f}x"] for name, took_s in rows],
    )


def strangers(words, *, epochs):
    """Leave one speaker out: experiment 2, larger, with synthetic voices beside the real ones."""
    from earshot import datasets, models

    spectrogram = experiments(2)["2 spectrogram"][0]
    voices = datasets.synthetic(words.class_names, n_voices=40, n_takes=2)

    def build():
        return models.spectrogram_lstm(
            spectrogram.output_shape, len(words.class_names), stem=128, units=128, jitter=0.8
        )

    shares = {}
    for speaker, train, test in words.leave_one_speaker_out():
        shares[f"without {speaker}"] = run(
            build, train.joined(voices), test, spectrogram, epochs=epochs
        )[1]
        print(speaker, shares, file=sys.stderr)
    shares["mean"] = np.mean(list(shares.values()))
    head = ["2 spectrogram, 128 units, with 40 synthetic voices", "test, %"]
    table(head, [[name, f"{100 * share:.1f}"] for name, share in shares.items()])


def experiments_on(words, *, quick):
    """Time the augmentation, and train and test the five networks."""
    augmenting(words)
    train, test = words.official_split()
    rows = []
    plan = experiments(len(words.class_names))
    with tempfile.TemporaryDirectory() as folder:
        for name, (front_end, build, epochs, varied) in plan.items():
            place = Path(folder) / name if varied else None
            result = run(build, train, test, front_end, epochs=2 if quick else epochs, folder=place)
            seen, unseen, epoch_s = result
            rows.append([name, f"{100 * seen:.1f}", f"{100 * unseen:.1f}",
                         f"{100 * (seen - unseen):.1f}", f"{epoch_s:.1f} s"])  # fmt: skip
    head = ["official split", "training, %", "test, %", "gap, points", "one epoch"]
    table(head, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two epochs of everything")
    parser.add_argument("--speakers", action="store_true", help="leave one speaker out")
    options = parser.parse_args()

    words = spoken_digit()
    header("python benchmarks/lstm.py" + " --speakers" * options.speakers)
    if options.speakers:
        strangers(words, epochs=2 if options.quick else 60)
    else:
        experiments_on(words, quick=options.quick)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"Peak memory of all this: {peak:.1f} GB.\n")


if __name__ == "__main__":
    main()
