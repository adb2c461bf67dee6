"""The threshold of "unknown", which is in the bias of the last layer: measured, moved and set here.

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
from earshot.recognition.last_layer import embed, with_head
from earshot.recognition.recognizer import UNKNOWN, Recognizer
from earshot.types import Array

__all__ = ["RocCurve", "curve_of", "set_threshold", "shift_threshold", "trade_off"]


@dataclasses.dataclass(frozen=True, eq=False)
class RocCurve:
    """Shares of the clips, 0 to 1, that are given a word at rising thresholds; all of shape (n,).

    A threshold is an offset for :func:`shift_threshold`; 0 is how the recognizer is set.
    """

    thresholds: Array
    known_accepted: Array
    unknown_accepted: Array


def trade_off(recognizer: Recognizer, known: WordSet, unknown: WordSet) -> RocCurve:
    """Measure what a recognizer accepts of its words and of others, at every threshold.

    It says "unknown", and was made from none of these recordings.
    """
    _check(recognizer)
    last = recognizer.model.layers[-1].name
    logits = [embed(recognizer, words, layer=last) for words in (known, unknown)]
    return curve_of(*(_margins(rows).max(axis=1) for rows in logits))


def curve_of(known: Array, unknown: Array) -> RocCurve:
    """Make the curve of how far each clip's best word is above "unknown", both of shape (n,)."""
    is_known = np.repeat([1, 0], [len(known), len(unknown)])
    falling = roc_curve(is_known, np.r_[known, unknown], drop_intermediate=False)
    unknown_accepted, known_accepted, thresholds = (x[::-1] for x in falling)
    return RocCurve(thresholds, known_accepted, unknown_accepted)


def shift_threshold(recognizer: Recognizer, offset: float) -> Recognizer:
    """Give a recognizer with ``offset`` added to the bias of "unknown": above 0 it accepts less."""
    _check(recognizer)
    if not (isinstance(offset, numbers.Real) and np.isfinite(offset)):
        raise EarshotError(f"An offset is a number, not {offset!r:.60}.")
    last = recognizer.model.layers[-1]
    kernel, bias = last.get_weights()
    bias[-1] += offset
    moved = recognizer.card.get("threshold_moved", 0.0) + float(offset)
    return Recognizer(
        with_head(keras.Model(recognizer.model.input, last.input), kernel, bias),
        recognizer.front_end, recognizer.class_names,
        {**recognizer.card, "threshold_moved": moved}, memory=recognizer.memory,
    )  # fmt: skip


def set_threshold(
    kernel: Array, bias: Array, held_out: Array, false_acceptance: float, n_new: int
) -> Array:
    """Set the threshold of "unknown", the last class of a last layer; gives the new bias.

    The bias of the words is lowered until only the share ``false_acceptance`` of the held-out
    features, shape (n, n_features), is above "unknown". The first ``n_new`` words are new; new and
    kept words have half of the share each. Of kept words many clips are remembered, and other words
    are easily taken for them: one threshold for both would be too high for the new words.
    """
    above, n_words = _margins(held_out @ kernel + bias), len(bias) - 1
    groups = [slice(n_new), slice(n_new, n_words)][: 1 + (n_words > n_new)]
    bias = bias.copy()
    for group in groups:
        share = false_acceptance / len(groups)
        bias[group] -= np.quantile(above[:, group].max(axis=1), 1 - share)
    return bias


def _margins(logits: Array) -> Array:
    """Give how far the logit of every word is above that of "unknown", shape (n, n_words)."""
    return logits[:, :-1] - logits[:, -1:]


def _check(recognizer: Recognizer) -> None:
    if recognizer.class_names[-1] != UNKNOWN:
        raise EarshotError(
            f'{recognizer} never says "unknown": make it with learn_words and false_acceptance.'
        )
