"""Made-up rain, dishes and an exercise bicycle, for benchmarks alone.

They are not those of ``recipes/speech.py``, whose struck things and machines are their relatives.
"""

import numpy as np
from scipy.signal import butter, sosfilt

RATE = 16000


def _band(x, low_hz, high_hz, order=2):
    return sosfilt(butter(order, [low_hz, high_hz], "band", fs=RATE, output="sos"), x)


def _struck(hz, decays_s, loudness, n):
    """Give the sound of something struck: tones that die away, each at its own speed."""
    t = np.arange(n) / RATE
    rings = np.exp(-t / decays_s[:, None]) * np.sin(2 * np.pi * hz[:, None] * t)
    return loudness @ rings


def rain(duration_s, rng):
    """Many small drops a second, some large ones on a sill, over a wash of them far away."""
    n = round(duration_s * RATE)
    x = 0.5 * _band(rng.standard_normal(n), 400, 7000, 1)
    x *= np.repeat(np.exp(rng.normal(0, 0.15, n // 2000 + 1)), 2000)[:n]
    for per_s, low_hz, high_hz, loud in ((150, 2000, 7500, 1.0), (8, 300, 3000, 3.0)):
        for at in rng.integers(0, n - 800, round(per_s * duration_s)):
            hz = rng.uniform(low_hz, high_hz, 2)
            drop = _struck(hz, rng.uniform(0.001, 0.008, 2), rng.exponential(loud, 2), 800)
            x[at : at + 800] += drop
    return x


def dishes(duration_s, rng):
    """Plates and cutlery struck in bursts, scrapes of a brush, water that now and then runs."""
    n, size = round(duration_s * RATE), 8000
    x = 0.1 * _band(rng.standard_normal(n), 200, 6000, 1)
    at = 0
    while (at := at + int(rng.exponential(0.8) * RATE)) < n - 3 * RATE:
        kind = rng.random()
        if kind < 0.7:
            modes = rng.uniform(600, 7000, 7)
            decays_s = rng.uniform(0.01, 0.15, 7)
            hit = at
            for _ in range(rng.integers(1, 6)):
                loudness = rng.exponential(0.5, 7) * rng.uniform(0.3, 1.5)
                x[hit : hit + size] += _struck(modes, decays_s, loudness, size)
                hit = min(hit + int(rng.uniform(0.03, 0.25) * RATE), n - size)
        else:
            length = int(rng.uniform(0.15, 1.5) * RATE)
            swell = np.sin(np.pi * np.arange(length) / length)
            low_hz, high_hz = rng.uniform(300, 2000), rng.uniform(3000, 7500)
            x[at : at + length] += 0.7 * swell * _band(rng.standard_normal(length), low_hz, high_hz)
    return x


def bicycle(duration_s, rng):
    """A whirr that swells with each push of the pedals, a humming wheel, a chain, a squeak."""
    n = round(duration_s * RATE)
    cadence_hz = 1.3 * np.exp(
        np.interp(np.arange(n), np.linspace(0, n, 12), rng.normal(0, 0.1, 12))
    )
    turn = np.cumsum(cadence_hz) / RATE
    push = 0.5 + 0.5 * np.sin(4 * np.pi * turn)
    x = (0.2 + push) * _band(rng.standard_normal(n), 150, 2500, 1)
    for k in (1, 2, 3, 4, 6):
        x += 0.4 / k * (0.5 + push) * np.sin(2 * np.pi * 60 * k * turn)
    ticks = np.diff(np.floor(turn * 26), prepend=0) > 0
    x += np.convolve(ticks * rng.uniform(0.5, 2, n), _struck(np.array([2100.0, 3900.0]),
                     np.array([0.003, 0.002]), np.ones(2), 400), "full")[:n]  # fmt: skip
    squeak = np.exp(-np.square((turn % 1 - 0.6) / 0.06))
    pitch = 2 * np.pi * np.cumsum(700 + 150 * push) / RATE
    return x + 0.5 * squeak * (np.sin(pitch) + 0.5 * np.sin(2 * pitch) + 0.3 * np.sin(3 * pitch))


def household(duration_s=60.0, seed=0):
    """Give all of them by name, at 16 kHz."""
    return {
        make.__name__: make(duration_s, np.random.default_rng([seed, i])).astype(np.float32)
        for i, make in enumerate((rain, dishes, bicycle))
    }
