"""Waveform to log-mel picture, as NumPy and as a Keras layer, with the same numbers.

A log-mel is float32 and time-major, shape ``(frames, n_mels)``. The settings live in one frozen
:class:`LogMel`, which travels as JSON with every recogniser, so that pictures, training and saved
models never disagree.
"""

import dataclasses
import functools
import numbers

import numpy as np

from earshot.errors import EarshotError

__all__ = ["PICTURE_32", "PICTURE_35", "PICTURE_64", "LogMel", "mel_filter_bank"]

BLOCK_FRAMES = 256
"""Frames that go through the FFT together: few enough to stay in a core's cache."""


@dataclasses.dataclass(frozen=True)
class LogMel:
    """Settings of a log-mel picture; calling it makes pictures.

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
        8 gives "stamps": whole values from 0 (``-top_db``) to 255 (the loudest point).

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
        if not 0 <= self.fmin_hz < self._fmax_hz <= self.sample_rate / 2:
            raise EarshotError(
                f"LogMel needs 0 <= fmin_hz < fmax_hz <= {self.sample_rate / 2:g} Hz (half the "
                f"sample rate), not {self.fmin_hz:g} and {self._fmax_hz:g}."
            )
        if self.pad not in ("center", "end"):
            raise EarshotError(f"LogMel pads at the 'center' or the 'end', not {self.pad!r}.")
        if self.bits not in (None, 8):
            raise EarshotError(f"LogMel makes pictures of 8 bits or None (float), not {self.bits}.")

    @property
    def _fmax_hz(self):
        return self.sample_rate / 2 if self.fmax_hz is None else self.fmax_hz

    @property
    def picture_shape(self):
        """Shape ``(frames, n_mels)`` of a picture; frames is None when any length is taken."""
        n = self.n_samples
        return (None if n is None else 1 + n // self.hop_length, self.n_mels)

    def to_dict(self):
        """Give the settings as a dict that JSON can hold; ``LogMel(**d)`` brings them back."""
        return dataclasses.asdict(self)

    def fit(self, x):
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

        x = self.fit(x)
        if x.shape[-1] == 0:
            raise EarshotError("A waveform without samples has no spectrogram.")
        clips = x.reshape(-1, x.shape[-1])
        margin = self.n_fft // 2
        padded = np.pad(clips, ((0, 0), (margin, margin)))
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft, axis=1)
        frames = frames[:, :: self.hop_length]
        n_frames = frames.shape[1]
        bands = _bands(self.sample_rate, self.n_fft, self.n_mels, self.fmin_hz, self._fmax_hz)
        window = _hann(self.n_fft)
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
        """Turn mel power into dB below the loudest point of each clip, or into 8-bit stamps.

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
        """Make log-mel pictures of waveforms.

        Parameters
        ----------
        x : ndarray, shape (samples,) or (batch, samples), or list of 1-D ndarrays

        Returns
        -------
        ndarray of float32 (uint8 for stamps), shape (frames, n_mels) or (batch, frames, n_mels)
        """
        return self.to_db(self.mel_power(x))

    def pack(self, clips):
        """Make pictures in a form that takes little space on a disk: floats of 16 bits."""
        return {"pictures": self(list(clips)).astype(np.uint8 if self.bits else np.float16)}

    def unpack(self, rows):
        """Bring back what :meth:`pack` gave, to within 0.04 dB."""
        return rows["pictures"] if self.bits else rows["pictures"].astype(np.float32)

    def layer(self, **kwargs):
        """Give the same pictures as a Keras layer: (batch, samples) to (batch, frames, n_mels)."""
        from earshot.layers import LogMelLayer

        return LogMelLayer(self.to_dict(), **kwargs)


PICTURE_64 = LogMel(
    n_fft=512, hop_length=128, n_mels=64, fmin_hz=0.0, fmax_hz=2000.0, top_db=80.0,
    n_samples=8064, pad="end",
)  # fmt: skip
"""The classic 64x64 picture: 8 kHz, up to 2,000 Hz."""

PICTURE_35 = LogMel(
    sample_rate=22050, n_fft=2048, hop_length=512, n_mels=64, fmin_hz=0.0, top_db=80.0,
    n_samples=17640, pad="end",
)  # fmt: skip
"""The classic picture of 64 bands by 35 frames: 22,050 Hz, 0.8 s."""

PICTURE_32 = dataclasses.replace(PICTURE_35, n_samples=31 * 512, bits=8)
"""The classic stamp of 64 bands by 32 frames with 8-bit values."""


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
def _bands(sample_rate, n_fft, n_mels, fmin_hz, fmax_hz, group=16):
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
def _hann(n_fft):
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
