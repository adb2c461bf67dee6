"""Pieces of a recording to the words that were said, in the most plausible way."""

import dataclasses
import warnings

import numpy as np

from earshot.errors import EarshotError, EarshotWarning
from earshot.segmentation.noise_floor import learn
from earshot.segmentation.pieces import (
    MIN_PAUSE_S,
    PAUSE_SPREAD_S,
    SURE,
    VALLEYS,
    Group,
    find_pieces,
    groups_by_pause,
    logistic,
    name_of,
    pieces_of_segments,
    refined,
)
from earshot.segmentation.segments import Segment

__all__ = ["align_words"]

MOST_PIECES = 6  # that make one word
LEFT_OUT = 6.0  # cost of a word that was not said


def align_words(recording, words, *, sample_rate=None, onsets_s=None):
    """Find out which segment of a recording is which word of a list.

    All ways to join pieces, to pass over pieces (a cough) and to leave out words are weighed by the
    pauses, the loudness, the lengths of the words and, if given, their times; the best one is
    taken, and its confidence is its share in all of them (the forward-backward algorithm).

    Parameters
    ----------
    recording : list of Segment, ndarray of shape (samples,), or path
        What :func:`split_words` returned, or the recording itself, which gives more to choose from.
    words : sequence of str
        What was said, in order.
    sample_rate : int
        In Hz; for a waveform.
    onsets_s : array_like, shape (n_words, 2), optional
        Earliest and latest time at which each word is likely to begin, in seconds.

    Returns
    -------
    list of (str, Segment)
        In order; doubtful segments say so. Words that were not found are missing.

    Raises
    ------
    EarshotError
        When there is nothing to align: no words, or nothing that stands out of the noise.

    Warns
    -----
    EarshotWarning
        With the names of the words that were not found.
    """
    if isinstance(words, str) or not len(words):
        raise EarshotError("align_words needs the list of the words that were said.")
    words = [str(word) for word in words]
    if onsets_s is not None and np.shape(onsets_s) != (len(words), 2):
        raise EarshotError(
            f"onsets_s needs the earliest and the latest time of each of the {len(words)} words, "
            f"shape ({len(words)}, 2), not {np.shape(onsets_s)}."
        )
    if isinstance(recording, list | tuple):
        sound, pieces = None, pieces_of_segments(recording)
    else:
        sound = learn(recording, sample_rate)
        pieces = find_pieces(sound, VALLEYS[0])
    groups = assign(pieces, words, onsets_s=onsets_s, may_leave_out=True)
    if not groups:
        raise EarshotError(
            f"Nothing in {name_of(recording)} stands out of the noise, and {len(words)} words should "
            "be there: listen to it; was the microphone muted?"
        )
    found = {group.word for group in groups}
    left_out = [word for i, word in enumerate(words) if i not in found]
    if left_out:
        warnings.warn(
            f"{len(left_out)} of {len(words)} words were not found in {name_of(recording)}: "
            f"{', '.join(left_out[:20])}{' ...' if len(left_out) > 20 else ''}. Listen to it and "
            "correct the cut by hand.",
            EarshotWarning,
            stacklevel=2,
        )
    segments = refined(groups, sound) if sound else [Segment(*group[:2]) for group in groups]
    return [
        (words[g.word], dataclasses.replace(s, word=words[g.word], confidence=g.confidence))
        for g, s in zip(groups, segments, strict=True)
    ]


def assign(pieces, words, min_pause_s=MIN_PAUSE_S, onsets_s=None, may_leave_out=False):
    """Read pieces as words, in order, in the most plausible way; empty when there is none.

    A way is a sequence of moves: pass over a piece, leave out a word, or make the next word of one
    or more pieces. Each has a cost, the negative logarithm of how plausible it is. The confidence
    of a move is the share of the ways that contain it (forward-backward algorithm).
    """
    n, m = len(pieces), len(words)
    steps = _steps(pieces, words, min_pause_s, onsets_s)
    leave_out = LEFT_OUT if may_leave_out else np.inf
    best = _to_go(steps, m, leave_out, np.maximum)
    if n == 0 or not np.isfinite(best[0, 0]):
        return []
    so_far, to_go = _so_far(steps, m, leave_out), _to_go(steps, m, leave_out, np.logaddexp)
    groups, i, j = [], 0, 0
    while i < n:
        passed_over, joins = steps[i]
        moves = [(best[i + 1, j] - passed_over, 0)]
        if j < m:
            moves.append((best[i, j + 1] - leave_out, -1))
            moves += [(best[i + k, j + 1] - costs[j], k) for k, costs in joins]
        _, taken = max(moves)
        if taken > 0:
            cost = joins[taken - 1][1][j]
            share = np.exp(so_far[i, j] - cost + to_go[i + taken, j + 1] - to_go[0, 0])
            strength = max(piece.strength for piece in pieces[i : i + taken])
            sure = min(share, 1.0) * logistic(SURE * (strength - 1) + 1)
            groups.append(Group(pieces[i].start_s, pieces[i + taken - 1].end_s, float(sure), j))
        i += {0: 1, -1: 0}.get(taken, taken)
        j += taken != 0
    return groups


def _steps(pieces, words, min_pause_s, onsets_s):
    """Costs of passing over each piece, and of making a word of it and the following ones."""
    lengths_s = [end_s - start_s for start_s, end_s, *_ in groups_by_pause(pieces, 0, min_pause_s)]
    letters = np.array([len(word) for word in words]) + 3.0
    expected_s = np.median(lengths_s or [0.4]) * letters / letters.mean()
    if onsets_s is None:
        earliest, latest = -np.inf, np.inf
    else:
        earliest, latest = np.asarray(onsets_s, float).reshape(len(words), 2).T
    steps = []
    for i, piece in enumerate(pieces):
        late_s = np.maximum(np.maximum(earliest - piece.start_s, piece.start_s - latest), 0)
        fixed = np.square(late_s / 0.4) / 2
        if i:
            fixed = fixed + _softplus((min_pause_s - piece.gap_s) / PAUSE_SPREAD_S)
        joins, joints, strength = [], 0.0, -np.inf
        for k, last in enumerate(pieces[i : i + MOST_PIECES], start=1):
            strength = max(strength, last.strength)
            if k > 1:
                joints += _softplus((last.gap_s - min_pause_s) / PAUSE_SPREAD_S)
            length = np.log((last.end_s - piece.start_s) / expected_s) / 0.5
            costs = fixed + joints + _softplus(SURE * (1 - strength)) + np.square(length) / 2
            joins.append((k, np.broadcast_to(costs, len(words))))
        steps.append((_softplus(SURE * (piece.strength - 1)), joins))
    return steps


def _to_go(steps, m, leave_out, add):
    """Log weight of the ways from i pieces and j words to the end, shape (n + 1, m + 1)."""
    value = np.full((len(steps) + 1, m + 1), -np.inf)
    value[-1, m] = 0
    value[-1] = _leaving_out(value[-1, ::-1], leave_out, add)[::-1]
    for i in reversed(range(len(steps))):
        passed_over, joins = steps[i]
        row = value[i + 1] - passed_over
        for k, costs in joins:
            row[:-1] = add(row[:-1], value[i + k, 1:] - costs)
        value[i] = _leaving_out(row[::-1], leave_out, add)[::-1]
    return value


def _so_far(steps, m, leave_out):
    """Log weight of the ways from the start to i pieces and j words, shape (n + 1, m + 1)."""
    value = np.full((len(steps) + 1, m + 1), -np.inf)
    value[0, 0] = 0
    for i, (passed_over, joins) in enumerate(steps):
        value[i] = _leaving_out(value[i], leave_out, np.logaddexp)
        value[i + 1] = np.logaddexp(value[i + 1], value[i] - passed_over)
        for k, costs in joins:
            value[i + k, 1:] = np.logaddexp(value[i + k, 1:], value[i, :-1] - costs)
    return value


def _leaving_out(row, cost, add):
    """Let every entry reach the following ones at a cost each."""
    if not np.isfinite(cost):
        return row
    costs = cost * np.arange(len(row))
    return add.accumulate(row + costs) - costs


def _softplus(x):
    return np.logaddexp(0, x)
