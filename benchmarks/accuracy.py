"""Accuracy on the official split and on speakers that were left out, for several networks.

    python benchmarks/accuracy.py                         # every network, three seeds
    python benchmarks/accuracy.py --save models/spoken_digit   # and keep the best one

Every finished training is noted in reports/accuracy/, and not done again in a second run.
"""

import argparse
import json

import numpy as np
from report import ROOT, header, spoken_digit, table

from earshot import datasets, files, networks
from earshot.datasets.augmentation import Augmentation
from earshot.features.log_mel import LOG_MEL_64X64, LogMel
from earshot.recognition.card import model_card
from earshot.recognition.recognizer import Recognizer

EPOCHS = 18
LONG_EPOCHS = 40
NOTES = ROOT / "reports" / "accuracy"
BEST = "temporal CNN, varied, voices, settled"


def recipes():
    """Networks by name: front end, builder, and what fit is told."""
    front_end = LogMel()

    def classic():
        return networks.cnn(LOG_MEL_64X64.output_shape, 10, scale=LOG_MEL_64X64.top_db)

    def temporal():
        return networks.temporal_cnn(front_end.output_shape, 10, scale=front_end.top_db)

    varied = {"augment": Augmentation(), "epochs": EPOCHS}
    widened = {**varied, "extra": synthetic_voices()}
    return {
        "classic CNN, 64x64": (LOG_MEL_64X64, classic, {"epochs": 25}),
        "temporal CNN": (front_end, temporal, {"epochs": EPOCHS}),
        "temporal CNN, varied": (front_end, temporal, varied),
        "temporal CNN, varied, voices": (front_end, temporal, widened),
        BEST: (front_end, temporal, {**widened, "clean_epochs": 6}),
    }


def synthetic_voices():
    """The 150 voices that widen the training; none of the data set's speakers."""
    return datasets.synthetic(n_voices=150, n_takes=1, seed=1)


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


def measure(name, recipe, digits, seeds):
    """Train on every split with every seed, and note the answers; gives {split: {seed: logits}}."""
    front_end, build, options = recipe
    answers = {}
    for seed in seeds:
        for split, train, test in splits(digits):
            path = NOTES / f"{name} - {split} - {seed}.npy".replace(", ", "-")
            if not path.is_file():
                trainings = networks.cross_validate(
                    build, [(split, train, test)], front_end, seeds=[seed], **options
                )
                for *_, model, _ in trainings:
                    spectrograms = networks.network_inputs(test, front_end)
                    logits = model.predict(spectrograms, batch_size=256, verbose=0)
                    with files.atomic_path(path.with_suffix(".keras")) as temporary:
                        model.save(temporary)
                    with files.atomic_path(path) as temporary, temporary.open("wb") as file:
                        np.save(file, logits)
            answers.setdefault(split, {})[seed] = np.load(path)
    return answers


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


def save(folder, digits, figures):
    """Train the best network longer, on the official split, and keep it as a recognizer."""
    front_end, build, options = recipes()[BEST]
    train, test = digits.official_split()
    options = {**options, "epochs": LONG_EPOCHS}
    [(*_, model, _)] = networks.cross_validate(
        build, [("official, long", train, test)], front_end, **options
    )
    official = networks.accuracy(model, test, front_end)
    card = model_card(
        train.joined(options["extra"]),
        split="recordings 0 to 4 of every speaker and digit were kept for the test",
        figures={"official split": official, **figures},
        epochs=LONG_EPOCHS,
        made_by="python benchmarks/accuracy.py --save models/spoken_digit",
    )
    Recognizer(model, front_end, digits.class_names, card).save(folder)
    print(f"saved in {folder}: {json.dumps(card['figures'])}")


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--only", help="networks whose name contains this")
    parser.add_argument("--save", help="folder for the best network, trained longer")
    options = parser.parse_args()
    digits, seeds = spoken_digit(), range(options.seeds)
    figures = {}
    rows = [row("MFCC and SVM", {s: [svm(a, b)] for s, a, b in splits(digits)})]
    for name, recipe in recipes().items():
        if options.only and options.only not in name:
            continue
        alone, together = accuracies(measure(name, recipe, digits, seeds), digits)
        rows.append(row(name, alone))
        if name == BEST:
            rows.append(row(f"{len(seeds)} of them together", together))
            note = f"a voice it never heard ({EPOCHS} epochs, {len(seeds)} seeds"
            left_out = [np.mean(v) for split, v in alone.items() if split != "official"]
            figures = {
                f"{note}, mean of five speakers)": float(np.mean(left_out)),
                f"{note}, worst of five speakers)": float(min(left_out)),
            }
    header("python benchmarks/accuracy.py")
    speakers = np.unique(digits.speakers)
    table(["accuracy in %", "official split", *(f"without {s}" for s in speakers),
           "mean of left out", "worst of left out"], rows)  # fmt: skip
    print(f"Mean (lowest-highest) of {options.seeds} seeds.")
    if options.save:
        save(options.save, digits, figures)


if __name__ == "__main__":
    main()
