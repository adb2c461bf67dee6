"""The spectrogram of a whole stream, and the windows on it that a network sees.

A stream's spectrogram is float32 and time-major, shape ``(steps, bands)``, with one step for every
``hop_length`` samples. The settings live in one frozen :class:`Windows`, which travels with the
recognizer in the place of :class:`earshot.features.LogMel`.
"""

import dataclasses
import numbers
from pathlib import Path

import numpy as np

from earshot import audio, files
from earshot.audio import blocks_of
from earshot.errors import EarshotError
from earshot.features import short_time
from earshot.features.log_mel import LogMel

__all__ = ["Spectrograph", "StreamSpectrogram", "difference"]

FAINTEST = 1e-9
"""Power that counts as silence; a recording of 16 bits has a little more noise of its own."""
SMOOTH_STEPS = 6.0
LONGEST_FLOOR = 100_000
"""In steps: 17 minutes of 10 ms."""


@dataclasses.dataclass(frozen=True)
class StreamSpectrogram:
    """Settings of a stream's spectrogram and of a network's windows on it.

    Parameters
    ----------
    sample_rate : int
        In Hz; other recordings are resampled.
    n_fft, hop_length : int
        Length of the Hann window and step, in samples.
    n_mels : int, optional
        Number of mel bands. None: a linear spectrogram, ``1 + n_fft // 2`` bands.
    fmin_hz, fmax_hz : float
        Range of the mel bands. Default: up to half the sample rate.
    floor_s : float, optional
        Values are dB above the noise floor of each band: the least smoothed level of the last
        ``floor_s`` seconds, after Martin (2001), "Noise power spectral density estimation based on
        optimal smoothing and minimum statistics". So neither the loudness nor the colour of a
        steady noise matters. None: above a fixed faintest level.
    top_db : float
        What is louder is cut off; values run from 0 to this.
    n_frames : int
        Length of a window in steps.
    n_ahead : int
        Of these, so many come after the step that the window is about.

    Examples
    --------
    >>> Windows().spectrogram(np.zeros(8000, np.float32)).shape
    (101, 40)
    """

    sample_rate: int = 8000
    n_fft: int = 256
    hop_length: int = 80
    n_mels: int | None = 40
    fmin_hz: float = 60.0
    fmax_hz: float | None = None
    floor_s: float | None = 3.0
    top_db: float = 50.0
    n_frames: int = 63
    n_ahead: int = 31

    def __post_init__(self):
        for name in ("n_frames", "top_db"):
            value = getattr(self, name)
            kind = numbers.Real if name == "top_db" else numbers.Integral
            if not isinstance(value, kind) or not 0 < value < np.inf:
                raise EarshotError(f"Windows needs {name} as a number above 0, not {value!r}.")
        if self.n_frames < 2:
            raise EarshotError("Windows needs n_frames of at least 2: one step says nothing.")
        if self.n_mels == 0:
            raise EarshotError("Windows needs n_mels above 0, or None for linear bands.")
        if not isinstance(self.n_ahead, numbers.Integral) or not 0 <= self.n_ahead < self.n_frames:
            raise EarshotError(
                f"Windows needs n_ahead from 0 to {self.n_frames - 1} steps, not {self.n_ahead!r}."
            )
        self._mel  # noqa: B018  (checks the settings that both share)
        if self.floor_s is not None and not (
            isinstance(self.floor_s, numbers.Real)
            and 1 <= self.floor_s * self.steps_per_s <= LONGEST_FLOOR
        ):
            raise EarshotError(
                f"Windows needs floor_s from one step to {LONGEST_FLOOR} steps, or None, not "
                f"{self.floor_s!r}."
            )

    @property
    def _mel(self):
        return LogMel(
            sample_rate=self.sample_rate, n_fft=self.n_fft, hop_length=self.hop_length,
            n_mels=self.n_mels or 1, fmin_hz=self.fmin_hz, fmax_hz=self.fmax_hz, n_samples=None,
        )  # fmt: skip

    @property
    def n_bands(self):
        """Number of values in a step."""
        return self.n_mels or 1 + self.n_fft // 2

    @property
    def output_shape(self):
        """Shape ``(n_frames, bands)`` of a window, which is what a network takes."""
        return (self.n_frames, self.n_bands)

    @property
    def n_samples(self):
        """Length of a clip that fills one window."""
        return (self.n_frames - 1) * self.hop_length

    @property
    def steps_per_s(self):
        """How many steps a second has."""
        return self.sample_rate / self.hop_length

    def to_dict(self):
        """Give the settings as a dict that JSON can hold; ``Windows(**d)`` brings them back."""
        return dataclasses.asdict(self)

    def spectrogram(self, sound, sample_rate=None, *, into=None):
        """Make the complete spectrogram of a recording of any length.

        Parameters
        ----------
        sound : str, path, or ndarray of shape (samples,)
            A file is read in blocks.
        sample_rate : int, optional
            In Hz, of a waveform. Default: the settings'.
        into : str or path, optional
            A ``.npy`` file in which the spectrogram is kept as 8 bits a value (see
            :meth:`to_quantized`) instead of in memory.

        Returns
        -------
        ndarray of float32, shape (steps, bands), in [0, top_db]
            With ``into``: a read-only memory map of uint8.

        Raises
        ------
        EarshotError
            When a file cannot be read, or a waveform is empty, or holds NaN or infinity.
        """
        rate = self.sample_rate if sample_rate is None else sample_rate
        blocks = self.blocks(blocks_of(sound, rate))
        if into is None:
            return np.concatenate([np.zeros((0, self.n_bands), np.float32), *blocks])
        into = Path(into)
        into = into if into.suffix == ".npy" else into.with_name(f"{into.name}.npy")
        with files.atomic_path(into) as temporary, temporary.open("wb") as file:
            n_steps = 0
            _npy_header(file, 0, self.n_bands)
            for block in blocks:
                n_steps += len(block)
                file.write(self.to_quantized(block).tobytes())
            _npy_header(file, n_steps, self.n_bands)
        return np.load(into, mmap_mode="r")

    def blocks(self, blocks):
        """Make the spectrogram of a stream while it comes.

        Parameters
        ----------
        blocks : iterable of (ndarray of shape (samples,), int)
            Sound and its rate in Hz.

        Yields
        ------
        ndarray of float32, shape (steps, bands)
        """
        spectrograph = None
        for block, sample_rate in blocks_of(blocks, self.sample_rate):
            spectrograph = spectrograph or Spectrograph(self, sample_rate)
            yield spectrograph.push(block)
        if spectrograph:
            yield spectrograph.flush()

    def cut(self, spectrogram, *, step=1):
        """Cut a spectrogram into windows.

        Parameters
        ----------
        spectrogram : ndarray, shape (steps, bands)
        step : int
            Steps from one window to the next.

        Returns
        -------
        windows : ndarray, shape (n, n_frames, bands)
            A view; it takes no memory.
        steps : ndarray of int, shape (n,)
            The step that each window is about.
        """
        self.check(spectrogram)
        if not isinstance(step, numbers.Integral) or step < 1:
            raise EarshotError(f"Windows are cut a whole number of steps apart, not {step!r}.")
        if len(spectrogram) < self.n_frames:
            raise self.too_short(len(spectrogram))
        windows = np.lib.stride_tricks.sliding_window_view(spectrogram, self.n_frames, axis=0)
        windows = windows[::step].swapaxes(1, 2)
        return windows, np.arange(len(windows)) * step + self.n_frames - 1 - self.n_ahead

    def too_short(self, n_steps):
        """Give the error about a stream of fewer steps than a window."""
        has_s, needs_s = n_steps / self.steps_per_s, self.n_frames / self.steps_per_s
        return EarshotError(
            f"The stream is {has_s:.2f} s long, and a window takes {needs_s:.2f} s: record a "
            "longer one, or use shorter windows."
        )

    def check(self, spectrogram):
        """Refuse a spectrogram that was made with other settings."""
        if np.ndim(spectrogram) != 2 or np.shape(spectrogram)[1] != self.n_bands:
            raise EarshotError(
                f"A spectrogram of these settings has the shape (steps, {self.n_bands}), not "
                f"{np.shape(spectrogram)}: make it with the same settings."
            )

    def to_quantized(self, spectrogram):
        """Bring values of 0 to ``top_db`` to whole ones of 0 to 255 (uint8); others are cut off."""
        scaled = np.asarray(spectrogram, np.float32) * np.float32(255 / self.top_db)
        return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)

    def from_quantized(self, quantized):
        """Bring back what :meth:`to_quantized` gave, to within ``top_db / 510``."""
        return np.asarray(quantized, np.float32) * np.float32(self.top_db / 255)

    def __call__(self, clips):
        """Make one window of each clip: its middle, or the clip and what its edges hold.

        Parameters
        ----------
        clips : list of ndarray, each of shape (samples,)

        Returns
        -------
        ndarray of float32, shape (n, n_frames, bands)
        """
        windows = np.empty((len(clips), *self.output_shape), np.float32)
        for window, clip in zip(windows, clips, strict=True):
            spectrogram = self.spectrogram(clip)
            first = (len(spectrogram) - self.n_frames) // 2
            window[:] = spectrogram[
                np.clip(np.arange(self.n_frames) + first, 0, len(spectrogram) - 1)
            ]
        return windows


class Spectrograph:
    """Makes a stream's spectrogram block by block, to the same values as in one piece.

    Parameters
    ----------
    settings : Windows
    sample_rate : int
        In Hz, of the blocks.
    """

    def __init__(self, settings, sample_rate):
        self.settings = settings
        self._resampler = audio.Resampler(sample_rate, settings.sample_rate)
        self._hop = settings.hop_length
        self._margin = -(-settings.n_fft // 2 // self._hop)  # in steps
        self._kept = np.zeros(self._margin * self._hop, np.float32)
        self._bands = settings._mel
        self._smooth = self._past = None
        self._empty = True

    def push(self, block):
        """Take a block of any length, shape (samples,); give the steps that are certain by now."""
        block = np.asarray(block, np.float32)
        self._empty = self._empty and not len(block)
        return self._go_on(self._resampler.push(block), last=False)

    def flush(self):
        """Give the last steps; the stream is over."""
        if self._empty:
            return np.zeros((0, self.settings.n_bands), np.float32)
        return self._go_on(self._resampler.flush(), last=True)

    def _go_on(self, x, last):
        self._kept = np.concatenate([self._kept, x])
        n_steps = len(self._kept) // self._hop - 2 * self._margin
        if last:  # silence after the end
            n_steps = (len(self._kept) - self._margin * self._hop) // self._hop + 1
            self._kept = np.pad(self._kept, (0, self._margin * self._hop))
        if n_steps <= 0:
            return np.zeros((0, self.settings.n_bands), np.float32)
        x = self._kept[: (n_steps + 2 * self._margin) * self._hop]
        power = self._power(x)[self._margin : self._margin + n_steps]
        self._kept = self._kept[n_steps * self._hop :]
        db = 10 * np.log10(np.maximum(power, FAINTEST))
        return np.clip(db - self._floor(db), 0, self.settings.top_db).astype(np.float32)

    def _power(self, x):
        if self.settings.n_mels:
            return self._bands.mel_power(x)
        spectra = short_time.stft(x, self.settings.n_fft, self._hop)
        return np.square(np.abs(spectra))

    def _floor(self, db):
        """Least smoothed level of each band, of the steps that have passed."""
        settings = self.settings
        if settings.floor_s is None:
            return 10 * np.log10(FAINTEST)
        from scipy.ndimage import minimum_filter1d
        from scipy.signal import lfilter

        keep = np.exp(-1 / SMOOTH_STEPS)
        if self._smooth is None:
            self._smooth = keep * db[:1]
        smooth, self._smooth = lfilter([1 - keep], [1, -keep], db, axis=0, zi=self._smooth)
        n = round(settings.floor_s * settings.steps_per_s)
        if self._past is None:
            self._past = np.full((n - 1, settings.n_bands), np.inf)
        past = np.concatenate([self._past, smooth])
        self._past = past[len(past) - n + 1 :]
        return minimum_filter1d(past, n, axis=0, origin=(n - 1) // 2)[n - 1 :]


def difference(first, second):
    """Subtract one spectrogram from another, over the steps that both have.

    Parameters
    ----------
    first, second : ndarray, shape (steps, bands)
        Made with the same settings.

    Returns
    -------
    ndarray of float32, shape (steps, bands)
        In dB: above 0 where the first is louder.
    """
    first, second = np.asarray(first), np.asarray(second)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise EarshotError(
            f"Spectrograms of {np.shape(first)} and {np.shape(second)} cannot be compared: make "
            "both with the same settings."
        )
    n = min(len(first), len(second))
    return np.subtract(first[:n], second[:n], dtype=np.float32)


def _npy_header(file, n_steps, n_bands):
    """Write the head of a ``.npy`` file; NumPy leaves room in it for a count that grows."""
    file.seek(0)
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": (n_steps, n_bands)}
    )
