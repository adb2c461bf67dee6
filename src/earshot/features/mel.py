"""Mel filters, and the matrices for the way back from mel bands.

>>> mel_filter_bank(16000, 512, 40, 60.0, 8000.0).shape
(257, 40)
"""

import functools
from typing import Any

import numpy as np

from earshot.types import Array

__all__ = ["band_groups", "mel_filter_bank", "mel_matrices"]

BREAK_HZ = 1000.0  # up to here Slaney's scale has 3 mel per 200 Hz, above 27 per factor of 6.4
BREAK_MEL = 15.0  # the same frequency in mel
LOG_STEP = np.log(6.4) / 27  # growth of the logarithm of the frequency per mel, above the break
GROUP = 16
"""Bands in a group: all at once would take several threads, and 20 times as long when others work,
and a step of a stream would depend in its last digit on the steps that come with it."""


def mel_filter_bank(
    sample_rate: int, n_fft: int, n_mels: int, fmin_hz: float, fmax_hz: float
) -> Array:
    """Triangular mel filters, float32 of shape (1 + n_fft // 2, n_mels).

    Slaney's mel scale, each filter of unit area: Slaney, M. (1998), "Auditory Toolbox", Technical
    Report 1998-010, Interval Research; the same as ``librosa.filters.mel`` with its defaults.
    """
    corners = _mel_to_hz(np.linspace(_hz_to_mel(fmin_hz), _hz_to_mel(fmax_hz), n_mels + 2))
    bins = np.linspace(0, sample_rate / 2, 1 + n_fft // 2)[:, None]
    rising = (bins - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - bins) / (corners[2:] - corners[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2 / (corners[2:] - corners[:-2]))).astype(np.float32)


def _hz_to_mel(hz):
    hz = np.asarray(hz, np.float64)
    above = BREAK_MEL + np.log(np.maximum(hz, BREAK_HZ) / BREAK_HZ) / LOG_STEP
    return np.where(hz < BREAK_HZ, hz * 3 / 200, above)


def _mel_to_hz(mel):
    above = BREAK_HZ * np.exp(LOG_STEP * (np.maximum(mel, BREAK_MEL) - BREAK_MEL))
    return np.where(mel < BREAK_MEL, mel * 200 / 3, above)


@functools.lru_cache(maxsize=32)
def band_groups(front_end: Any) -> list[tuple[slice, slice, Array]]:
    """Filters of a LogMel in groups of neighbouring bands: the bands, their bins, the weights."""
    bank, groups = _bank_of(front_end), []
    for bands in (slice(i, i + GROUP) for i in range(0, front_end.n_mels, GROUP)):
        used = np.flatnonzero(bank[:, bands].any(axis=1))
        bins = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
        groups.append((bands, bins, np.ascontiguousarray(bank[bins, bands])))
    return groups


@functools.lru_cache(maxsize=32)
def mel_matrices(front_end: Any) -> tuple[Array, Array, Array]:
    """Matrices for the way back from a LogMel's bands: the filters, a first guess, an update."""
    bank = _bank_of(front_end)
    per_bin = np.maximum(bank.sum(axis=1, keepdims=True), 1e-9)
    per_band = np.maximum(bank.sum(axis=0, keepdims=True), 1e-9)
    return bank, (bank / per_bin / per_band).T.copy(), (bank / per_bin).T.copy()


def _bank_of(front_end):
    size = front_end.sample_rate, front_end.n_fft, front_end.n_mels
    return mel_filter_bank(*size, front_end.fmin_hz, front_end.top_hz)
