"""Accuracy on the official split and on speakers that were left out, for several networks.

    python benchmarks/accuracy.py                 # every network, three seeds
    python benchmarks/accuracy.py --only voices   # those whose name contains this

The last network is the one that recipes/spoken_digit.py trains longer for models/spoken_digit.
Every finished training is noted in reports/accuracy/, and not done again in a second run.
"""

import argparse
import dataclasses
import sys

import numpy as np
from report import ROOT, header, spoken_digit, table

import earshot
from earshot import files, networks
from earshot.features import LOG_MEL_64X64

sys.path[:0] = [str(ROOT), str(ROOT / "recipes")]  # recipes import each other by name
from recipes import spoken_digit as recipe

EPOCHS = 18
NOTES = ROOT / "reports" / "accuracy"
BEST = "temporal CNN, varied, voices, clean epochs"


def trainings():
    """Networks by name: front end, builder, configuration, and clips beside those of the split."""

    def classic():
        return networks.cnn(LOG_MEL_64X64.output_shape, 10, scale=LOG_MEL_64X64.top_db)

    front_end, temporal, voices = recipe.FRONT_END, recipe.network, recipe.synthetic_voices()
    plain = networks.TrainingConfig(epochs=EPOCHS)
    varied = dataclasses.replace(plain, augment=earshot.Augmentation())
    best = dataclasses.replace(recipe.CLIPS, epochs=EPOCHS)
    return {
        "classic CNN, 64x64": (LOG_MEL_64X64, classic, networks.TrainingConfig(epochs=25), None),
        "temporal CNN": (front_end, temporal, plain, None),
        "temporal CNN, varied": (front_end, temporal, varied, None),
        "temporal CNN, varied, voices": (front_end, temporal, varied, voices),
        BEST: (front_end, temporal, best, voices),
    }


def splits(digits):
    """The official split and the five without one speaker."""
    yield ("official", *digits.official_split())
    yield from digits.leave_one_speaker_out()


def svm(train, test):
    """Peer: MFCCs, resized to 20 steps, and a support vector machine."""
    import librosa
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    def features(words):
        rows = []
        for x in words.waveforms:
            mfcc = librosa.feature.mfcc(
                y=x, sr=8000, n_mfcc=13, n_fft=256, hop_length=80, n_mels=40
            )
            places = np.linspace(0, mfcc.shape[1] - 1, 20).round().astype(int)
            rows.append(mfcc[:, places].ravel())
        return np.array(rows)

    machine = make_pipeline(StandardScaler(), SVC(C=10))
    machine.fit(features(train), train.labels)
    return float(np.mean(machine.predict(features(test)) == test.labels))


def measure(name, training, digits, seeds):
    """Train on every split with every seed, and note the answers; gives {split: {seed: logits}}."""
    answers = {}
    for seed in seeds:
        for split, train, test in splits(digits):
            path = NOTES / f"{name} - {split} - {seed}.npy".replace(", ", "-")
            if not path.is_file():
                note(path, (split, train, test), seed, *training)
            answers.setdefault(split, {})[seed] = np.load(path)
    return answers


def note(path, split, seed, front_end, build, config, extra):
    """Train on one split, and keep the network and its answers to the test clips."""
    [(_, _, model, test)] = networks.cross_validate(
        build, [split], front_end, config, extra=extra, seeds=[seed]
    )
    logits = model.predict(networks.network_inputs(test, front_end), batch_size=256, verbose=0)
    with files.atomic_path(path.with_suffix(".keras")) as temporary:
        model.save(temporary)
    with files.atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, logits)


def accuracies(answers, digits):
    """Accuracy of every seed, {split: [...]}; and of all seeds together, {split: [one]}."""
    alone, together = {}, {}
    for split, _, test in splits(digits):
        logits = np.stack([*answers[split].values()])
        p = np.exp(logits - logits.max(axis=-1, keepdims=True))
        p /= p.sum(axis=-1, keepdims=True)
        alone[split] = list(np.mean(p.argmax(axis=-1) == test.labels, axis=1))
        together[split] = [np.mean(p.mean(axis=0).argmax(axis=-1) == test.labels)]
    return alone, together


def row(name, measured):
    """A line of the table: mean and range over the seeds."""

    def show(values):
        mean = f"{100 * np.mean(values):.1f}"
        if len(values) == 1:
            return mean
        return f"{mean} ({100 * min(values):.1f}-{100 * max(values):.1f})"

    speakers = {split: values for split, values in measured.items() if split != "official"}
    by_seed = np.array([*speakers.values()])
    worst = min(speakers, key=lambda s: np.mean(speakers[s]))
    return [name, show(measured["official"]), *map(show, speakers.values()),
            show(by_seed.mean(axis=0)), f"{show(speakers[worst])}, {worst}"]  # fmt: skip


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--only", default="", help="networks whose name contains this")
    options = parser.parse_args()
    digits, seeds = spoken_digit(), range(options.seeds)
    rows = [row("MFCC and SVM", {s: [svm(a, b)] for s, a, b in splits(digits)})]
    for name, training in trainings().items():
        if options.only not in name:
            continue
        alone, together = accuracies(measure(name, training, digits, seeds), digits)
        rows.append(row(name, alone))
        if name == BEST:
            rows.append(row(f"{len(seeds)} of them together", together))
    header("python benchmarks/accuracy.py")
    speakers = np.unique(digits.speakers)
    table(["accuracy in %", "official split", *(f"without {s}" for s in speakers),
           "mean of left out", "worst of left out"], rows)  # fmt: skip
    print(f"Mean (lowest-highest) of {options.seeds} seeds.")


if __name__ == "__main__":
    main()
