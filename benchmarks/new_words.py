"""Words that the network never saw: how few recordings are enough, against what others do.

    python benchmarks/new_words.py [--words FOLDER] [--noise FOLDER] [--draws 10]

The folder holds one sub-folder per word, for instance the custom commands of Shawn Hymel. k clips
of each word are drawn for learning, at most all but five; the rest are the test. None of these
words, and none of these recordings, went into the base.
"""

import argparse
import os
import time
import warnings
from pathlib import Path

import numpy as np
from gate import WordDetector
from report import ROOT, header, spoken_digit, table

import earshot
from earshot import datasets, recognition
from earshot.datasets import espeak, make_stream
from earshot.recognition import UNKNOWN, new_words

COUNTS = (1, 3, 5, 10, 20)
PAIRS = (
    ("coffee", "toffee"), ("kitchen", "kitten"), ("lights", "lightning"), ("music", "musical"),
    ("computer", "commuter"), ("garden", "pardon"), ("window", "widow"), ("marvin", "martin"),
    ("stop", "shop"), ("light", "night"),
)  # fmt: skip
"""Words, and others that sound like them."""
RATES = {"fine-tuning": None}
"""Of false acceptance: fine-tuning forgets what it would be set on."""
OTHER_WORDS = (
    "umbrella", "parliament", "cinnamon", "velvet", "harbour", "notebook", "carpet", "mustard",
    "factory", "violin", "ladder", "pumpkin", "sailor", "gravity", "curtain", "basket", "neighbour",
    "winner", "bottle", "feather", "magnet", "pillow", "quarter", "rubber", "saddle", "tunnel",
)  # fmt: skip
SENTENCES = (
    "the train to the coast leaves a little later than usual",
    "could somebody pass me the newspaper",
    "they walked along the beach until it got dark",
    "our neighbours painted their fence last weekend",
    "most of the shops are closed on public holidays",
    "she has been reading that book for months",
    "nobody knows who left these boxes in the corridor",
    "we should probably call them before lunch",
    "the weather will be cold and wet for the rest of it",
    "put the plates back when you are finished",
)


def draws(words, k, n):
    """Give n ways to take k clips of each word: (indices for learning, indices for the test)."""
    for seed in range(n):
        rng = np.random.default_rng(seed)
        chosen = []
        for label in range(len(words.class_names)):
            clips = rng.permutation(np.flatnonzero(words.labels == label))
            chosen.extend(clips[: min(k, len(clips) - 5)])
        yield np.array(chosen), np.setdiff1d(np.arange(len(words)), chosen)


def mfcc_svm(words):
    """Peer: MFCCs in 20 slices, and a support vector machine."""
    import librosa
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    rows = []
    for x in words.waveforms:
        mfcc = librosa.feature.mfcc(y=x, sr=16000, n_mfcc=13, n_fft=512, hop_length=160, n_mels=40)
        places = np.linspace(0, mfcc.shape[1] - 1, 20).round().astype(int)
        rows.append(mfcc[:, places].ravel())
    rows = np.array(rows)

    def learn(train, test):
        machine = make_pipeline(StandardScaler(), SVC(C=10)).fit(rows[train], words.labels[train])
        return machine.predict(rows[test])

    return learn


def classic(words, digits):
    """Peer: the logits of a digits network, and a linear support vector machine."""
    from sklearn.svm import SVC

    rows = recognition.embed(digits, words, layer="logits")

    def learn(train, test):
        return SVC(kernel="linear").fit(rows[train], words.labels[train]).predict(rows[test])

    return learn


def learner(words, recognizer, **options):
    """One of ours. (The features of all clips are computed once, for the test; see predict.)"""
    rows = recognition.embed(recognizer, words)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)

    def learn(train, test):
        with warnings.catch_warnings(action="ignore"):  # that one recording is too few
            learned = earshot.learn_words(
                recognizer, words.subset(train), false_acceptance=None, **options
            )
        if options.get("method") == "fine-tuning":
            heard = learned.predict(words.subset(test).waveforms, words.sample_rate)
            return np.array([words.class_names.index(p.word) for p in heard])
        kernel, bias = learned.model.get_layer("logits").get_weights()
        return (rows[test] @ kernel + bias).argmax(axis=1)

    return learn


def few_examples(words, digits, base, n):
    """Measure every method with every number of examples on the same draws."""
    methods = {
        "MFCC slices, RBF SVM (peer)": mfcc_svm(words),
        "digits' logits, linear SVM (peer)": classic(words, digits),
        "digits' features, logistic": learner(words, digits),
        "base, logistic": learner(words, base),
        "base, svm": learner(words, base, method="svm"),
        "base, prototypes": learner(words, base, method="prototypes"),
        "base, fine-tuning (one draw)": learner(words, base, method="fine-tuning"),
    }
    rows, by_word = [], []
    for name, learn in methods.items():
        cells = {}
        for k in COUNTS:
            means, balanced = [], []
            for train, test in draws(words, k, 1 if "fine-tuning" in name else n):
                labels = words.labels[test]
                right = learn(train, test) == labels
                means.append(right.mean())
                balanced.append(np.mean([right[labels == i].mean() for i in np.unique(labels)]))
            low, mean, high = (100 * f(means) for f in (min, np.mean, max))
            cells[k] = f"{mean:.1f} ({low:.0f}-{high:.0f})", f"{100 * np.mean(balanced):.1f}"
        rows.append([name, *(cell for cell, _ in cells.values())])
        by_word.append([name, *(cell for _, cell in cells.values())])
    head = [f"{k} a word" for k in COUNTS]
    table(["clips recognized, %", *head], rows)
    table(["the same, mean of the words, %", *head], by_word)
    print('Mean (lowest-highest) of the draws; without "unknown".\n')


def accuracy(recognizer, words):
    """Share of the clips that a recognizer gives their word."""
    heard = recognizer.predict(words.waveforms, words.sample_rate)
    return np.mean(
        [p.word == words.class_names[i] for p, i in zip(heard, words.labels, strict=True)]
    )


def other_words():
    """Words that are neither learned nor in the base, at pitches and speeds of their own."""
    return earshot.synthetic(OTHER_WORDS, n_voices=12, n_takes=1, seed=4321)


def unknown_words(words, digits_test, base, n):
    """Learn five of the words; the other five, and more, are unknown."""
    others, rows = other_words(), []
    for k in (5, 10):
        cells = {}
        for seed, indices in enumerate(draws(words, k, n)):
            train, test = map(words.subset, indices)
            order = np.random.default_rng(seed).permutation(words.class_names).tolist()
            learned = earshot.learn_words(base, train.only(order[:5]))
            known = test.only(order[:5])
            unknown = {
                "commands not learned": test.only(order[5:]),
                "other words, synthetic": others,
                "digits, people": digits_test,
            }
            for name, clips in unknown.items():
                curve = recognition.trade_off(learned, known, clips)
                at = np.flatnonzero(curve.known_accepted >= 0.95)[-1]
                cells.setdefault(f"{name}: accepted when 95 % of known are", []).append(
                    curve.unknown_accepted[at]
                )
                now = np.searchsorted(curve.thresholds, 0.0)
                cells.setdefault(f"{name}: accepted as it is set", []).append(
                    curve.unknown_accepted[now]
                )
            heard = learned.predict(known.waveforms, known.sample_rate)
            pairs = [
                (p.word, known.class_names[i]) for p, i in zip(heard, known.labels, strict=True)
            ]
            for name, share in (
                ("known words: right, as it is set", [a == b for a, b in pairs]),
                ("known words: taken for another", [a not in (b, UNKNOWN) for a, b in pairs]),
            ):
                cells.setdefault(name, []).append(np.mean(share))
        rows.append({name: f"{100 * np.mean(shares):.1f}" for name, shares in cells.items()})
    table(
        ["five of ten commands learned, %", "5 a word", "10 a word"],
        [[name, *(row[name] for row in rows)] for name in rows[0]],
    )


def false_per_hour(words, digits_test, noises, base):
    """Listen live to streams in which none of the words is said."""
    streams = {
        f"noise, {name}": np.tile(x, 20 * 60 * 16000 // len(x)) for name, x in noises.items()
    }
    often = np.tile(np.arange(len(digits_test)), 4)
    streams["speech, digits by people"] = make_stream(digits_test.subset(often), snr_db=25).waveform
    others = other_words()
    streams["speech, synthetic words"] = make_stream(others, snr_db=25).waveform
    streams["speech, synthetic sentences"] = make_stream(sentences(), snr_db=25).waveform
    detected = {name: _detected(x) for name, x in streams.items()}
    hours = {name: len(x) / 16000 / 3600 for name, x in streams.items()}
    rows = []
    for k in (5, 10):
        for rate in (0.02, 0.01, 0.005, 0.002):
            right, accepted = [], dict.fromkeys(streams, 0)
            for indices in draws(words, k, 3):
                train, test = map(words.subset, indices)
                learned = earshot.learn_words(base, train, false_acceptance=rate)
                right.append(accuracy(learned, test))
                for name, clips in detected.items():
                    heard = learned.predict(clips, 16000)
                    accepted[name] += sum(p.word != UNKNOWN for p in heard) / 3
            rows.append(
                [f"{k} a word, false_acceptance={rate:g}", f"{100 * np.mean(right):.1f} %"]
                + [f"{n / hours[name]:.1f}" for name, n in accepted.items()]
                + [f"{_per_hour(accepted, hours, kind):.1f}" for kind in ("noise", "speech", "")]
            )
    table(
        ["false acceptances an hour", "known words right", *streams, "noise", "speech", "together"],
        rows,
    )
    for name, clips in detected.items():
        print(f"{name}: {60 * hours[name]:.0f} minutes, {len(clips):,} stretches taken for words")
    print()


def _per_hour(accepted, hours, kind):
    names = [name for name in hours if name.startswith(kind)]
    return sum(accepted[name] for name in names) / sum(hours[name] for name in names)


def _detected(x):
    """What is louder than the background of a stream."""
    detector = WordDetector(16000)
    return [
        word.waveform for i in range(0, len(x), 16000) for word in detector.push(x[i : i + 16000])
    ] + [word.waveform for word in detector.flush()]


def sentences():
    """Sentences in voices of eSpeak NG, cut by nobody."""
    waveforms = []
    for seed in range(12):
        for i, sentence in enumerate(SENTENCES):
            variants = sorted(v for v in espeak.variants() if v.startswith(("f", "m")))
            voice = f"{('en-us', 'en', 'en-gb-scotland')[i % 3]}+{variants[(7 * seed + i) % 10]}"
            x, _ = espeak.say(
                sentence,
                voice=voice,
                speed_wpm=130 + 6 * seed,
                pitch=30 + 4 * i,
                sample_rate=16000,
            )
            waveforms.append(x)
    n = len(waveforms)
    return earshot.WordSet(waveforms, np.zeros(n, int), ("sentence",), ["-"] * n, ["-"] * n, 16000)


def learning_time(words, base):
    """Measure how long ten words take."""
    train = words.subset(next(draws(words, 5, 1))[0])
    first_s = _seconds(base, train, "logistic")
    rows = [["logistic, the first time in a process", f"{first_s:.2f} s"]]
    for method in new_words.METHODS:
        repeats = 1 if method == "fine-tuning" else 5
        rows.append(
            [method, f"{np.median([_seconds(base, train, method) for _ in range(repeats)]):.2f} s"]
        )
    table(["ten words from 5 clips each", "time"], rows)


def _seconds(base, train, method):
    started = time.perf_counter()
    earshot.learn_words(base, train, method=method, false_acceptance=RATES.get(method, 0.005))
    return time.perf_counter() - started


def old_and_new(words, digits_test, digits, base):
    """Learn ten commands and keep ten digits."""
    rows = [
        ["models/spoken_digit, digits alone", f"{100 * accuracy(digits, digits_test):.1f}", "-"]
    ]
    for k in (5, 10):
        for rate in (None, 0.005):
            shares = []
            for indices in draws(words, k, 3):
                train, test = map(words.subset, indices)
                both = earshot.learn_words(base, train, keep=datasets.DIGITS, false_acceptance=rate)
                shares.append([accuracy(both, digits_test), accuracy(both, test)])
            means = [f"{100 * share:.1f}" for share in np.mean(shares, axis=0)]
            how = 'no "unknown"' if rate is None else f"false_acceptance={rate:g}"
            rows.append([f"base, digits kept, {k} a word, {how}", *means])
    table(["twenty words, %", "digits (official test)", "commands"], rows)


def alike(base):
    """Learn a word and three others, and what to do about one that sounds like it."""
    shares = {}
    for seed, (word, other) in enumerate(PAIRS * 2):
        said = earshot.synthetic(
            (word, "umbrella", "velvet"), n_voices=12, n_takes=1, seed=100 + seed
        )
        like = earshot.synthetic((other,), n_voices=12, n_takes=1, seed=200 + seed)
        learn = recognition.few(said, 5, seed=seed)
        test = said.subset(~np.isin(said.sources, learn.sources)).only([word])
        given, rest = like.subset(np.arange(5)), like.subset(np.arange(5, len(like)))
        ways = {
            "nothing": earshot.learn_words(base, learn),
            "five clips of it as unknown=": earshot.learn_words(base, learn, unknown=given),
            "five clips of it as a word": earshot.learn_words(base, learn.joined(given)),
        }
        for way, r in ways.items():
            found = [[one.word == word for one in r.predict(x.waveforms, x.sample_rate)]
                     for x in (test, rest)]  # fmt: skip
            shares.setdefault(way, []).append([np.mean(one) for one in found])
    rows = [[way, *(f"{100 * x:.1f}" for x in np.mean(of, axis=0))] for way, of in shares.items()]
    table(["done about it", "the word right, %", "taken for the word, %"], rows)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--words", type=Path, help="default: EARSHOT_KEYWORDS or data/keywords")
    parser.add_argument("--noise", type=Path, help="default: noise beside the words")
    parser.add_argument("--base", type=Path, default=ROOT / "models" / "base")
    parser.add_argument("--draws", type=int, default=10, help="how many")
    parser.add_argument("--only", help="parts whose name contains this")
    options = parser.parse_args()
    keywords = os.environ.get("EARSHOT_KEYWORDS", ROOT / "data" / "keywords")
    folder = options.words or Path(keywords)
    if not folder.is_dir():
        print(f"Left out: there is no folder {folder}. Name one with --words.")
        return
    words = earshot.from_folder(folder, sample_rate=16000)
    noise = options.noise or folder.parent / "noise"
    noises = datasets.backgrounds(noise, 16000) if noise.is_dir() else {}
    noises = {Path(name).stem: x for name, x in noises.items()}
    digits = earshot.load(ROOT / "models" / "spoken_digit")
    base = earshot.load(options.base)
    _, digits_test = spoken_digit().official_split()
    parts = {
        "learning_time": lambda: learning_time(words, base),
        "few_examples": lambda: few_examples(words, digits, base, options.draws),
        "unknown_words": lambda: unknown_words(words, digits_test, base, options.draws),
        "false_per_hour": lambda: false_per_hour(words, digits_test, noises, base),
        "old_and_new": lambda: old_and_new(words, digits_test, digits, base),
        "alike": lambda: alike(base),
    }
    header("python benchmarks/new_words.py")
    print(f"{len(words)} clips of {len(words.class_names)} words, {options.draws} draws.\n")
    for name, part in parts.items():
        if options.only is None or options.only in name:
            part()


if __name__ == "__main__":
    main()
