"""The front ends as Keras layers, with the same numbers."""

import keras
import numpy as np
from keras import ops

from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.features.mel import mel_filter_bank
from earshot.features.raw import RawWaveform

__all__ = ["LogMelLayer", "RawWaveformLayer", "as_layer"]


@keras.saving.register_keras_serializable("earshot")
class LogMelLayer(keras.layers.Layer):
    """Waveforms (batch, samples) to log-mel spectrograms (batch, frames, n_mels).

    The numbers are those of :class:`earshot.features.LogMel` with the same settings; quantized
    come as whole float32 values from 0 to 255.

    Parameters
    ----------
    settings : dict
        As from :meth:`earshot.features.LogMel.to_dict`.
    """

    def __init__(self, settings, **kwargs):
        super().__init__(**kwargs)
        self.front_end = LogMel(**settings)

    def call(self, x):
        front_end = self.front_end
        n, length = front_end.n_samples, x.shape[-1]
        if n is not None and length != n:
            start = max(n - length, 0) // 2 if front_end.pad == "center" else 0
            x = ops.pad(x[:, :n], [[0, 0], [start, max(n - start - length, 0)]])
        n_fft = front_end.n_fft
        x = ops.pad(ops.cast(x, "float32"), [[0, 0], [n_fft // 2, n_fft // 2]])
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
        frames = ops.extract_sequences(x, n_fft, front_end.hop_length)
        real, imaginary = ops.rfft(frames * ops.cast(window, "float32"), fft_length=n_fft)
        bank = mel_filter_bank(
            front_end.sample_rate, n_fft, front_end.n_mels, front_end.fmin_hz, front_end.top_hz
        )
        power = ops.matmul(real * real + imaginary * imaginary, bank)
        loudest = ops.maximum(ops.max(power, axis=(1, 2), keepdims=True), 1e-10)
        relative = ops.maximum(power / loudest, 10.0 ** (-front_end.top_db / 10))
        db = 10 * ops.log10(relative)
        if front_end.bits is None:
            return db
        return ops.round((db / front_end.top_db + 1) * 255)

    def compute_output_shape(self, input_shape):
        n = self.front_end.n_samples or input_shape[-1]
        frames = None if n is None else 1 + n // self.front_end.hop_length
        return (input_shape[0], frames, self.front_end.n_mels)

    def get_config(self):
        return {**super().get_config(), "settings": self.front_end.to_dict()}


@keras.saving.register_keras_serializable("earshot", name="SamplesLayer")
class RawWaveformLayer(keras.layers.Layer):
    """Waveforms (batch, samples) to clips of one length with their masks, as :class:`Samples`."""

    def __init__(self, n_samples, **kwargs):
        super().__init__(**kwargs)
        self.n_samples = n_samples

    def call(self, x):
        n, length = self.n_samples, x.shape[-1]
        x = ops.cast(x, "float32")
        if length != n:
            x = ops.pad(x[:, :n], [[0, 0], [0, max(n - length, 0)]])
        peak = ops.max(ops.abs(x), axis=1, keepdims=True)
        real = ops.where(x != 0, ops.arange(1, n + 1), 0)
        mask = ops.arange(n) < ops.max(real, axis=1, keepdims=True)
        return x / ops.maximum(peak, 1e-9), mask

    def get_config(self):
        return {**super().get_config(), "n_samples": self.n_samples}


def as_layer(front_end):
    """Give a front end as a Keras layer, with the same numbers: (batch, samples) to its output.

    Raises
    ------
    EarshotError
        When there is no such layer, as for a front end of streams.
    """
    if isinstance(front_end, LogMel):
        return LogMelLayer(front_end.to_dict())
    if isinstance(front_end, RawWaveform):
        return RawWaveformLayer(front_end.n_samples)
    raise EarshotError(
        "A recognizer of streams has no SavedModel, which answers for single clips: use save()."
    )
