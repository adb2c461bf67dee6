"""Stretches of a recording."""

import dataclasses

__all__ = ["Segment"]


@dataclasses.dataclass(frozen=True)
class Segment:
    """A stretch of a recording.

    Parameters
    ----------
    start_s, end_s : float
        In seconds from the start of the recording.
    word : str
        What is said there, if that is known.
    confidence : float
        From 0 to 1: how sure it is that exactly this is one word (that very word, if it is named).
    """

    start_s: float
    end_s: float
    word: str = ""
    confidence: float = 1.0

    @property
    def duration_s(self):
        """Length in seconds."""
        return self.end_s - self.start_s

    @property
    def doubtful(self):
        """Whether somebody should look at it."""
        return self.confidence < 0.75

    def cut(self, x, sample_rate):
        """Give the samples of this segment, shape (samples,)."""
        return x[round(self.start_s * sample_rate) : round(self.end_s * sample_rate)]
