"""Waveform to log-mel spectrogram, as NumPy and as a Keras layer, with the same numbers.

A log-mel is float32 and time-major, shape ``(frames, n_mels)``. The settings live in one frozen
:class:`LogMel`, which travels as JSON with every recognizer, so that spectrograms, training and saved
models never disagree.
"""

import dataclasses
import numbers
import warnings

import numpy as np

from earshot.errors import EarshotError, EarshotWarning
from earshot.features.mel import band_groups
from earshot.features.short_time import hann

__all__ = ["LOG_MEL_64X32", "LOG_MEL_64X35", "LOG_MEL_64X64", "LogMel", "check_log_mel"]

BLOCK_FRAMES = 256
"""Frames that go through the FFT together: few enough to stay in a core's cache."""


@dataclasses.dataclass(frozen=True)
class LogMel:
    """Settings of a log-mel spectrogram; calling it makes spectrograms.

    The definition is librosa's: ``power_to_db(melspectrogram(...), ref=np.max, top_db=top_db)``
    with the Slaney mel scale and its area normalisation.

    Parameters
    ----------
    sample_rate : int
        Rate of the waveforms, in Hz.
    n_fft, hop_length : int
        Length of the Hann window and step between frames, in samples.
    n_mels : int
        Number of mel bands.
    fmin_hz, fmax_hz : float
        Range of the bands. Default: up to half the sample rate.
    top_db : float
        What lies this far below the loudest point of the clip is cut off, in dB.
    n_samples : int, optional
        Length to which waveforms are brought: longer ones lose their end, shorter ones get zeros.
        Default: any length, as it comes.
    pad : {"center", "end"}
        Where the zeros go.
    bits : {None, 8}
        8 gives "quantized": whole values from 0 (``-top_db``) to 255 (the loudest point).

    Examples
    --------
    >>> LogMel()(np.ones(8000)).shape
    (101, 40)
    """

    sample_rate: int = 8000
    n_fft: int = 256
    hop_length: int = 80
    n_mels: int = 40
    fmin_hz: float = 60.0
    fmax_hz: float | None = None
    top_db: float = 45.0
    n_samples: int | None = 8000
    pad: str = "center"
    bits: int | None = None

    def __post_init__(self):
        for name in ("sample_rate", "n_fft", "hop_length", "n_mels", "top_db", "n_samples"):
            value = getattr(self, name)
            kind = numbers.Real if name == "top_db" else numbers.Integral
            if value is None and name == "n_samples":
                continue
            if not isinstance(value, kind) or value <= 0:
                raise EarshotError(f"LogMel needs {name} as a number above 0, not {value!r}.")
        if self.n_fft % 2:
            raise EarshotError(f"LogMel needs an even n_fft, not {self.n_fft}.")
        if not 0 <= self.fmin_hz < self.top_hz <= self.sample_rate / 2:
            raise EarshotError(
                f"LogMel needs 0 <= fmin_hz < fmax_hz <= {self.sample_rate / 2:g} Hz (half the "
                f"sample rate), not {self.fmin_hz:g} and {self.top_hz:g}."
            )
        if self.pad not in ("center", "end"):
            raise EarshotError(f"LogMel pads at the 'center' or the 'end', not {self.pad!r}.")
        if self.bits not in (None, 8):
            raise EarshotError(
                f"LogMel makes spectrograms of 8 bits or None (float), not {self.bits}."
            )

    @property
    def top_hz(self):
        """Upper end of the highest band, in Hz."""
        return self.sample_rate / 2 if self.fmax_hz is None else self.fmax_hz

    @property
    def output_shape(self):
        """Shape ``(frames, n_mels)`` of a spectrogram; frames is None when any length is taken."""
        n = self.n_samples
        return (None if n is None else 1 + n // self.hop_length, self.n_mels)

    def to_dict(self):
        """Give the settings as a dict that JSON can hold; ``LogMel(**d)`` brings them back."""
        return dataclasses.asdict(self)

    def pad_or_trim(self, x):
        """Pad or cut a waveform or a list of them to ``n_samples``.

        Parameters
        ----------
        x : ndarray of shape (samples,) or (batch, samples), or list of 1-D ndarrays

        Returns
        -------
        ndarray of float32, shape (n_samples,) or (batch, n_samples)
        """
        if isinstance(x, list | tuple):
            if self.n_samples is None and len({len(clip) for clip in x}) > 1:
                raise EarshotError(
                    "Clips of different lengths make no batch: give LogMel n_samples, "
                    "or call it clip by clip."
                )
            size = self.n_samples or len(x[0])
            batch = np.zeros((len(x), size), np.float32)
            for row, clip in zip(batch, x, strict=True):
                start = self._offset(len(clip))
                row[start : start + len(clip)] = clip[:size]
            return batch
        x = np.asarray(x, np.float32)
        n = self.n_samples
        if n is None or x.shape[-1] == n:
            return x
        start = self._offset(x.shape[-1])
        after = max(n - start - x.shape[-1], 0)
        return np.pad(x[..., :n], [(0, 0)] * (x.ndim - 1) + [(start, after)])

    def _offset(self, length):
        if self.pad == "end" or self.n_samples is None:
            return 0
        return max(self.n_samples - length, 0) // 2

    def mel_power(self, x):
        """Mel power spectrogram of a waveform or a batch, before any logarithm.

        Parameters
        ----------
        x : ndarray, shape (samples,) or (batch, samples), or list of 1-D ndarrays
            Waveforms at ``sample_rate``.

        Returns
        -------
        ndarray of float32, shape (frames, n_mels) or (batch, frames, n_mels)
        """
        from scipy.fft import rfft  # numpy.fft is slower and works in double precision

        x = self.pad_or_trim(x)
        if x.shape[-1] == 0:
            raise EarshotError("A waveform without samples has no spectrogram.")
        clips = x.reshape(-1, x.shape[-1])
        margin = self.n_fft // 2
        padded = np.pad(clips, ((0, 0), (margin, margin)))
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft, axis=1)
        frames = frames[:, :: self.hop_length]
        n_frames = frames.shape[1]
        bands = band_groups(self.sample_rate, self.n_fft, self.n_mels, self.fmin_hz, self.top_hz)
        window = hann(self.n_fft)
        out = np.empty((len(clips) * n_frames, self.n_mels), np.float32)
        clips_at_once = max(1, BLOCK_FRAMES // n_frames)
        frames_at_once = min(n_frames, BLOCK_FRAMES)
        for i in range(0, len(clips), clips_at_once):
            for j in range(0, n_frames, frames_at_once):
                block = frames[i : i + clips_at_once, j : j + frames_at_once] * window
                block = block.reshape(-1, self.n_fft)
                spectrum = rfft(block, axis=1, overwrite_x=True).view(np.float32)
                np.multiply(spectrum, spectrum, out=spectrum)
                power = spectrum[:, 0::2] + spectrum[:, 1::2]
                row = i * n_frames + j
                target = out[row : row + len(power)]
                for columns, rows, weights in bands:
                    np.matmul(power[:, rows], weights, out=target[:, columns])
        return out.reshape(*x.shape[:-1], n_frames, self.n_mels)

    def to_db(self, power):
        """Turn mel power into dB below the loudest point of each clip, or into 8-bit quantized.

        Parameters
        ----------
        power : ndarray, shape (..., frames, n_mels)

        Returns
        -------
        ndarray of float32, the same shape, in [-top_db, 0], or uint8 in [0, 255]
        """
        loudest = np.maximum(power.max(axis=(-2, -1), keepdims=True), np.float32(1e-10))
        floor = np.float32(10.0 ** (-self.top_db / 10))
        db = power / loudest
        np.maximum(db, floor, out=db)
        np.log10(db, out=db)
        db *= np.float32(10)
        if self.bits is None:
            return db
        return np.rint((db / np.float32(self.top_db) + 1) * 255).astype(np.uint8)

    def __call__(self, x):
        """Make log-mel spectrograms of waveforms.

        Parameters
        ----------
        x : ndarray, shape (samples,) or (batch, samples), or list of 1-D ndarrays

        Returns
        -------
        ndarray of float32 (uint8 for quantized), shape (frames, n_mels) or (batch, frames, n_mels)
        """
        return self.to_db(self.mel_power(x))

    def pack(self, clips):
        """Make spectrograms in a form that takes little space on a disk: floats of 16 bits."""
        return {"spectrograms": self(list(clips)).astype(np.uint8 if self.bits else np.float16)}

    def unpack(self, rows):
        """Bring back what :meth:`pack` gave, to within 0.04 dB."""
        return rows["spectrograms"] if self.bits else rows["spectrograms"].astype(np.float32)


LOG_MEL_64X64 = LogMel(
    n_fft=512, hop_length=128, n_mels=64, fmin_hz=0.0, fmax_hz=2000.0, top_db=80.0,
    n_samples=8064, pad="end",
)  # fmt: skip
"""The classic 64x64 spectrogram: 8 kHz, up to 2,000 Hz."""
LOG_MEL_64X35 = LogMel(
    sample_rate=22050, n_fft=2048, hop_length=512, n_mels=64, fmin_hz=0.0, top_db=80.0,
    n_samples=17640, pad="end",
)  # fmt: skip
"""The classic spectrogram of 64 bands by 35 frames: 22,050 Hz, 0.8 s."""
LOG_MEL_64X32 = dataclasses.replace(LOG_MEL_64X35, n_samples=31 * 512, bits=8)
"""The classic stamp of 64 bands by 32 frames with 8-bit values."""


def check_log_mel(spectrogram, front_end):
    """Give a log-mel spectrogram as float32 in dB, whatever form its settings say it has.

    Parameters
    ----------
    spectrogram : ndarray, shape (frames, n_mels) or (batch, frames, n_mels)
    front_end : earshot.features.LogMel
        The settings that the spectrogram was made with. The number of frames is free.

    Returns
    -------
    ndarray of float32, the same shape, in [-top_db, 0]

    Raises
    ------
    EarshotError
        When the shape is another, or values are NaN or infinite, or no such settings give them:
        power instead of dB, another floor, quantized that are no quantized.

    Warns
    -----
    EarshotWarning
        When the loudest point is not at 0 dB: the spectrogram is moved there.
    """
    spectrogram = np.asarray(spectrogram)
    n_mels, top_db = front_end.n_mels, front_end.top_db
    if spectrogram.ndim not in (2, 3) or spectrogram.shape[-1] != n_mels or 0 in spectrogram.shape:
        raise EarshotError(
            f"The spectrogram has the shape {spectrogram.shape}, and its settings give (frames, {n_mels}): "
            f"{_turned(spectrogram, n_mels)}give the settings that it was made with."
        )
    if spectrogram.dtype.kind not in "fiu" or not np.isfinite(spectrogram).all():
        raise EarshotError(
            "The spectrogram holds NaN, infinity, or no numbers: make it again from the recording."
        )
    db = spectrogram.astype(np.float32)
    low, high = float(db.min()), float(db.max())
    if front_end.bits == 8:
        if low < 0 or high > 255:
            raise EarshotError(
                f"The settings say quantized of 8 bits, and the spectrogram runs from {low:g} to {high:g}:"
                " give the settings that it was made with."
            )
        return (db / 255 - 1) * np.float32(top_db)
    if low >= 0 and high > 0:
        raise EarshotError(
            f"The spectrogram runs from {low:g} to {high:g}, which is power or a stamp, and dB below "
            "the loudest point are expected: front_end.to_db(power), or settings with bits=8."
        )
    if low < min(0.0, high) - top_db - 0.1:
        raise EarshotError(
            f"The spectrogram goes down to {low:.4g} dB, and its settings end at {-top_db:g} dB: "
            "give the settings that it was made with."
        )
    if abs(high) > 1e-3:
        warnings.warn(
            f"The loudest point of the spectrogram is at {high:.3g} dB and counts as 0 dB.",
            EarshotWarning, stacklevel=3,
        )  # fmt: skip
        db = np.maximum(db - db.max(axis=(-2, -1), keepdims=True), np.float32(-top_db))
    return db


def _turned(spectrogram, n_mels):
    turned = spectrogram.ndim >= 2 and spectrogram.shape[-2] == n_mels
    return "frames come first (is it turned over?), or " if turned else ""
