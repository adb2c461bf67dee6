"""How well networks tell speech from noise along a stream, with many labels and with few.

    python benchmarks/streams.py [--noise FOLDER] [--few] [--quick]

Trained on three speakers of spoken_digit and synthetic voices over made-up noises, at -3 to 30 dB;
tested on the other two over white noise and the recordings in the folder (for instance the
_background_noise_ of Speech Commands), which nothing was trained on. A step is 10 ms. Settings were
chosen with one of the three training speakers in the place of the test. A word goes from where its
clip first reaches 3 % of its peak to where it last does. With --few, only the last table is made.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from report import ROOT, header, spoken_digit, table

import earshot
from earshot import audio, datasets, features, networks, recognition

TRAINING, TEST = ("george", "jackson", "nicolas"), ("theo", "yweweler")
SNRS_DB = (20, 10, 0)
LABELLED_S = (5, 15, 60, 300)
UNLABELLED_EPOCHS = {"autoencoder": 20, "next_frame_lstm": 12}
RATE = 16000


def detectors():
    """Name, settings, network, and what trains it without labels."""
    middle, late = features.StreamSpectrogram(), features.StreamSpectrogram(n_ahead=2)
    return {
        "vanilla_conv": (middle, lambda: networks.vanilla_conv(middle.output_shape), None),
        "autoencoder and linear probe": (
            middle, None, lambda: networks.autoencoder(middle.output_shape),
        ),
        "next_frame_lstm and linear probe": (
            late, None, lambda: networks.next_frame_lstm(late.output_shape),
        ),
    }  # fmt: skip


def balanced_error(said, truth):
    return 1 - (said[truth == 1].mean() + (~said)[truth == 0].mean()) / 2


def calibration_error(probability, truth, n_bins=10):
    """Expected calibration error of the answer's probability (Guo and others 2017)."""
    sure, right = np.maximum(probability, 1 - probability), (probability > 0.5) == truth
    bins = np.minimum((sure * 2 - 1) * n_bins, n_bins - 1).astype(int)
    gaps = [abs(sure[bins == k].sum() - right[bins == k].sum()) for k in range(n_bins)]
    return sum(gaps) / len(truth)


def n_steps(stream):
    """Steps of a stream at the networks' rate of 8 kHz."""
    return 1 + -(-len(stream.waveform) // 2) // 80


def truth_of(some):
    return [datasets.step_labels(s.named("speech").segments, n_steps(s), 100) for s in some]


def webrtc(stream, mode):
    import webrtcvad

    vad, size = webrtcvad.Vad(mode), RATE // 100
    samples = np.rint(np.clip(stream.waveform, -1, 1) * 32767).astype(np.int16)
    samples = np.pad(samples, (0, 2 * size))
    on = [vad.is_speech(samples[i : i + size].tobytes(), RATE)
          for i in range(0, len(samples) - size + 1, size)]  # fmt: skip
    return np.convolve(on, np.ones(15) / 15, "same")[: n_steps(stream)] > 0.5


def level_db(stream):
    """Level of 50 ms around each step."""
    size = RATE // 100
    power = np.square(np.pad(stream.waveform, (0, 2 * size)))
    power = power[: len(power) // size * size].reshape(-1, size).mean(axis=1)
    power = np.convolve(power, np.ones(5) / 5, "same")
    return 10 * np.log10(power[: n_steps(stream)] + 1e-12)


def peers(train):
    """Fit what is to be fitted on the training streams; gives (score, said) of a stream."""
    truth = np.concatenate(truth_of(train))
    levels = np.concatenate([level_db(s) for s in train])
    steps = np.quantile(levels, np.linspace(0, 1, 201))
    limit = min(steps, key=lambda at: balanced_error(levels > at, truth))
    methods = {"energy threshold": lambda s: (level_db(s), level_db(s) > limit)}
    try:
        errors = [
            balanced_error(np.concatenate([webrtc(s, mode) for s in train]), truth)
            for mode in range(4)
        ]
    except ImportError:
        print("webrtcvad is left out: pip install webrtcvad\n")
        return methods
    mode = int(np.argmin(errors))
    methods[f"webrtcvad, mode {mode}, smoothed"] = lambda s: (None, webrtc(s, mode))
    return methods


def ours(known):
    def method(stream):
        steps = earshot.classify(stream.waveform, known, stream.sample_rate)
        return steps.probabilities[:, 1], steps.labels == 1

    return method


def config(epochs, seed=0):
    return networks.TrainingConfig(epochs=epochs, batch_size=16, seed=seed)


def learned_without_labels(begin, train, settings, quick):
    import keras

    keras.utils.set_random_seed(0)
    network = begin()
    epochs = 1 if quick else UNLABELLED_EPOCHS[network.name]
    networks.fit_streams(network, train, settings, config(epochs), progress=False)
    return network


def trained(name, train, *, quick, unlabelled=None, few=None, seed=0):
    """Train a network: without labels first, where it can; gives a recognizer and the first."""
    import keras

    settings, build, begin = detectors()[name]
    keras.utils.set_random_seed(seed)
    if begin is not None and unlabelled is None:
        unlabelled = learned_without_labels(begin, train, settings, quick)
        keras.utils.set_random_seed(seed)
    labelled = [s.named("speech") for s in (train if few is None else few)]
    if begin is None:
        n_batches = max(sum(s.duration_s for s in labelled) * 100 / 200 / 16, 1)
        epochs = 2 if quick else max(round((900 if few is None else 180) / n_batches), 5)
        network = build()
        networks.fit_streams(network, labelled, settings, config(epochs, seed), progress=False)
    else:
        network = networks.fit_linear_probe(unlabelled, labelled, settings, unlabelled=train[:24])
    return recognition.Recognizer(network, settings, datasets.SPEECH_OR_NOISE), unlabelled


def detection(methods, tests):
    """Measure all methods on the test streams of each level."""
    rows = {name: [[], [], []] for name in methods}
    for some in tests.values():
        truth = np.concatenate(truth_of(some))
        for name, method in methods.items():
            scores, said = zip(*[method(s) for s in some], strict=True)
            said, area, gap = np.concatenate(said), "-", "-"
            if scores[0] is not None:
                score = np.concatenate(scores)
                area = f"{networks.roc_areas(score[:, None], truth)[0]:.4f}"
                if score.min() >= 0 and score.max() <= 1:
                    gap = f"{calibration_error(score, truth):.3f}"
            for column, figure in zip(
                rows[name], (area, f"{100 * balanced_error(said, truth):.1f}", gap), strict=True
            ):
                column.append(figure)
    for k, what in enumerate(
        ("area under ROC", "balanced error, %", "expected calibration error of the answer")
    ):
        some = [[name, *columns[k]] for name, columns in rows.items() if columns[k][0] != "-"]
        table([what, *(f"{db} dB" for db in tests)], some)


def few_labels(train, tests, firsts, *, quick):
    """Balanced accuracy against the seconds that were labelled, mean of several choices."""
    everything = [s for some in tests.values() for s in some]
    truth = np.concatenate(truth_of(everything))
    rows = []
    for name in detectors():
        row = [name]
        for seconds in LABELLED_S:
            shares = []
            for choice in range(1 if quick else 4):
                few = stretches(train, seconds, choice)
                known, _ = trained(
                    name, train, quick=quick, unlabelled=firsts[name], few=few, seed=choice
                )
                said = np.concatenate([ours(known)(s)[1] for s in everything])
                shares.append(100 * (1 - balanced_error(said, truth)))
            row.append(f"{np.mean(shares):.1f} ± {np.std(shares):.1f}")
            print(name, seconds, shares, file=sys.stderr, flush=True)
        rows.append(row)
    table(["balanced accuracy, %, labelled", *(f"{s} s" for s in LABELLED_S)], rows)


def stretches(train, seconds, choice):
    """Cut some stretches of the training streams that are as long together."""
    order = np.random.default_rng(choice).permutation(len(train))
    each_s = min(max(seconds / 3, 5.0), 15.0)
    n = round(seconds / each_s)
    return [train[i].cut(2.0, 2.0 + each_s) for i in order[:n]]


def speed(known, stream):
    """One pass against window by window, times real time, and memory for three hours."""
    with tempfile.TemporaryDirectory() as folder:
        place, path = Path(folder) / "known", Path(folder) / "three_hours.wav"
        known.save(place)
        rate = known.front_end.sample_rate
        x = audio.resample(stream.waveform, stream.sample_rate, rate)
        audio.write(path, np.resize(x, 3 * 3600 * rate), rate)
        command = [sys.executable, __file__, "--speed-of", str(place), str(path)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.split("\n")[-5:-1]


def peak_mb():
    """Largest memory of this process so far; Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def speed_of(folder, path):
    """Measure one recognizer, in a process of its own on one core."""
    os.sched_setaffinity(0, {0})  # Linux only
    known = earshot.load(folder)
    settings = known.front_end
    x, rate = audio.read(path, end_s=300)
    earshot.classify(x, known)
    before = peak_mb()
    started = time.perf_counter()
    steps = earshot.classify(path, known)
    once_s = time.perf_counter() - started
    peak = peak_mb()
    windows, _ = settings.cut(settings.spectrogram(x[: 20 * rate]))
    known.model.predict_on_batch(np.ascontiguousarray(windows[:256]))
    started = time.perf_counter()
    for i in range(0, len(windows), 256):
        known.model.predict_on_batch(np.ascontiguousarray(windows[i : i + 256]))
    each_s = (time.perf_counter() - started) * len(steps) / len(windows)
    print(f"{3 * 3600 / once_s:,.0f}", f"{each_s / once_s:.0f}x", f"{peak - before} MB",
          f"{peak} MB", sep="\n")  # fmt: skip


def everything(train, tests, firsts, *, quick):
    """Train all networks on all labels; fills in those that first learned without any."""
    methods, rows = peers(train), []
    for name in detectors():
        started = time.perf_counter()
        known, firsts[name] = trained(name, train, quick=quick)
        took_s = time.perf_counter() - started
        methods[name] = ours(known)
        rows.append([name, f"{took_s:.0f} s", *speed(known, train[0])])
    detection(methods, tests)
    head = ["one core", "training", "times real time", "against window by window",
            "memory for 3 hours", "with TensorFlow"]  # fmt: skip
    table(head, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--noise", type=Path, default=ROOT / "data" / "noise")
    parser.add_argument("--quick", action="store_true", help="a little of everything")
    parser.add_argument("--few", action="store_true", help="only the table of few labels")
    parser.add_argument("--speed-of", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.speed_of:
        speed_of(*options.speed_of)
        return

    digits = spoken_digit()
    header("python benchmarks/streams.py" + " --few" * options.few)
    noises = {"white": np.random.default_rng(0).standard_normal(60 * RATE).astype(np.float32)}
    if options.noise.is_dir():
        noises |= datasets.backgrounds(options.noise, RATE)
    print(f"Tested over {', '.join(noises)}.\n")
    of = {who: digits.subset(np.isin(digits.speakers, who)) for who in (TRAINING, TEST)}
    voices = earshot.synthetic(digits.class_names, n_voices=40, n_takes=1)
    train = of[TRAINING].joined(voices)
    train = datasets.make_streams(train, 8 if options.quick else 96, seed=1)
    tests = {
        db: datasets.make_streams(
            of[TEST], len(noises) * (1 if options.quick else 4), noises=list(noises.values()),
            snr_db=float(db), seed=2,
        )
        for db in SNRS_DB
    }  # fmt: skip
    firsts = {}
    if options.few:
        for name, (settings, _, begin) in detectors().items():
            firsts[name] = begin and learned_without_labels(begin, train, settings, options.quick)
    else:
        everything(train, tests, firsts, quick=options.quick)
    few_labels(train, tests, firsts, quick=options.quick)


if __name__ == "__main__":
    main()
