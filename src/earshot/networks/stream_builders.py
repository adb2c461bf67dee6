"""Networks for streams: shapes in, Keras model out."""

import keras
import numpy as np
from keras import layers

from earshot.errors import EarshotError
from earshot.networks.builders import checked_shape
from earshot.networks.layers import HalfOfValues, LastStep, StateCell

__all__ = ["autoencoder", "encoder", "linear_probe", "next_frame_lstm", "vanilla_conv"]


def vanilla_conv(input_shape, n_classes=2, *, width=48, dropout=0.1, scale=50.0):
    """Build a plain CNN that says what the middle of a window on a stream is.

    Its convolutions over time use no padding, and reach further and further apart (dilation), until
    one step is left of the window. So :func:`along` can run it over a whole stream at once.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, bands)`` of :class:`earshot.features.StreamSpectrogram`.
    n_classes : int
        Classes, such as noise and speech.
    width : int
        Channels of each layer.
    dropout : float
    scale : float
        The range of values (``top_db``), which is brought to 0 to 1.

    Returns
    -------
    keras.Model
    """
    inputs, x = _convolved(input_shape, width, dropout, scale)
    x = layers.Dropout(2 * dropout)(x)
    logits = LastStep(name="logits")(layers.Dense(n_classes)(x))
    return keras.Model(inputs, logits, name="vanilla_conv")


def autoencoder(input_shape, *, bottleneck=24, width=48, scale=50.0):
    """Build a network that squeezes a window through a bottleneck and restores it.

    The encoder has the form of :func:`vanilla_conv`; transposed convolutions restore the window.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, bands)`` of :class:`earshot.features.StreamSpectrogram`.
    bottleneck : int
        Values that have to tell the whole window.
    width : int
        Channels of each layer.
    scale : float
        The range of values (``top_db``).

    Returns
    -------
    keras.Model
        From windows to windows. :func:`encoder` gives its first half.
    """
    inputs, x = _convolved(input_shape, width, 0.0, scale)
    n_frames, bands = input_shape
    x = layers.Conv1D(bottleneck, 1, name="bottleneck")(x)
    while x.shape[1] < n_frames:
        x = layers.Conv1DTranspose(2 * width, 4, strides=4, activation="relu")(x)
    x = layers.Cropping1D((0, x.shape[1] - n_frames))(x)
    x = layers.Conv1D(bands, 5, padding="same")(x)
    return keras.Model(inputs, layers.Rescaling(scale, name="restored")(x), name="autoencoder")


def next_frame_lstm(input_shape, *, units=64, n_next=3, scale=50.0):
    """Build an LSTM that predicts how a stream goes on, which needs no labels.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, bands)`` of :class:`earshot.features.StreamSpectrogram`.
    units : int
    n_next : int
        So many of the next steps are predicted at each step.
    scale : float
        The range of values (``top_db``).

    Returns
    -------
    keras.Model
        From (batch, n_frames, bands) to (batch, n_frames, n_next * bands).
    """
    n_frames, bands = checked_shape(input_shape, 2)
    inputs = keras.Input((n_frames, bands), name="spectrogram")
    x = layers.Rescaling(1 / scale)(inputs)
    x = layers.RNN(StateCell(units), return_sequences=True, name="lstm")(x)
    x = layers.Dense(n_next * bands)(HalfOfValues(0, name="hidden_state")(x))
    return keras.Model(inputs, layers.Rescaling(scale, name="predicted")(x), name="next_frame_lstm")


def encoder(network):
    """Give the part that a readout reads: an autoencoder's bottleneck, or an LSTM's cell state.

    Parameters
    ----------
    network : keras.Model
        From :func:`autoencoder` or :func:`next_frame_lstm`.

    Returns
    -------
    keras.Model
        With the same weights. What comes after, such as the decoder, is not in it.
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


def linear_probe(trained, n_classes=2, *, mean=None, variance=None):
    """Build a small readout on a frozen copy of a trained network.

    Parameters
    ----------
    trained : keras.Model
        From :func:`autoencoder` or :func:`next_frame_lstm`.
    n_classes : int
        Classes, such as noise and speech.
    mean, variance : ndarray, shape (n_values,), optional
        Of what is read; each value is brought to mean 0 and variance 1. Default: as they are.

    Returns
    -------
    keras.Model
        From windows to logits; only its Dense layer, "readout", learns.
    """
    part = encoder(trained)
    frozen = keras.models.clone_model(part)
    frozen.set_weights(part.get_weights())
    frozen.trainable = False
    n_values = frozen.output_shape[-1]
    mean = np.zeros(n_values) if mean is None else mean
    variance = np.ones(n_values) if variance is None else variance
    x = layers.Normalization(mean=mean, variance=variance)(frozen.output)
    x = layers.Dense(n_classes, name="readout")(x)
    return keras.Model(frozen.input, LastStep(name="logits")(x), name=f"{trained.name}_readout")


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
