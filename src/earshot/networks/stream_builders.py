"""Networks for streams: shapes in, Keras model out.

``input_shape`` is (n_frames, bands), that of :class:`earshot.features.StreamSpectrogram`, and
``scale`` its range of values (``top_db``), which is brought to 0 to 1.

>>> network = next_frame_lstm((63, 40), units=64)
>>> encoder(network).output_shape
(None, 63, 64)
"""

import keras
import numpy as np
from keras import layers

from earshot.errors import EarshotError
from earshot.networks.builders import checked_shape
from earshot.networks.layers import HalfOfValues, LastStep, StateCell
from earshot.types import Array

__all__ = ["autoencoder", "encoder", "linear_probe", "next_frame_lstm", "vanilla_conv"]


def vanilla_conv(
    input_shape: tuple[int, int], n_classes: int = 2, *, width: int = 48, dropout: float = 0.1,
    scale: float = 50.0,
) -> keras.Model:  # fmt: skip
    """Build a plain CNN that says what the middle of a window on a stream is.

    Its convolutions over time use no padding, and reach further and further apart (dilation), until
    one step is left of the window. So :func:`earshot.networks.along` can run it over a whole stream
    at once. ``width`` is the number of channels of each layer.
    """
    inputs, x = _convolved(input_shape, width, dropout, scale)
    x = layers.Dropout(2 * dropout)(x)
    logits = LastStep(name="logits")(layers.Dense(n_classes)(x))
    return keras.Model(inputs, logits, name="vanilla_conv")


def autoencoder(
    input_shape: tuple[int, int], *, bottleneck: int = 24, width: int = 48, scale: float = 50.0
) -> keras.Model:
    """Build a network that squeezes a window through a bottleneck and restores it.

    The encoder, which :func:`encoder` gives, has the form of :func:`vanilla_conv`; ``bottleneck``
    values have to tell the whole window. Transposed convolutions restore it.
    """
    inputs, x = _convolved(input_shape, width, 0.0, scale)
    n_frames, bands = input_shape
    x = layers.Conv1D(bottleneck, 1, name="bottleneck")(x)
    while x.shape[1] < n_frames:
        x = layers.Conv1DTranspose(2 * width, 4, strides=4, activation="relu")(x)
    x = layers.Cropping1D((0, x.shape[1] - n_frames))(x)
    x = layers.Conv1D(bands, 5, padding="same")(x)
    return keras.Model(inputs, layers.Rescaling(scale, name="restored")(x), name="autoencoder")


def next_frame_lstm(
    input_shape: tuple[int, int], *, units: int = 64, n_next: int = 3, scale: float = 50.0
) -> keras.Model:
    """Build an LSTM that predicts how a stream goes on, which needs no labels.

    From (batch, n_frames, bands) to (batch, n_frames, n_next * bands): at each step, the ``n_next``
    steps that follow.
    """
    n_frames, bands = checked_shape(input_shape, 2)
    inputs = keras.Input((n_frames, bands), name="spectrogram")
    x = layers.Rescaling(1 / scale)(inputs)
    x = layers.RNN(StateCell(units), return_sequences=True, name="lstm")(x)
    x = layers.Dense(n_next * bands)(HalfOfValues(0, name="hidden_state")(x))
    return keras.Model(inputs, layers.Rescaling(scale, name="predicted")(x), name="next_frame_lstm")


def encoder(network: keras.Model) -> keras.Model:
    """Give the part that a linear probe reads, with the same weights.

    It ends in the bottleneck of an :func:`autoencoder`, or in the cell state of a
    :func:`next_frame_lstm`. What comes after, such as the decoder, is not in it.
    """
    for layer in network.layers:
        if layer.name == "bottleneck":
            return keras.Model(network.input, layer.output, name="encoder")
        if layer.name == "lstm" and isinstance(layer, layers.RNN):
            state = HalfOfValues(1, name="cell_state")(layer.output)
            return keras.Model(network.input, state, name="encoder")
    raise EarshotError(
        f"{network.name} has no layer named bottleneck and no LSTM to read: build it with "
        "autoencoder or next_frame_lstm."
    )


def linear_probe(
    trained: keras.Model, n_classes: int = 2, *, mean: Array | None = None,
    variance: Array | None = None,
) -> keras.Model:  # fmt: skip
    """Build a linear layer on the frozen copy of a trained network's :func:`encoder`.

    From windows to logits; only its Dense layer, "linear_probe", learns. Each value that is read is
    brought to mean 0 and variance 1 by ``mean`` and ``variance``, of shape (n_values,).
    """
    part = encoder(trained)
    frozen = keras.models.clone_model(part)
    frozen.set_weights(part.get_weights())
    frozen.trainable = False
    n_values = frozen.output_shape[-1]
    mean = np.zeros(n_values) if mean is None else mean
    variance = np.ones(n_values) if variance is None else variance
    x = layers.Normalization(mean=mean, variance=variance)(frozen.output)
    x = layers.Dense(n_classes, name="linear_probe")(x)
    return keras.Model(frozen.input, LastStep(name="logits")(x), name=f"{trained.name}_probe")


def _convolved(input_shape, width, dropout, scale):
    """Begin a network: convolutions without padding, until one step of a window is left."""
    n_frames, bands = checked_shape(input_shape, 2)
    inputs = keras.Input((n_frames, bands), name="spectrogram")
    x = layers.Rescaling(1 / scale)(inputs)
    left, reach = n_frames - 1, 1
    while left:
        reach = min(reach, max(left // 2, 1))
        size = 3 if left > 1 else 2
        x = layers.Conv1D(width, size, dilation_rate=reach, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.SpatialDropout1D(dropout)(x) if dropout else x
        left, reach = left - (size - 1) * reach, 2 * reach
    return inputs, x
