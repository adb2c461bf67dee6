"""Long and live sound: what is heard at every step, and which words, while they come."""

import collections
import dataclasses
import itertools
import weakref
from pathlib import Path

import numpy as np

from earshot import audio
from earshot.errors import EarshotError
from earshot.recognizer import UNKNOWN, softmax
from earshot.segmentation import Segment
from earshot.windows import Windows, blocks_of

__all__ = [
    "Heard",
    "Steps",
    "WordDetector",
    "activations",
    "classify",
    "follow",
    "listen",
    "roc_areas",
]

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
        "?" when the recogniser was unsure, "" before it was asked.
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


def listen(recogniser, blocks, *, threshold=None, **options):
    """Recognise the words of a stream, each as soon as it is over.

    Parameters
    ----------
    recogniser : earshot.recognizer.Recognizer
    blocks : iterable of (ndarray of shape (samples,), int)
        Sound and its rate in Hz, as :meth:`earshot.recording.Recorder.blocks` gives it live and
        :func:`earshot.audio.blocks` from a file.
    threshold : float, optional
        A word of lower probability is "?". Default: 0.6, or, of a recogniser that knows "unknown",
        none but its own.
    options
        Those of :class:`WordDetector`.

    Yields
    ------
    Heard
    """
    if threshold is None:
        threshold = 0.0 if UNKNOWN in recogniser.words else 0.6
    recogniser.probabilities([np.zeros(1, np.float32)])  # the first answer takes longer
    detector = None
    for block, sample_rate in blocks:
        detector = detector or WordDetector(sample_rate, **options)
        for word in detector.push(block):
            yield _named(recogniser, word, sample_rate, threshold)
    if detector:
        for word in detector.flush():
            yield _named(recogniser, word, sample_rate, threshold)


def _named(recogniser, heard, sample_rate, threshold):
    prediction = recogniser.predict(heard.waveform, sample_rate)
    sure = prediction.probability >= threshold and prediction.word != UNKNOWN
    word = prediction.word if sure else "?"
    return dataclasses.replace(heard, word=word, probability=prediction.probability)


@dataclasses.dataclass(frozen=True, eq=False)
class Steps:
    """What is heard at each step of a stream.

    Parameters
    ----------
    words : tuple of str
        The classes; the first is what lies between the others: "noise", or "" between words.
    probabilities : ndarray of float32, shape (n, n_words)
    steps_per_s : float
    """

    words: tuple
    probabilities: np.ndarray
    steps_per_s: float

    def __len__(self):
        return len(self.probabilities)

    def __repr__(self):
        return f"Steps({len(self):,} steps, {self.times_s[-1:].sum():.2f} s: {self.words})"

    @property
    def times_s(self):
        """Time of each step, in seconds from the start of the stream, shape (n,)."""
        return np.arange(len(self)) / self.steps_per_s

    @property
    def labels(self):
        """The most probable class of each step, as an index into ``words``, shape (n,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def probability(self):
        """How probable that class is, shape (n,)."""
        return self.probabilities.max(axis=1)

    def segments(self, *, min_s=0.05):
        """Give the stretches of every class but the first, to be shown or written as labels.

        Parameters
        ----------
        min_s : float
            Shorter stretches are left out, in seconds.

        Returns
        -------
        list of earshot.segmentation.Segment
            The confidence is the mean probability.
        """
        labels, found, first = self.labels, [], 0
        for label, run in itertools.groupby(labels):
            last = first + len(list(run))
            if label and last - first >= min_s * self.steps_per_s:
                sure = float(self.probabilities[first:last, label].mean())
                start_s, end_s = first / self.steps_per_s, last / self.steps_per_s
                found.append(Segment(start_s, end_s, self.words[label], sure))
            first = last
        return found


def classify(sound, recogniser, sample_rate=None):
    """Say for every step of a stream what is heard, in one pass.

    A network that was trained on windows of a stream runs along the whole of it: a convolutional
    one answers as it would window by window, a recurrent one carries its state. A recogniser of
    words is asked once for each word that :class:`WordDetector` finds.

    Parameters
    ----------
    sound : str, path, ndarray of shape (samples,), or iterable of blocks
        A file of any length and rate is read in blocks; blocks are as :func:`follow` takes them.
    recogniser : earshot.recognizer.Recognizer
    sample_rate : int, optional
        In Hz, of a waveform. Default: the recogniser's.

    Returns
    -------
    Steps

    Raises
    ------
    EarshotError
        When the sound cannot be read, is silent throughout, or is shorter than a window.
    """
    heard = False

    def checked():
        nonlocal heard
        rate = recogniser.front_end.sample_rate if sample_rate is None else sample_rate
        for block, block_rate in blocks_of(sound, rate):
            heard = heard or np.ptp(block) > 0
            yield block, block_rate

    parts = list(follow(recogniser, checked()))
    if not heard:
        name = sound if isinstance(sound, str | Path) else "The stream"
        raise EarshotError(f"{name} is silent throughout: was the microphone muted?")
    probabilities = np.concatenate([part.probabilities for part in parts])
    return dataclasses.replace(parts[0], probabilities=probabilities)


def follow(recogniser, blocks):
    """Say for every step of a stream what is heard, while it comes.

    Parameters
    ----------
    recogniser : earshot.recognizer.Recognizer
    blocks : iterable of (ndarray of shape (samples,), int)
        Sound and its rate in Hz, as :meth:`earshot.recording.Recorder.blocks` gives it live and
        :func:`earshot.audio.blocks` from a file.

    Yields
    ------
    Steps
        Those that have become certain, after each block and at the end; together they are what
        :func:`classify` gives.
    """
    if isinstance(recogniser.front_end, Windows):
        words, steps_per_s = tuple(recogniser.words), recogniser.front_end.steps_per_s
        rows = map(softmax, _network_along(recogniser.model, recogniser.front_end, blocks))
    else:
        words, rows = ("", *recogniser.words), _words_along(recogniser, blocks)
        steps_per_s = 1 / FRAME_S
    for probabilities in rows:
        yield Steps(words, probabilities, steps_per_s)


def activations(network, settings, sound, sample_rate=None):
    """Give what a network answers at every step of a stream, such as an LSTM's cell state.

    Parameters
    ----------
    network : keras.Model
        On windows; often from :func:`earshot.models.encoder`.
    settings : earshot.windows.Windows
    sound, sample_rate
        As in :func:`classify`.

    Returns
    -------
    ndarray of float32, shape (steps, n_values)
    """
    rate = settings.sample_rate if sample_rate is None else sample_rate
    blocks = blocks_of(sound, rate)
    return np.concatenate(list(_network_along(network, settings, blocks)))


def roc_areas(values, truth):
    """Give the area under the receiver operating characteristic of each column of values.

    Parameters
    ----------
    values : ndarray, shape (steps, n_values)
    truth : ndarray of bool or 0 and 1, shape (steps,)

    Returns
    -------
    ndarray of float, shape (n_values,)
        1: always higher where truth is 1; 0.5: no relation; ties count half.
    """
    from scipy.stats import rankdata

    truth = np.asarray(truth, bool)
    if len(truth) != len(values) or truth.all() or not truth.any():
        raise EarshotError(
            f"Areas under ROC need as many values ({len(values)}) as truths ({len(truth)}), and "
            "both kinds among them."
        )
    n, ranks = truth.sum(), rankdata(values, axis=0)
    return (ranks[truth].sum(axis=0) - n * (n + 1) / 2) / (n * (len(truth) - n))


_IDLE = weakref.WeakKeyDictionary()
"""Forms for streams that nobody uses at the moment: TensorFlow takes a while to build one."""


def _network_along(network, settings, blocks):
    """Run a network of windows along a stream; gives its answers, shape (steps, n_values)."""
    from earshot import models

    if network.input_shape[1:] != settings.picture_shape:
        raise EarshotError(
            f"The network takes windows of {network.input_shape[1:]}, and the settings make "
            f"{settings.picture_shape}: use those that it was trained with."
        )
    trained = network
    network = _IDLE.pop(trained, None) or models.along(trained, stateful=True)
    recurrent = models.is_recurrent(network)
    if recurrent:
        network.set_weights(trained.get_weights())
        for layer in network.layers:
            if getattr(layer, "stateful", False):
                layer.reset_state()
    more = settings.n_frames - 1
    kept = np.zeros((0, settings.n_bands), np.float32)
    n_steps, last, skip = 0, kept, more if recurrent else 0
    for steps in itertools.chain(settings.blocks(blocks), [None]):
        if steps is None:  # the end: its last step goes on as long as a window looks ahead
            if n_steps < settings.n_frames:
                raise settings.too_short(n_steps)
            steps = np.repeat(last, settings.n_ahead, axis=0)
        elif len(steps):
            before = 0 if n_steps else more - settings.n_ahead
            n_steps, last = n_steps + len(steps), steps[-1:]
            steps = np.concatenate([np.repeat(steps[:1], before, axis=0), steps])
        steps = np.concatenate([kept, steps])
        if len(steps) <= (0 if recurrent else more):
            kept = steps
            continue
        answers = network.predict_on_batch(steps[None])[0]
        if not recurrent:
            kept = steps[len(steps) - more :]
        answers, skip = answers[skip:], max(skip - len(answers), 0)
        yield answers
    _IDLE[trained] = network


def _words_along(recogniser, blocks):
    """Find words and recognise each; gives probabilities, shape (steps, 1 + n_words)."""
    detector, rate, n_samples, n_given, waiting = None, 0, 0, 0, []
    for block, sample_rate in itertools.chain(blocks_of(blocks, None), [(None, None)]):
        if block is None:
            found = detector.flush() if detector else []
            until = round(n_samples / rate / FRAME_S) if detector else 0
        else:
            if detector is None:
                detector, rate = WordDetector(sample_rate), sample_rate
            n_samples += len(block)
            found = detector.push(block)
            until = round(detector.certain_s / FRAME_S)
        waiting += [(heard, recogniser.predict(heard.waveform, rate)) for heard in found]
        rows = np.zeros((max(until - n_given, 0), 1 + len(recogniser.words)), np.float32)
        rows[:, 0] = 1
        for heard, prediction in waiting:
            first, last = (round(at_s / FRAME_S) for at_s in (heard.start_s, heard.end_s))
            row = [0.0, *(prediction.probabilities[word] for word in recogniser.words)]
            rows[max(first - n_given, 0) : max(last - n_given, 0)] = row
        waiting = [(h, p) for h, p in waiting if h.end_s / FRAME_S > until]
        n_given += len(rows)
        yield rows
