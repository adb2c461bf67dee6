"""Backgrounds: recorded ones, and made-up ones."""

from pathlib import Path

import numpy as np

from earshot import audio
from earshot.datasets.augmentation import coloured_noise
from earshot.errors import EarshotError

__all__ = ["backgrounds", "made_up_noise"]


def backgrounds(folder, sample_rate=16000):
    """Read all recordings of a folder, such as the ``_background_noise_`` of Speech Commands.

    Returns
    -------
    dict
        From file name to waveform, float32 at ``sample_rate`` (Hz).
    """
    paths = sorted(p for p in Path(folder).glob("*") if p.suffix.lower() in audio.SUFFIXES)
    if not paths:
        raise EarshotError(f"There is no recording in {folder}: put backgrounds there.")
    return {path.name: audio.read(path, sample_rate)[0] for path in paths}


def made_up_noise(duration_s, sample_rate=16000, *, seed=0):
    """Make up a background: a random mixture of hiss, gusts, hums, beeps, howls and clicks.

    Parameters
    ----------
    duration_s : float
    sample_rate : int
        In Hz.
    seed : int or tuple of int

    Returns
    -------
    ndarray of float32, shape (samples,)
        Peak 0.9.
    """
    rng = np.random.default_rng(seed)
    n = round(duration_s * sample_rate)
    if n < 0.1 * sample_rate:
        raise EarshotError(f"A background lasts 0.1 s at least, not {duration_s} s.")
    time = np.arange(n) / sample_rate

    def hiss():
        x = coloured_noise(1, n, rng)[0]
        return x / x.std()

    def slowly(per_s, spread):
        """A random curve with so many turns in a second."""
        points = rng.normal(0, spread, max(int(duration_s * per_s) + 3, 4))
        return np.interp(time * per_s, np.arange(len(points)), points)

    def events(per_s, shortest_s, longest_s):
        """Random stretches, as a soft gate."""
        gate = np.zeros(n)
        for _ in range(rng.poisson(per_s * duration_s)):
            at, long = rng.integers(n), rng.uniform(shortest_s, longest_s) * sample_rate
            gate[at : at + int(long)] = rng.uniform(0.3, 1)
        size = max(int(0.004 * sample_rate), 1)
        return np.convolve(gate, np.ones(size) / size, mode="same")

    def tones(pitch_hz, n_overtones):
        phase = 2 * np.pi * np.cumsum(pitch_hz) / sample_rate
        loudness = rng.uniform(0.1, 1, n_overtones) / np.arange(1, n_overtones + 1)
        heard = (np.arange(1, n_overtones + 1) * pitch_hz.max()) < sample_rate / 2
        return sum(a * np.sin(k * phase) for k, a in enumerate(loudness * heard, start=1))

    kinds = {
        "hiss": hiss,
        "gusts": lambda: hiss() * np.exp(slowly(rng.uniform(1, 8), 0.8)),
        "hum": lambda: tones(np.full(n, rng.uniform(45, 250)), 12) + 0.1 * hiss(),
        "beeps": lambda: tones(np.full(n, rng.uniform(300, 3000)), 2) * events(1, 0.05, 0.6),
        "howls": lambda: (
            tones(rng.uniform(150, 700) * np.exp(slowly(3, 0.25)), 6) * events(0.6, 0.2, 1.5)
        ),
        "clicks": lambda: hiss() * events(rng.uniform(0.5, 6), 0.003, 0.06),
        "rustling": lambda: hiss() * events(rng.uniform(1, 4), 0.05, 0.5),
    }
    x = 10 ** rng.uniform(-2, 0) * hiss()
    for name in rng.choice(list(kinds), rng.integers(1, 4), replace=False):
        x = x + rng.uniform(0.3, 1) * kinds[name]()
    return (0.9 / np.abs(x).max() * x).astype(np.float32)
