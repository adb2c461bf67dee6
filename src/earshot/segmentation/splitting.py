"""A long recording to word segments."""

from earshot.errors import EarshotError
from earshot.segmentation.alignment import assign
from earshot.segmentation.noise_floor import learn
from earshot.segmentation.pieces import (
    MIN_PAUSE_S,
    VALLEYS,
    find_pieces,
    groups_by_pause,
    name_of,
    refined,
)

__all__ = ["split_words"]


def split_words(x, sample_rate=None, *, n_words=None, min_word_s=0.08, min_pause_s=MIN_PAUSE_S):
    """Find the words of a recording.

    Each frequency band is compared with its own noise floor, a low quantile of the seconds before
    and after. The bands are then weighed by how well they tell the loud frames from the quiet ones
    (Fisher's linear discriminant, learned anew for every recording), and a word is where the sum
    rises above a threshold, from where it last rose above a lower one to where it falls below that
    again (hysteresis). Both lie between the level of the noise and that of the speech.

    Parameters
    ----------
    x : ndarray of shape (samples,), or path
        A file is read block by block and may be hours long: 12 MB of memory an hour. The result
        is the same.
    sample_rate : int
        In Hz; not needed for a file.
    n_words : int, optional
        Exactly so many segments are returned: pieces are joined across the shortest gaps, and the
        least likely ones dropped.
    min_word_s : float
        What is shorter (a click) is no word.
    min_pause_s : float
        What is nearer together is one word.

    Returns
    -------
    list of Segment
        In order, without overlap, each with its confidence; empty when nothing stands out.

    Raises
    ------
    EarshotError
        When ``x`` is no sound, or there are not ``n_words`` places in it that could be words.
    """
    if n_words is not None and (
        isinstance(n_words, bool) or n_words != int(n_words) or n_words < 1
    ):
        raise EarshotError(f"n_words is a whole number from 1, not {n_words!r}.")
    sound = learn(x, sample_rate)
    if n_words is None:
        groups = groups_by_pause(find_pieces(sound), min_word_s, min_pause_s)
    else:
        for shallowest in VALLEYS:
            pieces = find_pieces(sound, shallowest)
            if len(pieces) >= n_words:
                break
        groups = assign(pieces, [""] * int(n_words), min_pause_s)
        if not groups:
            raise EarshotError(
                f"Only {len(pieces)} places in {name_of(x)} could be words, and n_words is "
                f"{n_words}: count again, or record it again, nearer to the microphone."
            )
    return refined(groups, sound)
