"""Networks that tell words apart: shapes in, Keras model out.

What every builder keeps, for whoever writes another one:

- It takes the ``output_shape`` of its front end, (frames, n_mels) for spectrograms, and the number
  of classes, and gives a model that is not compiled.
- The model's answer has the shape (batch, n_classes): logits, without a softmax, from a last Dense
  layer named "logits".
- ``earshot.learn_words`` reads the layer named "embedding", else the one named "features": a vector
  for each clip, before the last layers. A network without either cannot learn new words.
- ``scale``: values are divided by it. Give ``front_end.top_db``, and 255 for quantized values.
- Its name stands in ``__all__`` below and in ``networks/__init__.pyi``.

>>> temporal_cnn((101, 40), n_classes=10).output_shape
(None, 10)
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from earshot.errors import EarshotError
from earshot.networks.layers import AnyOfFrame, FilterBank, SpectralAugmentation
from earshot.networks.linear import dense_weights

__all__ = ["cnn", "dense_weights", "raw_lstm", "spectrogram_lstm", "temporal_cnn"]


def cnn(
    input_shape: tuple[int, int], n_classes: int, *, widths: Sequence[int] = (8, 16, 16),
    dense: int = 32, dropout: float = 0.25, scale: float = 80.0,
) -> keras.Model:  # fmt: skip
    """Build the classic 2-D CNN: blocks of Conv2D and MaxPooling2D, then two Dense layers.

    ``widths``: filters of each block, which halves frames and bands; ``dense``: hidden units.
    """
    frames, n_mels = checked_shape(input_shape, n_classes)
    if min(frames, n_mels) < 2 ** len(widths):
        raise EarshotError(
            f"A spectrogram of {frames}x{n_mels} is too small for {len(widths)} blocks that halve "
            "it: give fewer widths or a larger spectrogram."
        )
    inputs = keras.Input((frames, n_mels), name="log_mel")
    x = layers.Reshape((frames, n_mels, 1))(layers.Rescaling(1 / scale)(inputs))
    for width in widths:
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(dropout)(layers.Flatten()(x))
    x = layers.Dense(dense, activation="relu", name="dense")(x)
    return keras.Model(inputs, layers.Dense(n_classes, name="logits")(x), name="cnn")


def temporal_cnn(
    input_shape: tuple[int, int], n_classes: int, *, widths: Sequence[int] = (24, 32, 48),
    width: int = 128, kernel: int = 9, last_stride: int = 2, dropout: float = 0.3,
    scale: float = 45.0,
) -> keras.Model:  # fmt: skip
    """Build 2-D convolutions that forgive shifts in frequency, then convolutions over time.

    Other voices shift a spectrum in frequency, so the first layers look at small patches. Then the
    bands become channels of residual 1-D convolutions over time, as in Choi and others (2019),
    "Temporal convolution for real-time keyword spotting on mobile devices" (TC-ResNet), and their
    mean over time, "features", is classified.

    ``widths``: filters of the 2-D layers, each of which halves the bands, the first the frames too;
    over time there are ``width`` channels, which see ``kernel`` frames, and a ``last_stride`` of 2
    halves the frames once more. Dropout after these is a quarter of ``dropout``, after the 2-D
    layers an eighth.
    """
    inputs = keras.Input(checked_shape(input_shape, n_classes), name="log_mel")
    x = layers.Reshape((*input_shape, 1))(layers.Rescaling(1 / scale, offset=1.0)(inputs))
    for i, filters in enumerate(widths):
        patch, strides = (5, (2, 2)) if i == 0 else (3, (1, 2))
        x = layers.Conv2D(filters, patch, strides=strides, padding="same", use_bias=False)(x)
        x = layers.SpatialDropout2D(dropout / 8)(normalized_relu(x))
    x = layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]))(x)
    for size, step in ((1, 1), (kernel, 1), (kernel, last_stride)):
        y = layers.Conv1D(width, size, strides=step, padding="same", use_bias=False)(x)
        y = layers.BatchNormalization(momentum=0.9)(y)
        x = layers.Add()([x, y]) if x.shape == y.shape else y
        x = layers.SpatialDropout1D(dropout / 4)(layers.ReLU()(x))
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling1D(name="features")(x))
    return keras.Model(inputs, layers.Dense(n_classes, name="logits")(x), name="temporal_cnn")


def raw_lstm(
    n_samples: int, n_classes: int, *, frame: int = 252, sample_rate: int = 22050,
    n_filters: int = 48, units: int = 96, dense: int = 64, dropout: float = 0.3,
    jitter: float = 0.6,
) -> keras.Model:  # fmt: skip
    """Build an LSTM over raw samples, with a mask that tells which of them are real.

    Its inputs are "samples", shape (batch, n_samples), and "mask", the same of bool. Each step of
    the LSTM reads a ``frame`` of samples: 252 of them are 11 ms, and 0.8 s are 70 steps, at 22,050
    Hz. A :class:`~earshot.networks.layers.FilterBank` for the ``sample_rate``, in Hz, turns a frame
    into ``n_filters`` values. With a frame of 1, the LSTM reads the samples themselves, one a step:
    17,640 steps a clip, which takes a hundred times as long and learns little. ``units``: of the
    LSTM; ``dense``: hidden units; ``jitter``: strength of the layer ``SpectralAugmentation``.
    """
    checked_shape((n_samples, 1), n_classes)
    if not 1 <= frame <= n_samples:
        raise EarshotError(f"A frame has 1 to {n_samples} samples, not {frame}.")
    samples = keras.Input((n_samples,), name="samples")
    mask = keras.Input((n_samples,), name="mask", dtype="bool")
    if frame == 1:
        x, real = layers.Reshape((n_samples, 1), name="reshape")(samples), mask
    else:
        frame, n_steps = int(frame), int(-(-n_samples // frame))
        x = FilterBank(frame, int(n_filters), int(sample_rate))(samples)
        x = layers.Rescaling(1 / 9, offset=1.25)(x)
        real = AnyOfFrame(frame, n_steps)(mask)
        if jitter:
            x, real = SpectralAugmentation(jitter)(x, real)
        x = _stem(x, units, dropout)
    logits = _head(layers.LSTM(units, name="lstm")(x, mask=real), dense, dropout, n_classes)
    return keras.Model([samples, mask], logits, name="raw_lstm")


def spectrogram_lstm(
    input_shape: tuple[int, int], n_classes: int, *, reading: str = "time", stem: int = 96,
    units: int = 96, dense: int = 64, dropout: float = 0.3, jitter: float = 0.6,
    scale: float = 50.0,
) -> keras.Model:  # fmt: skip
    """Build an LSTM over a log-mel spectrogram whose outputs are averaged over all steps.

    ``reading`` "time": a step is a frame, and the outputs' mean over time is classified. "mean": a
    step is a mel band, and the mean over the units of each step's output is classified. ``stem``,
    for "time" only: channels of a convolution over three neighbouring frames before the LSTM; 0
    leaves it out. ``units``, ``dense`` and ``jitter`` mean what they do for :func:`raw_lstm`.
    """
    inputs = keras.Input(checked_shape(input_shape, n_classes), name="log_mel")
    if reading not in ("time", "mean"):
        raise EarshotError(f"An LSTM reads along 'time' or takes the 'mean', not {reading!r}.")
    x = layers.Rescaling(1 / scale, offset=1.0)(inputs)
    x = SpectralAugmentation(jitter)(x) if jitter else x
    if reading == "mean":
        x = layers.LSTM(units, return_sequences=True, name="lstm")(layers.Permute((2, 1))(x))
        x = layers.GlobalAveragePooling1D("channels_first", name="features")(x)
    else:
        if stem:
            x = _stem(x, stem, dropout)
        x = layers.LSTM(units, return_sequences=True, name="lstm")(x)
        x = layers.GlobalAveragePooling1D(name="features")(x)
    return keras.Model(inputs, _head(x, dense, dropout, n_classes), name="spectrogram_lstm")


def _stem(x, width, dropout):
    x = layers.Conv1D(width, 3, padding="same", use_bias=False)(x)
    return layers.SpatialDropout1D(dropout / 3)(normalized_relu(x))


def _head(x, dense, dropout, n_classes):
    x = layers.Dense(dense, activation="relu", name="dense")(layers.Dropout(dropout)(x))
    return layers.Dense(n_classes, name="logits")(layers.Dropout(dropout / 2)(x))


def normalized_relu(x: Any) -> Any:
    """Apply batch normalization, then a ReLU."""
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def checked_shape(input_shape: tuple[int, int], n_classes: int = 2) -> tuple[int, int]:
    """Refuse what makes no network."""
    if len(input_shape) != 2 or not input_shape[1]:
        raise EarshotError(f"A network's input shape is (frames, n_mels), not {input_shape!r}.")
    if n_classes < 2:
        raise EarshotError(f"A network tells at least 2 words apart, not {n_classes}.")
    return input_shape
