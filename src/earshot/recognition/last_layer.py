"""The last layer of a network, fitted to features from a few recordings.

>>> x = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
>>> kernel, bias = fit_last_layer("prototypes", x, np.array([0, 0, 1]), 2, seed=0)
>>> (x @ kernel + bias).argmax(axis=1)
array([0, 0, 1])
"""

import keras
import numpy as np
from keras import layers, ops
from threadpoolctl import threadpool_limits

from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.recognition.recognizer import Recognizer
from earshot.types import Array

__all__ = ["fit_last_layer", "layer_name", "through", "trunk_of", "with_head"]

LAYERS = ("embedding", "features")  # the first that a network has gives the features
SCALE = 16.0  # from a cosine to a logit
BATCH = 128  # clips that go through a network together


def layer_name(recognizer: Recognizer, layer: str | None) -> str:
    """Name the layer that gives the features: ``layer``, else one of ``LAYERS``."""
    if not isinstance(recognizer.front_end, LogMel):
        raise EarshotError(
            "New words are learned by a recognizer of log-mel spectrograms of words, which this "
            "one is not: choose models/base."
        )
    there = [one.name for one in recognizer.model.layers]
    wanted = [layer] if layer else LAYERS
    found = [name for name in wanted if name in there]
    if not found:
        raise EarshotError(
            f"This network has no layer {' or '.join(wanted)}: choose one of {', '.join(there)}, "
            "or the recognizer models/base."
        )
    return found[0]


def trunk_of(recognizer: Recognizer, layer: str, *, unit: bool = False) -> keras.Model:
    """Give the network up to a layer, averaged over time; with ``unit``, rows of length one."""
    x = recognizer.model.get_layer(layer).output
    if len(x.shape) > 2:
        pool = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D)[len(x.shape) - 3]
        x = pool(name=f"mean_{layer}")(x)
    x = layers.UnitNormalization(name=f"unit_{layer}")(x) if unit else x
    return keras.Model(recognizer.model.input, x)


def through(trunk: keras.Model, spectrograms: Array) -> Array:
    """Give features, shape (n, n_features); compiles nothing, which takes longer than the work."""
    parts = np.array_split(spectrograms, -(-len(spectrograms) // BATCH))
    return np.concatenate([ops.convert_to_numpy(trunk(part, training=False)) for part in parts])


def fit_last_layer(
    method: str, x: Array, labels: Array, n_classes: int, seed: int
) -> tuple[Array, Array]:
    """Fit a last layer to features, shape (n, n_features), by a method of `learn_words`.

    Gives its kernel, shape (n_features, n_classes), and its bias.
    """
    if method == "prototypes":
        means = np.stack([x[labels == label].mean(axis=0) for label in range(n_classes)])
        kernel = SCALE * (means / np.linalg.norm(means, axis=1, keepdims=True)).T
        return kernel, np.zeros(n_classes)
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    if method == "svm":
        machine = LinearSVC(C=1.0, class_weight="balanced", random_state=seed)
    else:
        machine = LogisticRegression(C=10.0, class_weight="balanced", max_iter=200)
    with threadpool_limits(1, user_api="blas"):  # so small that threads only wait for each other
        machine.fit(x, labels)
    kernel, bias = machine.coef_.T, machine.intercept_
    if n_classes == 2:  # scikit-learn gives one column for two classes
        return np.c_[-kernel, kernel] / 2, np.r_[-bias, bias] / 2
    return kernel, bias


def with_head(trunk: keras.Model, kernel: Array, bias: Array) -> keras.Model:
    """Give the trunk with a Dense layer of these weights on top."""
    name = "logits"
    while name in {layer.name for layer in trunk.layers}:
        name = f"new_{name}"
    dense = layers.Dense(len(bias), name=name)
    model = keras.Model(trunk.input, dense(trunk.output), name="transfer")
    dense.set_weights([kernel, bias])
    return model
