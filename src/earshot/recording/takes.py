"""What was recorded, on disk: whole takes, the words cut out of them, and how many there are.

Every word has a folder, which :func:`earshot.datasets.from_folder` reads. Nothing in it is ever
overwritten or deleted::

    own_recordings/cat/anna_0.wav, anna_1.wav, ...       the words
    own_recordings/cat/raw/anna_20261121-153000.wav      whole takes, as the microphone gave them
    own_recordings/cat/dropped/anna_2.wav                words that were sorted out
"""

import contextlib
import dataclasses
import datetime
import os
import re
import struct
import urllib.parse
from pathlib import Path

import numpy as np

from earshot import audio
from earshot.errors import EarshotError
from earshot.files import safe_name
from earshot.segmentation import splitting

__all__ = ["Take", "Writer", "counts", "cut", "drop", "raw_folder", "restore"]

RAW, DROPPED = "raw", "dropped"
FULL_SCALE = 32767
MARGIN_S = 0.05
"""Kept before and after each word: onsets are soft."""
SILENT, QUIET, MOST_CLIPPED = 0.001, 0.03, 4


@dataclasses.dataclass(frozen=True)
class Take:
    """A recording from the start key to the stop key.

    Parameters
    ----------
    path : Path
        The whole of it, mono, 16 bit, at the rate of the microphone.
    sample_rate : int
        In Hz.
    duration_s : float
    notes : tuple of str
        What the speaker should know: that it ended early, is too loud, too quiet, has gaps.
    """

    path: Path
    sample_rate: int
    duration_s: float
    notes: tuple = ()

    def read(self, sample_rate=None):
        """Give the waveform, shape (samples,), resampled when asked, and its rate in Hz."""
        return audio.read(self.path, sample_rate)

    def words(self, sample_rate=None, *, n_words=None):
        """Give the waveforms of the words in it, in order; the options are those of :func:`cut`."""
        segments = splitting.split_words(self.path, n_words=n_words)
        return list(_words(self.path, segments, sample_rate or self.sample_rate))


class Writer:
    """A new WAV file that can be read at any moment while it grows, even after a crash.

    Parameters
    ----------
    folder : str or path
        Made when it is missing.
    name : str
        The file is called ``<name>_<date>-<time>.wav``.
    sample_rate : int
        In Hz, of what will be written: mono, 16 bit.

    Raises
    ------
    EarshotError
        When the folder cannot be written to. :meth:`write` raises it when the disk is full; what
        was written before stays readable.
    """

    def __init__(self, folder, name, sample_rate):
        self.sample_rate = audio.whole_rate(sample_rate)
        self.peak, self.n_clipped = 0, 0
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        self.path, again = Path(folder) / f"{safe_name(name)}_{stamp}.wav", 1
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            while self.path.exists():  # a second take within a second
                again += 1
                self.path = self.path.with_name(f"{safe_name(name)}_{stamp}-{again}.wav")
            self._file = self.path.open("xb", buffering=0)
            self._append(self._header(0))

    def write(self, block):
        """Append samples, an ndarray of int16, shape (samples,)."""
        loudness = np.abs(block.astype(np.int32))
        self.peak = max(self.peak, int(loudness.max(initial=0)))
        self.n_clipped += int(np.count_nonzero(loudness >= FULL_SCALE))
        with self._explained():
            self._append(block.astype("<i2").tobytes())

    @property
    def duration_s(self):
        """What the file holds now, in seconds."""
        return self._n_samples() / self.sample_rate

    def close(self, notes=()):
        """Finish the file; gives the :class:`Take`, with ``notes`` and advice on its level."""
        if not self._file.closed:
            with contextlib.suppress(OSError):  # what is on the disk is readable in any case
                self._file.truncate(HEADER_BYTES + 2 * self._n_samples())
                self._patch_header()
                os.fsync(self._file.fileno())
            self._n_written = self._n_samples()
            self._file.close()
        notes = (*notes, *self._advice())
        return Take(self.path, self.sample_rate, self._n_written / self.sample_rate, notes)

    def _append(self, data):
        """Write all of ``data``, then the sizes into the header."""
        self._file.seek(0, os.SEEK_END)
        try:
            while data:
                data = data[self._file.write(data) :]
        finally:
            self._patch_header()

    def _patch_header(self):
        self._file.seek(0)
        self._file.write(self._header(self._n_samples()))

    def _n_samples(self):
        return max(os.fstat(self._file.fileno()).st_size - HEADER_BYTES, 0) // 2

    def _header(self, n_samples):
        size, rate = 2 * n_samples, self.sample_rate
        format_ = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
        riff = struct.pack("<4sI4s", b"RIFF", HEADER_BYTES - 8 + size, b"WAVE")
        return riff + format_ + struct.pack("<4sI", b"data", size)

    @contextlib.contextmanager
    def _explained(self):
        try:
            yield
        except OSError as error:
            raise EarshotError(
                f"{self.path} cannot be written ({error.strerror or error}): free some space or "
                "choose another folder."
            ) from error

    def _advice(self):
        peak = self.peak / (FULL_SCALE + 1)
        if peak < SILENT:
            return (
                "Nothing but silence was recorded. Is the microphone muted, is it the right one, "
                "and may this program use it (the system's privacy settings)?",
            )
        if peak < QUIET:
            return (
                f"It is very quiet (peak {20 * np.log10(peak):.0f} dB): go nearer to the "
                "microphone, or raise its level in the system's sound settings.",
            )
        if self.n_clipped > MOST_CLIPPED:
            return (
                f"It is too loud, {self.n_clipped:,} samples are clipped: go further from the "
                "microphone, or lower its level in the system's sound settings.",
            )
        return ()


HEADER_BYTES = 44


def raw_folder(folder, word):
    """Give the folder for whole takes of a word."""
    return _word_folder(folder, word) / RAW


def cut(recording, folder, word, *, speaker="me", sample_rate=16000, n_words=None):
    """Cut a recording into words, and write each as ``<folder>/<word>/<speaker>_<number>.wav``.

    Parameters
    ----------
    recording : path
        A whole take, or any sound file; it stays as it is.
    folder : str or path
    word : str
        What is said in it, again and again.
    speaker : str
    sample_rate : int
        In Hz, of the words.
    n_words : int, optional
        How often it is said. Default: as often as it is found.

    Returns
    -------
    list of Path
        The new files, in order; numbers go on from those that are there, dropped ones included.

    Raises
    ------
    EarshotError
        When the recording cannot be read or the words cannot be written.
    """
    segments = splitting.split_words(recording, n_words=n_words)
    target, speaker, paths = _word_folder(folder, word), safe_name(speaker), []
    number = _next_number(target, speaker)
    for x in _words(recording, segments, sample_rate):
        path = target / f"{speaker}_{number + len(paths)}.wav"
        try:
            audio.write(path, x, sample_rate)
        except EarshotError as error:
            raise EarshotError(
                f"{error} {len(paths)} of {len(segments)} words were cut; the whole take is kept "
                f"in {recording}: cut it again with takes.cut."
            ) from error
        paths.append(path)
    return paths


def drop(path):
    """Move a word that is no good out of the way; gives its new path."""
    path = Path(path)
    return _move(path, path.parent / DROPPED / path.name)


def restore(path):
    """Take back a :func:`drop`; gives the path that the word had."""
    path = Path(path)
    return _move(path, path.parent.parent / path.name)


def counts(folder):
    """Count the recordings of each word in a folder with one sub-folder per word.

    Returns
    -------
    dict
        From the word to the number of recordings; dropped ones and whole takes do not count.
    """
    folder = Path(folder)
    words = sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
    return {
        urllib.parse.unquote(p.name): n for p in words
        if p.name[0] not in "._" and (n := sum(f.suffix.lower() in audio.SUFFIXES
                                               for f in p.iterdir() if f.name[0] != "."))
    }  # fmt: skip


def _word_folder(folder, word):
    return Path(folder) / safe_name(word.strip())


def _words(recording, segments, sample_rate):
    """Read the words one by one: a long recording never has to fit into memory."""
    ends = [0.0, *(s.end_s for s in segments)]
    starts = [*(s.start_s for s in segments), np.inf]
    for i, segment in enumerate(segments):
        first = max(segment.start_s - MARGIN_S, (ends[i] + segment.start_s) / 2)
        last = min(segment.end_s + MARGIN_S, (segment.end_s + starts[i + 1]) / 2)
        yield audio.read(recording, sample_rate, start_s=first, end_s=last)[0]


def _next_number(folder, speaker):
    form = re.compile(re.escape(speaker) + r"_(\d+)\.\w+")
    names = [
        p.name for place in (folder, folder / DROPPED) if place.is_dir() for p in place.iterdir()
    ]
    return 1 + max((int(m[1]) for name in names if (m := form.fullmatch(name))), default=-1)


def _move(path, target):
    if not path.is_file():
        raise EarshotError(f"There is no file {path}: it was moved already.")
    if target.exists():
        raise EarshotError(f"{target} exists already and is kept: rename one of the two.")
    target.parent.mkdir(exist_ok=True)
    return path.replace(target)
