"""Variations of training clips: other vocal tracts, speeds, rooms and noises. Never for test data.

What each of them is for, and what it brought, stands in ``docs/accuracy.md``.
"""

import dataclasses

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from earshot.errors import EarshotError

__all__ = ["Augmentation", "add_noise", "change_speed", "coloured_noise", "reverberate"]


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How far training clips are varied; 0 turns a kind off.

    Calling it with clips makes one freshly varied log-mel spectrogram of each.

    Parameters
    ----------
    speed : float
        Clips are resampled by a factor of up to ``1 + speed`` either way, which moves pitch and
        formants as a shorter or longer vocal tract would.
    shift_s : float
        Standard deviation of the place in the window, in seconds.
    reverb : float
        Share of the clips that sound as in a room.
    noise : float
        Share of the clips that get noise of a random colour, ``snr_db`` below the speech.
    snr_db : tuple of float
        Range of the speech-to-noise ratio.
    tilt_db : float
        Size of a random smooth change of the spectrum (another microphone).
    warp : float
        Standard deviation of the stretching of the mel axis (Jaitly and Hinton 2013, "Vocal tract
        length perturbation").
    tempo : float
        The spectrogram is stretched in time by up to ``exp(tempo)`` either way, not evenly.
    mask_bands, mask_frames : int
        Up to so many neighbouring bands and frames are hidden (Park and others 2019,
        "SpecAugment").
    """

    speed: float = 0.25
    shift_s: float = 0.075
    reverb: float = 0.3
    noise: float = 0.7
    snr_db: tuple = (3.0, 40.0)
    tilt_db: float = 6.0
    warp: float = 0.12
    tempo: float = 0.25
    mask_bands: int = 7
    mask_frames: int = 14

    def __call__(self, clips, front_end, rng):
        """Make a batch of varied spectrograms.

        Parameters
        ----------
        clips : list of ndarray, each of shape (samples,)
            Waveforms at the front end's sample rate.
        front_end : earshot.features.LogMel
            With ``n_samples`` set.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of float32, shape (batch, frames, n_mels)
        """
        if front_end.n_samples is None:
            raise EarshotError(
                "Augmentation needs a LogMel with n_samples: spectrograms of one size."
            )
        x = self._waveforms(clips, front_end, rng)
        power = front_end.mel_power(x)
        n, n_frames, n_mels = power.shape
        if self.tilt_db:
            power *= 10 ** (_smooth_curves(n, n_mels, self.tilt_db, rng)[:, None] / 10)
        if self.warp:
            factors = np.exp(rng.normal(0, self.warp, (n, 1)))
            power = power @ _between(np.arange(n_mels) * factors, n_mels).swapaxes(1, 2)
        if self.tempo:
            factors = np.exp(rng.uniform(-self.tempo, self.tempo, (n, 1)))
            time = np.linspace(-1, 1, n_frames)
            bend = 0.08 * np.sin(3 * time + rng.uniform(0, 2 * np.pi, (n, 1)))
            places = (time * factors + bend + 1) * (n_frames - 1) / 2
            power = _between(places, n_frames) @ power
        spectrograms = front_end.to_db(power)
        for spectrogram in spectrograms:
            _hide(spectrogram, self.mask_bands, rng)
            _hide(spectrogram.T, self.mask_frames, rng)
        return spectrograms

    def _waveforms(self, clips, front_end, rng):
        n = front_end.n_samples
        x = np.zeros((len(clips), n), np.float32)
        for row, clip in zip(x, clips, strict=True):
            if self.speed:
                limit = np.log1p(self.speed)
                clip = change_speed(clip, np.exp(rng.uniform(-limit, limit)))
            if len(clip) > n:
                start = rng.integers(len(clip) - n + 1)
                clip = clip[start : start + n]
            spare = n - len(clip)
            shift = rng.normal(0, self.shift_s * front_end.sample_rate)
            start = int(np.clip(spare / 2 + shift, 0, spare))
            row[start : start + len(clip)] = clip
        chosen = rng.random(len(x)) < self.reverb
        x[chosen] = reverberate(x[chosen], front_end.sample_rate, rng)
        chosen = rng.random(len(x)) < self.noise
        snr_db = rng.uniform(*self.snr_db, (np.count_nonzero(chosen), 1))
        x[chosen] = add_noise(x[chosen], coloured_noise(len(snr_db), n, rng), snr_db)
        return x


def change_speed(x, factor):
    """Play a waveform ``factor`` times as fast: shorter and higher, pitch and formants alike.

    Parameters
    ----------
    x : ndarray, shape (samples,)
    factor : float

    Returns
    -------
    ndarray of float32, shape (samples / factor,)
    """
    times = np.arange(max(int(len(x) / factor), 1)) * factor
    return np.interp(times, np.arange(len(x)), x).astype(np.float32)


def coloured_noise(n, n_samples, rng):
    """Make noises between white and brown, each of root mean square 1.

    Returns
    -------
    ndarray of float32, shape (n, n_samples)
    """
    size = n_samples // 2 + 1
    spectrum = rng.standard_normal((n, 2 * size), dtype=np.float32).view(np.complex64)
    bins = np.arange(size, dtype=np.float32).clip(1)
    slope = rng.uniform(0, 1.2, (n, 1)).astype(np.float32)
    noise = irfft(spectrum * bins**-slope, n_samples, axis=1)
    return noise / np.sqrt(np.mean(noise**2, axis=1, keepdims=True))


def add_noise(x, noise, snr_db):
    """Add noise to waveforms, at a level below that of the sounding part of each.

    Parameters
    ----------
    x, noise : ndarray, shape (batch, samples)
        The noise with a root mean square of 1.
    snr_db : float or ndarray of shape (batch, 1)
        Speech-to-noise ratio.

    Returns
    -------
    ndarray of float32, shape (batch, samples)
    """
    sounding = np.maximum(np.count_nonzero(x, axis=1, keepdims=True), 1)
    level = np.sqrt(np.sum(x**2, axis=1, keepdims=True) / sounding)
    return (x + noise * level * 10 ** (-np.asarray(snr_db) / 20)).astype(np.float32)


def reverberate(x, sample_rate, rng, *, decay_s=(0.05, 0.5), level=(0.02, 0.25)):
    """Let waveforms sound in random rooms: an echo of decaying white noise.

    Parameters
    ----------
    x : ndarray, shape (batch, samples)
    sample_rate : int
        In Hz.
    rng : numpy.random.Generator
    decay_s : tuple of float
        Range of the time in which the echo falls by 60 dB.
    level : tuple of float
        Range of the echo's first amplitude against the direct sound.

    Returns
    -------
    ndarray of float32, shape (batch, samples)
    """
    n = x.shape[1]
    time = np.arange(int(0.3 * sample_rate), dtype=np.float32) / sample_rate
    decay = rng.uniform(*decay_s, (len(x), 1)).astype(np.float32)
    echo = rng.standard_normal((len(x), len(time)), dtype=np.float32)
    echo *= np.exp(-np.float32(np.log(1000)) * time / decay)
    echo *= rng.uniform(*level, (len(x), 1)).astype(np.float32)
    echo[:, 0] = 1
    size = next_fast_len(n + len(time), real=True)
    return irfft(rfft(x, size, axis=1) * rfft(echo, size, axis=1), size, axis=1)[:, :n]


def _smooth_curves(n, size, scale, rng):
    """Random sums of three cosines, shape (n, size)."""
    place = np.linspace(0, np.pi, size)
    curves = np.zeros((n, size))
    for k in (1, 2, 3):
        phase = rng.uniform(0, 2 * np.pi, (n, 1))
        curves += rng.normal(0, scale / k, (n, 1)) * np.cos(k * place + phase)
    return curves.astype(np.float32)


def _between(positions, size):
    """Weights of linear interpolation: rows that read ``size`` values at fractional positions.

    Positions (n, out) give weights (n, out, size); outside, the first or last value is read.
    """
    positions = np.clip(positions, 0, size - 1).astype(np.float32)
    distance = np.abs(positions[..., None] - np.arange(size, dtype=np.float32))
    return np.maximum(1 - distance, 0)


def _hide(spectrogram, most, rng):
    """Set up to ``most`` neighbouring columns to the spectrogram's lowest value, in place."""
    n = rng.integers(most + 1)
    start = rng.integers(spectrogram.shape[1] - n + 1)
    spectrogram[:, start : start + n] = spectrogram.min()
