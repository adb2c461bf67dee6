"""Mel filters, the settings that are made with them, and the matrices for the way back.

>>> mel_filter_bank(16000, 512, 40, 60.0, 8000.0).shape
(257, 40)
"""

import dataclasses
import functools
import numbers
import sys
from typing import Any

import numpy as np

from earshot.audio import HIGHEST_RATE
from earshot.errors import EarshotError
from earshot.features.short_time import power_blocks
from earshot.types import Array

__all__ = ["LONGEST", "MOST", "TOP_DB", "MelBands", "mel_filter_bank", "mel_matrices", "require"]

BREAK_HZ = 1000.0  # up to here Slaney's scale has 3 mel per 200 Hz, above 27 per factor of 6.4
BREAK_MEL = 15.0  # the same frequency in mel
LOG_STEP = np.log(6.4) / 27  # growth of the logarithm of the frequency per mel, above the break
MOST = {"sample_rate": HIGHEST_RATE, "n_fft": 2**16, "hop_length": 2**16, "n_mels": 1024}
"""Highest settings: the rate of the fastest sound cards, transforms of a second at 48 kHz, and as
many bands as still differ. Saved settings that say more would only fill the memory."""
LONGEST = 2**24  # samples of a clip: five minutes at 48 kHz
TOP_DB = 300.0  # what lies further below the loudest point is 0 in float32
GROUP = 16
"""Bands that are computed together. With all bands in one product, NumPy starts several threads,
which is 20 times slower on a busy machine; and the last digit of a step of a stream would depend on
how many steps are computed with it."""


def mel_filter_bank(
    sample_rate: int, n_fft: int, n_mels: int, fmin_hz: float, fmax_hz: float
) -> Array:
    """Triangular mel filters, float32 of shape (1 + n_fft // 2, n_mels).

    Each of unit area, as ``librosa.filters.mel``: Slaney (1998), "Auditory Toolbox", Technical
    Report 1998-010, Interval Research.
    """
    corners = _corners_hz(n_mels, fmin_hz, fmax_hz)
    bins = np.linspace(0, sample_rate / 2, 1 + n_fft // 2)[:, None]
    rising = (bins - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - bins) / (corners[2:] - corners[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2 / (corners[2:] - corners[:-2]))).astype(np.float32)


def _corners_hz(n_mels, fmin_hz, fmax_hz):
    """Lower end of the lowest band, the middles of all, and the upper end of the highest."""
    return _mel_to_hz(np.linspace(_hz_to_mel(fmin_hz), _hz_to_mel(fmax_hz), n_mels + 2))


def _hz_to_mel(hz):
    hz = np.asarray(hz, np.float64)
    above = BREAK_MEL + np.log(np.maximum(hz, BREAK_HZ) / BREAK_HZ) / LOG_STEP
    return np.where(hz < BREAK_HZ, hz * 3 / 200, above)


def _mel_to_hz(mel):
    above = BREAK_HZ * np.exp(LOG_STEP * (np.maximum(mel, BREAK_MEL) - BREAK_MEL))
    return np.where(mel < BREAK_MEL, mel * 200 / 3, above)


def require(
    settings: Any, name: str, kind: Any = numbers.Integral, least: float = 1,
    most: float = sys.float_info.max, needed: str = "as a number above 0",
) -> None:  # fmt: skip
    """Refuse a setting that is no number of a kind, from ``least`` to ``most``; True is none."""
    value = getattr(settings, name)
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:
        raise EarshotError(f"{type(settings).__name__} needs {name} {needed}, not {value!r}.")


@dataclasses.dataclass(frozen=True)
class MelBands:
    """The settings that log-mels and streams share.

    ``sample_rate`` is in Hz, other recordings are resampled; ``n_fft`` and ``hop_length`` are the
    Hann window and the step between frames, in samples; the bands reach from ``fmin_hz`` to
    ``fmax_hz``, by default half the sample rate.
    """

    sample_rate: int = 8000
    n_fft: int = 256
    hop_length: int = 80
    n_mels: int = 40
    fmin_hz: float = 60.0
    fmax_hz: float | None = None

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            if name != "n_mels" or self.n_mels is not None:
                require(self, name, most=most, needed=f"as a whole number from 1 to {most:,}")
        for name in ("fmin_hz", "top_hz"):
            require(self, name, numbers.Real, 0)
        kind, half_hz = type(self).__name__, self.sample_rate / 2
        if self.n_fft % 2:
            raise EarshotError(f"{kind} needs an even n_fft, not {self.n_fft}.")
        if not 0 <= self.fmin_hz < self.top_hz <= half_hz:
            needed = f"0 <= fmin_hz < fmax_hz <= {half_hz:g} Hz (half the sample rate)"
            raise EarshotError(f"{kind} needs {needed}, not {self.fmin_hz:g} and {self.top_hz:g}.")

    @property
    def top_hz(self) -> float:
        """Upper end of the highest band, in Hz."""
        return self.sample_rate / 2 if self.fmax_hz is None else self.fmax_hz

    @property
    def centres_hz(self) -> Array:
        """Middle of each band in Hz; of a linear spectrogram (``n_mels`` is None), its bins."""
        if self.n_mels is None:
            return np.linspace(0, self.sample_rate / 2, 1 + self.n_fft // 2)
        return _corners_hz(self.n_mels, self.fmin_hz, self.top_hz)[1:-1]

    def to_dict(self) -> dict[str, Any]:
        """Give the settings as a dict that JSON can hold; the class brings them back from it."""
        return dataclasses.asdict(self)

    def mel_power(self, x: Any) -> Array:
        """Mel power of waveforms, from shape (..., samples) to (..., frames, n_mels)."""
        x = np.asarray(x, np.float32)
        if x.shape[-1] == 0:
            raise EarshotError("A waveform without samples has no spectrogram.")
        shape = *x.shape[:-1], 1 + x.shape[-1] // self.hop_length, self.n_mels
        out, done = np.empty(shape, np.float32).reshape(-1, self.n_mels), 0
        for power in power_blocks(x.reshape(-1, x.shape[-1]), self.n_fft, self.hop_length):
            target = out[done : done + len(power)]
            for bands, bins, weights in _band_groups(self):
                np.matmul(power[:, bins], weights, out=target[:, bands])
            done += len(power)
        return out.reshape(shape)


@functools.lru_cache(maxsize=32)
def _band_groups(front_end):
    """Filters of a LogMel in groups of neighbouring bands: the bands, their bins, the weights."""
    bank, groups = _bank_of(front_end), []
    for bands in (slice(i, i + GROUP) for i in range(0, front_end.n_mels, GROUP)):
        used = np.flatnonzero(bank[:, bands].any(axis=1))
        bins = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
        groups.append((bands, bins, np.ascontiguousarray(bank[bins, bands])))
    return groups


@functools.lru_cache(maxsize=32)
def mel_matrices(front_end: MelBands) -> tuple[Array, Array, Array]:
    """Matrices for the way back from a LogMel's bands: the filters, a first guess, an update."""
    bank = _bank_of(front_end)
    per_bin = np.maximum(bank.sum(axis=1, keepdims=True), 1e-9)
    per_band = np.maximum(bank.sum(axis=0, keepdims=True), 1e-9)
    return bank, (bank / per_bin / per_band).T.copy(), (bank / per_bin).T.copy()


def _bank_of(front_end):
    size = front_end.sample_rate, front_end.n_fft, front_end.n_mels
    return mel_filter_bank(*size, front_end.fmin_hz, front_end.top_hz)
