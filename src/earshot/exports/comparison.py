"""How an export answers, beside the recognizer that it was made from.

>>> python, export = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.8, 0.2], [0.2, 0.8]])
>>> print(compared(python, export, about="two clips"))
on 2 clips (two clips): 100.0% the same answers, probabilities differ by 0.1 at most
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from earshot.datasets import espeak, voices
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError
from earshot.types import Array

__all__ = ["Comparison", "compared", "made_up", "padded"]

LIMITS = {"float32": (0.001, 1.0), "float16": (0.1, 0.98), "int8": (0.5, 0.95)}
"""By precision, the largest difference of a probability and the least share of the same answers of
a good export. Where a front end or a layer is wrong, half of the answers are others."""
N_WORDS = 24  # of a recognizer that voices say, for want of recordings
N_VOICES = 2  # that say each of them
N_CHIRPS = 48  # where no voice can say the words


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What was found out: the share of the same answers and the largest difference.

    ``agreement`` is from 0 to 1, ``largest_difference`` that of any class's probability on any of
    ``n_clips`` clips; ``about`` says which these were.
    """

    agreement: float
    largest_difference: float
    n_clips: int
    about: str

    def __str__(self) -> str:
        return (
            f"on {self.n_clips} clips ({self.about}): {self.agreement:.1%} the same answers, "
            f"probabilities differ by {self.largest_difference:.2g} at most"
        )

    def check(self, precision: str) -> None:
        """Refuse an export that answers otherwise than rounding explains."""
        most, least = LIMITS[precision]
        if not (self.largest_difference <= most and self.agreement >= least):
            raise EarshotError(
                f"The export answers otherwise than the recognizer, {self}, and is not kept: "
                "choose another precision or format."
            )


def compared(expected: Array, given: Array, *, about: str) -> Comparison:
    """Compare probabilities, both of shape (n, n_classes)."""
    if expected.shape != given.shape:
        shapes = f"{given.shape} in the place of {expected.shape}"
        raise EarshotError(f"The export gives answers of another shape, {shapes}: save() instead.")
    same = expected.argmax(axis=1) == given.argmax(axis=1)
    difference = np.abs(expected - given).max()  # NaN where any is
    return Comparison(float(same.mean()), float(difference), len(expected), about)


def padded(clips: Sequence[Array], front_end: Any) -> Array:
    """Bring clips of ``n_samples`` at most to the length that an export takes, as it does itself.

    Shape (n, n_samples).
    """
    rows = np.zeros((len(clips), front_end.n_samples), np.float32)
    for row, clip in zip(rows, clips, strict=True):
        start, _ = front_end.sides(len(row) - len(clip))
        row[start : start + len(clip)] = clip
    return rows


def made_up(class_names: Sequence[str], sample_rate: int, *, seed: int = 0) -> WordSet:
    """Give clips to compare on: voices that say some of the words, else chirps.

    Another ``seed`` gives other voices or chirps.
    """
    some = class_names[:: -(-len(class_names) // N_WORDS)]
    if espeak.is_available():
        try:
            return voices.synthetic(
                some, n_voices=N_VOICES, n_takes=1, sample_rate=sample_rate, seed=seed
            )
        except EarshotError:
            pass  # words of which a voice makes no sound, as emoji are
    rng = np.random.default_rng(seed)
    time = np.arange(sample_rate, dtype=np.float32) / sample_rate
    clips = []
    for _ in range(N_CHIRPS):
        pitch_hz, slope = rng.uniform(200, sample_rate / 5), rng.uniform(-1, 1)
        middle_s, width_s = rng.uniform(0.3, 0.7), rng.uniform(0.05, 0.3)
        chirp = np.sin(2 * np.pi * pitch_hz * time * (1 + slope * time))
        noise = 0.003 * rng.standard_normal(len(time))
        clips.append(0.3 * chirp * np.exp(-(((time - middle_s) / width_s) ** 2)) + noise)
    names = np.array([f"chirp_{i}" for i in range(N_CHIRPS)])
    zeros, about = np.zeros(N_CHIRPS, np.int64), "chirps in noise"
    return WordSet(clips, zeros, ("chirp",), names, names, sample_rate, about)
