"""How many words of a stream are found, against how often another is named, at every threshold.

>>> truth = [Segment(1.0, 1.6, "louder"), Segment(3.0, 3.5, "softer")]
>>> judged([("louder", 1.4), ("softer", 1.2), ("louder", 1.5)], truth)
(1, 2)
"""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from earshot.datasets.streams import Stream
from earshot.errors import EarshotError, some
from earshot.recognition.recognizer import UNKNOWN, Recognizer
from earshot.recognition.spotter import (
    REST_S,
    SMOOTH,
    Picker,
    answers_along,
    frames_per_step,
    log_mel_of,
    powers_along,
    word_scores,
)  # fmt: skip
from earshot.segmentation.segments import Segment
from earshot.types import Array

__all__ = ["SpottingCurve", "judged", "spotting_curve"]

THRESHOLDS = tuple(np.arange(0.0, 10.01, 0.5).tolist())  # logits, from all to hardly anything
NEAR_S = 0.3  # from a word, within which the middle of a window that names it lies


@dataclasses.dataclass(frozen=True, eq=False)
class SpottingCurve:
    """Words found (share, 0 to 1) and others named an hour, at rising thresholds; shapes (n,).

    ``as_set`` is the number of the recognizer's own threshold; the stream lasted ``hours``.
    """

    thresholds: Array
    found: Array
    false_alarms_per_hour: Array
    as_set: int
    hours: float


def spotting_curve(
    recognizer: Recognizer, stream: Stream, thresholds: Sequence[float] = THRESHOLDS
) -> SpottingCurve:
    """Listen to a stream of which it is known what is said, and count at every threshold.

    A word is found when it is named once where it is said; all else that is named is a false alarm,
    such as a word over another one. Words of the stream that the recognizer does not know are there
    to be passed over. Raises :class:`EarshotError` when none of its words is said.
    """
    names = [name for name in recognizer.class_names if name != UNKNOWN]
    n_said = sum(segment.word in names for segment in stream.segments)
    if not n_said:
        raise EarshotError(f"None of {some(names)} is said in the stream: there is none to find.")
    front_end = log_mel_of(recognizer)
    rows = answers_along(
        recognizer, powers_along(front_end, [(stream.waveform, stream.sample_rate)])
    )
    scores = word_scores(np.concatenate([*rows]), recognizer.class_names)
    step_s = frames_per_step(front_end) * front_end.hop_length / front_end.sample_rate
    window_s = recognizer.model.input_shape[1] * front_end.hop_length / front_end.sample_rate
    own = recognizer.spotting_threshold
    all_of_them, counts = np.unique([*thresholds, own]), []
    for threshold in all_of_them:
        picked = _picked(scores, threshold, step_s, window_s)
        counts.append(judged([(names[word], at_s) for word, at_s in picked], stream.segments))
    found, false = np.array(counts).T
    hours = stream.duration_s / 3600
    as_set = int(np.searchsorted(all_of_them, own))
    return SpottingCurve(all_of_them, found / n_said, false / hours, as_set, hours)


def _picked(
    scores: Array, threshold: float, step_s: float, window_s: float
) -> Iterable[tuple[int, float]]:
    """Give the words that are named at a threshold, with the middles of their windows."""
    picker = Picker(threshold, 0.0, round(REST_S / step_s))
    for row in scores:
        if one := picker.push(row, row):
            yield one.word, (one.window + 1 - SMOOTH // 2) * step_s - window_s / 2


def judged(heard: Iterable[tuple[str, float]], said: Sequence[Segment]) -> tuple[int, int]:
    """Count the words, heard at times in seconds, that were said there, and the others.

    A word that is named twice for being said once is found once, and a false alarm.
    """
    found, false = set(), 0
    for word, at_s in heard:
        near = [
            i for i, one in enumerate(said)
            if one.word == word and one.start_s - NEAR_S <= at_s <= one.end_s + NEAR_S
        ]  # fmt: skip
        new = next((i for i in near if i not in found), None)
        false += new is None
        found |= {new} - {None}
    return len(found), false
