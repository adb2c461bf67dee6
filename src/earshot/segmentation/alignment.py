"""Pieces of a recording to the words that were said, in the most plausible way.

>>> cut = [Segment(0.5, 0.9), Segment(1.5, 1.6, confidence=0.1), Segment(2.0, 2.5)]
>>> [(word, segment.start_s) for word, segment in align_words(cut, ["cat", "dog"])]
[('cat', 0.5), ('dog', 2.0)]
"""

import collections
import functools
import typing
import warnings
from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from earshot.errors import EarshotError, EarshotWarning, some
from earshot.segmentation import pieces as parts
from earshot.segmentation.segments import Segment
from earshot.segmentation.speech import find_speech
from earshot.types import Array, PathLike

__all__ = ["align_words", "assign"]

MOST_PIECES = 6  # pieces that make one word at most
LEFT_OUT = 6.0  # cost of a word that was not said: as implausible as 1 in 400
ONSET_SPREAD_S = 0.4  # how sharply a word's time is known beyond its earliest and latest onset
LENGTH_SPREAD = 0.5  # how much lengths of words vary: standard deviation of the logarithm
SILENT_LETTERS = 3.0  # a word takes the time of its letters and so many more
USUAL_WORD_S = 0.4  # length of a word where a recording tells nothing of it

_softplus = functools.partial(np.logaddexp, 0)


def align_words(
    recording: list[Segment] | Array | PathLike, words: Sequence[str], *,
    sample_rate: int | None = None, onsets_s: typing.Any = None,
) -> list[tuple[str, Segment]]:  # fmt: skip
    """Find out which segment of a recording is which word of a list.

    All ways to join pieces, to pass over pieces (a cough) and to leave out words are weighed by the
    pauses, the loudness, the lengths of the words and, if given, their times; the best one is
    taken, and its confidence is its share in all of them (the forward-backward algorithm).

    The recording is what :func:`split_words` gave, or the sound itself, which gives more to choose
    from; a waveform needs its rate in Hz. ``onsets_s``, shape (n_words, 2), holds the earliest and
    latest second at which each word is likely to begin.

    Words that were not found are missing, with a warning. No words, or nothing that stands out of
    the noise, raises :class:`EarshotError`.
    """
    if isinstance(words, str) or not len(words):
        raise EarshotError("align_words needs the list of the words that were said.")
    words = [str(word) for word in words]
    if onsets_s is not None and np.shape(onsets_s) != (len(words), 2):
        needed = f"the earliest and latest time of each word, shape ({len(words)}, 2)"
        raise EarshotError(f"onsets_s needs {needed}, not {np.shape(onsets_s)}.")
    if isinstance(recording, list | tuple):
        pieces, name = parts.pieces_of_segments(recording), "the recording"
    else:
        speech = find_speech(recording, sample_rate)
        pieces, name = parts.find_pieces(speech, parts.VALLEYS[0]), speech.name
    segments = assign(pieces, words, onsets_s=onsets_s, may_leave_out=True)
    if not segments:
        silent = f"Nothing in {name} stands out of the noise"
        way_out = "listen to it; was the microphone muted?"
        raise EarshotError(f"{silent}, and {len(words)} words should be there: {way_out}")
    found = collections.Counter(segment.word for segment in segments)
    if left_out := list((collections.Counter(words) - found).elements()):
        missing = f"{len(left_out)} of {len(words)} words were not found in {name}"
        way_out = "Listen to it and correct the cut by hand."
        warnings.warn(f"{missing}: {some(left_out, 20)}. {way_out}", EarshotWarning, stacklevel=2)
    return [(segment.word, segment) for segment in segments]


class _Costs(typing.NamedTuple):
    """Negative logarithms of how plausible the moves are."""

    pass_over: Array  # a piece, shape (pieces,)
    join: list[Array]  # 1, 2 ... pieces, from each piece, to each word: (pieces - k + 1, words)
    leave_out: float  # a word

    def backwards(self):
        return _Costs(self.pass_over[::-1], [k[::-1, ::-1] for k in self.join], self.leave_out)


def assign(
    pieces: Sequence[parts.Piece], words: Sequence[str], *, min_pause_s: float = parts.MIN_PAUSE_S,
    onsets_s: typing.Any = None, may_leave_out: bool = False,
) -> list[Segment]:  # fmt: skip
    """Read pieces as words, in order, in the most plausible way; empty when there is none.

    A way is a sequence of moves: pass over a piece, leave out a word, or make the next word of one
    or more pieces. The confidence of a move is the share of the ways that contain it.
    """
    if not pieces:
        return []
    costs = _costs(pieces, words, min_pause_s, onsets_s, LEFT_OUT if may_leave_out else np.inf)
    best_to_go = _ways(costs.backwards(), np.maximum)[::-1, ::-1]
    if not np.isfinite(best_to_go[0, 0]):
        return []
    so_far = _ways(costs, np.logaddexp)
    to_go = _ways(costs.backwards(), np.logaddexp)[::-1, ::-1]
    segments, i, j = [], 0, 0
    while i < len(pieces):
        moves = [(best_to_go[i + 1, j] - costs.pass_over[i], 1, 0)]
        if j < len(words):
            moves.append((best_to_go[i, j + 1] - costs.leave_out, 0, 1))
            for k, cost in enumerate(costs.join[: len(pieces) - i], start=1):
                moves.append((best_to_go[i + k, j + 1] - cost[i, j], k, 1))
        _, n_pieces, n_words = max(moves)
        if n_pieces and n_words:
            said = pieces[i : i + n_pieces]
            log_share = so_far[i, j] - costs.join[n_pieces - 1][i, j] + to_go[i + n_pieces, j + 1]
            strength = max(piece.strength for piece in said)
            sure = np.exp(min(log_share - to_go[0, 0], 0)) * expit(parts.SURE * (strength - 1) + 1)
            segments.append(Segment(said[0].start_s, said[-1].end_s, words[j], float(sure)))
        i, j = i + n_pieces, j + n_words
    return segments


def _costs(pieces, words, min_pause_s, onsets_s, leave_out):
    starts_s, ends_s, strength, gaps_s = np.array(pieces, float).T
    lengths_s = [word.duration_s for word in parts.groups_by_pause(pieces, 0, min_pause_s)]
    letters = np.array([len(word) for word in words]) + SILENT_LETTERS
    expected_s = np.median(lengths_s or [USUAL_WORD_S]) * letters / letters.mean()
    earliest_s, latest_s = (-np.inf, np.inf) if onsets_s is None else np.asarray(onsets_s, float).T
    onsets = starts_s[:, None]
    late_s = np.maximum(np.maximum(earliest_s - onsets, onsets - latest_s), 0)
    apart = _softplus((min_pause_s - gaps_s) / parts.PAUSE_SPREAD_S)
    apart[0] = 0
    begin = np.square(late_s / ONSET_SPREAD_S) / 2 + apart[:, None]
    joined = _softplus((gaps_s - min_pause_s) / parts.PAUSE_SPREAD_S)
    join, joints, strongest = [], np.zeros(len(pieces)), strength
    for k in range(min(MOST_PIECES, len(pieces))):  # of k + 1 pieces
        if k:
            joints, strongest = joints[:-1] + joined[k:], np.maximum(strongest[:-1], strength[k:])
        lengths_s = ends_s[k:] - starts_s[: len(joints)]
        length = np.log(lengths_s[:, None] / expected_s) / LENGTH_SPREAD
        weak = joints + _softplus(parts.SURE * (1 - strongest))
        join.append(begin[: len(joints)] + weak[:, None] + np.square(length) / 2)
    return _Costs(_softplus(parts.SURE * (strength - 1)), join, leave_out)


def _ways(costs, add):
    """Log weight of the ways from the start to i pieces and j words, shape (n + 1, m + 1)."""
    n, m = costs.join[0].shape
    value = np.full((n + 1, m + 1), -np.inf)
    value[0, 0] = 0
    for i, row in enumerate(value):
        if i:
            row[:] = value[i - 1] - costs.pass_over[i - 1]
        for k, cost in enumerate(costs.join[:i], start=1):
            row[1:] = add(row[1:], value[i - k, :-1] - cost[i - k])
        if np.isfinite(costs.leave_out):
            left_out = costs.leave_out * np.arange(m + 1)
            row[:] = add.accumulate(row + left_out) - left_out
    return value
