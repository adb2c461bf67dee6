"""Which words a recognizer takes for each other: from clips that it was not fitted to.

>>> x = np.array([[1.0, 0.0], [0.9, 0.1], [0.9, 0.1], [1.0, 0.0], [0.0, 1.0], [0.1, 0.9]])
>>> labels, names = np.array([0, 0, 1, 1, 2, 2]), ("ship", "sheep", "moon")
>>> [str(pair) for pair in pairs_of(x, labels, names, groups=np.arange(6))]
['ship and sheep: 4 of 4 clips taken for the other']
"""

import dataclasses
import itertools
import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotWarning, some
from earshot.recognition.last_layer import embed, fit_last_layer
from earshot.recognition.recognizer import Recognizer
from earshot.types import Array

__all__ = ["ConfusablePair", "confusable", "pairs_of", "warn_of"]

N_FOLDS = 5  # in which clips are held out: as many as the clips that a word should have
OFTEN = 0.2  # share of two words' clips from which a person is warned of them
FEW = 3  # clips taken for the other, below which it may be chance


@dataclasses.dataclass(frozen=True)
class ConfusablePair:
    """Two words, how many clips they have, and how many were taken for the other when held out."""

    word: str
    other: str
    confused: int
    clips: int

    @property
    def share(self) -> float:
        """Share of the clips that were taken for the other word, 0 to 1."""
        return self.confused / self.clips

    def __str__(self) -> str:
        return (
            f"{self.word} and {self.other}: {self.confused} of {self.clips} clips taken for the "
            "other"
        )


def confusable(recognizer: Recognizer, words: WordSet) -> list[ConfusablePair]:
    """Give the pairs of words that are taken for each other, those most often first.

    Each clip is answered by a last layer that was fitted to others: of other speakers, where each
    word has several; to learn the words from what a recognizer, best ``models/base``, says of them.
    Raises :class:`EarshotError` as :func:`embed` does. What to do about a pair: see the warning of
    :func:`learn_words`.
    """
    x = embed(recognizer, words)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return pairs_of(x, words.labels, words.class_names, groups_of(words))


def groups_of(words: WordSet) -> Array:
    """Say which clips are held out together: a speaker's, or each alone where speakers are few."""
    speakers = [len(np.unique(words.speakers[words.labels == i])) for i in np.unique(words.labels)]
    several = len(speakers) and min(speakers) >= 2
    return np.unique(words.speakers, return_inverse=True)[1] if several else np.arange(len(words))


def pairs_of(
    x: Array, labels: Array, class_names: Sequence[str], groups: Array
) -> list[ConfusablePair]:
    """Count confusions by features, shape (n, n_features); clips of a group are held out together.

    Of a word with one clip nothing can be held out, and nothing is said.
    """
    counts = np.bincount(labels, minlength=len(class_names))
    at_hand = np.flatnonzero(counts >= 2)
    several = np.isin(labels, at_hand)
    x, groups, own = x[several], groups[several], np.searchsorted(at_hand, labels[several])
    n_folds = min(N_FOLDS, len(np.unique(groups)), counts.max(initial=0))
    if len(at_hand) < 2 or n_folds < 2:
        return []
    heard = np.full(len(own), -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a word has fewer clips than folds
        folds = list(StratifiedGroupKFold(n_folds).split(x, own, groups))
    for fitted, held_out in folds:
        if len(np.unique(own[fitted])) == len(at_hand):
            kernel, bias = fit_last_layer("prototypes", x[fitted], own[fitted], len(at_hand), 0)
            heard[held_out] = (x[held_out] @ kernel + bias).argmax(axis=1)
    found = []
    for a, b in itertools.combinations(range(len(at_hand)), 2):
        answered = heard[np.isin(own, (a, b))] >= 0
        confused = np.count_nonzero(((own == a) & (heard == b)) | ((own == b) & (heard == a)))
        if confused:
            names = class_names[at_hand[a]], class_names[at_hand[b]]
            found.append(ConfusablePair(*names, int(confused), int(answered.sum())))
    return sorted(found, key=lambda pair: -pair.share)


def warn_of(pairs: Sequence[ConfusablePair]) -> None:
    """Warn of pairs that are often confused, and say what to do about them."""
    if often := [str(p) for p in pairs if p.share >= OFTEN and p.confused >= FEW]:
        warnings.warn(
            f"Some words are hard to tell apart ({some(often)}): call one of them otherwise, or "
            "make it longer; else record twenty of both, said in different ways.",
            EarshotWarning, stacklevel=5,
        )  # fmt: skip
