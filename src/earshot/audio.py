"""Sound files, waveforms and streams of blocks, and how they are resampled.

Whatever libsndfile decodes is read: WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF and others. What its
header claims is looked at first: a damaged or hostile file takes neither hours nor gigabytes.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     write(f"{folder}/beep.wav", 0.5 * np.sin(np.arange(16000)), 16000)
...     read(f"{folder}/beep.wav", 8000)[0].shape
(8000,)
"""

import contextlib
import io
import math
import numbers
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from earshot.errors import EarshotError, EarshotWarning
from earshot.files import RECORDINGS, atomic_path, check_file
from earshot.types import Array, PathLike, Sound

__all__ = ["FULL_SCALE", "Resampler", "blocks", "blocks_of", "duration", "read",
           "resample", "validate", "whole_rate", "write"]  # fmt: skip

FULL_SCALE = 32768  # what 1.0 is in samples of 16 bits
BLOCK_S = 30.0  # length of the blocks in which long sounds are worked on: 5 MB at 44.1 kHz
LOWEST_RATE = 1000  # Hz, of a file: slower ones hold no speech, and small ones would last for days
HIGHEST_RATE = 384_000  # Hz: no sound card is faster, and filters from odd rates above take GB
MOST_SAMPLES = 2**25  # that are read at once: 134 MB, half an hour at 16 kHz; or, if that is more,
MOST_PER_BYTE = 4  # so many for each byte of the file: MP3 of 128 kbit/s has 3, silence any number
CHUNK = 2**20  # numbers that are decoded at once, those of all channels together
UNKNOWN_LENGTH = 2**31 - 2**16  # bytes: what claims more was written to a pipe and never mended
CLAIM = re.compile(
    r"^\s*(?:data|SSND|Data Size|r?iff|Riff size) *: (\d+) \(should be (\d+)\)", re.M
)
"""How libsndfile notes the bytes of sound that a header claims, and those that are there: in WAV,
AIFF, AU, W64 and RF64."""
NO_LENGTH = re.compile(r"^data : 0$", re.M)  # its note on a WAV of a recorder that was cut off


def read(
    path: PathLike, sample_rate: int | None = None, *, start_s: float = 0.0, end_s: float = math.inf
) -> tuple[Array, int]:
    """Read a sound file, or its part from ``start_s`` to ``end_s``, as one mono waveform.

    Channels are averaged; the rate is the file's own by default. Raises :class:`EarshotError` when
    the file is missing, empty, not a recording, cut short, too long for the memory (more than
    33,554,432 samples and four for each of its bytes: :func:`blocks` takes any length), of a rate
    outside 1,000 to 384,000 Hz, or holds NaN or infinity. A WAV or AIFF file that is cut short
    is read as far as it goes, with a warning; compressed files are not.
    """
    with _opened(path) as file:
        rate = file.samplerate
        to_rate = rate if sample_rate is None else whole_rate(sample_rate)
        start, end = (round(min(at_s * rate, file.frames)) for at_s in (start_s, end_s))
        n = max(end - start, 0)
        _check_length(Path(path), n * max(to_rate / rate, 1.0))
        file.seek(start)
        x = _next_samples(file, n, Path(path))
    return resample(x, rate, to_rate), to_rate


def blocks(path: PathLike, block_s: float) -> Iterator[tuple[Array, int]]:
    """Read a sound file ``block_s`` seconds at a time: mono blocks, each with its rate in Hz."""
    with _opened(path) as file:
        size = min(max(round(block_s * file.samplerate), 1), max(file.frames, 1))
        _check_length(Path(path), size)
        for start in range(0, max(file.frames, 1), size):
            yield _next_samples(file, min(size, file.frames - start), Path(path)), file.samplerate


def duration(path: PathLike) -> float:
    """Give the length of a sound file in seconds, as its header tells."""
    with _opened(path) as file:
        return file.frames / file.samplerate


@contextlib.contextmanager
def _opened(path: PathLike) -> Iterator[Any]:
    """Open a sound file, check its header, and turn what goes wrong later into one sentence."""
    import soundfile

    path = Path(path)
    check_file(path)
    if (shown := str(path).encode(errors="backslashreplace").decode()) != str(path):
        raise EarshotError(f"{shown} has bytes in its name that are no UTF-8: rename it.")
    if path.stat().st_size == 0:
        raise EarshotError(f"{path} is empty (0 bytes): record or copy it again.")
    try:
        with contextlib.ExitStack() as opened:
            if path.suffix.lower() == ".raw":
                raise RuntimeError("it has no header")
            file = opened.enter_context(soundfile.SoundFile(path))
            if not file.frames and NO_LENGTH.search(file.extra_info):
                mended = opened.enter_context(_WithoutLength(path))
                file = opened.enter_context(soundfile.SoundFile(mended))
            _check_header(file, path)
            yield file
    except (soundfile.LibsndfileError, RuntimeError) as error:
        reason = str(error).rpartition("': ")[2].rstrip(".")
        way_out = "it is damaged or of another kind; convert it to WAV or FLAC."
        raise EarshotError(f"{path} cannot be read as sound ({reason}): {way_out}") from error


class _WithoutLength(io.FileIO):
    """A WAV whose header says 0 bytes of sound, as one that says: as far as the file goes."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._length_at = self.read(CHUNK).find(b"data\0\0\0\0") + 4
        self.seek(0)

    def readinto(self, buffer: Any) -> int:
        """Read on, and put the largest number in the place of the 0."""
        begin, n = self.tell(), super().readinto(buffer) or 0
        for at in range(max(self._length_at, begin), min(self._length_at + 4, begin + n)):
            buffer[at - begin] = b"\xff"
        return n


def _check_header(file: Any, path: Path) -> None:
    """Refuse what has no header or an impossible rate, and warn of sound missing at the end."""
    if file.format == "RAW":  # how anything at all is read that is called .au
        raise RuntimeError("it has no header")
    if not LOWEST_RATE <= file.samplerate <= HIGHEST_RATE:
        rates = f"{file.samplerate:,} Hz, and sound has {LOWEST_RATE:,} to {HIGHEST_RATE:,}"
        raise EarshotError(f"{path} claims {rates}: its header is damaged; convert it again.")
    if file.frames and (claim := CLAIM.search(file.extra_info)):
        claimed, there = map(int, claim.groups())
        if there < claimed < UNKNOWN_LENGTH:
            missing = f"{claimed - there:,} of {claimed:,} bytes are missing"
            way_out = "what is there is read; copy or record it again"
            warnings.warn(f"{path} is cut short ({missing}): {way_out}.", EarshotWarning, 5)


def _check_length(path: Path, n: float) -> None:
    """Refuse to hold in memory what is far more than the file's size suggests."""
    if n > max(MOST_SAMPLES, MOST_PER_BYTE * path.stat().st_size):
        way_out = "take it block by block (audio.blocks), or read a part (start_s, end_s)"
        raise EarshotError(f"{path} is too long to be read at once ({n:,.0f} samples): {way_out}.")


def _next_samples(file: Any, n: int, path: Path) -> Array:
    """Read the next n samples of an open sound file as a waveform."""
    x, done = np.empty(n, np.float32), 0
    while done < n:
        part = file.read(min(n - done, CHUNK // file.channels), dtype="float32", always_2d=True)
        if not len(part):
            missing = f"{n - done:,} of {n:,} samples are missing"
            raise EarshotError(f"{path} is cut short ({missing}): copy or record it again.")
        with np.errstate(invalid="ignore", over="ignore"):  # infinity is refused below
            x[done : done + len(part)] = part.mean(axis=1)
        done += len(part)
    return validate(x, name=str(path))


def write(
    path: PathLike, x: Any, sample_rate: int, *, subtype: str | None = None, overwrite: bool = False
) -> None:
    """Write a waveform; the ending of ``path`` names the format, and half a file never appears.

    Of ``x``, shape (samples,), integer formats clip what lies outside [-1, 1]. ``subtype`` is one
    of :func:`soundfile.available_subtypes`. Raises :class:`EarshotError` when the file exists.
    """
    import soundfile

    path = Path(path)
    x, sample_rate = validate(x, name=f"the waveform for {path}"), whole_rate(sample_rate)
    if path.exists() and not overwrite:
        raise EarshotError(f"{path} exists already and is kept: rename it or pass overwrite=True.")
    with atomic_path(path, endings=RECORDINGS, replace=overwrite) as temporary:
        try:
            soundfile.write(temporary, x, sample_rate, subtype=subtype)
        except (soundfile.LibsndfileError, TypeError, ValueError) as error:
            reason = getattr(error, "error_string", str(error).partition(":")[0]).rstrip(".")
            raise EarshotError(f"{path} cannot be written: {reason}.") from error


def resample(x: Array, from_rate: int, to_rate: int) -> Array:
    """Resample by a polyphase filter, to (..., ceil(samples * to_rate / from_rate)) samples."""
    from_rate, to_rate = whole_rate(from_rate), whole_rate(to_rate)
    x = np.asarray(x, np.float32)
    if from_rate == to_rate:
        return x
    from scipy.signal import resample_poly  # half a second to import: only when it is needed

    return resample_poly(x, to_rate, from_rate, axis=-1).astype(np.float32)


class Resampler:
    """Resample a stream block by block, to the samples that :func:`resample` gives of the whole.

    Ours, not ``soxr.ResampleStream``, which answers 60 to 120 ms late (this: 1 to 20 ms), ends up
    to a sample early, and differs by -17 dB (white noise) from what a whole file gives:
    ``benchmarks/resampling.py``.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._rates = whole_rate(from_rate), whole_rate(to_rate)
        divisor = math.gcd(*self._rates)
        self._down, self._up = (rate // divisor for rate in self._rates)
        reach = 10 * max(self._up, self._down) / self._up + 1  # of the filter, in samples
        self._margin = math.ceil(reach / self._down) * self._down
        self._kept = np.zeros(0, np.float32)
        self._done = 0  # so many of the kept samples have been answered

    def push(self, block: Array) -> Array:
        """Take a block of any length, shape (samples,); give what is certain by now."""
        if self._up == self._down:
            return np.asarray(block, np.float32)
        self._kept = np.concatenate([self._kept, np.asarray(block, np.float32)])
        certain = len(self._kept) - self._margin
        return self._answer_until(certain - certain % self._down)

    def flush(self) -> Array:
        """Give the rest; the stream is over."""
        return self._answer_until(len(self._kept))

    def _answer_until(self, end: int) -> Array:
        if end <= self._done:
            return np.zeros(0, np.float32)
        first, last = self._done * self._up // self._down, -(-end * self._up // self._down)
        y = resample(self._kept, *self._rates)[first:last]
        spare = max(end - self._margin, 0)
        self._kept, self._done = self._kept[spare:], end - spare
        return y


def validate(x: Any, name: str = "the waveform") -> Array:
    """Return ``x`` as a 1-D float32 waveform, integers scaled to [-1, 1]; refuse NaN and others."""
    x = np.asarray(x)
    if x.dtype.kind not in "fiu":
        raise EarshotError(f"{name} holds {x.dtype} values: give numbers, best float32 in [-1, 1].")
    if x.ndim != 1:
        raise EarshotError(f"{name} has the shape {x.shape}: give one channel, shape (samples,).")
    if x.size == 0:
        raise EarshotError(f"{name} has no samples: record it again.")
    if x.dtype.kind == "u":
        middle = 2.0 ** (8 * x.dtype.itemsize - 1)
        x = (x - middle) / middle
    elif x.dtype.kind == "i":
        # int64 is what counting gives: samples of 16 bit, as TFDS hands them out.
        x = x / 2.0 ** {1: 7, 2: 15, 4: 31, 8: 15}[x.dtype.itemsize]
    x = np.ascontiguousarray(x, dtype=np.float32)
    if bad := x.size - np.count_nonzero(np.isfinite(x)):
        share = f"{bad:,} of {x.size:,} samples"
        raise EarshotError(f"{name} holds NaN or infinity in {share}: export it again.")
    return x


def whole_rate(sample_rate: Any) -> int:
    """Return a sample rate as an int, or raise :class:`EarshotError` when it is none."""
    is_number = isinstance(sample_rate, numbers.Real)
    if not is_number or not 0 < float(sample_rate) == sample_rate // 1 <= HIGHEST_RATE:
        needed = f"a whole number of Hz from 1 to {HIGHEST_RATE:,}"
        raise EarshotError(f"A sample rate is {needed}, not {sample_rate!r}: give sample_rate.")
    return int(float(sample_rate))


def blocks_of(sound: Sound, sample_rate: int | None) -> Iterator[tuple[Array, int]]:
    """Give any sound as blocks: a file, a waveform at its rate in Hz, or blocks, checked."""
    if isinstance(sound, str | os.PathLike):
        yield from blocks(sound, BLOCK_S)
    elif isinstance(sound, np.ndarray) or (
        isinstance(sound, list | tuple) and not any(isinstance(part, tuple) for part in sound)
    ):
        x, rate = validate(sound), whole_rate(sample_rate)
        size = round(BLOCK_S * rate)
        yield from ((x[start : start + size], rate) for start in range(0, len(x), size))
    else:  # what is no stream of one rate is refused, empty blocks are passed over
        parts: Any = sound if hasattr(sound, "__iter__") else [sound]
        first_rate = None
        for part in parts:
            if not isinstance(part, list | tuple) or len(part) != 2:
                needed = "a file, a waveform, or blocks, each with its sample rate (block, rate)"
                given = f"{type(sound).__name__} of {type(part).__name__}"
                raise EarshotError(f"A sound is {needed}, not {given}.")
            block, rate = part
            first_rate = first_rate or whole_rate(rate)
            if rate != first_rate:
                raise EarshotError(
                    f"The sample rate of the stream changes from {first_rate} to {rate} Hz: begin "
                    "a new stream."
                )
            if len(block):
                yield validate(block, "a block of the stream"), rate
