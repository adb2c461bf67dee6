"""The short-time Fourier transform and its inverse."""

import functools

import numpy as np

__all__ = ["istft", "stft"]


def stft(x, n_fft, hop_length):
    """Complex spectra of a waveform or a batch, frames centred on multiples of the hop.

    Parameters
    ----------
    x : ndarray, shape (..., samples)
    n_fft, hop_length : int
        Length of the Hann window and step between frames, in samples.

    Returns
    -------
    ndarray of complex64, shape (..., 1 + samples // hop_length, 1 + n_fft // 2)
    """
    from scipy.fft import rfft

    x = np.asarray(x, np.float32)
    x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(n_fft // 2, n_fft // 2)])
    frames = np.lib.stride_tricks.sliding_window_view(x, n_fft, axis=-1)
    return rfft(frames[..., ::hop_length, :] * hann(n_fft), axis=-1, overwrite_x=True)


def istft(spectra, hop_length):
    """Give the waveform whose spectra are nearest to the given ones, in the least squares' sense.

    Griffin and Lim (1984), "Signal estimation from modified short-time Fourier transform".

    Parameters
    ----------
    spectra : ndarray of complex, shape (..., frames, 1 + n_fft // 2)
    hop_length : int

    Returns
    -------
    ndarray of float32, shape (..., (frames - 1) * hop_length)
    """
    from scipy.fft import irfft

    n_fft = 2 * (spectra.shape[-1] - 1)
    frames = irfft(spectra.astype(np.complex64, copy=False), axis=-1) * hann(n_fft)
    n_frames = frames.shape[-2]
    x = _overlapped(frames, hop_length) / _weight(n_fft, hop_length, n_frames)
    return x[..., n_fft // 2 : n_fft // 2 + (n_frames - 1) * hop_length]


def _overlapped(frames, hop_length):
    """Add frames up, each a hop after the one before it."""
    *batch, n_frames, n_fft = frames.shape
    n_hops = -(-n_fft // hop_length)
    frames = np.pad(frames, [(0, 0)] * (len(batch) + 1) + [(0, n_hops * hop_length - n_fft)])
    pieces = frames.reshape(*batch, n_frames, n_hops, hop_length)
    x = np.zeros((*batch, n_frames + n_hops - 1, hop_length), np.float32)
    for i in range(n_hops):
        x[..., i : i + n_frames, :] += pieces[..., i, :]
    return x.reshape(*batch, -1)


@functools.lru_cache(maxsize=64)
def _weight(n_fft, hop_length, n_frames):
    """Sum of the squared windows over every sample."""
    squares = np.broadcast_to(hann(n_fft) ** 2, (n_frames, n_fft))
    return np.maximum(_overlapped(squares, hop_length), np.float32(0.05))


@functools.lru_cache(maxsize=8)
def hann(n_fft):
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
