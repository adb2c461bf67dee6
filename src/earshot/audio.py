"""Files to waveforms and back.

A waveform is a 1-D float32 array in [-1, 1], mono, that travels with its ``sample_rate`` in Hz.
Whatever libsndfile decodes is read: WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF and others.
"""

import contextlib
import math
import numbers
from pathlib import Path

import numpy as np

from earshot.errors import EarshotError
from earshot.files import atomic_path

__all__ = [
    "SUFFIXES",
    "Resampler",
    "blocks",
    "blocks_of",
    "duration",
    "read",
    "resample",
    "validate",
    "whole_rate",
    "write",
]

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".au", ".w64"})
"""File endings that are taken for recordings when a folder is searched."""


def read(path, sample_rate=None, *, start_s=0.0, end_s=None):
    """Read a sound file, or a stretch of it, as one mono waveform.

    Parameters
    ----------
    path : str or path
        Any file that libsndfile decodes; channels are averaged.
    sample_rate : int, optional
        Rate in Hz to resample to. Default: the file's own.
    start_s, end_s : float
        Stretch to read, in seconds. Default: the whole file.

    Returns
    -------
    waveform : ndarray of float32, shape (samples,)
    sample_rate : int
        In Hz.

    Raises
    ------
    EarshotError
        When the file is missing, empty, not a recording, cut short, or holds NaN or infinity.
    """
    with _opened(path) as file:
        file_rate = file.samplerate
        start = min(round(start_s * file_rate), file.frames)
        expected = file.frames - start
        if end_s is not None:
            expected = max(min(expected, round(end_s * file_rate) - start), 0)
        if start:
            file.seek(start)
        x = file.read(expected, dtype="float32", always_2d=True)
    if len(x) < expected:
        raise EarshotError(
            f"{path} is cut short ({len(x):,} of {expected:,} samples): copy or record it again."
        )
    x = validate(_mono(x), name=str(path))
    if sample_rate is None or sample_rate == file_rate:
        return x, file_rate
    return resample(x, file_rate, sample_rate), sample_rate


def duration(path):
    """Give the length of a sound file in seconds."""
    with _opened(path) as file:
        return file.frames / file.samplerate


def blocks(path, block_s):
    """Go through a sound file of any length, ``block_s`` seconds at a time.

    Yields
    ------
    block : ndarray of float32, shape (samples,)
        Mono; all of the same length but the last.
    sample_rate : int
        In Hz.

    Raises
    ------
    EarshotError
        As :func:`read` does.
    """
    with _opened(path) as file:
        left, size = file.frames, round(block_s * file.samplerate)
        if left == 0:
            validate([], name=str(path))
        while left:
            x = file.read(min(size, left), dtype="float32", always_2d=True)
            if len(x) < min(size, left):
                raise EarshotError(
                    f"{path} is cut short ({left - len(x):,} samples are missing): copy or record "
                    "it again."
                )
            left -= len(x)
            yield validate(_mono(x), name=str(path)), file.samplerate


@contextlib.contextmanager
def _opened(path):
    """Open a sound file, and turn what goes wrong while it is read into one sentence."""
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise EarshotError(f"There is no file {path}: check the name and the folder.")
    if path.stat().st_size == 0:
        raise EarshotError(f"{path} is empty (0 bytes): record or copy it again.")
    try:
        with soundfile.SoundFile(path) as file:
            yield file
    except (soundfile.LibsndfileError, RuntimeError) as error:
        reason = str(error).rpartition("': ")[2].rstrip(".")
        raise EarshotError(
            f"{path} cannot be read as sound ({reason}): it is damaged or of another kind; "
            "convert it to WAV or FLAC."
        ) from error


def _mono(x):
    return x[:, 0] if x.shape[1] == 1 else x.mean(axis=1)


def write(path, x, sample_rate, *, subtype=None, overwrite=False):
    """Write a waveform; the ending of ``path`` names the format, and half a file never appears.

    Parameters
    ----------
    path : str or path
        Missing folders are made.
    x : array_like, shape (samples,)
        Values in [-1, 1]; what lies outside is clipped by integer formats.
    sample_rate : int
        In Hz.
    subtype : str, optional
        Coding as in :func:`soundfile.available_subtypes`. Default: the format's usual one
        (16 bit for WAV and FLAC).
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    EarshotError
        When the file exists and ``overwrite`` is False, or cannot be written.
    """
    import soundfile

    path = Path(path)
    x, sample_rate = validate(x, name=f"the waveform for {path}"), whole_rate(sample_rate)
    if path.exists() and not overwrite:
        raise EarshotError(
            f"{path} exists already and is kept: choose another name or pass overwrite=True."
        )
    with atomic_path(path) as temporary:
        try:
            soundfile.write(temporary, x, sample_rate, subtype=subtype)
        except (soundfile.LibsndfileError, TypeError, ValueError) as error:
            raise EarshotError(f"{path} cannot be written: {error}.") from error


def resample(x, from_rate, to_rate):
    """Resample a waveform with a polyphase filter.

    Parameters
    ----------
    x : ndarray, shape (..., samples)
    from_rate, to_rate : int
        In Hz.

    Returns
    -------
    ndarray of float32, shape (..., ceil(samples * to_rate / from_rate))
    """
    from_rate, to_rate = whole_rate(from_rate), whole_rate(to_rate)
    x = np.asarray(x, np.float32)
    if from_rate == to_rate:
        return x
    from scipy.signal import resample_poly  # half a second to import: only when it is needed

    divisor = math.gcd(from_rate, to_rate)
    return resample_poly(x, to_rate // divisor, from_rate // divisor, axis=-1).astype(np.float32)


class Resampler:
    """Resample a stream block by block, to the samples that :func:`resample` gives of the whole.

    Parameters
    ----------
    from_rate, to_rate : int
        In Hz.
    """

    def __init__(self, from_rate, to_rate):
        self.from_rate, self.to_rate = whole_rate(from_rate), whole_rate(to_rate)
        divisor = math.gcd(self.from_rate, self.to_rate)
        self._up, self._down = self.to_rate // divisor, self.from_rate // divisor
        reach = 10 * max(self._up, self._down) / self._up + 1  # of the filter, in samples
        self._margin = math.ceil(reach / self._down) * self._down
        self._kept, self._n_before = np.zeros(0, np.float32), 0

    def push(self, block):
        """Take a block of any length, shape (samples,); give what is certain by now."""
        if self._up == self._down:
            return np.asarray(block, np.float32)
        self._kept = np.concatenate([self._kept, np.asarray(block, np.float32)])
        ready = len(self._kept) - self._n_before - self._margin
        ready -= ready % self._down
        if ready <= 0:
            return np.zeros(0, np.float32)
        y = self._resampled(self._n_before + ready)
        spare = max(self._n_before + ready - self._margin, 0)
        self._kept, self._n_before = self._kept[spare:], self._n_before + ready - spare
        return y

    def flush(self):
        """Give the rest; the stream is over."""
        y = self._resampled(None) if len(self._kept) > self._n_before else self._kept[:0]
        self._kept, self._n_before = np.zeros(0, np.float32), 0
        return y

    def _resampled(self, end):
        places = [None if n is None else n * self._up // self._down for n in (self._n_before, end)]
        return resample(self._kept, self.from_rate, self.to_rate)[slice(*places)]


def validate(x, name="the waveform"):
    """Return ``x`` as a finite 1-D float32 waveform; integer samples are scaled to [-1, 1].

    Raises
    ------
    EarshotError
        When ``x`` is empty, has more than one dimension, or holds NaN or infinity.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "fiu":
        raise EarshotError(f"{name} holds {x.dtype} values: give numbers, best float32 in [-1, 1].")
    if x.ndim != 1:
        raise EarshotError(
            f"{name} has the shape {x.shape}: give one channel, shape (samples,), "
            "for instance x.mean(axis=1)."
        )
    if x.size == 0:
        raise EarshotError(f"{name} has no samples: record it again.")
    if x.dtype.kind == "u":
        middle = 2.0 ** (8 * x.dtype.itemsize - 1)
        x = (x - middle) / middle
    elif x.dtype.kind == "i":
        # int64 is what counting gives: samples of 16 bit, as TFDS hands them out.
        x = x / 2.0 ** {1: 7, 2: 15, 4: 31, 8: 15}[x.dtype.itemsize]
    x = np.ascontiguousarray(x, dtype=np.float32)
    bad = x.size - np.count_nonzero(np.isfinite(x))
    if bad:
        raise EarshotError(
            f"{name} holds NaN or infinity in {bad:,} of {x.size:,} samples: export it again."
        )
    return x


def whole_rate(sample_rate):
    """Return a sample rate as an int, or raise :class:`EarshotError` when it is none."""
    if not isinstance(sample_rate, numbers.Real) or sample_rate <= 0 or sample_rate % 1:
        raise EarshotError(f"A sample rate is a whole number of Hz above 0, not {sample_rate!r}.")
    return int(sample_rate)


BLOCK_S = 30.0


def blocks_of(sound, sample_rate):
    """Give any sound as blocks: a file, a waveform at ``sample_rate`` (Hz), or blocks as they are.

    Yields
    ------
    block : ndarray of float32, shape (samples,)
    sample_rate : int
    """
    if isinstance(sound, str | Path):
        yield from blocks(sound, BLOCK_S)
        return
    if isinstance(sound, np.ndarray) or (
        isinstance(sound, list | tuple) and not any(isinstance(part, tuple) for part in sound)
    ):
        x = validate(sound)
        size = round(BLOCK_S * whole_rate(sample_rate))
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
        first_rate = whole_rate(rate) if first_rate is None else first_rate
        if rate != first_rate:
            raise EarshotError(
                f"The sample rate of the stream changes from {first_rate} to {rate} Hz: begin a "
                "new stream."
            )
        if len(block):
            yield validate(block, "a block of the stream"), rate
