"""Keras layers of the networks that turn spectrograms into sound."""

import keras
import numpy as np
from keras import ops

from earshot.features.log_mel import LogMel
from earshot.features.mel import mel_matrices
from earshot.synthesis.griffin_lim import SLOPE

__all__ = ["FirstAdvance", "LinearMagnitude", "Resynthesis"]


@keras.saving.register_keras_serializable("earshot")
class LinearMagnitude(keras.layers.Layer):
    """Log-mel spectrograms in dB to the logarithms of linear magnitudes.

    (batch, frames, n_mels) to (batch, frames, 1 + n_fft // 2); the numbers are those of
    :func:`earshot.synthesis.griffin_lim.linear_magnitude`, after a natural logarithm.

    Parameters
    ----------
    settings : dict
        As from :meth:`earshot.features.LogMel.to_dict`.
    updates : int
    """

    def __init__(self, settings, updates=10, **kwargs):
        super().__init__(**kwargs)
        self.front_end, self.updates = LogMel(**settings), updates

    def call(self, db):
        bank, spread, back = mel_matrices(self.front_end)
        mel = ops.exp(db * (np.log(10) / 10))
        power = ops.matmul(mel, spread)
        for _ in range(self.updates):
            power *= ops.matmul(mel / ops.maximum(ops.matmul(power, bank), 1e-12), back)
        return 0.5 * ops.log(power + 1e-12)

    def get_config(self):
        settings = {"settings": self.front_end.to_dict(), "updates": self.updates}
        return {**super().get_config(), **settings}


@keras.saving.register_keras_serializable("earshot")
class FirstAdvance(keras.layers.Layer):
    """Log magnitudes to how far each phase turns from the frame before, beyond its bin's own turn.

    In radians; the steps from the slopes of :func:`earshot.synthesis.griffin_lim.first_phase`. No gradient
    flows back through it.
    """

    def __init__(self, hop_length, **kwargs):
        super().__init__(**kwargs)
        self.hop_length = hop_length

    def call(self, log_magnitude):
        x = ops.stop_gradient(log_magnitude)
        turn = np.pi * self.hop_length / (x.shape[-1] - 1)  # of a bin in a hop
        away = ops.clip(SLOPE / 2 * (x[..., 2:] - x[..., :-2]), -1.5, 1.5) * turn
        away = ops.pad(away, [[0, 0], [0, 0], [1, 1]])
        return ops.concatenate([away[:, :1], 0.5 * (away[:, 1:] + away[:, :-1])], axis=1)

    def get_config(self):
        return {**super().get_config(), "hop_length": self.hop_length}


@keras.saving.register_keras_serializable("earshot")
class Resynthesis(keras.layers.Layer):
    """Log magnitudes and phases to waveforms, by the inverse STFT.

    Parameters
    ----------
    hop_length : int
    """

    def __init__(self, hop_length, **kwargs):
        super().__init__(**kwargs)
        self.hop_length = hop_length

    def call(self, log_magnitude, phase):
        """Give (batch, (frames - 1) * hop_length); phases are cosines and sines, (..., 2)."""
        n_fft, n_frames = 2 * (log_magnitude.shape[-1] - 1), ops.shape(log_magnitude)[1]
        window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype("float32")
        spectra = ops.exp(log_magnitude)[..., None] * phase
        frames = ops.irfft((spectra[..., 0], spectra[..., 1]), fft_length=n_fft) * window
        weight = ops.broadcast_to(ops.square(window), (1, n_frames, n_fft))
        weight = ops.maximum(overlapped(weight, self.hop_length), 0.05)
        x = overlapped(frames, self.hop_length) / weight
        return x[:, n_fft // 2 : n_fft // 2 + (n_frames - 1) * self.hop_length]

    def compute_output_spec(self, log_magnitude, phase):
        batch, frames, _ = log_magnitude.shape
        length = None if frames is None else (frames - 1) * self.hop_length
        return keras.KerasTensor((batch, length), log_magnitude.dtype)

    def get_config(self):
        return {**super().get_config(), "hop_length": self.hop_length}


def frames_of(x, n_fft, hop_length):
    """(batch, samples) to frames (batch, frames, n_fft), as many as fit."""
    n_hops = -(-n_fft // hop_length)
    n_frames = (ops.shape(x)[1] - n_fft) // hop_length + 1
    x = ops.pad(x, [[0, 0], [0, n_hops * hop_length - n_fft]])
    x = x[:, : (n_frames + n_hops - 1) * hop_length]
    pieces = ops.reshape(x, (-1, n_frames + n_hops - 1, hop_length))
    frames = [pieces[:, i : i + n_frames] for i in range(n_hops)]
    return ops.concatenate(frames, axis=-1)[..., :n_fft]


def overlapped(frames, hop_length):
    """Frames (batch, frames, n_fft), each a hop after the one before, to their sum (batch, ...)."""
    n_fft, n_frames = frames.shape[-1], ops.shape(frames)[1]
    n_hops = -(-n_fft // hop_length)
    frames = ops.pad(frames, [[0, 0], [0, 0], [0, n_hops * hop_length - n_fft]])
    pieces = ops.reshape(frames, (-1, n_frames, n_hops, hop_length))
    x = sum(ops.pad(pieces[:, :, i], [[0, 0], [i, n_hops - 1 - i], [0, 0]]) for i in range(n_hops))
    # What lies beyond the last frame comes from the padding alone.
    return ops.reshape(x, (-1, (n_frames + n_hops - 1) * hop_length))[
        :, : (n_frames - 1) * hop_length + n_fft
    ]
