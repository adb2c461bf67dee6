"""Parts of a recording.

>>> word = Segment(0.5, 1.25, "cat", confidence=0.6)
>>> word.duration_s, word.doubtful, len(word.cut(np.zeros(16000), 8000))
(0.75, True, 6000)
"""

import dataclasses

import numpy as np

from earshot.types import Array

__all__ = ["Segment"]

SURE_ENOUGH = 0.75  # confidence from which nobody needs to look at a segment


@dataclasses.dataclass(frozen=True)
class Segment:
    """A part of a recording, in seconds, its word if known, and how sure that is, 0 to 1."""

    start_s: float
    end_s: float
    word: str = ""
    confidence: float = 1.0

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s

    @property
    def doubtful(self) -> bool:
        """Whether somebody should look at it."""
        return self.confidence < SURE_ENOUGH

    def cut(self, x: Array, sample_rate: int) -> Array:
        """Give the samples of this segment, shape (samples,)."""
        return np.asarray(x)[round(self.start_s * sample_rate) : round(self.end_s * sample_rate)]
