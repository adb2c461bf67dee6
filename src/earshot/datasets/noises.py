"""Backgrounds: recorded ones, and made-up ones.

>>> made_up_noise(2.0, 8000, seed=3).shape
(16000,)
"""

from pathlib import Path

import numpy as np

from earshot import audio, files
from earshot.datasets.augmentation import coloured_noise
from earshot.errors import EarshotError
from earshot.types import Array, PathLike

__all__ = ["backgrounds", "made_up_noise"]

KINDS = ("hiss", "gusts", "hum", "beeps", "howls", "clicks", "rustling")


def backgrounds(folder: PathLike, sample_rate: int = 16000) -> dict[str, Array]:
    """Read the recordings of a folder, such as Speech Commands' ``_background_noise_``, by name."""
    paths = sorted(p for p in Path(folder).glob("*") if p.suffix.lower() in files.RECORDINGS)
    if not paths:
        raise EarshotError(f"There is no recording in {folder}: put backgrounds there.")
    return {path.name: audio.read(path, sample_rate)[0] for path in paths}


def made_up_noise(
    duration_s: float, sample_rate: int = 16000, *, seed: int | tuple[int, ...] = 0
) -> Array:
    """Make up a background, peak 0.9: hiss, with a random mixture of up to three other kinds."""
    if round(duration_s * sample_rate) < 0.1 * sample_rate:
        raise EarshotError(f"A background lasts 0.1 s at least, not {duration_s} s.")
    rng = np.random.default_rng(seed)
    sounds = _Sounds(duration_s, sample_rate, rng)
    x = 10 ** rng.uniform(-2, 0) * sounds.hiss()
    for kind in rng.choice(KINDS, rng.integers(1, 4), replace=False):
        x = x + rng.uniform(0.3, 1) * getattr(sounds, kind)()
    return (0.9 / np.abs(x).max() * x).astype(np.float32)


class _Sounds:
    """The kinds of noise; each call makes a new one."""

    def __init__(self, duration_s, sample_rate, rng):
        self.duration_s, self.sample_rate, self.rng = duration_s, sample_rate, rng
        self.n = round(duration_s * sample_rate)

    def hiss(self):
        x = coloured_noise(1, self.n, self.rng)[0]
        return x / x.std()

    def gusts(self):
        return self.hiss() * np.exp(self._curve(self.rng.uniform(1, 8), 0.8))

    def hum(self):
        return self._tones(np.full(self.n, self.rng.uniform(45, 250)), 12) + 0.1 * self.hiss()

    def beeps(self):
        pitch_hz = np.full(self.n, self.rng.uniform(300, 3000))
        return self._tones(pitch_hz, 2) * self._gate(1, 0.05, 0.6)

    def howls(self):
        pitch_hz = self.rng.uniform(150, 700) * np.exp(self._curve(3, 0.25))
        return self._tones(pitch_hz, 6) * self._gate(0.6, 0.2, 1.5)

    def clicks(self):
        return self.hiss() * self._gate(self.rng.uniform(0.5, 6), 0.003, 0.06)

    def rustling(self):
        return self.hiss() * self._gate(self.rng.uniform(1, 4), 0.05, 0.5)

    def _curve(self, per_s, spread):
        """A random curve with so many turns in a second."""
        points = self.rng.normal(0, spread, max(int(self.duration_s * per_s) + 3, 4))
        time_s = np.arange(self.n) / self.sample_rate
        return np.interp(time_s * per_s, np.arange(len(points)), points)

    def _gate(self, per_s, shortest_s, longest_s):
        """Silence but for random stretches, with soft borders of 4 ms."""
        gate = np.zeros(self.n)
        for _ in range(self.rng.poisson(per_s * self.duration_s)):
            at = self.rng.integers(self.n)
            end = at + int(self.rng.uniform(shortest_s, longest_s) * self.sample_rate)
            gate[at:end] = self.rng.uniform(0.3, 1)
        size = max(int(0.004 * self.sample_rate), 1)
        return np.convolve(gate, np.ones(size) / size, mode="same")

    def _tones(self, pitch_hz, n_overtones):
        phase = 2 * np.pi * np.cumsum(pitch_hz) / self.sample_rate
        number = np.arange(1, n_overtones + 1)
        loudness = self.rng.uniform(0.1, 1, n_overtones) / number
        heard = number * pitch_hz.max() < self.sample_rate / 2
        return sum(a * np.sin(k * phase) for k, a in zip(number, loudness * heard, strict=True))
