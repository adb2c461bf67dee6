"""Variations of training clips: other vocal tracts, speeds, rooms and noises. Never for test data.

Made anew for every batch and at random; ``variants`` keeps nine stretched copies of each clip on
disk, and ``networks.layers.SpectralAugmentation`` is a layer inside a network. What each kind
brought stands in ``docs/benchmarks.md``.

>>> rng = np.random.default_rng(0)
>>> Augmentation(noise=1.0)([np.ones(4000)] * 3, LogMel(), rng).shape
(3, 101, 40)
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.types import Array

__all__ = ["Augmentation", "add_noise", "change_speed", "coloured_noise", "reverberate"]

DECAY_S = (0.05, 0.5)  # range of the time in which a room's echo falls by 60 dB
ECHO = (0.02, 0.25)  # range of the echo's first amplitude against the direct sound
ECHO_S = 0.3  # an echo is cut off here: what follows is hardly heard


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How far training clips are varied; 0 turns a kind off.

    Parameters
    ----------
    speed : up to ``1 + speed`` times as fast or slow; pitch and formants move, as of another tract
    shift_s : standard deviation of the place in the window, in seconds
    reverb, noise : share of the clips that sound as in a room, or get noise of a random colour
    snr_db : how far below the speech the noise is
    tilt_db : size of a random smooth change of the spectrum (another microphone)
    warp : standard deviation of the stretching of the mel axis (Jaitly and Hinton 2013)
    tempo : spectrograms are stretched in time by up to ``exp(tempo)`` either way, not evenly
    mask_bands, mask_frames : up to so many neighbours are hidden (SpecAugment, Park et al. 2019)
    """

    speed: float = 0.25
    shift_s: float = 0.075
    reverb: float = 0.3
    noise: float = 0.7
    snr_db: tuple[float, float] = (3.0, 40.0)
    tilt_db: float = 6.0
    warp: float = 0.12
    tempo: float = 0.25
    mask_bands: int = 7
    mask_frames: int = 14

    def __call__(
        self, clips: Sequence[Array], front_end: LogMel, rng: np.random.Generator
    ) -> Array:
        """Vary clips at the front end's rate; gives spectrograms, shape (batch, frames, n_mels)."""
        if front_end.n_samples is None:
            raise EarshotError("Augmentation needs a LogMel with n_samples: all of one size.")
        power = front_end.mel_power(self._waveforms(clips, front_end, rng))
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
        spectrograms = self._to_db(power, front_end, rng)
        hidden = _some_neighbours(n, n_mels, self.mask_bands, rng)[:, None]
        hidden = hidden | _some_neighbours(n, n_frames, self.mask_frames, rng)[:, :, None]
        return np.where(hidden, spectrograms.min(axis=(1, 2), keepdims=True), spectrograms)

    def settings(self) -> dict[str, Any]:
        """Give what a checkpoint compares, as a dict that JSON can hold."""
        return dataclasses.asdict(self)

    def _to_db(self, power, front_end, rng):
        return front_end.to_db(power)

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


def change_speed(x: Array, factor: float) -> Array:
    """Play a waveform ``factor`` times as fast: shorter and higher, pitch and formants alike.

    By linear interpolation: a training asks for millions of factors, each another resampling.
    """
    x = np.asarray(x, np.float32)
    times = np.arange(max(int(len(x) / factor), 1)) * factor
    left = times.astype(np.intp)  # np.interp, which looks for it, takes five times as long
    y, right = x.take(left), x.take(left + 1, mode="clip")
    return y + (times - left).astype(np.float32) * (right - y)


def coloured_noise(n: int, n_samples: int, rng: np.random.Generator) -> Array:
    """Make n noises between white and brown, each of root mean square 1, shape (n, n_samples)."""
    size = n_samples // 2 + 1
    spectrum = _white(n, 2 * size, rng).view(np.complex64)
    octaves = np.log(np.arange(size, dtype=np.float32).clip(1))
    slope = rng.uniform(0, 1.2, (n, 1)).astype(np.float32)
    spectrum *= np.exp(-slope * octaves)  # a power of the frequency; np.power is slow
    noise = irfft(spectrum, n_samples, axis=1, overwrite_x=True)
    noise /= np.sqrt(np.einsum("ij,ij->i", noise, noise) / n_samples)[:, None]
    return noise


def add_noise(x: Array, noise: Array, snr_db: Any) -> Array:
    """Add noise of root mean square 1, so far below the sounding part of each waveform.

    Both have the shape (batch, samples); ``snr_db`` is one number or has the shape (batch, 1).
    """
    sounding = np.maximum(np.count_nonzero(x, axis=1), 1)
    level = np.sqrt(np.einsum("ij,ij->i", x, x) / sounding)[:, None]
    y = noise * (level * 10 ** (-np.asarray(snr_db) / 20)).astype(np.float32)
    y += x
    return y


def reverberate(x: Array, sample_rate: int, rng: np.random.Generator) -> Array:
    """Let waveforms, shape (batch, samples), sound in rooms: an echo of decaying white noise."""
    n = x.shape[1]
    time = np.arange(int(ECHO_S * sample_rate), dtype=np.float32) / sample_rate
    decay = rng.uniform(*DECAY_S, (len(x), 1)).astype(np.float32)
    echo = _white(len(x), len(time), rng)
    echo *= np.exp(-np.float32(np.log(1000)) * time / decay)
    echo *= rng.uniform(*ECHO, (len(x), 1)).astype(np.float32)
    echo[:, 0] = 1
    size = next_fast_len(n + len(time), real=True)
    return irfft(rfft(x, size, axis=1) * rfft(echo, size, axis=1), size, axis=1)[:, :n]


def _white(n, size, rng):
    """Independent numbers of mean 0 and variance 1, float32, shape (n, size).

    Evenly distributed, of 8 bits: 15 times as fast as normal ones. What a transform or an echo adds
    up of them is normal all the same.
    """
    numbers = np.frombuffer(rng.bytes(n * size), np.int8).reshape(n, size).astype(np.float32)
    numbers += np.float32(0.5)  # from -127.5 to 127.5
    numbers *= np.float32(np.sqrt(12) / 256)
    return numbers


def _smooth_curves(n, size, scale, rng):
    """Random sums of three cosines, shape (n, size)."""
    place = np.linspace(0, np.pi, size)
    curves = np.zeros((n, size))
    for k in (1, 2, 3):
        phase = rng.uniform(0, 2 * np.pi, (n, 1))
        curves += rng.normal(0, scale / k, (n, 1)) * np.cos(k * place + phase)
    return curves.astype(np.float32)


def _between(positions, size):
    """Weights of linear interpolation, (n, out, size), to read at fractional positions (n, out)."""
    positions = np.clip(positions, 0, size - 1).astype(np.float32)
    distance = np.abs(positions[..., None] - np.arange(size, dtype=np.float32))
    return np.maximum(1 - distance, 0)


def _some_neighbours(n, size, most, rng):
    """Choose up to ``most`` neighbours among ``size`` places, n times: bool, shape (n, size)."""
    width = rng.integers(most + 1, size=(n, 1))
    first = rng.integers(size - width + 1)
    place = np.arange(size)
    return (place >= first) & (place < first + width)
