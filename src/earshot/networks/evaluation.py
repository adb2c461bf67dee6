"""How good a network is.

>>> import numpy as np
>>> roc_areas(np.array([[0.1, 5.0], [0.4, 2.0], [0.8, 3.0]]), [0, 0, 1])
array([1. , 0.5])
"""

import keras
import numpy as np

from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError
from earshot.features.front_end import FrontEnd
from earshot.networks.batches import network_inputs
from earshot.types import Array

__all__ = ["accuracy", "predict_labels", "roc_areas"]


def predict_labels(
    model: keras.Model, words: WordSet, front_end: FrontEnd, *, batch_size: int = 256
) -> Array:
    """Give the label that a network chooses for every clip of a word set, shape (n,)."""
    labels = []
    for i in range(0, len(words), batch_size):
        some = words.subset(np.arange(i, min(i + batch_size, len(words))))
        logits = model(network_inputs(some, front_end), training=False)
        labels.append(keras.ops.convert_to_numpy(logits).argmax(axis=1))
    return np.concatenate(labels)


def accuracy(model: keras.Model, words: WordSet, front_end: FrontEnd) -> float:
    """Give the share of the clips of a word set that a network recognizes, 0 to 1."""
    return float(np.mean(predict_labels(model, words, front_end) == words.labels))


def roc_areas(values: Array, truth: Array) -> Array:
    """Give the area under the receiver operating characteristic of each column of values.

    From ``values``, shape (steps, n_values), and ``truth``, bool or 0 and 1, shape (steps,), to
    shape (n_values,). 1: always higher where truth is 1; 0.5: no relation; ties count half.
    """
    from sklearn.metrics import roc_auc_score

    truth = np.asarray(truth, bool)
    if len(truth) != len(values) or truth.all() or not truth.any():
        sizes = f"as many values ({len(values)}) as truths ({len(truth)})"
        raise EarshotError(f"Areas under ROC need {sizes}, and both kinds among them.")
    return np.array([roc_auc_score(truth, column) for column in np.transpose(values)])
