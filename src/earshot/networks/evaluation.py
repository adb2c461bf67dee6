"""How good a network is."""

import keras
import numpy as np
from keras import ops

from earshot.errors import EarshotError
from earshot.networks.batches import network_inputs

__all__ = ["F1", "SmoothedCrossentropy", "accuracy", "predict_labels", "roc_areas"]


@keras.saving.register_keras_serializable("earshot")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of logits against integer labels that are believed a little less than wholly.

    Szegedy and others (2016), "Rethinking the Inception architecture", section 7.
    """

    def __init__(self, smoothing=0.1, name="smoothed_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        n_words = y_pred.shape[-1]
        y_true = ops.one_hot(ops.reshape(y_true, [-1]), n_words)
        y_true = y_true * (1 - self.smoothing) + self.smoothing / n_words
        return -ops.sum(y_true * ops.log_softmax(y_pred), axis=-1)

    def get_config(self):
        return {**super().get_config(), "smoothing": self.smoothing}


@keras.saving.register_keras_serializable("earshot")
class F1(keras.metrics.Metric):
    """F1 of integer labels against logits, from the counts of a whole epoch.

    Parameters
    ----------
    n_words : int
    average : {"macro", "micro"}
        "macro": the mean of the words' own F1, so that rare words count as much as frequent ones.
        "micro": from all counts together, which for one label a clip is the accuracy.
    """

    def __init__(self, n_words, average="macro", name=None, **kwargs):
        super().__init__(name=name or f"{average}_f1", **kwargs)
        self.n_words, self.average = n_words, average
        self.counts = self.add_weight(
            shape=(n_words, n_words), initializer="zeros", dtype="float32", name="counts"
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        truth = ops.one_hot(ops.cast(ops.reshape(y_true, [-1]), "int32"), self.n_words)
        answer = ops.one_hot(ops.argmax(y_pred, axis=-1), self.n_words)
        self.counts.assign_add(ops.cast(ops.matmul(ops.transpose(truth), answer), "float32"))

    def result(self):
        right = ops.diagonal(self.counts)
        said, heard = ops.sum(self.counts, axis=1), ops.sum(self.counts, axis=0)
        if self.average == "micro":
            return 2 * ops.sum(right) / ops.maximum(ops.sum(said + heard), 1)
        there = ops.cast(said + heard > 0, "float32")
        scores = 2 * right / ops.maximum(said + heard, 1)
        return ops.sum(scores * there) / ops.maximum(ops.sum(there), 1)

    def get_config(self):
        return {**super().get_config(), "n_words": self.n_words, "average": self.average}


def predict_labels(model, words, front_end, *, batch_size=256):
    """Give the label that a network chooses for every clip of a word set, shape (n,)."""
    logits = []
    for i in range(0, len(words), batch_size):
        some = words.subset(np.arange(i, min(i + batch_size, len(words))))
        answer = model(network_inputs(some, front_end), training=False)
        logits.append(ops.convert_to_numpy(answer))
    return np.concatenate(logits).argmax(axis=1)


def accuracy(model, words, front_end):
    """Give the share of the clips of a word set that a network recognizes, 0 to 1."""
    return float(np.mean(predict_labels(model, words, front_end) == words.labels))


def roc_areas(values, truth):
    """Give the area under the receiver operating characteristic of each column of values.

    Parameters
    ----------
    values : ndarray, shape (steps, n_values)
    truth : ndarray of bool or 0 and 1, shape (steps,)

    Returns
    -------
    ndarray of float, shape (n_values,)
        1: always higher where truth is 1; 0.5: no relation; ties count half.
    """
    from scipy.stats import rankdata

    truth = np.asarray(truth, bool)
    if len(truth) != len(values) or truth.all() or not truth.any():
        raise EarshotError(
            f"Areas under ROC need as many values ({len(values)}) as truths ({len(truth)}), and "
            "both kinds among them."
        )
    n, ranks = truth.sum(), rankdata(values, axis=0)
    return (ranks[truth].sum(axis=0) - n * (n + 1) / 2) / (n * (len(truth) - n))
