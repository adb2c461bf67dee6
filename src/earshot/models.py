"""Keras builders: shapes in, model out; no data and no training here.

Every network takes log-mel pictures, shape (batch, frames, n_mels), in dB from ``-top_db`` to 0
(or stamps from 0 to 255), and answers with one logit a word, shape (batch, n_words).
"""

import keras
from keras import layers, ops

from earshot.errors import EarshotError

__all__ = ["cnn", "ensemble", "temporal_cnn"]


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
    input_shape, n_words, *, widths=(48, 64, 96), kernel=9, stride=2, dropout=0.4, scale=60.0
):
    """Build 1-D convolutions over time with the mel bands as channels, and pool over time.

    Residual blocks after Choi and others (2019), "Temporal convolution for real-time keyword
    spotting on mobile devices" (TC-ResNet); every step sees all bands, so that it is several
    times faster than a 2-D CNN.

    Parameters
    ----------
    input_shape : tuple of int
        ``(frames, n_mels)``; frames may be None.
    n_words : int
    widths : sequence of int
        Channels of the stem and of each block; every block after the first halves the frames.
    kernel : int
        Frames that a convolution of a block sees.
    stride : int
        Step of the stem, in frames.
    dropout : float
        Before the last layer; the blocks drop a quarter as much.
    scale : float
        The pictures' range in dB (``top_db``), which is brought to 0 to 1.

    Returns
    -------
    keras.Model
    """
    frames, n_mels = _checked(input_shape, n_words)

    def convolve(x, width, size, step):
        x = layers.Conv1D(width, size, strides=step, padding="same", use_bias=False)(x)
        return layers.BatchNormalization(momentum=0.9)(x)

    inputs = keras.Input((frames, n_mels), name="log_mel")
    x = layers.Rescaling(1 / scale, offset=1.0)(inputs)
    x = layers.ReLU()(convolve(x, widths[0], 5, stride))
    for i, width in enumerate(widths):
        step = 1 if i == 0 else 2
        skip = x if i == 0 else layers.ReLU()(convolve(x, width, 1, step))
        x = layers.ReLU()(convolve(x, width, kernel, step))
        x = layers.Add()([convolve(x, width, kernel, 1), skip])
        x = layers.SpatialDropout1D(dropout / 4)(layers.ReLU()(x))
    x = layers.GlobalAveragePooling1D(name="features")(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(n_words, name="logits")(x), name="temporal_cnn")


def ensemble(members):
    """Join networks of one input shape into one that averages their probabilities.

    Parameters
    ----------
    members : sequence of keras.Model
        From the same pictures to logits of the same words.

    Returns
    -------
    keras.Model
        Its logits are the logarithm of the mean probabilities.
    """
    if len({(m.input_shape, m.output_shape) for m in members}) != 1:
        raise EarshotError("An ensemble needs at least one network, all of the same shapes.")
    inputs = keras.Input(members[0].input_shape[1:], name="log_mel")
    answers = [layers.Softmax()(member(inputs)) for member in members]
    mean = answers[0] if len(answers) == 1 else layers.Average()(answers)
    return keras.Model(inputs, LogOfProbability(name="logits")(mean), name="ensemble")


@keras.saving.register_keras_serializable("earshot")
class LogOfProbability(layers.Layer):
    """Probabilities to logits, element by element."""

    def call(self, x):
        return ops.log(ops.maximum(x, 1e-7))


def _checked(input_shape, n_words):
    if len(input_shape) != 2 or not input_shape[1]:
        raise EarshotError(f"A network's input shape is (frames, n_mels), not {input_shape!r}.")
    if n_words < 2:
        raise EarshotError(f"A network tells at least 2 words apart, not {n_words}.")
    return input_shape
