"""Keras layers of the package, registered so that saved models load with ``safe_mode=True``.

>>> tuple(WordPooling(n_parts=4)(np.ones((2, 30, 8), np.float32)).shape)  # 4 means and a maximum
(2, 40)
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from earshot.features.mel import mel_filter_bank

__all__ = ["AnyOfFrame", "CarriedState", "FilterBank", "HalfOfValues", "LastStep",
           "SpectralAugmentation", "StateCell", "WordPooling"]  # fmt: skip


@keras.saving.register_keras_serializable("earshot")
class FilterBank(keras.layers.Layer):
    """Learned band-pass filters over raw samples: how loud each band is in each frame.

    (batch, samples) to (batch, samples / frame, n_filters), the logarithm of the power. Gabor
    filters, a sine and a cosine under a bell, four frames long, of which only the middle frequency
    and the width are learned (free weights learn the training clips by heart). After Zeghidour and
    others (2021), "LEAF: a learnable frontend for audio classification".
    """

    def __init__(self, frame: int, n_filters: int, sample_rate: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.frame, self.n_filters, self.sample_rate = frame, n_filters, sample_rate

    def build(self, input_shape: Any) -> None:
        """Space the filters as mel bands."""
        top = min(4000.0, self.sample_rate / 2)
        bank = mel_filter_bank(self.sample_rate, 4096, self.n_filters, 60.0, top)
        cycles = bank.argmax(axis=0) / 4096  # a sample
        widths = np.clip(0.35 / np.gradient(cycles), self.frame / 4, self.frame)
        # Both are learned in steps of a comparable size: relative to where they begin.
        self.first = np.stack([cycles, widths / self.frame]).astype("float32")
        self.change = self.add_weight(shape=(2, self.n_filters), initializer="zeros", name="change")

    def call(self, x: Any) -> Any:
        """Give the levels of the bands."""
        cycles, width = ops.unstack(self.first * ops.exp(self.change), 2)
        time = ops.arange(-2 * self.frame, 2 * self.frame, dtype="float32")[:, None]
        bell = ops.exp(-0.5 * ops.square(time / (width * self.frame)))
        bell /= ops.sum(bell, axis=0)
        angle = 2 * np.pi * cycles * time
        kernel = ops.concatenate([bell * ops.cos(angle), bell * ops.sin(angle)], axis=1)
        y = ops.conv(x[..., None], kernel[:, None], strides=self.frame, padding="same")
        power = ops.square(y[..., : self.n_filters]) + ops.square(y[..., self.n_filters :])
        return ops.log(power + 1e-5)


@keras.saving.register_keras_serializable("earshot")
class AnyOfFrame(keras.layers.Layer):
    """Mask (batch, samples) to mask of frames (batch, n_steps): real where any sample is."""

    def __init__(self, frame: int, n_steps: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.frame, self.n_steps = frame, n_steps

    def call(self, mask: Any) -> Any:
        """Give the mask of frames."""
        missing = self.frame * self.n_steps - mask.shape[1]
        mask = ops.pad(ops.cast(mask, "int32"), [[0, 0], [0, missing]])
        return ops.any(ops.reshape(mask, (-1, self.n_steps, self.frame)) > 0, axis=2)


@keras.saving.register_keras_serializable("earshot")
class LastStep(keras.layers.Layer):
    """(batch, steps, values) to (batch, values): the last step, where everything has been seen."""

    def call(self, x: Any) -> Any:
        """Give the last step."""
        return x[:, -1]


@keras.saving.register_keras_serializable("earshot", name="Half")
class HalfOfValues(keras.layers.Layer):
    """First (0) or second (1) half of the values of each step."""

    def __init__(self, which: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.which = which

    def call(self, x: Any) -> Any:
        """Give that half."""
        return ops.split(x, 2, axis=-1)[self.which]


@keras.saving.register_keras_serializable("earshot")
class StateCell(keras.layers.LSTMCell):
    """An LSTM's cell that answers with its hidden state and its cell state, side by side."""

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(units, **kwargs)
        self.output_size = 2 * self.units

    def call(self, x: Any, states: Any, training: bool = False) -> Any:
        """Give both states for this step, and as what is carried to the next."""
        hidden, (_, cell) = super().call(x, states, training=training)
        return ops.concatenate([hidden, cell], axis=-1), [hidden, cell]


class CarriedState(keras.layers.Layer):
    """A recurrent layer for one stream: each call goes on from where the last one ended.

    Keras' own ``stateful`` layers do not track their state, so a compiled step on JAX forgets what
    becomes of it. Here it is a variable of the layer; it is no weight, as nothing is learned in it.
    """

    def __init__(self, recurrent: keras.layers.RNN):
        super().__init__(name=recurrent.name)
        config = {**recurrent.get_config(), "return_state": True}
        self.recurrent = type(recurrent).from_config(config)

    def build(self, input_shape: Any) -> None:
        """Begin with zeros."""
        sizes = keras.tree.flatten(self.recurrent.state_size)
        new = {"initializer": "zeros", "trainable": False}
        self.state = [self.add_weight(shape=(1, size), **new) for size in sizes]

    @property
    def weights(self) -> list[Any]:
        """Those of the recurrent layer, in its order."""
        return self.recurrent.weights

    def reset_state(self) -> None:
        """Forget the stream."""
        for state in self.state:
            state.assign(ops.zeros(state.shape))

    def call(self, x: Any, mask: Any = None) -> Any:
        """Answer (1, steps, bands)."""
        before = [ops.convert_to_tensor(state) for state in self.state]
        answers, *after = self.recurrent(x, initial_state=before, mask=mask)
        for state, value in zip(self.state, after, strict=True):
            state.assign(value)
        return answers


@keras.saving.register_keras_serializable("earshot")
class WordPooling(keras.layers.Layer):
    """(batch, steps, features) to (batch, (n_parts + 1) * features): what comes when in a word.

    A mean for each of ``n_parts`` parts, which fade into one another, and the maximum over time.
    How far the word has gone is the share of its features' sum (none is negative): pauses count for
    nothing, and a word said slowly has the same parts as one said fast.
    """

    def __init__(self, n_parts: int = 4, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_parts = n_parts

    def call(self, x: Any) -> Any:
        """Give the means and the maximum."""
        active = ops.sum(x, axis=2, keepdims=True)
        share = active / ops.maximum(ops.sum(active, axis=1, keepdims=True), 1e-6)
        gone = ops.cumsum(share, axis=1) - share / 2
        middles = ops.convert_to_tensor(np.arange(self.n_parts, dtype=np.float32) + 0.5)
        weights = ops.maximum(1 - ops.abs(self.n_parts * gone - middles), 0) * share * self.n_parts
        parts = ops.matmul(ops.transpose(weights, (0, 2, 1)), x)
        parts = ops.reshape(parts, (-1, self.n_parts * x.shape[2]))
        return ops.concatenate([parts, ops.max(x, axis=1)], axis=1)


@keras.saving.register_keras_serializable("earshot", name="Jitter")
class SpectralAugmentation(keras.layers.Layer):
    """Vary what other voices and rooms vary, in training only; values run from about 0 to 1.

    Bands (other voices) and time are stretched, the spectrum is bent, noise covers soft parts, and
    some bands and steps are hidden (Park and others 2019, "SpecAugment"); usual strength: 1.
    """

    def __init__(self, strength: float = 1.0, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.strength, self.seed = strength, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x: Any, real: Any = None, training: bool = False) -> Any:
        """Vary (batch, steps, bands); a mask of the steps is moved along, and given too."""
        if not training or not self.strength:
            return x if real is None else (x, real)
        n, steps, bands = ops.shape(x)[0], x.shape[1], x.shape[2]
        band, step = (ops.arange(size, dtype="float32") for size in (bands, steps))

        def draw(most, shape=(n, 1)):
            spread = keras.random.uniform(shape, -1, 1, seed=self.seed_generator)
            return self.strength * most * spread

        x = ops.matmul(x, ops.transpose(_reading(band * ops.exp(draw(0.22))), (0, 2, 1)))
        reading = _reading(step * ops.exp(draw(0.3)) + draw(0.08 * steps))
        x = ops.matmul(reading, x)
        place = ops.linspace(0.0, np.pi, bands)
        for k in (1, 2, 3):  # another microphone: a smooth curve over the bands
            x += draw(0.2 / k, (n, 1, 1)) * ops.cos(k * place + draw(np.pi, (n, 1, 1)))
        # Another room: a noise that covers what is softer, in half of the clips.
        noise = keras.random.normal((n, steps, bands), 0, 0.06, seed=self.seed_generator)
        noise += draw(0.1, (n, 1, 1)) * ops.cos(place + draw(np.pi, (n, 1, 1)))
        x = ops.maximum(x, noise + draw(0.7, (n, 1, 1)))

        def stretch(index, share):  # some neighbours, at most a share of all
            begin, length = (
                keras.random.uniform((n, 1), 0, most * index.shape[0], seed=self.seed_generator)
                for most in (1, share * self.strength)
            )
            return (index >= begin) & (index < begin + length)

        hidden = stretch(band, 0.16)[:, None, :] | stretch(step, 0.14)[..., None]
        x = ops.where(hidden, 0.0, x)
        if real is None:
            return x
        return x, ops.matmul(reading, ops.cast(real, "float32")[..., None])[..., 0] > 0.5


def _reading(places):
    """Weights (n, size, size) that read values at fractional places (n, size)."""
    size = places.shape[1]
    away = ops.clip(places, 0, size - 1)[..., None] - ops.arange(size, dtype="float32")
    return ops.maximum(1 - ops.abs(away), 0)
