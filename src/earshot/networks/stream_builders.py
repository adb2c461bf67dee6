"""Networks for streams: shapes in, Keras model out.

``input_shape`` is (n_frames, bands), that of :class:`earshot.features.StreamSpectrogram`, and
``scale`` its range of values (``top_db``), which is brought to 0 to 1.

>>> network = next_frame_lstm((63, 40), units=64)
>>> encoder(network).output_shape
(None, 63, 64)
"""

import keras
from keras import layers

from earshot.errors import EarshotError
from earshot.networks.builders import checked_shape, normalized_relu
from earshot.networks.layers import HalfOfValues, LastStep, StateCell
from earshot.types import Array

__all__ = ["autoencoder", "encoder", "linear_probe", "next_frame_lstm", "vanilla_conv"]


def vanilla_conv(
    input_shape: tuple[int, int], n_classes: int = 2, *, width: int = 48, dropout: float = 0.1,
    scale: float = 50.0,
) -> keras.Model:  # fmt: skip
    """Build a plain CNN that says what the middle of a window on a stream is.

    Its convolutions over time, of ``width`` channels, use no padding, and reach further and further
    apart (dilation), until one step is left of the window. So :func:`earshot.networks.along` can
    run it over a whole stream at once.
    """
    inputs, x = _convolved(input_shape, width, dropout, scale)
    x = layers.Dense(n_classes)(layers.Dropout(2 * dropout)(x))
    return keras.Model(inputs, LastStep(name="logits")(x), name="vanilla_conv")


def autoencoder(
    input_shape: tuple[int, int], *, bottleneck: int = 24, width: int = 48, scale: float = 50.0
) -> keras.Model:
    """Build a network that squeezes a window through ``bottleneck`` values and restores it.

    The :func:`encoder` has the form of :func:`vanilla_conv`; transposed convolutions restore.
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

    Its answer (batch, n_frames, n_next * bands): at each step, the ``n_next`` steps that follow.
    """
    inputs = keras.Input(checked_shape(input_shape), name="spectrogram")
    x = layers.Rescaling(1 / scale)(inputs)
    x = layers.RNN(StateCell(units), return_sequences=True, name="lstm")(x)
    x = layers.Dense(n_next * input_shape[1])(HalfOfValues(0, name="hidden_state")(x))
    return keras.Model(inputs, layers.Rescaling(scale, name="predicted")(x), name="next_frame_lstm")


def encoder(network: keras.Model) -> keras.Model:
    """Give the part that a linear probe reads, with the same weights, and nothing after it.

    Its end is an :func:`autoencoder`'s bottleneck, or a :func:`next_frame_lstm`'s cell state.
    """
    for layer in network.layers:
        if layer.name == "bottleneck":
            return keras.Model(network.input, layer.output, name="encoder")
        if layer.name == "lstm" and isinstance(layer, layers.RNN):
            state = HalfOfValues(1, name="cell_state")(layer.output)
            return keras.Model(network.input, state, name="encoder")
    needed = "has no layer named bottleneck and no LSTM to read"
    raise EarshotError(f"{network.name} {needed}: build it with autoencoder or next_frame_lstm.")


def linear_probe(
    trained: keras.Model, n_classes: int = 2, *, mean: Array | float = 0.0,
    variance: Array | float = 1.0,
) -> keras.Model:  # fmt: skip
    """Build a linear layer, "linear_probe", on the frozen copy of a network's :func:`encoder`.

    ``mean`` and ``variance``, shape (n_values,), bring what it reads to mean 0 and variance 1.
    """
    part = encoder(trained)
    frozen = keras.models.clone_model(part)
    frozen.set_weights(part.get_weights())
    frozen.trainable = False
    x = layers.Normalization(mean=mean, variance=variance)(frozen.output)
    x = layers.Dense(n_classes, name="linear_probe")(x)
    return keras.Model(frozen.input, LastStep(name="logits")(x), name=f"{trained.name}_probe")


def _convolved(input_shape, width, dropout, scale):
    """Begin a network: convolutions without padding, until one step of a window is left."""
    inputs = keras.Input(checked_shape(input_shape), name="spectrogram")
    x = layers.Rescaling(1 / scale)(inputs)
    left, reach = input_shape[0] - 1, 1
    while left:
        reach = min(reach, max(left // 2, 1))
        size = 3 if left > 1 else 2
        x = normalized_relu(layers.Conv1D(width, size, dilation_rate=reach, use_bias=False)(x))
        x = layers.SpatialDropout1D(dropout)(x) if dropout else x
        left, reach = left - (size - 1) * reach, 2 * reach
    return inputs, x
