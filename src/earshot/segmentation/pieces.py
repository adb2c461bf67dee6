"""What stands out of the noise, in pieces; words are made of one or more."""

import itertools
import typing
from pathlib import Path

import numpy as np

from earshot.segmentation.segments import Segment

WEAKEST = 0.4  # of the recording's typical word
EDGE, EDGE_LEAST_DB, EDGE_FRAMES, EDGE_GAP = 0.06, 1.0, 15, 4
CLEAN_DB, PAD_NOISY = 25.0, 0.003
MIN_PAUSE_S = 0.15
LOUD_FRAMES = 8  # a piece is as strong as its loudest ones
VALLEYS = (0.6, 0.8, 1.0)
SURE = 4.0  # how fast plausibility falls with strength
PAUSE_SPREAD_S = 0.03  # and around the shortest pause


class Piece(typing.NamedTuple):
    """What stands out of the noise without a break; words are made of one or more."""

    start_s: float
    end_s: float
    strength: float  # 1 is the level that makes a word
    gap_s: float  # pause before it
    core_s: float  # how long it is loud: a click is short, however long it rings on


class Group(typing.NamedTuple):
    """One word: where it is, how sure that is, and its place in the list of words."""

    start_s: float
    end_s: float
    confidence: float
    word: int = -1


def name_of(recording):
    return str(recording) if isinstance(recording, str | Path) else "the recording"


def find_pieces(sound, valley=0.0):
    """Find what stands out of the noise, divided where it falls below ``valley`` of its peaks."""
    pieces, last = [], 0
    for start, end in _runs(sound.score > sound.low):
        score = (sound.score[start:end] - sound.quiet) / (sound.high - sound.quiet)
        cuts, gaps_s = _valleys(score, valley) if valley else ([], [])
        edges = [0, *cuts, end - start]
        gaps_s = [(start - last) * sound.frame_s, *gaps_s]
        for (i, j), gap_s in zip(itertools.pairwise(edges), gaps_s, strict=True):
            strength = float(np.sort(score[i:j])[-LOUD_FRAMES:].mean())
            begin_s, end_s = (start + i) * sound.frame_s, (start + j) * sound.frame_s
            loud = sound.edges[start + i : start + j]
            core_s = np.count_nonzero(loud > loud.max() / 2) * sound.frame_s
            pieces.append(Piece(begin_s, min(end_s, sound.duration_s), strength, gap_s, core_s))
        last = end
    return pieces


def _runs(on):
    """First and one-past-last indices of the runs of True, shape (runs, 2)."""
    return np.flatnonzero(np.diff(on, prepend=False, append=False)).reshape(-1, 2)


def _valleys(score, most):
    """Find where a run falls to a part of the peaks around it, and how long a pause that equals."""
    cuts, gaps_s, begin = [], [], 0
    lowest = np.flatnonzero((score[1:-1] < score[:-2]) & (score[1:-1] <= score[2:])) + 1
    for i in lowest:
        part = score[i] / max(min(score[begin:i].max(), score[i:].max()), 1e-9)
        if part < most:
            cuts.append(int(i))
            gaps_s.append(MIN_PAUSE_S * (1 - part) / 2)
            begin = i
    return cuts, gaps_s


def groups_by_pause(pieces, min_word_s, min_pause_s):
    """Join what is near together, drop what is short or weak."""
    if not pieces:
        return []
    groups = []
    for piece in pieces:
        if piece.strength < 1:
            continue
        if groups and piece.start_s - groups[-1][-1].end_s < min_pause_s:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    groups = [g for g in groups if sum(piece.core_s for piece in g) >= min_word_s]
    strengths = np.array([max(piece.strength for piece in g) for g in groups])
    least = max(1.0, WEAKEST * np.median(strengths)) if groups else 1.0
    result = []
    for group, strength in zip(groups, strengths, strict=True):
        if strength >= least:
            joints = [b.start_s - a.end_s for a, b in itertools.pairwise(group)]
            sure = logistic(SURE * (strength / least - 1) + 1)
            for gap_s in joints:
                sure *= logistic((min_pause_s - gap_s) / PAUSE_SPREAD_S)
            result.append(Group(group[0].start_s, group[-1].end_s, float(sure)))
    return result


def pieces_of_segments(segments):
    ends_s = [0.0, *(segment.end_s for segment in segments)]
    return [
        Piece(s.start_s, s.end_s, _strength(s), max(s.start_s - end_s, 0.0), s.duration_s)
        for s, end_s in zip(segments, ends_s, strict=False)
    ]


def logistic(x):
    return 1 / (1 + np.exp(-np.clip(x, -50, 50)))


def _strength(segment):
    p = np.clip(segment.confidence, 1e-3, 1 - 1e-3)
    return 1 + float(np.log(p / (1 - p))) / SURE


def refined(groups, sound):
    """Move the borders to where the sound really ends, with some room when noise covers that.

    A word keeps away from the middle of the pause to its neighbour.
    """
    if not groups:
        return []
    starts = [round(group.start_s / sound.frame_s) for group in groups]
    ends = [round(group.end_s / sound.frame_s) for group in groups]
    room_s = PAD_NOISY * max(0.0, CLEAN_DB - (sound.top - sound.quiet))
    level = max(EDGE_LEAST_DB, EDGE * (sound.top - sound.quiet))
    segments = []
    for i, group in enumerate(groups):
        before = sound.edges[max(ends[i - 1] if i else 0, starts[i] - 100) : starts[i]]
        after = sound.edges[ends[i] : min([*starts[i + 1 : i + 2], ends[i] + 100])]
        start_s = group.start_s - _fading(before[::-1], level) * sound.frame_s - room_s / 2
        end_s = group.end_s + _fading(after, level) * sound.frame_s + room_s
        earliest_s = (groups[i - 1].end_s + group.start_s) / 2 if i else 0.0
        last = i + 1 == len(groups)
        latest_s = sound.duration_s if last else (group.end_s + groups[i + 1].start_s) / 2
        start_s, end_s = max(start_s, earliest_s), min(end_s, latest_s)
        borders_s = (round(float(t), 4) for t in (start_s, end_s))
        segments.append(Segment(*borders_s, confidence=group.confidence))
    return segments


def _fading(gap, level):
    """Count the frames next to a word that are louder than its pause, small breaks included."""
    if len(gap) < 4:
        return len(gap)
    quiet = np.partition(gap, len(gap) * 3 // 10)[len(gap) * 3 // 10]
    loud = np.flatnonzero(gap[:EDGE_FRAMES] > quiet + level)
    breaks = np.flatnonzero(np.diff(loud, prepend=-1) > EDGE_GAP)
    loud = loud[: breaks[0]] if len(breaks) else loud
    return min(int(loud[-1]) + 1, len(gap) // 2) if len(loud) else 0
