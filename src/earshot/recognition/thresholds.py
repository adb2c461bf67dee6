"""How sure is sure enough: thresholds of recognizers that say "unknown"."""

import dataclasses

import keras
import numpy as np

from earshot.errors import EarshotError
from earshot.recognition.last_layer import with_head
from earshot.recognition.new_words import features
from earshot.recognition.recognizer import UNKNOWN, Recognizer

__all__ = ["Curve", "trade_off", "with_threshold"]


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """What a recognizer that says "unknown" would do at other thresholds.

    Parameters
    ----------
    thresholds : ndarray, shape (n,)
        Rising; what is added to the logit of "unknown". 0 is how the recognizer is set.
    known_accepted, unknown_accepted : ndarray, shape (n,)
        Share of the clips, 0 to 1, for which one of the words was given; all at the first.
    """

    thresholds: np.ndarray
    known_accepted: np.ndarray
    unknown_accepted: np.ndarray


def trade_off(recognizer, known, unknown):
    """Measure what is accepted at every threshold.

    Parameters
    ----------
    recognizer : earshot.recognition.Recognizer
        That says "unknown".
    known, unknown : earshot.datasets.WordSet
        Recordings of its words and of others, none of which it was made from.

    Returns
    -------
    Curve
    """
    _says_unknown(recognizer)
    known, unknown = (
        np.sort(_margins(features(recognizer, words, layer=recognizer.model.layers[-1].name)))
        for words in (known, unknown)
    )
    thresholds = np.unique([*known, *unknown, 0.0])
    thresholds = np.r_[thresholds[0] - 1, thresholds]  # where everything is accepted
    shares = (1 - np.searchsorted(x, thresholds, "right") / len(x) for x in (known, unknown))
    return Curve(thresholds, *shares)


def with_threshold(recognizer, threshold):
    """Move the threshold of a recognizer.

    Parameters
    ----------
    recognizer : earshot.recognition.Recognizer
        That says "unknown". It stays as it is.
    threshold : float
        As in a :class:`Curve` of this recognizer: above 0 it accepts less, below 0 more.

    Returns
    -------
    earshot.recognition.Recognizer
    """
    _says_unknown(recognizer)
    if not (np.isscalar(threshold) and np.isfinite(threshold)):
        raise EarshotError(f"A threshold is a number, not {threshold!r:.60}.")
    last = recognizer.model.layers[-1]
    kernel, bias = last.get_weights()
    bias[-1] += threshold
    card = {**recognizer.card, "threshold_moved": recognizer.card.get("threshold_moved", 0.0)}
    card["threshold_moved"] += float(threshold)
    model = with_head(keras.Model(recognizer.model.input, last.input), kernel, bias)
    front_end, words, memory = recognizer.front_end, recognizer.class_names, recognizer.memory
    return Recognizer(model, front_end, words, card, memory=memory)


def _says_unknown(recognizer):
    if recognizer.class_names[-1] != UNKNOWN:
        raise EarshotError(
            f'{recognizer} never says "unknown": make it with learn_words and false_acceptance.'
        )


def _margins(logits):
    """How far the best word is above "unknown", the last column; shape (n,)."""
    return logits[:, :-1].max(axis=1) - logits[:, -1]
