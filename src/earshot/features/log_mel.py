"""Waveform to log-mel spectrogram.

It is float32 of shape (frames, n_mels). The settings are saved with every recognizer, so that
training and inference never disagree; ``networks/front_end_layers.py`` has the Keras form.

>>> front_end = LogMel(n_mels=20)
>>> front_end(np.ones(8000)).shape, front_end([np.ones(500), np.ones(9000)]).shape
((101, 20), (2, 101, 20))
"""

import dataclasses
import numbers
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from earshot.errors import EarshotError, EarshotWarning
from earshot.features.mel import LONGEST, TOP_DB, MelBands, require
from earshot.features.offset import centred
from earshot.types import Array

__all__ = ["LOG_MEL_64X32", "LOG_MEL_64X35", "LOG_MEL_64X64", "LogMel", "check_log_mel"]

FAINTEST = np.float32(1e-10)  # least power of a loudest point: silence is no division by zero


@dataclasses.dataclass(frozen=True)
class LogMel(MelBands):
    """Settings of a log-mel spectrogram; calling it makes spectrograms.

    The definition is librosa's: ``power_to_db(melspectrogram(...), ref=np.max, top_db=top_db)``
    with the Slaney mel scale and its area normalization. Beside the settings of ``MelBands``:

    Parameters
    ----------
    top_db : what lies this far below the loudest point of the clip is cut off, in dB
    n_samples : longer waveforms lose their end, shorter ones get zeros; None: any length, as it is
    pad : where the zeros go, "center" (both sides) or "end"
    bits : 8 quantizes: whole values from 0 (``-top_db``) to 255 (the loudest point)
    """

    top_db: float = 45.0
    n_samples: int | None = 8000
    pad: str = "center"
    bits: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "n_mels")
        require(self, "top_db", numbers.Real, 1e-6, TOP_DB, f"above 0 and up to {TOP_DB:g}")
        if self.n_samples is not None:
            require(self, "n_samples", most=LONGEST, needed=f"from 1 to {LONGEST:,}, or None")
        if self.pad not in ("center", "end"):
            raise EarshotError(f"LogMel pads at the 'center' or the 'end', not {self.pad!r}.")
        if self.bits not in (None, 8):
            raise EarshotError(f"LogMel needs bits of 8, or None for float, not {self.bits}.")

    @property
    def output_shape(self) -> tuple[int | None, int]:
        """Shape ``(frames, n_mels)`` of a spectrogram; frames is None when any length is taken."""
        n = self.n_samples
        return (None if n is None else 1 + n // self.hop_length, self.n_mels)

    def pad_or_trim(self, x: Array | Sequence[Array]) -> Array:
        """Bring a waveform or a batch, as in a call, to float32 of shape (..., n_samples).

        The mean of each is taken off first: padded, an offset would be a click.
        """
        if isinstance(x, list | tuple):
            if self.n_samples is None and len({len(clip) for clip in x}) > 1:
                way_out = "give LogMel n_samples, or call it clip by clip."
                raise EarshotError(f"Clips of different lengths make no batch: {way_out}")
            batch = np.empty((len(x), self.n_samples or len(x[0])), np.float32)
            for row, clip in zip(batch, x, strict=True):
                row[:] = self.pad_or_trim(clip)
            return batch
        if self.n_samples is None:
            return np.asarray(x, np.float32)
        x = centred(np.asarray(x)[..., : self.n_samples])
        sides = self.sides(self.n_samples - x.shape[-1])
        return np.pad(x, [(0, 0)] * (x.ndim - 1) + [sides])

    def sides(self, missing: Any) -> tuple[Any, Any]:
        """Say how many of the zeros (or frames) that are missing go before, and how many after."""
        before = missing // 2 if self.pad == "center" else 0
        return before, missing - before

    def mel_power(self, x: Array | Sequence[Array]) -> Array:
        """Mel power of waveforms, shapes as in a call: a spectrogram before any logarithm."""
        return super().mel_power(self.pad_or_trim(x))

    def to_db(self, power: Array) -> Array:
        """Turn mel power, shape (..., frames, n_mels), into what a call gives."""
        loudest = np.maximum(power.max(axis=(-2, -1), keepdims=True), FAINTEST)
        db = np.maximum(power / loudest, np.float32(10.0 ** (-self.top_db / 10)))
        db = np.float32(10) * np.log10(db, out=db)
        return db if self.bits is None else self.to_quantized(db)

    def to_quantized(self, db: Array) -> Array:
        """Bring dB of ``-top_db`` to 0 to whole values of 0 to 255 (uint8)."""
        return np.rint((db / np.float32(self.top_db) + 1) * 255).astype(np.uint8)

    def from_quantized(self, quantized: Array) -> Array:
        """Bring back the dB that :meth:`to_quantized` got, to within ``top_db / 510``."""
        return (np.asarray(quantized, np.float32) / 255 - 1) * np.float32(self.top_db)

    def __call__(self, x: Array | Sequence[Array]) -> Array:
        """Make log-mel spectrograms of waveforms, float32 in [-top_db, 0], or uint8.

        From (samples,), (batch, samples), or a list of 1-D arrays, to ([batch,] frames, n_mels).
        """
        return self.to_db(self.mel_power(x))

    def pack(self, clips: Sequence[Array]) -> dict[str, Array]:
        """Make spectrograms in a form that takes little space on a disk: floats of 16 bits."""
        return {"spectrograms": self(list(clips)).astype(np.uint8 if self.bits else np.float16)}

    def unpack(self, rows: dict[str, Array]) -> Array:
        """Bring back what :meth:`pack` gave, to within 0.04 dB."""
        return rows["spectrograms"].astype(np.uint8 if self.bits else np.float32)


LOG_MEL_64X64 = LogMel(
    n_fft=512, hop_length=128, n_mels=64, fmin_hz=0.0, fmax_hz=2000.0, top_db=80.0,
    n_samples=8064, pad="end",
)  # fmt: skip
"""The classic spectrogram of 64 bands by 64 frames: 8 kHz, up to 2,000 Hz."""
LOG_MEL_64X35 = LogMel(
    sample_rate=22050, n_fft=2048, hop_length=512, n_mels=64, fmin_hz=0.0, top_db=80.0,
    n_samples=17640, pad="end",
)  # fmt: skip
"""The classic spectrogram of 64 bands by 35 frames: 22,050 Hz, 0.8 s."""
LOG_MEL_64X32 = dataclasses.replace(LOG_MEL_64X35, n_samples=31 * 512, bits=8)
"""The classic spectrogram of 64 bands by 32 frames, quantized to 8 bits."""


def check_log_mel(spectrogram: Array, front_end: LogMel) -> Array:
    """Give a log-mel spectrogram as float32 in [-top_db, 0], whatever form its settings say it has.

    From ([batch,] frames, n_mels). A loudest point that is not at 0 dB is moved there, with a
    warning. Another shape, NaN, infinity, and values that no such settings give raise
    :class:`EarshotError`.
    """
    way_out = "give the settings that it was made with."
    spectrogram = np.asarray(spectrogram)
    n_mels, top_db = front_end.n_mels, front_end.top_db
    if spectrogram.ndim not in (2, 3) or spectrogram.shape[-1] != n_mels or 0 in spectrogram.shape:
        turned = spectrogram.ndim >= 2 and spectrogram.shape[-2] == n_mels
        raise EarshotError(
            f"The spectrogram has the shape {spectrogram.shape}, and its settings give (frames, "
            f"{n_mels}): {'frames come first (is it turned over?), or ' if turned else ''}{way_out}"
        )
    if spectrogram.dtype.kind not in "fiu" or not np.isfinite(spectrogram).all():
        raise EarshotError("The spectrogram holds NaN, infinity, or no numbers: make it again.")
    db = spectrogram.astype(np.float32)
    low, high = float(db.min()), float(db.max())
    ranges = f"The spectrogram runs from {low:g} to {high:g}"
    if front_end.bits == 8:
        if low < 0 or high > 255:
            raise EarshotError(f"{ranges}, and its settings say values of 8 bits: {way_out}")
        return front_end.from_quantized(db)
    if low >= 0 and high > 0:
        needed = "dB below the loudest point are expected"
        mend = "front_end.to_db(power), or settings with bits=8."
        raise EarshotError(f"{ranges}, which is power or quantized, and {needed}: {mend}")
    if low < min(0.0, high) - top_db - 0.1:
        lowest = f"The spectrogram goes down to {low:.4g} dB"
        raise EarshotError(f"{lowest}, and its settings end at {-top_db:g} dB: {way_out}")
    if abs(high) > 1e-3:
        moved = f"The loudest point of the spectrogram is at {high:.3g} dB and counts as 0 dB."
        warnings.warn(moved, EarshotWarning, stacklevel=3)
        db = np.maximum(db - db.max(axis=(-2, -1), keepdims=True), np.float32(-top_db))
    return db
