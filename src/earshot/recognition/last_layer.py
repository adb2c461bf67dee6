"""What a layer of a network gives for clips, and a last layer fitted to it.

>>> x = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
>>> kernel, bias = fit_last_layer("prototypes", x, np.array([0, 0, 1]), 2, seed=0)
>>> (x @ kernel + bias).argmax(axis=1)
array([0, 0, 1])
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from threadpoolctl import threadpool_limits

from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError
from earshot.exports.light import LAYERS, LightNetwork
from earshot.features.log_mel import LogMel
from earshot.networks.linear import dense_weights
from earshot.recognition.prepare import checked_clip
from earshot.recognition.recognizer import Recognizer
from earshot.segmentation.stretches import word_stretch
from earshot.types import Array

if TYPE_CHECKING:
    import keras

__all__ = ["LightTrunk", "Trunk", "checked_words", "embed", "fit_last_layer", "last_weights",
           "layer_name", "old_directions", "run_trunk", "trunk_of", "turned_away", "with_head",
           "with_last", "with_means"]  # fmt: skip

Trunk: TypeAlias = "keras.Model | LightTrunk"
"""A network up to the layer that gives the features."""

SCALE = 16.0  # from a cosine to a logit
C = 10.0  # how little the regression is held back
MOST_STEPS = 200  # of its minimizer
REGRESSION = 0.5
"""Least share of logistic regression in an answer that has likeness to the words' means in it: with
few clips it knows the synthetic voices that are remembered as "unknown", and takes more of what
people say."""
MEAN_CLIPS = 10.0
"""What likeness counts as, beside the regression from a word's clips: from 20 clips on, a larger
share of regression tells hard words apart better, see ``docs/benchmarks.md``."""
OLD_CLIPS = 3.0  # that what is known of a word's name counts as, found for words of five clips
AWAY = 0.25  # of a word's lead over "unknown": so far below "unknown" comes what is only like it
RIDGE = 0.3  # how little that may change a word's column
BATCH = 128  # clips that go through a network together


def embed(recognizer: Recognizer, words: WordSet, *, layer: str | None = None) -> Array:
    """Give what a layer of a recognizer's network says about clips, shape (n, n_features).

    By default the layer "embedding" where there is one, else "features"; "logits" are the answers
    themselves. What has a time axis is averaged over it.
    """
    trunk = trunk_of(recognizer, layer_name(recognizer, layer))
    return run_trunk(trunk, recognizer.front_end(checked_words(recognizer, words).waveforms))


def checked_words(recognizer: Recognizer, words: WordSet) -> WordSet:
    """Give the clips as the front end takes them; refuse those that nothing can be learned from.

    Of a longer one, what is left is the stretch with the word in it: see :func:`word_stretch`.
    """
    load, read = 'earshot.load("models/base")', "earshot.from_folder(folder)"
    for value, kind, way in ((recognizer, Recognizer, load), (words, WordSet, read)):
        if not isinstance(value, kind):
            raise EarshotError(f"Give a {kind.__name__}, as {way} makes it, not {value!r:.60}.")
    front_end = _log_mel_of(recognizer)
    rate = front_end.sample_rate
    if words.sample_rate < rate:
        raise EarshotError(
            f"The recordings have {words.sample_rate:,} Hz, and the network hears sounds up to "
            f"{rate // 2:,} Hz: record at {rate:,} Hz or more."
        )
    if len(words) == 0:
        raise EarshotError("The word set has no recordings: record five of each word.")
    clips = [
        word_stretch(checked_clip(x, words.sample_rate, to_rate=rate, name=source), front_end)
        for x, source in zip(words.waveforms, words.sources, strict=True)
    ]
    return dataclasses.replace(words, waveforms=clips, sample_rate=rate)


def layer_name(recognizer: Recognizer, layer: str | None) -> str:
    """Name the layer that gives the features: ``layer``, else one of ``LAYERS``."""
    _log_mel_of(recognizer)
    light = recognizer.light
    there = [light.layer] if light else [one.name for one in recognizer.model.layers]
    wanted = [layer] if layer else LAYERS
    found = [name for name in wanted if name in there]
    if not found:
        raise EarshotError(
            f"This network has no layer {' or '.join(wanted)}: choose one of {', '.join(there)}, "
            "or the recognizer models/base."
        )
    return found[0]


def _log_mel_of(recognizer: Recognizer) -> LogMel:
    if not isinstance(recognizer.front_end, LogMel):
        raise EarshotError(
            "New words are learned by a recognizer of log-mel spectrograms of words, which this "
            "one is not: choose models/base."
        )
    return recognizer.front_end


@dataclasses.dataclass(frozen=True)
class LightTrunk:
    """The features of a LiteRT network; with ``unit``, they must be rows of length one as is."""

    network: LightNetwork
    unit: bool

    @property
    def output_shape(self) -> tuple[None, int]:
        """Shape (None, n_features) of what it gives."""
        return (None, self.network.n_features)

    def run(self, spectrograms: Array) -> Array:
        """Give features, shape (n, n_features)."""
        rows = self.network.features(spectrograms)
        if self.unit and not np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3):
            raise EarshotError(
                f"From the layer {self.network.layer} of this network, words are learned by "
                'TensorFlow: pip install "earshot[train]", or choose models/base.'
            )
        return rows


def trunk_of(recognizer: Recognizer, layer: str, *, unit: bool = False) -> Trunk:
    """Give the network up to a layer, averaged over time; with ``unit``, rows of length one."""
    if recognizer.light:
        return LightTrunk(recognizer.light, unit)
    import keras
    from keras import layers

    x = recognizer.model.get_layer(layer).output
    if len(x.shape) > 2:
        pool = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D)[len(x.shape) - 3]
        x = pool(name=f"mean_{layer}")(x)
    x = layers.UnitNormalization(name=f"unit_{layer}")(x) if unit else x
    return keras.Model(recognizer.model.input, x)


def run_trunk(trunk: Trunk, spectrograms: Array) -> Array:
    """Give features, shape (n, n_features); compiles nothing, which takes longer than the work."""
    if isinstance(trunk, LightTrunk):
        return trunk.run(spectrograms)
    from keras import ops

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
        machine = LogisticRegression(C=C, class_weight="balanced", max_iter=MOST_STEPS)
    with threadpool_limits(1, user_api="blas"):  # so small that threads only wait for each other
        machine.fit(x, labels)
    return dense_weights(machine)


def with_means(
    kernel: Array, bias: Array, means: Array, old: Array, n_clips: Array
) -> tuple[Array, Array]:
    """Add to logistic regression how near a clip is to each word's mean.

    Parameters
    ----------
    kernel, bias : of the regression; the words are its first classes
    means, old : of the words, shape (n_words, n_features), rows of length one: the means of their
        features, and :func:`old_directions`. One that is nearer to another word's mean is left out,
        since a name can stand for something else than it did
    n_clips : recordings of each word, shape (n_words,), 0 where only features are remembered: with
        many of them the old direction fades, and likeness counts less beside the regression

    Old directions are taken without what they have in common: voices that were learned once shall
    tell words apart, not bring all that is said nearer to the words.
    """
    agrees = (old @ means.T).argmax(axis=1) == np.arange(len(old))
    agrees &= old.any(axis=1)
    change = (OLD_CLIPS / (OLD_CLIPS + n_clips))[:, None] * (old - means)
    change[~agrees] = 0
    change[agrees] -= change[agrees].sum(axis=0) / max(agrees.sum(), 1)
    n = n_clips[n_clips > 0].min()  # likeness is what helps words with few clips
    share = max(n / (n + MEAN_CLIPS), REGRESSION)
    kernel = share * kernel
    kernel[:, : len(means)] += 2 * (1 - share) * SCALE * (means + change).T
    return kernel, share * bias


def turned_away(kernel: Array, bias: Array, x: Array, labels: Array, others: Array) -> Array:
    """Turn words away from clips that sound like them, and are to be "unknown"; gives the kernel.

    Among all that is "unknown" to the regression a few clips count little, and nothing beside
    likeness to a word's mean. So each word's column is changed by the least (ridge regression) that
    brings them below "unknown", the last class, and leaves the word's own clips where they are.
    ``x`` are features of the words' clips, shape (n, n_features), with their ``labels``; ``others``
    those of the clips.
    """
    kernel = kernel.copy()
    for word in np.unique(labels):
        own, column = x[labels == word], kernel[:, word] - kernel[:, -1]
        lead, near = (rows @ column + bias[word] - bias[-1] for rows in (own, others))
        lower = -AWAY * max(lead.mean(), 0) - near
        rows = np.concatenate([own, others[lower < 0]])
        change = np.concatenate([np.zeros(len(own)), lower[lower < 0]])
        square = rows.T @ rows + RIDGE * np.eye(rows.shape[1])
        kernel[:, word] += np.linalg.solve(square, rows.T @ change)
    return kernel


def old_directions(recognizer: Recognizer, layer: str, words: Sequence[str]) -> Array:
    """Give the directions in which a last layer looks for words of these names in a layer's output.

    Shape (n_words, n_features), rows of length one, or of zeros for a word that it does not know.
    """
    if recognizer.light:
        last, n_features = recognizer.light.last_layer(), recognizer.light.n_features
    else:
        dense, features = recognizer.model.layers[-1], recognizer.model.get_layer(layer).output
        is_last = type(dense).__name__ == "Dense" and dense.input.shape == features.shape
        last, n_features = dense.get_weights() if is_last else None, features.shape[-1]
    found = np.zeros((len(words), n_features))
    if last is None:
        return found
    kernel = last[0]
    known = {name.casefold(): i for i, name in enumerate(recognizer.class_names)}
    for row, word in zip(found, words, strict=True):
        if (i := known.get(spoken(word))) is not None:
            row[:] = kernel[:, i] / np.linalg.norm(kernel[:, i])
    return found


def spoken(name: str) -> str:
    """Give the words of a class name, which may come from a folder: "Thank_you" is "thank you"."""
    return " ".join(name.replace("_", " ").casefold().split())


def last_weights(recognizer: Recognizer) -> list[Array]:
    """Give kernel and bias of a recognizer's last layer, which is a Dense one."""
    last = recognizer.light.last_layer() if recognizer.light else None
    return [*last] if last else recognizer.model.layers[-1].get_weights()


def with_last(recognizer: Recognizer, kernel: Array, bias: Array) -> "keras.Model | LightNetwork":
    """Give a recognizer's network with other weights in its last layer."""
    if recognizer.light:
        return recognizer.light.with_last_layer(kernel, bias)
    import keras

    inputs, last = recognizer.model.input, recognizer.model.layers[-1]
    return with_head(keras.Model(inputs, last.input), kernel, bias)


def with_head(trunk: Trunk, kernel: Array, bias: Array) -> "keras.Model | LightNetwork":
    """Give the trunk with a Dense layer of these weights on top."""
    if isinstance(trunk, LightTrunk):
        return trunk.network.with_last_layer(kernel, bias)
    import keras
    from keras import layers

    name = "logits"
    while name in {layer.name for layer in trunk.layers}:
        name = f"new_{name}"
    dense = layers.Dense(len(bias), name=name)
    model = keras.Model(trunk.input, dense(trunk.output), name="transfer")
    dense.set_weights([kernel, bias])
    return model
