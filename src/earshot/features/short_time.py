"""The short-time Fourier transform in NumPy, its power, its inverse, and the Hann window.

The Keras form, a convolution, is in ``networks/front_end_layers.py``: who changes one changes both.

>>> x = np.sin(np.arange(8000, dtype=np.float32) / 5)
>>> spectra = stft(x, 256, 80)
>>> spectra.shape, bool(np.abs(istft(spectra, 80) - x).max() < 1e-5)
((101, 129), True)
"""

import functools
from collections.abc import Iterator

import numpy as np

from earshot.types import Array

__all__ = ["hann", "istft", "power_blocks", "stft"]

BLOCK_FRAMES = 256  # go through the FFT together: few enough to stay in a core's cache
LEAST_WEIGHT = np.float32(0.05)  # least sum of squared windows: it keeps the edges from growing


@functools.lru_cache(maxsize=8)
def hann(n_fft: int) -> Array:
    """Give the periodic Hann window, float32 of shape (n_fft,)."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)


def _centred_frames(x, n_fft, hop_length):
    """View waveforms as frames around multiples of the hop, (..., 1 + samples // hop, n_fft)."""
    x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(n_fft // 2, n_fft // 2)])
    return np.lib.stride_tricks.sliding_window_view(x, n_fft, axis=-1)[..., ::hop_length, :]


def stft(x: Array, n_fft: int, hop_length: int) -> Array:
    """Complex spectra of waveforms; length of the Hann window and step between frames in samples.

    From shape (..., samples) to complex64, (..., 1 + samples // hop_length, 1 + n_fft // 2).
    """
    from scipy.fft import rfft  # numpy.fft is slower and works in double precision

    frames = _centred_frames(np.asarray(x, np.float32), n_fft, hop_length)
    return rfft(frames * hann(n_fft), axis=-1, overwrite_x=True)


def power_blocks(x: Array, n_fft: int, hop_length: int) -> Iterator[Array]:
    """Give the power of :func:`stft` in blocks that stay in the cache: faster by a third.

    From shape (waveforms, samples); yields float32 of shape (rows, 1 + n_fft // 2), all frames of
    the first waveform, then those of the second, and so on.
    """
    from scipy.fft import rfft

    frames = _centred_frames(np.asarray(x, np.float32), n_fft, hop_length)
    at_once = max(1, BLOCK_FRAMES // frames.shape[1])  # waveforms
    for i in range(0, len(frames), at_once):
        for j in range(0, frames.shape[1], BLOCK_FRAMES):
            block = frames[i : i + at_once, j : j + BLOCK_FRAMES] * hann(n_fft)
            spectrum = rfft(block.reshape(-1, n_fft), axis=1, overwrite_x=True).view(np.float32)
            np.multiply(spectrum, spectrum, out=spectrum)
            yield spectrum[:, 0::2] + spectrum[:, 1::2]


def istft(spectra: Array, hop_length: int) -> Array:
    """Give the waveform whose spectra are nearest to the given ones, in the least squares' sense.

    Griffin and Lim (1984), "Signal estimation from modified short-time Fourier transform". The hop
    is at most half the window. From shape (..., frames, 1 + n_fft // 2) to float32, shape
    (..., (frames - 1) * hop_length).
    """
    from scipy.fft import irfft

    n_fft, n_frames = 2 * (spectra.shape[-1] - 1), spectra.shape[-2]
    frames = irfft(spectra.astype(np.complex64, copy=False), axis=-1) * hann(n_fft)
    x = _overlapped(frames, hop_length) / _weight(n_fft, hop_length, n_frames)
    return x[..., n_fft // 2 : n_fft // 2 + (n_frames - 1) * hop_length]


def _overlapped(frames, hop_length):
    """Add frames up, each a hop after the one before it."""
    *batch, n_frames, n_fft = frames.shape
    n_hops = -(-n_fft // hop_length)
    x = np.zeros((*batch, n_frames + n_hops - 1, hop_length), np.float32)
    for i in range(n_hops):
        part = frames[..., i * hop_length : (i + 1) * hop_length]
        x[..., i : i + n_frames, : part.shape[-1]] += part
    return x.reshape(*batch, -1)


@functools.lru_cache(maxsize=64)
def _weight(n_fft, hop_length, n_frames):
    """Sum of the squared windows over every sample."""
    squares = np.broadcast_to(hann(n_fft) ** 2, (n_frames, n_fft))
    return np.maximum(_overlapped(squares, hop_length), LEAST_WEIGHT)
