"""What is heard at every step of a long or live sound.

>>> import numpy as np
>>> from earshot import classify, features, networks, recognition
>>> network, settings = networks.vanilla_conv((63, 40)), features.StreamSpectrogram()  # not trained
>>> r = recognition.Recognizer(network, settings, ("noise", "speech"))
>>> classify(np.sin(np.arange(8000)), r)
Steps(101 steps, 1.00 s: ('noise', 'speech'))
"""

import dataclasses
import itertools
import os
from collections.abc import Iterable, Iterator

import numpy as np

from earshot.audio import blocks_of
from earshot.errors import EarshotError
from earshot.features.stream import StreamSpectrogram
from earshot.recognition.recognizer import Recognizer, probabilities_of
from earshot.recognition.spotter import least_sure, spot
from earshot.segmentation.segments import Segment
from earshot.types import Array, Blocks, Sound

__all__ = ["Steps", "classify", "follow"]

STEP_S = 0.01  # from one answer of a recognizer of words to the next


@dataclasses.dataclass(frozen=True, eq=False)
class Steps:
    """What is heard at each step of a stream: probabilities, float32, shape (n, n_classes).

    The first class is what lies between the others: "noise", or "" between words.
    """

    class_names: tuple[str, ...]
    probabilities: Array
    steps_per_s: float

    def __len__(self) -> int:
        return len(self.probabilities)

    def __repr__(self) -> str:
        return f"Steps({len(self):,} steps, {self.times_s[-1:].sum():.2f} s: {self.class_names})"

    @property
    def times_s(self) -> Array:
        """Time of each step, in seconds from the start of the stream, shape (n,)."""
        return np.arange(len(self)) / self.steps_per_s

    @property
    def labels(self) -> Array:
        """The most probable class of each step, as an index into ``class_names``, shape (n,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def probability(self) -> Array:
        """How probable that class is, shape (n,)."""
        return self.probabilities.max(axis=1)

    def segments(self, *, min_s: float = 0.05) -> list[Segment]:
        """Give the stretches of every class but the first that last ``min_s`` at least.

        The confidence is the mean probability.
        """
        found, first = [], 0
        for label, run in itertools.groupby(self.labels):
            last = first + len(list(run))
            if label and last - first >= min_s * self.steps_per_s:
                sure = float(self.probabilities[first:last, label].mean())
                start_s, end_s = first / self.steps_per_s, last / self.steps_per_s
                found.append(Segment(start_s, end_s, self.class_names[label], sure))
            first = last
        return found


def classify(sound: Sound, recognizer: Recognizer, sample_rate: int | None = None) -> Steps:
    """Say for every step of a stream what is heard, in one pass.

    A convolutional network of windows answers as it would window by window, a recurrent one carries
    its state, a recognizer of words gives the words that :func:`spot` finds, and "" between them.

    The sound is a file of any length and rate, a waveform at ``sample_rate`` (in Hz; by default the
    recognizer's), or blocks as for :func:`follow`. Raises :class:`EarshotError` when it cannot be
    read, is silent throughout, or is shorter than a window.
    """
    rate = recognizer.front_end.sample_rate if sample_rate is None else sample_rate
    sounding = False

    def watched() -> Blocks:
        nonlocal sounding
        for block, block_rate in blocks_of(sound, rate):
            sounding = sounding or np.ptp(block) > 0
            yield block, block_rate

    parts = list(follow(recognizer, watched()))
    if not sounding:
        name = sound if isinstance(sound, str | os.PathLike) else "The stream"
        raise EarshotError(f"{name} is silent throughout: was the microphone muted?")
    probabilities = np.concatenate([part.probabilities for part in parts])
    return dataclasses.replace(parts[0], probabilities=probabilities)


def follow(recognizer: Recognizer, blocks: Blocks) -> Iterator[Steps]:
    """Say for every step of a stream what is heard, while it comes.

    The blocks are those of :meth:`earshot.recording.Recorder.blocks`, live, or of
    :func:`earshot.audio.blocks`, from a file. After each of them and at the end, the steps that
    have become certain are given; together they are what :func:`classify` gives.
    """
    if isinstance(recognizer.front_end, StreamSpectrogram):
        names, steps_per_s = recognizer.class_names, recognizer.front_end.steps_per_s
        logits = recognizer.along.run(blocks)
        rows: Iterable[Array] = map(probabilities_of, logits)
    else:
        names, steps_per_s = ("", *recognizer.class_names), 1 / STEP_S
        rows = _words_along(recognizer, blocks)
    for probabilities in rows:
        yield Steps(names, probabilities, steps_per_s)


def _words_along(recognizer: Recognizer, blocks: Blocks) -> Iterator[Array]:
    """Find words along a stream; gives probabilities, shape (steps, 1 + n_classes)."""
    n_given, waiting = 0, []  # steps that are out, and words that reach beyond them
    for words, certain_s in spot(recognizer, blocks, threshold=least_sure(recognizer)):
        for heard in words:
            first, last = round(heard.start_s / STEP_S), round(heard.end_s / STEP_S)
            row = np.zeros(1 + len(recognizer.class_names), np.float32)
            row[0] = 1 - heard.probability
            row[1 + recognizer.class_names.index(heard.word)] = heard.probability
            waiting.append((first, last, row))
        until = round(certain_s / STEP_S)
        rows = np.zeros((max(until - n_given, 0), 1 + len(recognizer.class_names)), np.float32)
        rows[:, 0] = 1
        for first, last, row in waiting:
            rows[max(first - n_given, 0) : max(last - n_given, 0)] = row
        waiting = [(first, last, row) for first, last, row in waiting if last > until]
        n_given += len(rows)
        yield rows
