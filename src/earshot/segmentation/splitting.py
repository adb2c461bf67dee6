"""A long recording to word segments.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x = 0.001 * rng.standard_normal(24000)
>>> for start in (4000, 12000):
...     x[start : start + 3000] += 0.1 * rng.standard_normal(3000)
>>> [round(segment.start_s, 1) for segment in split_words(x.astype(np.float32), 8000)]
[0.5, 1.5]
"""

from earshot.errors import EarshotError
from earshot.segmentation.alignment import assign
from earshot.segmentation.pieces import MIN_PAUSE_S, VALLEYS, find_pieces, groups_by_pause
from earshot.segmentation.segments import Segment
from earshot.segmentation.speech import find_speech
from earshot.types import Sound

__all__ = ["split_words"]


def split_words(
    x: Sound, sample_rate: int | None = None, *, n_words: int | None = None,
    min_word_s: float = 0.08, min_pause_s: float = MIN_PAUSE_S,
) -> list[Segment]:  # fmt: skip
    """Find the words of a recording.

    Each frequency band is compared with its own noise floor, a low quantile of the seconds before
    and after. A small network, taught on words in many noises and run by NumPy, says from that how
    much each frame sounds like speech. A word is where it does, up to where it no longer does, and
    must reach a threshold in between that follows the recording's surest words.

    Segments come in order, without overlap. What is no sound, or has not ``n_words`` places that
    could be words, raises :class:`EarshotError`.

    Parameters
    ----------
    x : a waveform with its sample rate in Hz, or a path, read in blocks: 17 MB of memory an hour
    n_words : exactly so many segments; pieces are joined across the shortest gaps, or dropped
    min_word_s, min_pause_s : what is shorter (a click) is no word, what is nearer together is one
    """
    if n_words is not None and (n_words is True or n_words != int(n_words) or n_words < 1):
        raise EarshotError(f"n_words is a whole number from 1, not {n_words!r}.")
    speech = find_speech(x, sample_rate)
    if n_words is None:
        return groups_by_pause(find_pieces(speech), min_word_s, min_pause_s)
    for shallowest in VALLEYS:
        pieces = find_pieces(speech, shallowest)
        if len(pieces) >= n_words:
            break
    groups = assign(pieces, [""] * int(n_words), min_pause_s=min_pause_s)
    if not groups:
        found = f"Only {len(pieces)} places in {speech.name} could be words"
        way_out = "count again, or record it again, nearer to the microphone."
        raise EarshotError(f"{found}, and n_words is {n_words}: {way_out}")
    return groups
