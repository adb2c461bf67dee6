"""What sounds like speech, in pieces; words are made of one or more.

>>> near = [Piece(0.5, 0.7, 2.0, 0.5), Piece(0.75, 0.9, 2.0, 0.05)]
>>> [(word.start_s, word.end_s) for word in groups_by_pause(near, min_word_s=0.08)]
[(0.5, 0.9)]
"""

import itertools
import typing
from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from earshot.segmentation.segments import Segment
from earshot.segmentation.speech import Speech

__all__ = ["MIN_PAUSE_S", "SURE", "VALLEYS", "Piece", "find_pieces", "groups_by_pause",
           "pieces_of_segments"]  # fmt: skip

MIN_PAUSE_S = 0.15  # pause between two words: shorter ones are within words, before a "t" or a "k"
PAUSE_SPREAD_S = 0.03  # how sharp that border is
SURE = 4.0  # how fast plausibility falls with strength
VALLEYS = (0.6, 0.8, 1.0)  # a piece may be divided where it falls to such a part; tried in turn
LOUD_FRAMES = 8  # a piece is as strong as the mean of so many of its surest frames
# Chosen on other speakers and noises than those of benchmarks/segmentation.py:
LOW = 0.0  # score where a word ends
HIGH = 1.0  # score that a word must reach at least,
WEAKEST = 0.3  # ... and as part of the score of the recording's surest frames,
TOP_QUANTILE = 0.94  # ... which this share of its frames above LOW does not reach


class Piece(typing.NamedTuple):
    """What sounds like speech without a break; words are made of one or more."""

    start_s: float
    end_s: float
    strength: float  # 1 is what makes a word
    gap_s: float  # pause before it


def find_pieces(speech: Speech, valley: float = 0.0) -> list[Piece]:
    """Find what sounds like speech, divided where its score falls below ``valley`` of its peaks."""
    pieces, last = [], 0
    heard = speech.score > LOW
    top = float(np.quantile(speech.score[heard], TOP_QUANTILE)) if heard.any() else 0.0
    strengths = speech.score / max(HIGH, WEAKEST * top)
    for start, end in np.flatnonzero(np.diff(heard, prepend=False, append=False)).reshape(-1, 2):
        run = strengths[start:end]
        cuts, gaps_s = _valleys(run, valley)
        gaps_s = [(start - last) * speech.frame_s, *gaps_s]
        for (i, j), gap_s in zip(itertools.pairwise([0, *cuts, end - start]), gaps_s, strict=True):
            strength = float(np.sort(run[i:j])[-LOUD_FRAMES:].mean())
            begin_s, end_s = (round(int(start + k) * speech.frame_s, 4) for k in (i, j))
            pieces.append(Piece(begin_s, min(end_s, speech.duration_s), strength, gap_s))
        last = end
    return pieces


def _valleys(score, most):
    """Find where a run falls to a part of the peaks around it, and how long a pause that equals."""
    cuts, gaps_s, begin = [], [], 0
    lowest = np.flatnonzero((score[1:-1] < score[:-2]) & (score[1:-1] <= score[2:])) + 1
    for i in lowest if most else []:
        part = score[i] / max(min(score[begin:i].max(), score[i:].max()), 1e-9)
        if part < most:
            cuts.append(int(i))
            gaps_s.append(MIN_PAUSE_S * (1 - part) / 2)
            begin = i
    return cuts, gaps_s


def groups_by_pause(
    pieces: Sequence[Piece], min_word_s: float = 0.0, min_pause_s: float = MIN_PAUSE_S
) -> list[Segment]:
    """Join what is near together, drop what is weak or short."""
    near: list[list[Piece]] = []
    for piece in pieces:
        if near and piece.start_s - near[-1][-1].end_s < min_pause_s:
            near[-1].append(piece)
        else:
            near.append([piece])
    words = []
    for group in near:
        strength = max(piece.strength for piece in group)
        length_s = sum(piece.end_s - piece.start_s for piece in group)
        if strength >= 1 and length_s >= min_word_s:
            joints_s = np.array([b.start_s - a.end_s for a, b in itertools.pairwise(group)])
            joined = expit((min_pause_s - joints_s) / PAUSE_SPREAD_S).prod()
            sure = float(expit(SURE * (strength - 1) + 1) * joined)
            words.append(Segment(group[0].start_s, group[-1].end_s, confidence=sure))
    return words


def pieces_of_segments(segments: Sequence[Segment]) -> list[Piece]:
    """Take segments that were cut before as pieces."""
    pieces, last_s = [], 0.0
    for s in segments:
        strength = 1 + float(logit(np.clip(s.confidence, 1e-3, 1 - 1e-3))) / SURE
        pieces.append(Piece(s.start_s, s.end_s, strength, max(s.start_s - last_s, 0)))
        last_s = s.end_s
    return pieces
