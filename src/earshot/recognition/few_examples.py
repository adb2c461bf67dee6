"""How many recordings of a word are enough: learn from few, test on what other people say.

>>> words = WordSet([np.ones(80)] * 4, [0, 0, 0, 1], ["yes", "no"], ["ann"] * 4, list("abcd"), 80)
>>> few(words, 2).counts()
{'yes': 2, 'no': 1}
"""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotWarning
from earshot.networks.evaluation import predict_labels
from earshot.recognition.last_layer import checked_words
from earshot.recognition.new_words import learn_words
from earshot.recognition.recognizer import Recognizer
from earshot.types import Array

__all__ = ["accuracy", "by_examples", "few", "heard_labels"]


def few(words: WordSet, n: int | None, *, seed: int = 0) -> WordSet:
    """Draw ``n`` clips of every word, or all, where there are fewer or ``n`` is None."""
    order = np.random.default_rng(seed).permutation(len(words))
    labels = range(len(words.class_names))
    return words.subset(np.concatenate([order[words.labels[order] == i][:n] for i in labels]))


def heard_labels(recognizer: Recognizer, words: WordSet) -> Array:
    """Give the recognizer's label of each clip, shape (n,): an index into its class names.

    As :meth:`Recognizer.predict`, without compiling anything, which a new recognizer has to do.
    """
    clips, names = checked_words(recognizer, words), recognizer.class_names
    unlabelled = np.full(len(clips), -1)
    as_its_own = WordSet(
        clips.waveforms, unlabelled, names, clips.speakers, clips.sources, clips.sample_rate
    )
    front_end: Any = recognizer.front_end
    return predict_labels(recognizer.model, as_its_own, front_end, class_names=names)


def accuracy(recognizer: Recognizer, words: WordSet) -> float:
    """Give the share of the clips that a recognizer names rightly, 0 to 1."""
    heard = np.array(recognizer.class_names)[heard_labels(recognizer, words)]
    return float(np.mean(heard == np.array(words.class_names)[words.labels]))


def by_examples(
    recognizer: Recognizer, learn: WordSet, test: WordSet, counts: Iterable[int], *,
    n_draws: int = 1, **options: Any,
) -> dict[int, float]:  # fmt: skip
    """Measure the accuracy on ``test`` after learning from so many clips of each word of ``learn``.

    The mean of ``n_draws`` draws of clips; ``options`` are those of :func:`learn_words`. Every clip
    gets a word: "unknown" is not learned.
    """
    shares = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EarshotWarning)  # that one recording is too few
        for n in counts:
            learned = (
                learn_words(recognizer, few(learn, n, seed=draw), false_acceptance=None, **options)
                for draw in range(n_draws)
            )
            shares[n] = float(np.mean([accuracy(r, test) for r in learned]))
    return shares
