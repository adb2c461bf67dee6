"""What stands out of the noise, in pieces; words are made of one or more.

>>> near = [Piece(0.5, 0.7, 2.0, 0.5, 0.2), Piece(0.75, 0.9, 2.0, 0.05, 0.1)]
>>> [(word.start_s, word.end_s) for word in groups_by_pause(near, min_word_s=0.08)]
[(0.5, 0.9)]
"""

import dataclasses
import itertools
import typing
from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from earshot.segmentation.noise_floor import AboveNoise
from earshot.segmentation.segments import Segment

__all__ = ["Piece", "find_pieces", "groups_by_pause", "pieces_of_segments", "refined"]

MIN_PAUSE_S = 0.15  # pause between two words: shorter ones are within words, before a "t" or a "k"
PAUSE_SPREAD_S = 0.03  # how sharp that border is
SURE = 4.0  # how fast plausibility falls with strength
VALLEYS = (0.6, 0.8, 1.0)  # a piece may be divided where it falls to such a part; tried in turn
LOUD_FRAMES = 8  # a piece is as strong as the mean of so many of its loudest frames
WEAKEST = 0.4  # strength of a word at least, as part of the recording's typical word
EDGE = 0.06  # a word ends where the score is this part of the way from its pause to speech,
EDGE_LEAST_DB = 1.0  # ... but at least so far above its pause
EDGE_REACH = 100  # frames beside a word that show how quiet its pause is
EDGE_QUANTILE = 0.3  # share of them that is quieter than the pause
EDGE_FRAMES = 15  # a word grows by so many frames at most
EDGE_GAP = 4  # a break of so many frames ends a word for good
CLEAN_DB = 25.0  # speech so far above the noise needs no room around it
ROOM_S_PER_DB = 0.003  # for each dB less, room after a word for its soft end; before it, half of it


class Piece(typing.NamedTuple):
    """What stands out of the noise without a break; words are made of one or more."""

    start_s: float
    end_s: float
    strength: float  # 1 is the level that makes a word
    gap_s: float  # pause before it
    core_s: float  # how long it is loud: a click is short, however long it rings on


def find_pieces(sound: AboveNoise, valley: float = 0.0) -> list[Piece]:
    """Find what stands out of the noise, divided where it falls below ``valley`` of its peaks."""
    pieces, last = [], 0
    borders = np.diff(sound.score > sound.low, prepend=False, append=False)
    for start, end in np.flatnonzero(borders).reshape(-1, 2):
        score = (sound.score[start:end] - sound.quiet) / (sound.high - sound.quiet)
        cuts, gaps_s = _valleys(score, valley)
        gaps_s = [(start - last) * sound.frame_s, *gaps_s]
        for (i, j), gap_s in zip(itertools.pairwise([0, *cuts, end - start]), gaps_s, strict=True):
            strength = float(np.sort(score[i:j])[-LOUD_FRAMES:].mean())
            begin_s, end_s = (start + i) * sound.frame_s, (start + j) * sound.frame_s
            loud = sound.edges[start + i : start + j]
            core_s = np.count_nonzero(loud > loud.max() / 2) * sound.frame_s
            pieces.append(Piece(begin_s, min(end_s, sound.duration_s), strength, gap_s, core_s))
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
    """Join what is near together, drop what is short or weak."""
    near: list[list[Piece]] = []
    for piece in (piece for piece in pieces if piece.strength >= 1):
        if near and piece.start_s - near[-1][-1].end_s < min_pause_s:
            near[-1].append(piece)
        else:
            near.append([piece])
    near = [group for group in near if sum(piece.core_s for piece in group) >= min_word_s]
    strengths = [max(piece.strength for piece in group) for group in near]
    least = max(1.0, WEAKEST * float(np.median(strengths))) if near else 1.0
    words = []
    for group, strength in zip(near, strengths, strict=True):
        if strength >= least:
            joints_s = np.array([b.start_s - a.end_s for a, b in itertools.pairwise(group)])
            joined = expit((min_pause_s - joints_s) / PAUSE_SPREAD_S).prod()
            sure = float(expit(SURE * (strength / least - 1) + 1) * joined)
            words.append(Segment(group[0].start_s, group[-1].end_s, confidence=sure))
    return words


def pieces_of_segments(segments: Sequence[Segment]) -> list[Piece]:
    """Take segments that were cut before as pieces."""
    pieces, last_s = [], 0.0
    for s in segments:
        strength = 1 + float(logit(np.clip(s.confidence, 1e-3, 1 - 1e-3))) / SURE
        pieces.append(Piece(s.start_s, s.end_s, strength, max(s.start_s - last_s, 0), s.duration_s))
        last_s = s.end_s
    return pieces


def refined(groups: Sequence[Segment], sound: AboveNoise) -> list[Segment]:
    """Move the borders to where the sound really ends, at most to the middle of the pause."""
    starts = [*(round(group.start_s / sound.frame_s) for group in groups), len(sound.edges)]
    ends = [0, *(round(group.end_s / sound.frame_s) for group in groups)]
    between_s = [(a.end_s + b.start_s) / 2 for a, b in itertools.pairwise(groups)]
    limits_s = [0.0, *between_s, sound.duration_s]
    room_s = ROOM_S_PER_DB * max(0.0, CLEAN_DB - (sound.top - sound.quiet))
    level = max(EDGE_LEAST_DB, EDGE * (sound.top - sound.quiet))
    segments = []
    for i, group in enumerate(groups):
        before = sound.edges[ends[i] : starts[i]][-EDGE_REACH:]
        after = sound.edges[ends[i + 1] : starts[i + 1]][:EDGE_REACH]
        start_s = group.start_s - _fading(before[::-1], level) * sound.frame_s - room_s / 2
        end_s = group.end_s + _fading(after, level) * sound.frame_s + room_s
        start_s = round(float(max(start_s, limits_s[i])), 4)
        end_s = round(float(min(end_s, limits_s[i + 1])), 4)
        segments.append(dataclasses.replace(group, start_s=start_s, end_s=end_s))
    return segments


def _fading(gap, level):
    """Count the frames next to a word that are louder than its pause, small breaks included."""
    if len(gap) < EDGE_GAP:
        return len(gap)
    rank = int(len(gap) * EDGE_QUANTILE)
    loud = np.flatnonzero(gap[:EDGE_FRAMES] > np.partition(gap, rank)[rank] + level)
    breaks = np.flatnonzero(np.diff(loud, prepend=-1) > EDGE_GAP)
    loud = loud[: breaks[0]] if len(breaks) else loud
    return min(int(loud[-1]) + 1, len(gap) // 2) if len(loud) else 0
