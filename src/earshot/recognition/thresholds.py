"""The threshold of "unknown", which is in the bias of the last layer: measured, moved and set here.

>>> curve = curve_of(known=[2.0, 3.0], unknown=[-1.0, 2.5])  # of four clips
>>> curve.thresholds, curve.unknown_accepted
(array([-1. ,  2. ,  2.5,  3. ,  inf]), array([1. , 0.5, 0.5, 0. , 0. ]))
"""

import dataclasses
import math
import numbers
from typing import Any

import numpy as np
from scipy.stats import binomtest

from earshot.audio import blocks_of
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, some
from earshot.recognition.last_layer import embed, last_weights, with_last
from earshot.recognition.recognizer import UNKNOWN, Recognizer
from earshot.recognition.spotter import best_in_each_second
from earshot.types import Array, Sound

__all__ = ["RocCurve", "accepted_share", "calibrate", "clips_needed", "curve_of", "set_threshold",
           "shift_threshold", "spotting_threshold", "trade_off"]  # fmt: skip

CONFIDENCE = 0.95  # of an interval: what papers state
TAIL = 30  # highest scores of a stream that show how fast false alarms become rarer
TIE = 1e-3
"""Logits that a threshold lies above the highest clip that it refuses: a memory of 16 bits and the
network's own sums differ in the last digits."""


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

    It says "unknown", and was made from none of these recordings. Words are compared by name:
    raises :class:`EarshotError` when the known ones are none of its, or the unknown ones are.
    """
    from earshot.networks.batches import labels_among  # imports Keras

    _check(recognizer)
    own = recognizer.class_names[:-1]
    labels_among(own, known)
    if shared := [word for word, n in unknown.counts().items() if n and word in own]:
        raise EarshotError(f"{some(shared)} is a word that it knows: give it as known.")
    last = recognizer.model.layers[-1].name
    logits = [embed(recognizer, words, layer=last) for words in (known, unknown)]
    return curve_of(*(_margins(rows).max(axis=1) for rows in logits))


def curve_of(known: Array, unknown: Array) -> RocCurve:
    """Make the curve of how far each clip's best word is above "unknown", both of shape (n,)."""
    from sklearn.metrics import roc_curve  # a second to import

    is_known = np.repeat([True, False], [len(known), len(unknown)])
    falling = roc_curve(is_known, np.r_[known, unknown], drop_intermediate=False)
    unknown_accepted, known_accepted, thresholds = (x[::-1] for x in falling)
    return RocCurve(thresholds, known_accepted, unknown_accepted)


def shift_threshold(recognizer: Recognizer, offset: float) -> Recognizer:
    """Give a recognizer with ``offset`` added to the bias of "unknown": above 0 it accepts less.

    Its card promises what the held-out clips show at the new threshold.
    """
    _check(recognizer)
    if not (isinstance(offset, numbers.Real) and np.isfinite(offset)):
        raise EarshotError(f"An offset is a number, not {offset!r:.60}.")
    kernel, bias = last_weights(recognizer)
    bias[-1] += offset
    card = {**recognizer.card}
    card["threshold_moved"] = card.get("threshold_moved", 0.0) + float(offset)
    memory = recognizer.memory
    held_out = memory.features[memory.held_out] if memory is not None else ()
    if len(held_out):
        shown = accepted_share(kernel, bias, held_out)
        card |= {"accepted_of_held_out": shown, "false_acceptance": shown["interval_95"][1]}
    return Recognizer(
        with_last(recognizer, kernel, bias), recognizer.front_end, recognizer.class_names, card,
        memory=memory, spotting_threshold=recognizer.spotting_threshold,
    )  # fmt: skip


def set_threshold(
    kernel: Array, bias: Array, held_out: Array, false_acceptance: float, n_new: int
) -> Array:
    """Set the threshold of "unknown", the last class of a last layer; gives the new bias.

    The bias of the words is lowered until no more than the share ``false_acceptance`` of the
    held-out features, shape (n, n_features), is above "unknown"; with few of them, none is. The
    first ``n_new`` words are new; new and kept words have half of the share each. Of kept words
    many clips are remembered, and other words are easily taken for them: one threshold for both
    would be too high for the new words.
    """
    above, n_words = _margins(held_out @ kernel + bias), len(bias) - 1
    groups = [slice(n_new), slice(n_new, n_words)][: 1 + (n_words > n_new)]
    bias = bias.copy()
    for group in groups:
        falling = np.sort(above[:, group].max(axis=1))[::-1]
        bias[group] -= falling[int(false_acceptance / len(groups) * len(falling))] + TIE
    return bias


def accepted_share(kernel: Array, bias: Array, held_out: Array) -> dict[str, Any]:
    """Count the held-out features that are given a word, for a card.

    Of the share of all other words that this lets expect, the exact interval at ``CONFIDENCE``:
    Clopper and Pearson (1934), "The use of confidence or fiducial limits".
    """
    margins = _margins(held_out.astype(np.float32) @ kernel + bias).max(axis=1)
    n, accepted = len(margins), int(np.count_nonzero(margins > 0))
    low, high = binomtest(accepted, n).proportion_ci(CONFIDENCE)
    return {"clips": n, "accepted": accepted, "interval_95": [float(low), float(high)]}


def spotting_threshold(scores: Array, hours: float, per_hour: float) -> float:
    """Set how far above "unknown" a word must be along streams for so many false alarms an hour.

    ``scores``: of the best word in each second of ``hours`` in which no word was said. Rates lower
    than what was seen are reached along the exponential tail of the highest scores: Pickands
    (1975), "Statistical inference using extreme order statistics".
    """
    if len(scores) < 2:
        raise EarshotError("The background is under two seconds: give more, best some hours.")
    falling = np.sort(scores)[::-1]
    n = min(TAIL, len(falling) - 1)
    excess = falling[:n].mean() - falling[n]
    return max(float(falling[n] + excess * np.log(n / hours / per_hour)), 0.0)


def calibrate(
    recognizer: Recognizer, background: Sound, sample_rate: int | None = None,
    false_alarms_per_hour: float = 0.5,
) -> Recognizer:  # fmt: skip
    """Set how easily a recognizer names words along streams, from sound in which none is said.

    The background is a file, a waveform at ``sample_rate`` in Hz, or blocks as for :func:`listen`:
    the longer the better, best of the room and the people where it will listen. Gives a copy.
    """
    rate = recognizer.front_end.sample_rate if sample_rate is None else sample_rate
    scores = best_in_each_second(recognizer, blocks_of(background, rate))
    threshold = spotting_threshold(scores, len(scores) / 3600, false_alarms_per_hour)
    card = {**recognizer.card, "false_alarms_per_hour": false_alarms_per_hour}
    return Recognizer(
        recognizer.network, recognizer.front_end, recognizer.class_names, card,
        memory=recognizer.memory, spotting_threshold=threshold,
    )  # fmt: skip


def clips_needed(false_acceptance: float) -> int:
    """Say how many held-out clips it takes to show a share: when none of them is accepted."""
    return math.ceil(math.log((1 - CONFIDENCE) / 2) / math.log1p(-false_acceptance))


def _margins(logits: Array) -> Array:
    """Give how far the logit of every word is above that of "unknown", shape (n, n_words)."""
    return logits[:, :-1] - logits[:, -1:]


def _check(recognizer: Recognizer) -> None:
    if recognizer.class_names[-1] != UNKNOWN:
        raise EarshotError(
            f'{recognizer} never says "unknown": make it with learn_words and false_acceptance.'
        )
