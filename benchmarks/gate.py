"""Peer of the live benchmark: a word is what is louder than the noise floor, up to a pause."""

import collections
from collections.abc import Iterator
from typing import Any

import numpy as np

from earshot import audio
from earshot.recognition import Heard
from earshot.types import Array, Blocks

FRAME_S = 0.01  # seconds from one level to the next
LOW_HZ = 150.0  # below it rooms hum
HIGH_HZ = 6000.0  # above it there is little of a voice
SMOOTH_FRAMES = 3  # a level is the mean of so many frames: one alone jumps about
FLOOR_FRAMES = 400  # the noise floor is learned from the last 4 s
FLOOR_QUANTILE = 0.15  # of their levels: even who talks without end pauses that often
FLOOR_EVERY = 10  # frames from one look at the floor to the next
RISE_DB = 8.0  # a word begins this far above the noise floor
FALL_DB = 4.5  # and ends at this: lower, so that it does not break up
DECAY_DB = 30.0  # what is this far below the loudest part of a word is an echo of it
FAINTEST_DB = -65.0  # the floor is no lower: digital silence would make anything a word
MARGIN_S = 0.08  # kept before and after a word: onsets are soft
LONGEST_S = 2.5  # a word that goes on for longer is cut there


class WordDetector:
    """Finds words in a stream as soon as they are over; looks at nothing that is yet to come.

    The level between 150 Hz and 6 kHz is compared with a noise floor: a low quantile of the last
    4 seconds. A word begins above one threshold and ends after ``pause_s`` below another (a shorter
    one answers sooner, and cuts "eight" in two). What is shorter than ``min_word_s`` is a click.
    """

    def __init__(self, sample_rate: int, *, pause_s: float = 0.18, min_word_s: float = 0.08):
        self.sample_rate = audio.whole_rate(sample_rate)
        self._hop = round(FRAME_S * sample_rate)
        self._pause = round(pause_s / FRAME_S)
        self._shortest = round(min_word_s / FRAME_S)
        hz = np.fft.rfftfreq(self._hop, 1 / sample_rate)
        self._band = (hz >= LOW_HZ) & (hz <= HIGH_HZ)
        self._kept: Array = np.zeros(0, np.float32)  # sound that may still be needed
        self._kept_from = 0  # its first sample
        self._n_frames = 0
        self._powers: collections.deque[float] = collections.deque(maxlen=SMOOTH_FRAMES)
        self._levels: collections.deque[float] = collections.deque(maxlen=FLOOR_FRAMES)
        self._floor_db = FAINTEST_DB
        self._start: int | None = None  # first frame of the word that is going on
        self._end = 0  # the frame after its last loud one
        self._n_loud, self._peak_db = 0, 0.0

    def push(self, block: Array) -> list[Heard]:
        """Hear a block of any length, shape (samples,); give the words that ended in it."""
        self._kept = np.concatenate([self._kept, np.asarray(block, np.float32)])
        words = []
        while (at := self._n_frames * self._hop - self._kept_from) + self._hop <= len(self._kept):
            level_db = self._level(self._kept[at : at + self._hop])
            if self._is_over(level_db):
                words += self.flush()
        needed = self._first_needed * self._hop - round(2 * MARGIN_S * self.sample_rate)
        spare = max(needed - self._kept_from, 0)
        self._kept, self._kept_from = self._kept[spare:], self._kept_from + spare
        return words

    def flush(self) -> list[Heard]:
        """End the word that is going on, if any, and give it in a list."""
        if self._start is None:
            return []
        start, end, self._start = self._start * self._hop, self._end * self._hop, None
        if self._n_loud < self._shortest + SMOOTH_FRAMES:
            return []
        rate, margin = self.sample_rate, round(MARGIN_S * self.sample_rate)
        first = max(start - margin - self._kept_from, 0)
        x = self._kept[first : end + margin - self._kept_from].copy()
        return [Heard("", 0.0, 0.0, start / rate, end / rate, x, rate)]

    @property
    def certain_s(self) -> float:
        """Up to here, in seconds from the start of the stream, no further word can be found."""
        return self._first_needed * self._hop / self.sample_rate

    @property
    def _first_needed(self) -> int:
        return self._n_frames if self._start is None else self._start

    def _level(self, samples: Array) -> float:
        """Level of a frame in dB; the noise floor follows."""
        spectrum = np.fft.rfft(samples)[self._band]
        self._powers.append(float(np.vdot(spectrum, spectrum).real) / self._hop**2 * 2)
        level_db = 10 * np.log10(sum(self._powers) / len(self._powers) + 1e-12)
        self._levels.append(level_db)
        if self._n_frames % FLOOR_EVERY == 0:
            self._floor_db = max(float(np.quantile(self._levels, FLOOR_QUANTILE)), FAINTEST_DB)
        return level_db

    def _is_over(self, level_db: float) -> bool:
        """Go on by one frame of this level; tell whether a word ends with it."""
        frame, self._n_frames = self._n_frames, self._n_frames + 1
        if self._start is None:
            if level_db > self._floor_db + RISE_DB:
                self._start, self._end = frame, frame + 1
                self._n_loud, self._peak_db = 1, level_db
            return False
        self._peak_db = max(self._peak_db, level_db)
        if level_db > max(self._floor_db + FALL_DB, self._peak_db - DECAY_DB):
            self._end, self._n_loud = frame + 1, self._n_loud + 1
        return frame + 1 - self._end >= self._pause or frame - self._start >= LONGEST_S / FRAME_S


def detect(blocks: Blocks, **options: Any) -> Iterator[tuple[list[Heard], float]]:
    """Find the words of a stream while it comes; the options are those of :class:`WordDetector`.

    For each block, and at the end: the words that ended in it, and the detector's ``certain_s``.
    """
    detector, n_samples = None, 0
    for block, sample_rate in blocks:
        detector = detector or WordDetector(sample_rate, **options)
        n_samples += len(block)
        yield detector.push(block), detector.certain_s
    if detector:
        yield detector.flush(), n_samples / detector.sample_rate
