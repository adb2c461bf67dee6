"""The spectrogram of a whole stream, and the windows on it that a network sees.

A stream's spectrogram is float32 and time-major, shape ``(steps, bands)``, with one step for every
``hop_length`` samples. The settings live in one frozen :class:`Windows`, which travels with the
recogniser in the place of :class:`earshot.spectrogram.LogMel`.
"""

import csv
import dataclasses
import json
import numbers
from pathlib import Path

import numpy as np

from earshot import audio, griffin_lim
from earshot.cutting import folder_name
from earshot.errors import EarshotError
from earshot.spectrogram import LogMel

__all__ = ["Spectrograph", "Windows", "blocks_of", "difference", "load_pictures", "save_pictures"]

BLOCK_S = 30.0
FAINTEST = 1e-9
"""Power that counts as silence; a recording of 16 bits has a little more noise of its own."""
SMOOTH_STEPS = 6.0
LONGEST_FLOOR = 100_000
"""In steps: 17 minutes of 10 ms."""
INDEX, SETTINGS = "index.csv", "windows.json"


@dataclasses.dataclass(frozen=True)
class Windows:
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
    def picture_shape(self):
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
            :meth:`to_stamp`) instead of in memory.

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
        with audio.atomic_path(into) as temporary, temporary.open("wb") as file:
            n_steps = 0
            _npy_header(file, 0, self.n_bands)
            for block in blocks:
                n_steps += len(block)
                file.write(self.to_stamp(block).tobytes())
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

    def to_stamp(self, spectrogram):
        """Bring values of 0 to ``top_db`` to whole ones of 0 to 255 (uint8); others are cut off."""
        scaled = np.asarray(spectrogram, np.float32) * np.float32(255 / self.top_db)
        return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)

    def from_stamp(self, stamps):
        """Bring back what :meth:`to_stamp` gave, to within ``top_db / 510``."""
        return np.asarray(stamps, np.float32) * np.float32(self.top_db / 255)

    def __call__(self, clips):
        """Make one window of each clip: its middle, or the clip and what its edges hold.

        Parameters
        ----------
        clips : list of ndarray, each of shape (samples,)

        Returns
        -------
        ndarray of float32, shape (n, n_frames, bands)
        """
        windows = np.empty((len(clips), *self.picture_shape), np.float32)
        for window, clip in zip(windows, clips, strict=True):
            picture = self.spectrogram(clip)
            first = (len(picture) - self.n_frames) // 2
            window[:] = picture[np.clip(np.arange(self.n_frames) + first, 0, len(picture) - 1)]
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
        spectra = griffin_lim.stft(x, self.settings.n_fft, self._hop)
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


def blocks_of(sound, sample_rate):
    """Give any sound as blocks: a file, a waveform at ``sample_rate`` (Hz), or blocks as they are.

    Yields
    ------
    block : ndarray of float32, shape (samples,)
    sample_rate : int
    """
    if isinstance(sound, str | Path):
        yield from audio.blocks(sound, BLOCK_S)
        return
    if isinstance(sound, np.ndarray) or (
        isinstance(sound, list | tuple) and not any(isinstance(part, tuple) for part in sound)
    ):
        x = audio.validate(sound)
        size = round(BLOCK_S * audio.whole_rate(sample_rate))
        for start in range(0, len(x), size):
            yield x[start : start + size], sample_rate
        return
    first_rate = None
    for part in sound if hasattr(sound, "__iter__") else [sound]:
        if not isinstance(part, list | tuple) or len(part) != 2:
            raise EarshotError(
                "A sound is a file, a waveform, or blocks, each with its sample rate (block, "
                f"rate), not {type(sound).__name__} of {type(part).__name__}."
            )
        block, rate = part
        first_rate = audio.whole_rate(rate) if first_rate is None else first_rate
        if rate != first_rate:
            raise EarshotError(
                f"The sample rate of the stream changes from {first_rate} to {rate} Hz: begin a "
                "new stream."
            )
        if len(block):
            yield audio.validate(block, "a block of the stream"), rate


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


def save_pictures(folder, windows, labels, words, settings, *, source=""):
    """Save windows as 8-bit PNG pictures, in a folder for each label, with an index.

    Parameters
    ----------
    folder : str or path
        Must not exist yet.
    windows : ndarray, shape (n, n_frames, bands)
        In [0, top_db], or stamps (uint8); time to the right and frequency upwards in the pictures.
    labels : ndarray of int, shape (n,)
    words : sequence of str
        Names of the labels.
    settings : Windows
    source : str
        Where the windows come from; it stands in the index.
    """
    from PIL import Image

    folder = Path(folder)
    if folder.exists():
        raise EarshotError(f"{folder} exists already and is kept: choose another folder.")
    labels = np.asarray(labels)
    if len(windows) != len(labels) or len(labels) == 0:
        raise EarshotError(f"{len(windows)} windows need as many labels, not {len(labels)}.")
    if labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < len(words):
        raise EarshotError(f"Labels of {len(words)} words are whole numbers from 0, not {labels}.")
    if len({folder_name(word) for word in words}) < len(words):
        raise EarshotError(f"Every word needs a folder of its own: {', '.join(words)}.")
    stamped = np.asarray(windows).dtype == np.uint8
    if not stamped and not (np.min(windows) >= 0 and np.max(windows) <= settings.top_db):
        raise EarshotError(
            f"Windows hold values from 0 to {settings.top_db:g} dB, not {np.min(windows):g} to "
            f"{np.max(windows):g}: differences can be saved with numpy.save."
        )
    with audio.atomic_path(folder) as temporary:
        temporary.mkdir()
        rows = []
        for i, (window, label) in enumerate(zip(windows, labels, strict=True)):
            if window.shape != settings.picture_shape:
                raise EarshotError(
                    f"Window {i} has the shape {window.shape}, and the settings make "
                    f"{settings.picture_shape}: give the settings that it was cut with."
                )
            name = f"{folder_name(words[label])}/{i:06d}.png"
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            stamp = window if stamped else settings.to_stamp(window)
            Image.fromarray(np.ascontiguousarray(stamp.T[::-1])).save(path)
            rows.append((name, words[label], source))
        with (temporary / INDEX).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("file", "word", "source"), *rows])
        text = json.dumps({"words": list(words), **settings.to_dict()}, indent=2)
        (temporary / SETTINGS).write_text(text + "\n", encoding="utf-8")


def load_pictures(folder, settings=None):
    """Load what :func:`save_pictures` wrote.

    Parameters
    ----------
    folder : str or path
    settings : Windows, optional
        Those that are wanted; pictures of other settings are refused.

    Returns
    -------
    windows : ndarray of float32, shape (n, n_frames, bands)
    labels : ndarray of int, shape (n,)
    words : tuple of str
    settings : Windows

    Raises
    ------
    EarshotError
        When a file is missing or damaged; it is named.
    """
    from PIL import Image

    folder = Path(folder)
    path = folder / SETTINGS
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
        words = tuple(found.pop("words"))
        try:
            found = Windows(**found)
        except EarshotError as error:
            raise ValueError(str(error)) from error
        path = folder / INDEX
        with path.open(newline="", encoding="utf-8") as file:
            rows = [(row["file"], words.index(row["word"])) for row in csv.DictReader(file)]
        if not rows:
            raise ValueError("it names no pictures")
        if settings is not None and settings != found:
            raise EarshotError(f"The pictures in {folder} were made with other settings: {found}.")
        windows = np.empty((len(rows), *found.picture_shape), np.float32)
        for window, (name, _) in zip(windows, rows, strict=True):
            path = folder / name
            with Image.open(path) as picture:
                if picture.mode != "L" or picture.size != found.picture_shape:
                    raise ValueError(f"{picture.mode} of {picture.size}, not L of {window.shape}")
                window[:] = found.from_stamp(np.asarray(picture)[::-1].T)
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, csv.Error) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise EarshotError(
            f"{path} is missing or damaged ({reason}): save the pictures of {folder} again."
        ) from error
    return windows, np.array([label for _, label in rows], np.int64), words, found


def _npy_header(file, n_steps, n_bands):
    """Write the head of a ``.npy`` file; NumPy leaves room in it for a count that grows."""
    file.seek(0)
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": (n_steps, n_bands)}
    )
