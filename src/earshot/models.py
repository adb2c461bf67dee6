"""Keras builders: shapes in, model out; no data and no training here.

Every network takes log-mel pictures, shape (batch, frames, n_mels), in dB from ``-top_db`` to 0
(or stamps from 0 to 255), and answers with one logit a word, shape (batch, n_words).
"""

import keras
import numpy as np
from keras import layers

from earshot.errors import EarshotError
from earshot.layers import (
    AllSteps,
    AnyOfFrame,
    FilterBank,
    Half,
    Jitter,
    LastStep,
    MeanOfFeatures,
    StateCell,
)

__all__ = [
    "along",
    "autoencoder",
    "cnn",
    "encoder",
    "is_recurrent",
    "next_frame_lstm",
    "raw_lstm",
    "readout",
    "spectrogram_lstm",
    "temporal_cnn",
    "vanilla_conv",
]


def cnn(input_shape, n_words, *, widths=(8, 16, 16), dense=32, dropout=0.25, scale=80.0):
    """Build the classic 2-D CNN: blocks of Conv2D and MaxPooling2D, then two Dense layers.

    Parameters
    ----------
    input_shape : tuple of int
        ``(frames, n_mels)``.
    n_words : int
    widths : sequence of int
        Filters of each block; every block halves both sides of the picture.
    dense : int
        Units of the hidden Dense layer.
    dropout : float
    scale : float
        The pictures' range in dB (``top_db``; 255 for stamps), which is brought to about 1.

    Returns
    -------
    keras.Model
    """
    frames, n_mels = _checked(input_shape, n_words)
    if min(frames, n_mels) < 2 ** len(widths):
        raise EarshotError(
            f"A picture of {frames}x{n_mels} is too small for {len(widths)} blocks that halve it: "
            "give fewer widths or a larger picture."
        )
    inputs = keras.Input((frames, n_mels), name="log_mel")
    x = layers.Rescaling(1 / scale)(inputs)
    x = layers.Reshape((frames, n_mels, 1))(x)
    for width in widths:
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(dropout)(layers.Flatten()(x))
    x = layers.Dense(dense, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(n_words, name="logits")(x), name="cnn")


def temporal_cnn(
    input_shape, n_words, *, widths=(24, 32, 48), width=128, kernel=9, last_stride=2, dropout=0.3,
    scale=45.0,
):  # fmt: skip
    """Build 2-D convolutions that forgive shifts in frequency, then convolutions over time.

    The voices of people differ most in where on the frequency axis things happen, so the first
    layers look at small patches and halve the bands three times. After them the bands become
    channels of residual 1-D convolutions over time, as in Choi and others (2019), "Temporal
    convolution for real-time keyword spotting on mobile devices" (TC-ResNet), and the mean over
    time is classified.

    Parameters
    ----------
    input_shape : tuple of int
        ``(frames, n_mels)``.
    n_words : int
    widths : sequence of int
        Filters of the 2-D layers; each halves the bands, the first one the frames too.
    width, kernel : int
        Channels of the layers over time, and how many frames each of them sees.
    last_stride : int
        Of the last of these layers: 2 halves the frames once more.
    dropout : float
        Before the last layer; the layers over time drop a quarter as much, the 2-D ones an eighth.
    scale : float
        The pictures' range in dB (``top_db``), which is brought to 0 to 1.

    Returns
    -------
    keras.Model
        Its layer "features" gives the mean over time, shape (batch, width).
    """
    frames, n_mels = _checked(input_shape, n_words)
    inputs = keras.Input((frames, n_mels), name="log_mel")
    x = layers.Rescaling(1 / scale, offset=1.0)(inputs)
    x = layers.Reshape((frames, n_mels, 1))(x)
    for i, filters in enumerate(widths):
        size, step = (5, (2, 2)) if i == 0 else (3, (1, 2))
        x = layers.Conv2D(filters, size, strides=step, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.SpatialDropout2D(dropout / 8)(x)
    x = layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]))(x)
    for size, step in ((1, 1), (kernel, 1), (kernel, last_stride)):
        y = layers.Conv1D(width, size, strides=step, padding="same", use_bias=False)(x)
        y = layers.BatchNormalization(momentum=0.9)(y)
        x = layers.Add()([x, y]) if x.shape == y.shape else y
        x = layers.SpatialDropout1D(dropout / 4)(layers.ReLU()(x))
    x = layers.GlobalAveragePooling1D(name="features")(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(n_words, name="logits")(x), name="temporal_cnn")


def raw_lstm(
    n_samples, n_words, *, frame=252, sample_rate=22050, n_filters=48, units=96, dense=64,
    dropout=0.3, jitter=0.6,
):  # fmt: skip
    """Build an LSTM over raw samples, with a mask that tells which of them are real.

    Parameters
    ----------
    n_samples : int
        Length of the clips; 17,640 are 0.8 s at 22,050 Hz.
    n_words : int
    frame : int
        Samples that the LSTM reads in one step. 252 are 11 ms and 70 steps a clip, through learned
        filters (:class:`earshot.layers.FilterBank`). 1 is the textbook's form, sample by sample and
        without filters: 17,640 steps a clip, about a hundred times slower (minutes for an epoch of
        1,600 clips), and it learns little.
    sample_rate : int
        In Hz; of the filters' first frequencies.
    n_filters, units, dense : int
        Sizes of the filter bank, the LSTM and the hidden Dense layer.
    dropout, jitter : float
        Against learning by heart; see :class:`earshot.layers.Jitter`.

    Returns
    -------
    keras.Model
        Inputs "samples", shape (batch, n_samples), and "mask", the same of bool.
    """
    if n_words < 2:
        raise EarshotError(f"A network tells at least 2 words apart, not {n_words}.")
    if not 1 <= frame <= n_samples:
        raise EarshotError(f"A frame has 1 to {n_samples} samples, not {frame}.")
    samples = keras.Input((n_samples,), name="samples")
    mask = keras.Input((n_samples,), name="mask", dtype="bool")
    if frame == 1:
        x, real = layers.Reshape((n_samples, 1), name="reshape")(samples), mask
    else:
        n_steps = -(-n_samples // frame)
        x = FilterBank(frame, n_filters, sample_rate)(samples)
        x = layers.Rescaling(1 / 9, offset=1.25)(x)
        real = AnyOfFrame(frame, n_steps)(mask)
        if jitter:
            x, real = Jitter(jitter)(x, real)
        x = layers.Conv1D(units, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.SpatialDropout1D(dropout / 3)(x)
    x = layers.LSTM(units, name="lstm")(x, mask=real)
    x = layers.Dropout(dropout)(x)
    x = layers.Dropout(dropout / 2)(layers.Dense(dense, activation="relu")(x))
    return keras.Model([samples, mask], layers.Dense(n_words, name="logits")(x), name="raw_lstm")


def spectrogram_lstm(
    input_shape, n_words, *, reading="time", stem=96, units=96, dense=64, dropout=0.3, jitter=0.6,
    scale=50.0,
):  # fmt: skip
    """Build an LSTM over a log-mel picture whose outputs are averaged over all steps.

    Parameters
    ----------
    input_shape : tuple of int
        ``(frames, n_mels)``.
    n_words : int
    reading : {"time", "mean"}
        "time": a step is a frame, and the outputs' mean over time is classified. "mean", the
        textbook's form: a step is a mel band, and each step's output becomes one value, the mean
        over its features.
    stem : int
        Channels of a convolution over three neighbouring frames before the LSTM; 0 leaves it out.
        Not in the textbook's form.
    units, dense : int
        Sizes of the LSTM and the hidden Dense layer.
    dropout, jitter : float
        Against learning by heart; see :class:`earshot.layers.Jitter`.
    scale : float
        The pictures' range in dB (``top_db``), which is brought to 0 to 1.

    Returns
    -------
    keras.Model
    """
    frames, n_mels = _checked(input_shape, n_words)
    if reading not in ("time", "mean"):
        raise EarshotError(f"An LSTM reads along 'time' or takes the 'mean', not {reading!r}.")
    inputs = keras.Input((frames, n_mels), name="log_mel")
    x = layers.Rescaling(1 / scale, offset=1.0)(inputs)
    x = Jitter(jitter)(x) if jitter else x
    if reading == "mean":
        x = layers.LSTM(units, return_sequences=True, name="lstm")(layers.Permute((2, 1))(x))
        x = MeanOfFeatures(name="features")(x)
    else:
        if stem:
            x = layers.Conv1D(stem, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
            x = layers.SpatialDropout1D(dropout / 3)(x)
        x = layers.LSTM(units, return_sequences=True, name="lstm")(x)
        x = layers.GlobalAveragePooling1D(name="features")(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Dropout(dropout / 2)(layers.Dense(dense, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(n_words, name="logits")(x), name="spectrogram_lstm")


def vanilla_conv(input_shape, n_words=2, *, width=48, dropout=0.1, scale=50.0):
    """Build a plain CNN that says what the middle of a window on a stream is.

    Its convolutions over time use no padding, and reach further and further apart (dilation), until
    one step is left of the window. So :func:`along` can run it over a whole stream at once.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, bands)`` of :class:`earshot.windows.Windows`.
    n_words : int
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
    logits = LastStep(name="logits")(layers.Dense(n_words)(x))
    return keras.Model(inputs, logits, name="vanilla_conv")


def autoencoder(input_shape, *, bottleneck=24, width=48, scale=50.0):
    """Build a network that squeezes a window through a bottleneck and restores it.

    The encoder has the form of :func:`vanilla_conv`; transposed convolutions restore the window.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, bands)`` of :class:`earshot.windows.Windows`.
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
    """Build an LSTM that foretells how a stream goes on, which needs no labels.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, bands)`` of :class:`earshot.windows.Windows`.
    units : int
    n_next : int
        So many of the next steps are foretold at each step.
    scale : float
        The range of values (``top_db``).

    Returns
    -------
    keras.Model
        From (batch, n_frames, bands) to (batch, n_frames, n_next * bands).
    """
    n_frames, bands = _checked(input_shape, 2)
    inputs = keras.Input((n_frames, bands), name="spectrogram")
    x = layers.Rescaling(1 / scale)(inputs)
    x = layers.RNN(StateCell(units), return_sequences=True, name="lstm")(x)
    x = layers.Dense(n_next * bands)(Half(0, name="hidden_state")(x))
    return keras.Model(inputs, layers.Rescaling(scale, name="foretold")(x), name="next_frame_lstm")


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
            state = Half(1, name="cell_state")(layer.output)
            return keras.Model(network.input, state, name="encoder")
    raise EarshotError(
        f"{network.name} has no layer named bottleneck and no LSTM to read: build it with "
        "autoencoder or next_frame_lstm."
    )


def readout(trained, n_words=2, *, mean=None, variance=None):
    """Build a small readout on a frozen copy of a trained network.

    Parameters
    ----------
    trained : keras.Model
        From :func:`autoencoder` or :func:`next_frame_lstm`.
    n_words : int
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
    x = layers.Dense(n_words, name="readout")(x)
    return keras.Model(frozen.input, LastStep(name="logits")(x), name=f"{trained.name}_readout")


def is_recurrent(network):
    """Tell whether a network has a memory that it carries along a stream."""
    return any(isinstance(layer, layers.RNN) for layer in network.layers)


def along(network, *, stateful=False):
    """Give the form of a network that runs along a whole stream at once, with the same weights.

    Parameters
    ----------
    network : keras.Model
        From :func:`vanilla_conv`, :func:`readout`, :func:`next_frame_lstm`, or :func:`encoder`.
    stateful : bool
        For one stream (a batch of 1) that comes in pieces: an LSTM keeps its state from call to
        call. The weights are copies then.

    Returns
    -------
    keras.Model
        From (batch, steps, bands) to an answer for each window: (batch, steps - n_frames + 1,
        n_words) of a convolutional network, (batch, steps, n_words) of a recurrent one.
    """

    def adapted(layer):
        if isinstance(layer, LastStep):
            return AllSteps(name=layer.name)
        if stateful and isinstance(layer, layers.RNN):
            return type(layer).from_config({**layer.get_config(), "stateful": True})
        return layer

    if not is_recurrent(network) and not any(
        isinstance(layer, LastStep) or layer.name == "bottleneck" for layer in network.layers
    ):
        raise EarshotError(
            f"{network.name} has no form for streams: build it with vanilla_conv or readout."
        )
    bands = network.input_shape[-1]
    inputs = keras.Input(batch_shape=(1 if stateful else None, None, bands))
    stream = keras.models.clone_model(network, input_tensors=inputs, clone_function=adapted)
    if stateful:
        stream.set_weights(network.get_weights())
    return stream


def _convolved(input_shape, width, dropout, scale):
    """Begin a network: convolutions without padding, until one step of a window is left."""
    n_frames, bands = _checked(input_shape, 2)
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


def _checked(input_shape, n_words):
    if len(input_shape) != 2 or not input_shape[1]:
        raise EarshotError(f"A network's input shape is (frames, n_mels), not {input_shape!r}.")
    if n_words < 2:
        raise EarshotError(f"A network tells at least 2 words apart, not {n_words}.")
    return input_shape
