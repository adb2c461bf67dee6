"""How sure is sure enough: thresholds of recognizers that say "unknown".

>>> curve = curve_of(known=[2.0, 3.0], unknown=[-1.0, 2.5])  # of four clips
>>> curve.thresholds, curve.unknown_accepted
(array([-1. ,  2. ,  2.5,  3. ,  inf]), array([1. , 0.5, 0.5, 0. , 0. ]))
"""

import dataclasses
import numbers

import keras
import numpy as np
from sklearn.metrics import roc_curve

from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError
from earshot.recognition.last_layer import with_head
from earshot.recognition.new_words import features
from earshot.recognition.recognizer import UNKNOWN, Recognizer
from earshot.types import Array

__all__ = ["Curve", "curve_of", "trade_off", "with_threshold"]


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """Shares of the clips, 0 to 1, that are given a word at rising thresholds; all of shape (n,).

    A threshold is what is added to the logit of "unknown"; 0 is how the recognizer is set.
    """

    thresholds: Array
    known_accepted: Array
    unknown_accepted: Array


def trade_off(recognizer: Recognizer, known: WordSet, unknown: WordSet) -> Curve:
    """Measure what a recognizer accepts of its words and of others, at every threshold.

    It says "unknown", and was made from none of these recordings.
    """
    _check(recognizer)
    last = recognizer.model.layers[-1].name
    logits = [features(recognizer, words, layer=last) for words in (known, unknown)]
    return curve_of(*(rows[:, :-1].max(axis=1) - rows[:, -1] for rows in logits))


def curve_of(known: Array, unknown: Array) -> Curve:
    """Make the curve of how far each clip's best word is above "unknown", both of shape (n,)."""
    is_known = np.repeat([1, 0], [len(known), len(unknown)])
    falling = roc_curve(is_known, np.r_[known, unknown], drop_intermediate=False)
    unknown_accepted, known_accepted, thresholds = (x[::-1] for x in falling)
    return Curve(thresholds, known_accepted, unknown_accepted)


def with_threshold(recognizer: Recognizer, threshold: float) -> Recognizer:
    """Give a recognizer with a threshold of its :class:`Curve`: above 0 it accepts less."""
    _check(recognizer)
    if not (isinstance(threshold, numbers.Real) and np.isfinite(threshold)):
        raise EarshotError(f"A threshold is a number, not {threshold!r:.60}.")
    last = recognizer.model.layers[-1]
    kernel, bias = last.get_weights()
    bias[-1] += threshold
    moved = recognizer.card.get("threshold_moved", 0.0) + float(threshold)
    return Recognizer(
        with_head(keras.Model(recognizer.model.input, last.input), kernel, bias),
        recognizer.front_end, recognizer.class_names,
        {**recognizer.card, "threshold_moved": moved}, memory=recognizer.memory,
    )  # fmt: skip


def _check(recognizer: Recognizer) -> None:
    if recognizer.class_names[-1] != UNKNOWN:
        raise EarshotError(
            f'{recognizer} never says "unknown": make it with learn_words and false_acceptance.'
        )
