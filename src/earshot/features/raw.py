"""Raw samples as a front end: clips of one length, and which of their samples are real.

>>> x, mask = RawWaveform()([np.ones(9000, np.float32)])
>>> x.shape, int(mask.sum())
((1, 17640), 9000)
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from earshot import audio
from earshot.errors import EarshotError
from earshot.features.mel import LONGEST, require
from earshot.features.offset import centred
from earshot.types import Array

__all__ = ["RawWaveform"]

PEAK = np.float32(32767)  # largest sample of 16 bits: what a clip's peak becomes in a store


@dataclasses.dataclass(frozen=True)
class RawWaveform:
    """Settings of clips of raw samples, for networks that read the waveform; calling it makes them.

    Longer clips lose their end, shorter ones get zeros; their mean is taken off. The
    ``sample_rate`` is in Hz.
    """

    sample_rate: int = 22050
    n_samples: int = 17640

    def __post_init__(self) -> None:
        audio.whole_rate(self.sample_rate)
        require(self, "n_samples", most=LONGEST, needed=f"from 1 to {LONGEST:,}")

    @property
    def output_shape(self) -> tuple[tuple[int], tuple[int]]:
        """Shapes of what a network gets: samples and mask."""
        return ((self.n_samples,), (self.n_samples,))

    def sides(self, missing: Any) -> tuple[Any, Any]:
        """Say how many of the zeros that are missing go before, none, and how many after."""
        return 0, missing

    def to_dict(self) -> dict[str, Any]:
        """Give the settings as a dict that JSON can hold; ``RawWaveform(**d)`` reads it."""
        return dataclasses.asdict(self)

    def __call__(self, clips: Sequence[Array]) -> tuple[Array, Array]:
        """Make float32 with each peak at 1, and True for real samples: two of (n, n_samples)."""
        return self.unpack(self.pack(clips))

    def pack(self, clips: Sequence[Array]) -> dict[str, Array]:
        """Give clips in a form that takes little space on a disk: samples of 16 bits, lengths."""
        samples = np.zeros((len(clips), self.n_samples), np.int16)
        lengths = np.array([min(len(clip), self.n_samples) for clip in clips], np.int32)
        for i, clip in enumerate(clips):
            clip = centred(np.asarray(clip)[: self.n_samples])
            if clip.size == 0:
                raise EarshotError(f"Clip {i} has no samples: leave it out or record it again.")
            samples[i, : len(clip)] = np.rint(PEAK / max(np.abs(clip).max(), 1e-9) * clip)
        return {"samples": samples, "lengths": lengths}

    def unpack(self, rows: dict[str, Array]) -> tuple[Array, Array]:
        """Bring back what :meth:`pack` gave."""
        mask = np.arange(self.n_samples) < rows["lengths"][:, None]
        return rows["samples"] / PEAK, mask
