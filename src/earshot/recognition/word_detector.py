"""Words in a stream, found as soon as they are over."""

import collections
import dataclasses

import numpy as np

from earshot import audio

__all__ = ["Heard", "WordDetector"]

FRAME_S = 0.01
LOW_HZ, HIGH_HZ = 150.0, 6000.0
SMOOTH_FRAMES = 3
FLOOR_FRAMES, FLOOR_QUANTILE = 400, 0.15
RISE_DB, FALL_DB = 8.0, 4.5
"""A word begins this far above the noise floor, and ends there."""
DECAY_DB = 30.0
"""What is this far below the loudest part of a word is an echo of it."""
FAINTEST_DB = -65.0
MARGIN_S = 0.08
LONGEST_S = 2.5


@dataclasses.dataclass(frozen=True)
class Heard:
    """A word that was heard.

    Parameters
    ----------
    word : str
        "?" when the recognizer was unsure, "" before it was asked.
    probability : float
        Of the most probable word.
    start_s, end_s : float
        In seconds from the start of the stream.
    waveform : ndarray of float32, shape (samples,)
        With a margin on both sides.
    """

    word: str
    probability: float
    start_s: float
    end_s: float
    waveform: np.ndarray = dataclasses.field(repr=False)

    def __str__(self):
        return f"{self.start_s:7.2f} s  {self.word} ({self.probability:.1%})"


class WordDetector:
    """Finds words in a stream as soon as they are over; looks at nothing that is yet to come.

    The level between 150 Hz and 6 kHz, every 10 ms, is compared with a noise floor: a low quantile
    of the last 4 seconds. A word begins above one threshold and ends after a pause below another.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    pause_s : float
        Silence that ends a word. Shorter answers sooner, and cuts "eight" in two.
    min_word_s : float
        What is shorter (a click) is no word.
    """

    def __init__(self, sample_rate, *, pause_s=0.18, min_word_s=0.08):
        self.sample_rate = audio.whole_rate(sample_rate)
        self._hop = round(FRAME_S * sample_rate)
        self._pause = round(pause_s / FRAME_S)
        self._shortest = round(min_word_s / FRAME_S)
        hz = np.fft.rfftfreq(self._hop, 1 / sample_rate)
        self._band = (hz >= LOW_HZ) & (hz <= HIGH_HZ)
        self._kept = np.zeros(0, np.float32)  # sound that may still be needed
        self._kept_from = 0  # its first sample
        self._n_frames = 0
        self._powers = collections.deque(maxlen=SMOOTH_FRAMES)
        self._levels = collections.deque(maxlen=FLOOR_FRAMES)
        self._floor_db = FAINTEST_DB
        self._start = self._end = None  # first frame of the word, and first after it
        self._n_loud, self._peak_db = 0, 0.0

    def push(self, block):
        """Hear a block of any length, shape (samples,); gives the words that ended in it."""
        self._kept = np.concatenate([self._kept, np.asarray(block, np.float32)])
        words = []
        while (at := self._n_frames * self._hop - self._kept_from) + self._hop <= len(self._kept):
            if self._hear(self._kept[at : at + self._hop]):
                words += self._finish()
        needed = (self._n_frames if self._start is None else self._start) * self._hop
        spare = needed - round(2 * MARGIN_S * self.sample_rate) - self._kept_from
        if spare > 0:
            self._kept, self._kept_from = self._kept[spare:], self._kept_from + spare
        return words

    def flush(self):
        """Give the word that is still going on at the end of the stream, in a list."""
        return [] if self._start is None else self._finish()

    @property
    def certain_s(self):
        """Up to here, in seconds from the start of the stream, no further word can be found."""
        frame = self._n_frames if self._start is None else self._start
        return frame * self._hop / self.sample_rate

    def _hear(self, frame):
        """Go on by one frame; True when a word is over."""
        spectrum = np.fft.rfft(frame)[self._band]
        self._powers.append(float(np.vdot(spectrum, spectrum).real) / self._hop**2 * 2)
        level_db = 10 * np.log10(sum(self._powers) / len(self._powers) + 1e-12)
        self._levels.append(level_db)
        if self._n_frames % 10 == 0:
            floor_db = np.quantile(self._levels, FLOOR_QUANTILE)
            self._floor_db = max(float(floor_db), FAINTEST_DB)
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

    def _finish(self):
        start, end, self._start = self._start * self._hop, self._end * self._hop, None
        if self._n_loud < self._shortest + SMOOTH_FRAMES:
            return []
        margin = round(MARGIN_S * self.sample_rate)
        first = max(start - margin - self._kept_from, 0)
        x = self._kept[first : end + margin - self._kept_from].copy()
        return [Heard("", 0.0, start / self.sample_rate, end / self.sample_rate, x)]
