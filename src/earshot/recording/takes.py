"""What was recorded, on disk: whole takes, the words cut out of them, and how many there are.

Every word has a folder, which :func:`earshot.datasets.from_folder` reads. Nothing in it is ever
overwritten or deleted::

    own_recordings/cat/anna_0.wav, anna_1.wav, ...       the words
    own_recordings/cat/raw/anna_20261121-153000.wav      whole takes, as the microphone gave them
    own_recordings/cat/dropped/anna_2.wav                words that were sorted out

>>> import tempfile
>>> writer = Writer(tempfile.mkdtemp(), "anna", 16000)
>>> writer.write(np.full(8000, 10, np.int16))
>>> writer.close().duration_s
0.5
"""

import collections
import contextlib
import dataclasses
import datetime
import errno
import itertools
import os
import struct
import urllib.parse
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from earshot import audio, files
from earshot.errors import EarshotError
from earshot.files import clip_name, next_number, safe_name
from earshot.segmentation import splitting
from earshot.types import Array, PathLike

__all__ = ["Take", "Writer", "counts", "cut", "drop", "raw_folder", "restore"]

DROPPED = "dropped"  # folder for words that were sorted out
LOUDEST = audio.FULL_SCALE - 1  # a sample from here on is clipped
MARGIN_S = 0.05  # kept before and after each word: onsets are soft
SILENT = 0.001  # a take whose peak is lower, against the loudest possible, is silence
QUIET = 0.03  # a take whose peak is lower is told to be quiet
HEADER = struct.Struct("<4sI8sIHHIIHH4sI")  # of a WAV file: RIFF, fmt and the start of data
MOST_CLIPPED = 4  # up to so many clipped samples cannot be heard: no advice is given


@dataclasses.dataclass(frozen=True)
class Take:
    """A recording from key to key: mono, 16 bit; the notes say what went wrong, such as gaps."""

    path: Path
    sample_rate: int
    duration_s: float
    notes: tuple[str, ...] = ()

    def read(self, sample_rate: int | None = None) -> tuple[Array, int]:
        """Give the waveform, shape (samples,), resampled when asked, and its rate in Hz."""
        return audio.read(self.path, sample_rate)

    def words(self, sample_rate: int | None = None, *, n_words: int | None = None) -> list[Array]:
        """Give the waveforms of the words in it, in order; the options are those of :func:`cut`."""
        segments = splitting.split_words(self.path, n_words=n_words)
        return list(_words(self.path, segments, sample_rate or self.sample_rate))


class Writer:
    """A new file ``<name>_<date>-<time>.wav``, mono, 16 bit, whole at every moment.

    Not by :mod:`wave`, which loses its place in the file where Ctrl-C comes while it mends the
    header: the next block would be written over the beginning.
    """

    def __init__(self, folder: PathLike, name: str, sample_rate: int) -> None:
        self.sample_rate = audio.whole_rate(sample_rate)
        self.peak = self.n_clipped = self._n_samples = 0
        stem = f"{safe_name(name)}_{datetime.datetime.now():%Y%m%d-%H%M%S}"
        again = (f"{stem}-{n}" for n in itertools.count(2))  # takes within a second
        with files.explained(folder):
            Path(folder).mkdir(parents=True, exist_ok=True)
            for name in itertools.chain([stem], again):
                self.path = Path(folder) / f"{name}.wav"
                with contextlib.suppress(FileExistsError):
                    self._file = self.path.open("xb", buffering=0)
                    break
        self.write(np.zeros(0, np.int16))

    def write(self, block: Array) -> None:
        """Append samples, an ndarray of int16, shape (samples,), and mend the header."""
        loudness = np.abs(block.astype(np.int32))
        self.peak = int(loudness.max(initial=self.peak))
        self.n_clipped += int(np.count_nonzero(loudness >= LOUDEST))
        sound, start = block.astype("<i2").tobytes(), 2 * self._n_samples
        with files.explained(self.path):
            self._put(HEADER.size + start, sound)
            self._put(0, self._header(start + len(sound)))
        self._n_samples += len(block)

    def _put(self, place: int, content: bytes) -> None:
        self._file.seek(place)
        if self._file.write(content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _header(self, n_bytes: int) -> bytes:
        form = 16, 1, 1, self.sample_rate, 2 * self.sample_rate, 2, 16  # PCM, mono, 16 bit
        whole = HEADER.size - 8 + n_bytes
        return HEADER.pack(b"RIFF", whole, b"WAVEfmt ", *form, b"data", n_bytes)

    @property
    def duration_s(self) -> float:
        """Length of what was written, in seconds."""
        return self._n_samples / self.sample_rate

    def close(self, notes: Iterable[str] = ()) -> Take:
        """Finish the file; gives the :class:`Take`, with ``notes`` and advice on its level."""
        with contextlib.suppress(OSError, ValueError), self._file:  # what is written is readable
            os.fsync(self._file.fileno())
        notes = (*notes, *self._advice())
        return Take(self.path, self.sample_rate, audio.duration(self.path), notes)

    def _advice(self):
        peak = self.peak / audio.FULL_SCALE
        remedy = "the microphone, or {} its level in the system's sound settings."
        if peak < SILENT:
            yield (
                "Nothing but silence was recorded. Is the microphone muted, is it the right one, "
                "and may this program use it (the system's privacy settings)?"
            )
        elif peak < QUIET:
            level = f"It is very quiet (peak {20 * np.log10(peak):.0f} dB)"
            yield f"{level}: go nearer to {remedy.format('raise')}"
        elif self.n_clipped > MOST_CLIPPED:
            level = f"It is too loud, {self.n_clipped:,} samples are clipped"
            yield f"{level}: go further from {remedy.format('lower')}"


def raw_folder(folder: PathLike, word: str) -> Path:
    """Give the folder for whole takes of a word."""
    return Path(folder) / safe_name(word.strip()) / "raw"


def cut(
    recording: PathLike, folder: PathLike, word: str, *, speaker: str = "me",
    sample_rate: int = 16000, n_words: int | None = None,
) -> list[Path]:  # fmt: skip
    """Cut a recording into words, and write each as ``<folder>/<word>/<speaker>_<number>.wav``.

    Gives the new files, in order; numbers go on from those that are there, dropped ones included.
    The words appear all or, when something goes wrong, none; the recording stays as it is.
    ``n_words``: how often the word is said; None: as often as found.
    """
    segments = splitting.split_words(recording, n_words=n_words)
    if not segments:
        return []
    target = raw_folder(folder, word).parent
    try:
        with files.explained(target), files.scratch(target) as start:
            drafts: list[Path] = []
            for x in _words(recording, segments, sample_rate):
                drafts.append(start / f"{len(drafts)}.wav")
                audio.write(drafts[-1], x, sample_rate)
            with files.locked(target / safe_name(speaker)):  # one at a time takes numbers
                first = next_number(speaker, target, target / DROPPED)
                names = [clip_name(speaker, first + n) for n in range(len(segments))]
                files.appear(start, drafts, names)
    except EarshotError as error:
        raise EarshotError(
            f"{error} No word was cut; the whole take is kept in {recording}: cut it again with "
            "takes.cut."
        ) from error
    return [target / name for name in names]


def drop(path: PathLike) -> Path:
    """Move a word that is no good out of the way; gives its new path."""
    return _move(Path(path), Path(path).parent / DROPPED)


def restore(path: PathLike) -> Path:
    """Take back a :func:`drop`; gives the path that the word had."""
    return _move(Path(path), Path(path).parent.parent)


def counts(folder: PathLike) -> dict[str, int]:
    """Count the recordings of each word in a folder; dropped ones and whole takes do not count."""
    paths = sorted(Path(folder).glob("[!._]*/[!.]*"))
    names = [path.parent.name for path in paths if path.suffix.lower() in files.RECORDINGS]
    return dict(collections.Counter(map(urllib.parse.unquote, names)))


def _words(recording, segments, sample_rate):
    """Read the words one by one: a long recording never has to fit into memory."""
    middles = [(a.end_s + b.start_s) / 2 for a, b in itertools.pairwise(segments)]
    rooms = itertools.pairwise([0.0, *middles, np.inf])  # to the middles of the pauses
    for segment, (earliest, latest) in zip(segments, rooms, strict=True):
        first = max(segment.start_s - MARGIN_S, earliest)
        last = min(segment.end_s + MARGIN_S, latest)
        yield audio.read(recording, sample_rate, start_s=first, end_s=last)[0]


def _move(path, folder):
    with files.explained(folder):
        if not path.is_file():
            raise EarshotError(f"There is no file {path}: it was moved already.")
        folder.mkdir(exist_ok=True)
    return files.move(path, folder / path.name)
