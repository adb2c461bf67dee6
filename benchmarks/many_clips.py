"""Many clips of a word: what the share of regression in the last layer brings.

    python benchmarks/many_clips.py --recordings FOLDER [--clips 10,20,30] [--draws 6]

The folder holds `keywords/WORD/*`, `wake_words/WORD/*` and `noise/*`. All clips are put into rooms
and noise, 8 to 22 dB below, half of them into a telephone's band. Half of the words that have many
are learned from k clips each; their other clips are the test, those of the other words are what
should be "unknown". Harder: first and second halves of words, each learned as a word. The features
of all clips and their variations are computed once, for all draws.
"""

import argparse
from pathlib import Path

import numpy as np
from report import ROOT, header, table
from running_speech import trimmed
from scipy.signal import butter, sosfilt

import earshot
from earshot import audio
from earshot.datasets.augmentation import add_noise, coloured_noise, reverberate
from earshot.recognition import last_layer, new_words
from earshot.segmentation.stretches import word_stretch

RATE = 8000
NOISES = ("cafe", "traffic", "fridge", "running_tap")
TEST = (15, 30)  # least and most clips of a word that are the test
REFUSED = 0.995  # share of the synthetic voices held out that the threshold of "unknown" refuses
TELEPHONE = butter(4, (300, 3400), "band", fs=RATE, output="sos")


def read(folder, n_learned):
    """The clips of each word that has enough of them."""
    words, (least, most) = {}, (n_learned + n for n in TEST)
    for part in sorted([*(folder / "keywords").iterdir(), *(folder / "wake_words").iterdir()]):
        files = sorted(part.glob("*"))
        chosen = np.random.default_rng(1).permutation(len(files))[:most]
        words[part.name] = [trimmed(audio.read(files[i], RATE)[0], RATE) for i in chosen]
    return {word: clips for word, clips in words.items() if len(clips) >= least}


def halved(words):
    """The first and second halves of words, as words."""
    return {
        f"{word} {half}": [x[half * len(x) // 2 : (half + 1) * len(x) // 2] for x in clips]
        for word, clips in words.items() for half in (0, 1)
    }  # fmt: skip


def by_telephone(x, noises, rng):
    """A clip in a room, over noise, and, half of them, through a telephone."""
    x = np.pad(x / (np.std(x) + 1e-9), (RATE // 20, RATE // 5)).astype(np.float32)[None]
    if rng.random() < 0.7:
        x = reverberate(x, RATE, rng)
    noise = coloured_noise(1, x.shape[1], rng)
    if rng.random() < 0.5:
        recorded = noises[rng.integers(len(noises))]
        recorded = np.resize(np.roll(recorded, -rng.integers(len(recorded))), x.shape[1])
        noise = (recorded / np.std(recorded))[None].astype(np.float32)
    x = add_noise(x, noise, rng.uniform(8, 22))[0]
    if rng.random() < 0.5:
        x = sosfilt(TELEPHONE, x)
    return word_stretch(x.astype(np.float32), earshot.LogMel(RATE, n_samples=RATE))


def features_of(base, words, noises):
    """What the base says of clips and variations, (1 + variations, n, n_features); labels."""
    rng, trunk = np.random.default_rng(2), last_layer.trunk_of(base, "embedding", unit=True)
    labels = np.repeat(np.arange(len(words)), [len(clips) for clips in words.values()])
    clips = [by_telephone(x, noises, rng) for one in words.values() for x in one]
    spectrograms = [base.front_end(clips)]
    for _ in range(new_words.N_VARIATIONS):
        spectrograms.append(new_words.VARIATION(clips, base.front_end, rng))
    return np.stack([last_layer.run_trunk(trunk, one) for one in spectrograms]), labels


def measured(x, labels, memory, k, seed):
    """Learn half of the words; gives rows of four figures, with half regression and as it is."""
    n, rng = labels.max() + 1, np.random.default_rng(seed)
    own = np.sort(rng.permutation(n)[: n // 2])
    parts = [rng.permutation(np.flatnonzero(labels == word)) for word in own]
    learn, test = np.concatenate([p[:k] for p in parts]), np.concatenate([p[k:] for p in parts])
    y, wanted = np.searchsorted(own, labels[learn]), np.searchsorted(own, labels[test])
    rows, known = np.concatenate(x[:, learn]), memory.features[~memory.held_out]
    y = np.tile(y, len(x))
    kernel, bias = last_layer.fit_last_layer(
        "logistic", np.concatenate([rows, known]), np.r_[y, np.full(len(known), len(own))],
        len(own) + 1, 0,
    )  # fmt: skip
    means = np.stack([rows[y == word].mean(axis=0) for word in range(len(own))])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    given, found = last_layer.MEAN_CLIPS, []
    for last_layer.MEAN_CLIPS in (np.inf, given):
        last = last_layer.with_means(kernel, bias, means, 0 * means, np.full(len(own), k))
        logits, other, synthetic = (
            part.astype(np.float32) @ last[0] + last[1]
            for part in (x[0, test], x[0, ~np.isin(labels, own)], memory.features[memory.held_out])
        )
        right = logits[:, :-1].argmax(axis=1) == wanted
        above, unknown, held_out = (
            (z[:, :-1] - z[:, -1:]).max(axis=1) for z in (logits, other, synthetic)
        )
        threshold = np.quantile(held_out, REFUSED)
        found.append([
            np.mean([right[wanted == word].mean() for word in np.unique(wanted)]),
            np.mean(unknown > np.quantile(above, 0.05)),
            np.mean(above > threshold), np.mean(unknown > threshold),
        ])  # fmt: skip
    return found


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recordings", type=Path)
    parser.add_argument("--base", type=Path, default=ROOT / "models" / "base")
    parser.add_argument("--clips", default="10,20,30", help="of each word that are learned")
    parser.add_argument("--draws", type=int, default=6)
    options = parser.parse_args()
    if options.recordings is None:
        print("Left out: name a folder with --recordings.")
        return
    base, folder = earshot.load(options.base), options.recordings
    noises = [audio.read(next((folder / "noise").glob(f"{name}.*")), RATE)[0] for name in NOISES]
    counts = [int(k) for k in options.clips.split(",")]
    words, rows = read(folder, max(counts)), []
    for kind, clips in (("words", words), ("halves of words", halved(words))):
        x, labels = features_of(base, clips, noises)
        for k in counts:
            found = [measured(x, labels, base.memory, k, seed) for seed in range(options.draws)]
            for how, means in zip(("half", "as it is"), np.mean(found, axis=0), strict=True):
                rows.append([f"{kind}, {k} a word", how, *(f"{100 * m:.1f}" for m in means)])
    header("python benchmarks/many_clips.py --recordings FOLDER")
    head = ["right among the words", "others accepted at 95 % of known", "known accepted",
            "others accepted"]  # fmt: skip
    table(["%", "regression", *head], rows)


if __name__ == "__main__":
    main()
