"""How good a network is.

>>> import numpy as np
>>> roc_areas(np.array([[0.1, 5.0], [0.4, 2.0], [0.8, 3.0]]), [0, 0, 1])
array([1. , 0.5])
"""

from collections.abc import Sequence

import keras
import numpy as np

from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, some
from earshot.features.front_end import FrontEnd
from earshot.networks.batches import labels_among, network_inputs
from earshot.types import Array

__all__ = ["accuracy", "predict_labels", "roc_areas"]


def predict_labels(
    model: keras.Model, words: WordSet, front_end: FrontEnd, *,
    class_names: Sequence[str] | None = None, batch_size: int = 256,
) -> Array:  # fmt: skip
    """Give the label that a network chooses for every clip of a word set, shape (n,).

    It is an index into the set's own ``class_names``, -1 for a word that the set does not have.
    ``class_names`` are the network's words in their order: by default those that ``fit`` or
    ``load`` has noted, else those of the set, which must be as many then.
    """
    names = _names(model, words, class_names)
    labels = [np.zeros(0, int)]
    for i in range(0, len(words), batch_size):
        some = words.subset(np.arange(i, min(i + batch_size, len(words))))
        logits = model(network_inputs(some, front_end), training=False)
        labels.append(keras.ops.convert_to_numpy(logits).argmax(axis=1))
    own = {word: label for label, word in enumerate(words.class_names)}
    return np.array([own.get(name, -1) for name in names])[np.concatenate(labels)]


def accuracy(
    model: keras.Model, words: WordSet, front_end: FrontEnd, *,
    class_names: Sequence[str] | None = None,
) -> float:  # fmt: skip
    """Give the share of the clips of a word set that a network recognizes, 0 to 1.

    Words are compared by name; ``class_names`` are as for :func:`predict_labels`. Raises
    :class:`EarshotError` when there is no clip, or one of a word that the network does not know.
    """
    labels_among(_names(model, words, class_names), words)
    chosen = predict_labels(model, words, front_end, class_names=class_names)
    return float(np.mean(chosen == words.labels))


def _names(model: keras.Model, words: WordSet, class_names: Sequence[str] | None) -> Sequence[str]:
    """Give the words that a network tells apart, in its order."""
    names = class_names or tuple(getattr(model, "class_names", words.class_names))
    if len(names) != model.output_shape[-1]:
        raise EarshotError(
            f"The network tells {model.output_shape[-1]} words apart, and {len(names)} are named "
            f"({some(names)}): say which it knows, in their order, as class_names."
        )
    return names


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
