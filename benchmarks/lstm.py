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

import keras
import numpy as np
from report import header, spoken_digit, table

import earshot
from earshot import datasets, features, networks
from earshot.datasets import stretching


def experiments(n_classes):
    """Name, front end, network and epochs of each experiment; and whether it has variants."""
    raw = features.RawWaveform()
    log_mel = dataclasses.replace(features.LOG_MEL_64X35, fmin_hz=60.0, fmax_hz=4000.0, top_db=50.0)

    def on_samples():
        return networks.raw_lstm(raw.n_samples, n_classes)

    def on_spectrograms(reading="time"):
        return networks.spectrogram_lstm(log_mel.output_shape, n_classes, reading=reading)

    return {
        "1 raw samples": (raw, on_samples, 30, False),
        "2 spectrogram": (log_mel, on_spectrograms, 40, False),
        "2 spectrogram, textbook's mean": (log_mel, lambda: on_spectrograms("mean"), 40, False),
        "3 raw samples, nine variants": (raw, on_samples, 5, True),
        "4 spectrogram, nine variants": (log_mel, on_spectrograms, 8, True),
    }


def run(build, train, test, front_end, *, epochs, folder=None):
    """Train and test once; gives both accuracies, and the seconds of an epoch."""
    keras.utils.set_random_seed(0)
    model = build()
    data = train if folder is None else datasets.write_variants(train, folder, front_end)
    config = networks.TrainingConfig(epochs=epochs, learning_rate=4e-3)
    started = time.perf_counter()
    networks.fit(model, data, front_end, config, progress=False)
    epoch_s = (time.perf_counter() - started) / epochs
    return (
        networks.accuracy(model, train, front_end),
        networks.accuracy(model, test, front_end),
        epoch_s,
    )


def augmenting(words):
    """Time the nine variants of some clips, against librosa clip by clip."""
    import librosa

    some = words.subset(np.arange(0, len(words), 25)).resampled(22050)
    effects = librosa.effects

    def theirs(clips):
        for clip in clips:
            for speed in stretching.SPEEDS:
                slower = effects.time_stretch(clip, rate=speed)
                for semitone in stretching.SEMITONES:
                    effects.pitch_shift(slower, sr=22050, n_steps=semitone)

    def ours(clips):
        with ThreadPoolExecutor() as threads:
            list(threads.map(datasets.stretch_and_shift, clips))

    rows = []
    for name, make in (("librosa, one by one", theirs), ("earshot", ours)):
        make(some.waveforms[:2])  # librosa compiles on the first call
        started = time.perf_counter()
        make(some.waveforms)
        rows.append([name, time.perf_counter() - started])
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        datasets.write_variants(some, Path(folder) / "store", features.LOG_MEL_64X35)
        rows.append(["earshot, with spectrograms, on disk", time.perf_counter() - started])
    per = 1600 / len(some)
    table(
        ["1,600 clips to 14,400", "time", "faster"],
        [[name, f"{per * took_s:.0f} s", f"{rows[0][1] / took_s:.1f}x"] for name, took_s in rows],
    )


def strangers(words, *, epochs):
    """Leave one speaker out: experiment 2, larger, with synthetic voices beside the real ones."""
    log_mel = experiments(2)["2 spectrogram"][0]
    voices = earshot.synthetic(words.class_names, n_voices=40, n_takes=2)

    def build():
        return networks.spectrogram_lstm(
            log_mel.output_shape, len(words.class_names), stem=128, units=128, jitter=0.8
        )

    shares = {}
    for speaker, train, test in words.leave_one_speaker_out():
        shares[f"without {speaker}"] = run(
            build, train.joined(voices), test, log_mel, epochs=epochs
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
