"""The front ends as Keras layers, with the same numbers.

>>> import numpy as np
>>> from earshot.features import LogMel
>>> x = np.random.default_rng(0).standard_normal((2, 8000)).astype(np.float32)
>>> bool(np.allclose(as_layer(LogMel())(x), LogMel()(x), atol=1e-3))
True
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.features.mel import mel_matrices
from earshot.features.raw import RawWaveform
from earshot.features.short_time import hann

__all__ = ["LogMelLayer", "RawWaveformLayer", "as_layer", "centred"]

LONGEST_WINDOW = 4096  # samples: its waves take 64 MiB, and grow with the square


def centred(x: Any) -> Any:
    """Subtract its mean from each waveform, (batch, samples), as ``features.offset.centred``."""
    place = ops.arange(ops.shape(x)[1], dtype=x.dtype)  # the one constant of this length
    n = ops.cast(ops.shape(x)[1], x.dtype)
    first = -ops.max(-ops.where(x != 0, place, n), axis=1, keepdims=True)
    end = ops.max(ops.where(x != 0, place, -1), axis=1, keepdims=True) + 1
    mean = ops.sum(x, axis=1, keepdims=True) / ops.maximum(end - first, 1)
    return ops.where(ops.logical_and(place >= first, place < end), x - mean, 0)


@keras.saving.register_keras_serializable("earshot")
class LogMelLayer(keras.layers.Layer):
    """Waveforms (batch, samples) to log-mel spectrograms (batch, frames, n_mels), as LogMel.

    ``settings`` are its ``to_dict()``; 8-bit values come as whole float32 from 0 to 255. The
    short-time transform is a convolution with windowed cosines and sines, which every runtime can
    do: few have a Fourier transform. In ``n_parts``, one after the other, it needs less memory.
    """

    def __init__(self, settings: dict[str, Any], n_parts: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_parts = n_parts
        self.front_end = LogMel(**settings)
        if self.front_end.n_fft > LONGEST_WINDOW:
            raise EarshotError(
                f"A front end with an n_fft of {self.front_end.n_fft:,} makes no export, which "
                f"would be too large: train with {LONGEST_WINDOW:,} at most."
            )

    def build(self, input_shape: Any) -> None:
        """Make the waves, (n_fft, 1, 2 * bins), of those bins that the mel bands hold."""
        n_fft, bank = self.front_end.n_fft, mel_matrices(self.front_end)[0]
        bins = np.flatnonzero(bank.any(axis=1))
        bins = bins if len(bins) else np.arange(1)  # bands so narrow that no bin lies in any
        angle = 2 * np.pi / n_fft * (np.outer(np.arange(n_fft), bins) % n_fft)
        waves = np.concatenate([np.cos(angle), np.sin(angle)], axis=1) * hann(n_fft)[:, None]
        self.waves = waves.astype(np.float32)[:, None]
        self.bands = np.concatenate([bank[bins], bank[bins]])[None]

    def call(self, x: Any) -> Any:
        """Give the spectrograms."""
        front_end, n, n_fft = self.front_end, self.front_end.n_samples, self.front_end.n_fft
        x = ops.cast(x, "float32")[:, :n]
        x = x if n is None else centred(x)
        before, after = front_end.sides(max(n - x.shape[-1], 0) if n else 0)
        x = ops.pad(x, [[0, 0], [n_fft // 2 + before, n_fft // 2 + after]])
        power = self._power(x[..., None])
        loudest = ops.maximum(ops.max(power, axis=(1, 2), keepdims=True), 1e-10)
        db = 10 * ops.log10(ops.maximum(power / loudest, 10.0 ** (-front_end.top_db / 10)))
        return db if front_end.bits is None else ops.round((db / front_end.top_db + 1) * 255)

    def _power(self, x: Any) -> Any:
        """Give the power in each band, (batch, frames, n_mels), of (batch, samples, 1)."""
        power = None
        for waves in np.array_split(np.arange(self.waves.shape[-1]), self.n_parts):
            parts = ops.conv(x, self.waves[..., waves], strides=self.front_end.hop_length)
            bands = ops.conv(ops.square(parts), self.bands[:, waves])
            power = bands if power is None else power + bands
        return power


@keras.saving.register_keras_serializable("earshot", name="SamplesLayer")
class RawWaveformLayer(keras.layers.Layer):
    """Waveforms (batch, samples) to clips of ``n_samples`` with their masks, as RawWaveform."""

    def __init__(self, n_samples: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_samples = n_samples

    def call(self, x: Any) -> tuple[Any, Any]:
        """Give clips with a peak of 1, and masks."""
        n = self.n_samples
        x = centred(ops.cast(x, "float32")[:, :n])
        x = ops.pad(x, [[0, 0], [0, n - x.shape[-1]]])
        peak = ops.max(ops.abs(x), axis=1, keepdims=True)
        real = ops.where(x != 0, ops.arange(1, n + 1), 0)
        mask = ops.arange(n) < ops.max(real, axis=1, keepdims=True)
        return x / ops.maximum(peak, 1e-9), mask


def as_layer(front_end: Any, *, n_parts: int = 1) -> keras.layers.Layer:
    """Give a front end as a Keras layer, with the same numbers: (batch, samples) to its output.

    ``n_parts``: steps that its short-time transform is made in, for runtimes with little memory.
    Raises :class:`EarshotError` when there is no such layer, as for a front end of streams.
    """
    if isinstance(front_end, LogMel):
        return LogMelLayer(front_end.to_dict(), n_parts, name="front_end")
    if isinstance(front_end, RawWaveform):
        return RawWaveformLayer(front_end.n_samples, name="front_end")
    raise EarshotError(
        "A recognizer of streams has no export, which answers for single clips: use save()."
    )
