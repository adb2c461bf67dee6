"""What is heard at every step of a long or live sound."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np

from earshot.audio import blocks_of
from earshot.errors import EarshotError
from earshot.features.stream import StreamSpectrogram
from earshot.networks.stream_form import run_along
from earshot.recognition.recognizer import softmax
from earshot.recognition.word_detector import FRAME_S, WordDetector
from earshot.segmentation.segments import Segment

__all__ = ["Steps", "classify", "follow"]


@dataclasses.dataclass(frozen=True, eq=False)
class Steps:
    """What is heard at each step of a stream.

    Parameters
    ----------
    class_names : tuple of str
        The classes; the first is what lies between the others: "noise", or "" between words.
    probabilities : ndarray of float32, shape (n, n_words)
    steps_per_s : float
    """

    class_names: tuple
    probabilities: np.ndarray
    steps_per_s: float

    def __len__(self):
        return len(self.probabilities)

    def __repr__(self):
        return f"Steps({len(self):,} steps, {self.times_s[-1:].sum():.2f} s: {self.class_names})"

    @property
    def times_s(self):
        """Time of each step, in seconds from the start of the stream, shape (n,)."""
        return np.arange(len(self)) / self.steps_per_s

    @property
    def labels(self):
        """The most probable class of each step, as an index into ``class_names``, shape (n,)."""
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
                found.append(Segment(start_s, end_s, self.class_names[label], sure))
            first = last
        return found


def classify(sound, recognizer, sample_rate=None):
    """Say for every step of a stream what is heard, in one pass.

    A network that was trained on windows of a stream runs along the whole of it: a convolutional
    one answers as it would window by window, a recurrent one carries its state. A recognizer of
    words is asked once for each word that :class:`WordDetector` finds.

    Parameters
    ----------
    sound : str, path, ndarray of shape (samples,), or iterable of blocks
        A file of any length and rate is read in blocks; blocks are as :func:`follow` takes them.
    recognizer : earshot.recognition.Recognizer
    sample_rate : int, optional
        In Hz, of a waveform. Default: the recognizer's.

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
        rate = recognizer.front_end.sample_rate if sample_rate is None else sample_rate
        for block, block_rate in blocks_of(sound, rate):
            heard = heard or np.ptp(block) > 0
            yield block, block_rate

    parts = list(follow(recognizer, checked()))
    if not heard:
        name = sound if isinstance(sound, str | Path) else "The stream"
        raise EarshotError(f"{name} is silent throughout: was the microphone muted?")
    probabilities = np.concatenate([part.probabilities for part in parts])
    return dataclasses.replace(parts[0], probabilities=probabilities)


def follow(recognizer, blocks):
    """Say for every step of a stream what is heard, while it comes.

    Parameters
    ----------
    recognizer : earshot.recognition.Recognizer
    blocks : iterable of (ndarray of shape (samples,), int)
        Sound and its rate in Hz, as :meth:`earshot.recording.Recorder.blocks` gives it live and
        :func:`earshot.audio.blocks` from a file.

    Yields
    ------
    Steps
        Those that have become certain, after each block and at the end; together they are what
        :func:`classify` gives.
    """
    if isinstance(recognizer.front_end, StreamSpectrogram):
        words, steps_per_s = tuple(recognizer.class_names), recognizer.front_end.steps_per_s
        rows = map(softmax, run_along(recognizer.model, recognizer.front_end, blocks))
    else:
        words, rows = ("", *recognizer.class_names), _words_along(recognizer, blocks)
        steps_per_s = 1 / FRAME_S
    for probabilities in rows:
        yield Steps(words, probabilities, steps_per_s)


def _words_along(recognizer, blocks):
    """Find words and recognize each; gives probabilities, shape (steps, 1 + n_words)."""
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
        waiting += [(heard, recognizer.predict(heard.waveform, rate)) for heard in found]
        rows = np.zeros((max(until - n_given, 0), 1 + len(recognizer.class_names)), np.float32)
        rows[:, 0] = 1
        for heard, prediction in waiting:
            first, last = (round(at_s / FRAME_S) for at_s in (heard.start_s, heard.end_s))
            row = [0.0, *(prediction.probabilities[word] for word in recognizer.class_names)]
            rows[max(first - n_given, 0) : max(last - n_given, 0)] = row
        waiting = [(h, p) for h, p in waiting if h.end_s / FRAME_S > until]
        n_given += len(rows)
        yield rows
