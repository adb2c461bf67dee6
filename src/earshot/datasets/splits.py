"""Parts of a word set that train and that test, so that the figures say what they seem to say.

>>> who, files = ["ann", "ann", "bob", "bob"], ["1.wav", "2.wav", "3.wav", "4.wav"]
>>> words = WordSet([np.ones(80)] * 4, [0, 1, 0, 1], ["yes", "no"], who, files, 80)
>>> splits = honest_splits(words)
>>> splits.kind, [name for name, _, _ in splits.folds]
('speakers', ['without ann', 'without bob'])
"""

import dataclasses

import numpy as np

from earshot.datasets.speakers import UNKNOWN
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError

__all__ = ["Splits", "honest_splits"]

N_FOLDS = 5  # so many trainings give a mean, and a worst one, in a time that can be waited for
SAY = {
    "official": "The first split is the official one: recordings 0 to 4 of every speaker are the "
    "test, so every voice of the test was trained on. Only the rows without a speaker say what a "
    "new voice can expect.",
    "speakers": "No speaker is on both sides: the figures say what a new voice can expect.",
    "recordings": "All is said by {who}: the figures say how well new recordings of the same voice "
    "are recognized, and nothing about other voices. Record somebody else to know.",
}
"""What the figures of each kind of split can say and what they cannot."""


@dataclasses.dataclass(frozen=True, eq=False)
class Splits:
    """What trains and what tests.

    ``kind`` is "official", "speakers" or "recordings"; ``train`` and ``test`` are the split to look
    at while networks are made; ``folds``, names with a training and a test part each, are for the
    figures to tell; ``says`` is a sentence on what these can say and what they cannot.
    """

    kind: str
    train: WordSet
    test: WordSet
    folds: list[tuple[str, WordSet, WordSet]]
    says: str


def honest_splits(words: WordSet, *, n_folds: int = N_FOLDS, seed: int = 0) -> Splits:
    """Split any word set in the most honest way that it allows.

    Where there are two named speakers or more, each fold is tested on speakers that it was not
    trained on: one, or a group when there are more than ``n_folds``. Clips of "unknown" speakers
    then only train. spoken_digit keeps its official split beside it. With one speaker,
    clips are dealt to the folds at random, the same share of each word to all. A word that a fold
    has not trained on is not in its test.

    Raises :class:`EarshotError` when that leaves a fold without training or test.
    """
    words = words.subset(words.labels >= 0)
    named = sorted({*words.speakers.tolist()} - {UNKNOWN})
    kind = "speakers" if len(named) > 1 else "recordings"
    if kind == "speakers":
        groups, names = _by_speaker(words, named, n_folds, seed)
    else:
        groups, names = _at_random(words, n_folds, seed)
    folds = [(name, *_split(words, groups == i)) for i, name in enumerate(names)]
    first = folds[0][1], folds[0][2]
    if kind == "speakers" and (official := _official(words)):
        kind, first = "official", official
    who = named[0] if len(named) == 1 and UNKNOWN not in words.speakers else "nobody knows whom"
    train, test = first
    return Splits(kind, train, test, folds, SAY[kind].format(who=who))


def _by_speaker(words, named, n_folds, seed):
    """Give the fold that each clip tests, -1 for none, and the folds' names."""
    if len(named) <= n_folds:
        fold_of = {speaker: i for i, speaker in enumerate(named)}
        names = [f"without {speaker}" for speaker in named]
    else:  # the one with most clips first, always to the smallest group
        rng, sizes, fold_of = np.random.default_rng(seed), np.zeros(n_folds, int), {}
        who, counts = np.unique(words.speakers, return_counts=True)
        clips = dict(zip(who.tolist(), counts.tolist(), strict=True))
        for speaker in sorted(rng.permutation(named).tolist(), key=clips.__getitem__, reverse=True):
            fold_of[speaker] = int(sizes.argmin())
            sizes[fold_of[speaker]] += clips[speaker]
        n_speakers = np.bincount([*fold_of.values()])
        names = [f"without {n} speakers ({i + 1})" for i, n in enumerate(n_speakers)]
    return np.array([fold_of.get(speaker, -1) for speaker in words.speakers.tolist()]), names


def _at_random(words, n_folds, seed):
    rng, groups = np.random.default_rng(seed), np.zeros(len(words), int)
    for label in range(len(words.class_names)):
        clips = rng.permutation(np.flatnonzero(words.labels == label))
        groups[clips] = np.arange(len(clips)) % n_folds
    used = sorted({*groups.tolist()})
    return groups, [f"part {i + 1} of {len(used)}" for i in used]


def _split(words, tests):
    """Give what trains, and what tests without words that are never trained on."""
    train = words.subset(~tests)
    test = words.subset(tests & np.isin(words.labels, train.labels))
    if len(train) == 0 or len(test) == 0:
        raise EarshotError(
            f"{len(words)} clips of {len(words.class_names)} words are too few to train and test "
            "on: record each word more often."
        )
    return train, test


def _official(words):
    try:
        return words.official_split()
    except EarshotError:  # there is one for spoken_digit alone
        return None
