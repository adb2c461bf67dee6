"""Keras layers of the package, registered so that saved models load with ``safe_mode=True``."""

import keras
import numpy as np
from keras import ops

from earshot.spectrogram import LogMel, mel_filter_bank

__all__ = ["LogMelLayer", "LogOfProbability"]


@keras.saving.register_keras_serializable("earshot")
class LogMelLayer(keras.layers.Layer):
    """Waveforms (batch, samples) to log-mel pictures (batch, frames, n_mels).

    The numbers are those of :class:`earshot.spectrogram.LogMel` with the same settings; stamps
    come as whole float32 values from 0 to 255.

    Parameters
    ----------
    settings : dict
        As from :meth:`earshot.spectrogram.LogMel.to_dict`.
    """

    def __init__(self, settings, **kwargs):
        super().__init__(trainable=False, **kwargs)
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
            front_end.sample_rate, n_fft, front_end.n_mels, front_end.fmin_hz, front_end._fmax_hz
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


@keras.saving.register_keras_serializable("earshot")
class LogOfProbability(keras.layers.Layer):
    """Probabilities to logits, element by element."""

    def call(self, x):
        return ops.log(ops.maximum(x, 1e-7))
