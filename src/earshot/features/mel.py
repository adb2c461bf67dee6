"""Mel filters, and the matrices for the way back from mel bands."""

import functools

import numpy as np

__all__ = ["mel_filter_bank"]


def mel_filter_bank(sample_rate, n_fft, n_mels, fmin_hz, fmax_hz):
    """Triangular mel filters: Slaney's mel scale, each filter of unit area.

    Slaney, M. (1998), "Auditory Toolbox", Technical Report 1998-010, Interval Research; the same
    as ``librosa.filters.mel`` with its defaults.

    Returns
    -------
    ndarray of float32, shape (1 + n_fft // 2, n_mels)
    """
    corners = _mel_to_hz(np.linspace(_hz_to_mel(fmin_hz), _hz_to_mel(fmax_hz), n_mels + 2))
    bins = np.linspace(0, sample_rate / 2, 1 + n_fft // 2)[:, None]
    rising = (bins - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - bins) / (corners[2:] - corners[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2 / (corners[2:] - corners[:-2]))).astype(np.float32)


# Slaney's scale: 3 mel per 200 Hz up to 1,000 Hz, then 27 mel per factor of 6.4.
_BREAK_HZ, _BREAK_MEL, _LOG_STEP = 1000.0, 15.0, np.log(6.4) / 27


def _hz_to_mel(hz):
    hz = np.asarray(hz, np.float64)
    above = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz * 3 / 200, above)


def _mel_to_hz(mel):
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _BREAK_MEL) - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * 200 / 3, above)


@functools.lru_cache(maxsize=32)
def band_groups(sample_rate, n_fft, n_mels, fmin_hz, fmax_hz, group=16):
    """Filter bank in groups of neighbouring bands, each with the FFT bins that it needs."""
    bank = mel_filter_bank(sample_rate, n_fft, n_mels, fmin_hz, fmax_hz)
    groups = []
    for start in range(0, n_mels, group):
        columns = slice(start, min(start + group, n_mels))
        used = np.flatnonzero(bank[:, columns].any(axis=1))
        rows = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
        groups.append((columns, rows, np.ascontiguousarray(bank[rows, columns])))
    return groups


@functools.lru_cache(maxsize=32)
def mel_matrices(front_end):
    """Matrices for the way back from mel bands: the filters, a first guess, an update."""
    bank = mel_filter_bank(
        front_end.sample_rate, front_end.n_fft, front_end.n_mels, front_end.fmin_hz,
        front_end.top_hz,
    )  # fmt: skip
    per_bin = np.maximum(bank.sum(axis=1, keepdims=True), 1e-9)
    per_band = np.maximum(bank.sum(axis=0, keepdims=True), 1e-9)
    return bank, (bank / per_bin / per_band).T.copy(), (bank / per_bin).T.copy()
