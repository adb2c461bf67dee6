"""Clips made slower or faster without changing their pitch, and the other way round."""

import functools
from fractions import Fraction

import numpy as np

from earshot import audio

__all__ = ["HALF_STEPS", "STRETCHES", "stretch_and_shift"]

STRETCHES = (0.7, 1.0, 1.3)
"""Speeds: 0.7 is slower, and longer."""
HALF_STEPS = (-1, 0, 1)
N_FFT, HOP = 2048, 512


def stretch_and_shift(x, *, stretches=STRETCHES, half_steps=HALF_STEPS):
    """Make a clip slower or faster without changing its pitch, and the other way round.

    A phase vocoder (Flanagan and Golden 1966; as ``librosa.effects.time_stretch``), followed by
    resampling where the pitch moves. One analysis serves all variants, and stretching and shifting
    are one pass instead of two.

    Parameters
    ----------
    x : ndarray, shape (samples,)
    stretches : sequence of float
        Speeds.
    half_steps : sequence of float
        Of the scale, upwards.

    Returns
    -------
    list of ndarray of float32, each of shape (about samples / stretch,)
        All half-steps at the first speed, then at the second, and so on.
    """
    from scipy.fft import rfft
    from scipy.signal import resample_poly

    x = audio.validate(x, "the clip")
    window = _hann()
    padded = np.pad(x, N_FFT // 2)
    padded = np.pad(padded, (0, max(N_FFT - len(padded), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]
    spectrum = rfft(frames * window, axis=1)
    size, angle = np.abs(spectrum), np.angle(spectrum)
    size = np.pad(size, ((0, 2), (0, 0)))
    # How far the phase of each bin moves on between a frame and the next, silence at the end.
    move = np.diff(angle, axis=0, append=0 * angle[:1])
    result = []
    for stretch in stretches:
        for half_step in half_steps:
            pitch = 2.0 ** (half_step / 12)
            speed = stretch / pitch
            length = round(len(x) / speed)
            y = x if speed == 1 else _resynthesised(size, angle[0], move, speed, length)
            if half_step:
                up, down, window = _resampling(pitch)
                y = resample_poly(y, up, down, window=window).astype(np.float32)
                wanted = round(len(x) / stretch)
                y = np.pad(y[:wanted], (0, max(wanted - len(y), 0)))
            result.append(y)
    return result


@functools.lru_cache
def _hann():
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)


@functools.lru_cache
def _resampling(pitch):
    """Whole numbers whose ratio is a pitch (84 / 89 for a half-step up), and the filter."""
    from scipy.signal import firwin

    ratio = Fraction(1 / pitch).limit_denominator(100)
    up, down = ratio.numerator, ratio.denominator
    most = max(up, down)
    return up, down, firwin(20 * most + 1, 1 / most, window=("kaiser", 5.0)).astype(np.float32)


def _resynthesised(size, first, move, speed, length):
    """Read the frames of a spectrum at another speed, with phases that go on smoothly."""
    from scipy.fft import irfft

    at = np.arange(0, len(move), speed)
    left = at.astype(int)
    part = (at - left)[:, None].astype(np.float32)
    magnitude = (1 - part) * size[left] + part * size[left + 1]
    phase = np.concatenate([first[None], move[left[:-1]]]).cumsum(axis=0, dtype=np.float32)
    spectrum = np.empty(magnitude.shape, np.complex64)
    spectrum.real, spectrum.imag = magnitude * np.cos(phase), magnitude * np.sin(phase)
    window = _hann()
    frames = irfft(spectrum, axis=1) * window
    overlap = N_FFT // HOP
    out = np.zeros((len(frames) + overlap - 1, HOP), np.float32)
    weight = np.zeros_like(out)
    for i in range(overlap):
        out[i : i + len(frames)] += frames[:, i * HOP : (i + 1) * HOP]
        weight[i : i + len(frames)] += np.square(window[i * HOP : (i + 1) * HOP])
    y = (out / np.maximum(weight, 1e-3)).ravel()[N_FFT // 2 :][:length]
    return np.pad(y, (0, length - len(y)))
