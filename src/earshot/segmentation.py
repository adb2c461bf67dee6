"""A long recording to word segments, and segments to the words that were said.

Nothing is set by hand: the noise floor of every frequency band, the bands in which this voice
stands out of this room, and the level that makes a word are learned from the recording itself.
"""

import dataclasses
import itertools
import typing
import warnings
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d

from earshot import audio
from earshot.errors import EarshotError, EarshotWarning
from earshot.spectrogram import LogMel

__all__ = ["Segment", "align_words", "split_words"]

FRAME_S = 0.01
BLOCK_FRAMES = 3000
"""Frames that are worked on at a time: 30 s of sound."""
MARGIN = 2
"""Frames of its neighbours that a block needs."""
RANGE_DB = 60.0
"""A band stands out by no more than this, and what lies this far below the loudest is nothing."""

# Chosen on streams of two speakers over white, pink and gusty noise; benchmarks/segmentation.py
# reports on the other speakers and noises.
N_BANDS, FMIN_HZ, FMAX_HZ = 24, 100.0, 7000.0
SMOOTH_FRAMES = 7
THIN, ENOUGH = 4, 50_000  # learn from every fourth frame, and from so many at most
FLOOR_FRAMES, FLOOR_STEP = 400, 50
FLOOR_QUANTILE, FLOOR_QUANTILE_SHORT = 0.3, 0.15
N_ROUNDS = 3
TOP_QUANTILE = 0.94  # of the frames that stand out
LOW, HIGH = 0.3, 0.4  # between the level of the noise and that of the speech
LOW_LEAST_DB, HIGH_LEAST_DB = 2.0, 3.0
SPREADS = 4.0  # at least so many spreads of the noise above it
WEAKEST = 0.4  # of the recording's typical word
EDGE, EDGE_LEAST_DB, EDGE_FRAMES, EDGE_GAP = 0.06, 1.0, 15, 4
CLEAN_DB, PAD_NOISY = 25.0, 0.003

MIN_PAUSE_S = 0.15
LOUD_FRAMES = 8  # a piece is as strong as its loudest ones
VALLEYS = (0.6, 0.8, 1.0)
SURE = 4.0  # how fast plausibility falls with strength
PAUSE_SPREAD_S = 0.03  # and around the shortest pause
MOST_PIECES = 6  # that make one word
LEFT_OUT = 6.0  # cost of a word that was not said


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
    sound = _listen(x, sample_rate)
    if n_words is None:
        groups = _groups_by_pause(_pieces(sound), min_word_s, min_pause_s)
    else:
        for shallowest in VALLEYS:
            pieces = _pieces(sound, shallowest)
            if len(pieces) >= n_words:
                break
        groups = _assign(pieces, [""] * int(n_words), min_pause_s)
        if not groups:
            raise EarshotError(
                f"Only {len(pieces)} places in {_name(x)} could be words, and n_words is "
                f"{n_words}: count again, or record it again, nearer to the microphone."
            )
    return _refined(groups, sound)


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
        sound, pieces = None, _pieces_of_segments(recording)
    else:
        sound = _listen(recording, sample_rate)
        pieces = _pieces(sound, VALLEYS[0])
    groups = _assign(pieces, words, onsets_s=onsets_s, may_leave_out=True)
    if not groups:
        raise EarshotError(
            f"Nothing in {_name(recording)} stands out of the noise, and {len(words)} words should "
            "be there: listen to it; was the microphone muted?"
        )
    found = {group.word for group in groups}
    left_out = [word for i, word in enumerate(words) if i not in found]
    if left_out:
        warnings.warn(
            f"{len(left_out)} of {len(words)} words were not found in {_name(recording)}: "
            f"{', '.join(left_out[:20])}{' ...' if len(left_out) > 20 else ''}. Listen to it and "
            "correct the cut by hand.",
            EarshotWarning,
            stacklevel=2,
        )
    segments = _refined(groups, sound) if sound else [Segment(*group[:2]) for group in groups]
    return [
        (words[g.word], dataclasses.replace(s, word=words[g.word], confidence=g.confidence))
        for g, s in zip(groups, segments, strict=True)
    ]


class _Sound(typing.NamedTuple):
    """What a recording sounds like, frame by frame."""

    score: np.ndarray  # how far the frame stands out of the noise, in dB, shape (frames,)
    edges: np.ndarray  # the same, less smooth
    quiet: float  # its level in the noise
    low: float
    high: float
    top: float
    frame_s: float
    duration_s: float


class _Piece(typing.NamedTuple):
    """What stands out of the noise without a break; words are made of one or more."""

    start_s: float
    end_s: float
    strength: float  # 1 is the level that makes a word
    gap_s: float  # pause before it
    core_s: float  # how long it is loud: a click is short, however long it rings on


class _Group(typing.NamedTuple):
    """One word: where it is, how sure that is, and its place in the list of words."""

    start_s: float
    end_s: float
    confidence: float
    word: int = -1


def _name(recording):
    return str(recording) if isinstance(recording, str | Path) else "the recording"


# From sound to pieces


def _listen(x, sample_rate):
    """Learn noise floor, weights of the bands and thresholds from a recording."""
    bands, frame_s, duration_s = _band_levels(x, sample_rate)
    slow = (block[::THIN].astype(np.float16) for _, block in _smoothed(bands, SMOOTH_FRAMES))
    thinned = np.concatenate(list(slow))
    floor = _noise_floor(thinned)
    some = np.arange(0, len(thinned), 1 + len(thinned) // ENOUGH)
    thinned, frames = thinned[some].astype(np.float32), some * THIN
    excess = np.clip(thinned - _between(floor, frames), 0, RANGE_DB)
    weights, gain = np.full(N_BANDS, 1 / N_BANDS, np.float32), np.ones(len(floor), np.float32)
    for _ in range(N_ROUNDS):
        score = excess @ weights * _between(gain, frames)
        _, low, high, _ = _levels(score)
        noise, speech = score < low, score > high
        if min(np.count_nonzero(noise), np.count_nonzero(speech)) < 5:
            break
        weights = _discriminant(excess[noise], excess[speech])
        stands_out = np.maximum((thinned[speech].mean(axis=0) - floor) @ weights, 3)
        gain = np.clip(np.median(stands_out) / stands_out, 0.5, 4)
    score = _smooth(_score(bands, floor, weights, gain, SMOOTH_FRAMES), 5)
    edges = _score(bands, floor, weights, gain, 3)
    return _Sound(score, edges, *_levels(score), frame_s, duration_s)


def _band_levels(x, sample_rate):
    """Levels of the mel bands in dB, shape (frames, bands), float16; frame length and duration."""
    if isinstance(x, str | Path):
        blocks = audio.blocks(x, BLOCK_FRAMES * FRAME_S)
    elif sample_rate is None:
        raise EarshotError("split_words needs the sample_rate (Hz) of the waveform.")
    else:
        blocks = _blocks(audio.validate(x), audio.whole_rate(sample_rate))
    levels, n_samples = bytearray(), 0  # grows in place
    for front_end, chunk, n in _with_margins(blocks):
        n_frames = -(-n // front_end.hop_length)
        power = front_end.mel_power(chunk)[MARGIN : MARGIN + n_frames]
        levels += (10 * np.log10(power + 1e-12)).astype(np.float16).tobytes()
        n_samples += n
    rate = front_end.sample_rate
    bands = np.frombuffer(levels, np.float16).reshape(-1, N_BANDS)
    return bands, front_end.hop_length / rate, n_samples / rate


def _blocks(x, sample_rate):
    size = round(BLOCK_FRAMES * FRAME_S * sample_rate)
    for i in range(0, len(x), size):
        yield x[i : i + size], sample_rate


def _with_margins(blocks):
    """Give each block with some samples of its neighbours; the recording's ends are mirrored.

    Yields
    ------
    front_end : LogMel
    chunk : ndarray of float32
        MARGIN frames, the block, and MARGIN frames or a little more.
    n : int
        Samples of the block.
    """
    before = waiting = front_end = None
    for block, rate in blocks:
        if waiting is None:
            front_end = LogMel(
                sample_rate=rate, n_fft=2 * round(0.016 * rate), hop_length=round(FRAME_S * rate),
                n_mels=N_BANDS, fmin_hz=FMIN_HZ, fmax_hz=min(FMAX_HZ, rate / 2), n_samples=None,
            )  # fmt: skip
            size = MARGIN * front_end.hop_length
            before = np.pad(block, (size, 0), mode="reflect" if len(block) > 1 else "edge")[:size]
        else:
            yield front_end, _chunk(before, waiting, block[:size], size), len(waiting)
            before = waiting[-size:]
        waiting = block
    yield front_end, _chunk(before, waiting, waiting[:0], size), len(waiting)


def _chunk(before, block, after, size):
    chunk = np.concatenate([before, block, after])
    return np.pad(chunk, (0, size - len(after)), mode="reflect")


def _smooth(x, n_frames):
    return uniform_filter1d(x, n_frames, axis=0, mode="nearest")


def _smoothed(bands, n_frames):
    """Go through the levels in blocks, smoothed over time."""
    for i in range(0, len(bands), BLOCK_FRAMES):
        lead = min(i, n_frames)
        block = bands[i - lead : i + BLOCK_FRAMES + n_frames].astype(np.float32)
        yield i, _smooth(block, n_frames)[lead : lead + BLOCK_FRAMES]


def _noise_floor(thinned):
    """Level of the noise in each band, in dB, every FLOOR_STEP frames, shape (floors, bands).

    A low quantile over the frames before or after, whichever is higher: so a room that becomes
    louder or quieter at once is followed at once. A short recording has one floor, and may be
    filled by one long word.
    """
    short = len(thinned) * THIN < 2 * FLOOR_FRAMES
    width = len(thinned) if short else FLOOR_FRAMES // THIN
    rank = round((FLOOR_QUANTILE_SHORT if short else FLOOR_QUANTILE) * (width - 1))
    n = 2 + len(thinned) * THIN // FLOOR_STEP
    starts = np.minimum(np.arange(n) * FLOOR_STEP // THIN, len(thinned) - width)
    after = np.empty((n, N_BANDS), np.float32)
    for k, i in enumerate(starts):
        after[k] = np.partition(thinned[i : i + width], rank, axis=0)[rank]
    before = after[np.maximum(np.arange(n) - FLOOR_FRAMES // FLOOR_STEP, 0)]
    return np.maximum(np.maximum(before, after), thinned.max() - RANGE_DB)


def _between(values, frames):
    """Interpolate what is known every FLOOR_STEP frames."""
    left, part = np.divmod((frames / FLOOR_STEP).astype(np.float32), 1)
    left, part = left.astype(int), part.reshape(-1, *[1] * (values.ndim - 1))
    return values[left] * (1 - part) + values[left + 1] * part


def _score(bands, floor, weights, gain, n_smooth):
    """Weighted sum of what the bands have above their floors, in dB, shape (frames,)."""
    score = np.empty(len(bands), np.float32)
    for i, block in _smoothed(bands, n_smooth):
        frames = np.arange(i, i + len(block))
        excess = np.clip(block - _between(floor, frames), 0, RANGE_DB)
        score[i : i + len(block)] = excess @ weights * _between(gain, frames)
    return score


def _levels(score):
    """Levels of the noise, of the two thresholds and of the speech."""
    lowest, quiet = np.quantile(score, [0.02, 0.2])
    loud = score[score > quiet + HIGH_LEAST_DB]
    top = np.quantile(loud, TOP_QUANTILE) if len(loud) else quiet
    spreads = quiet + SPREADS * max(quiet - lowest, 0.15)
    low = max(spreads, quiet + LOW_LEAST_DB, quiet + LOW * (top - quiet))
    high = max(spreads, quiet + HIGH_LEAST_DB, quiet + HIGH * (top - quiet))
    return float(quiet), float(low), float(high), float(top)


def _discriminant(noise, speech):
    """Weigh the bands by how well they tell speech from noise, each of shape (frames, bands)."""
    apart = np.maximum(speech.mean(axis=0) - noise.mean(axis=0), 1e-6)
    weights = apart / (noise.var(axis=0) + speech.var(axis=0) / 2 + 3)
    return weights / weights.sum()


def _pieces(sound, valley=0.0):
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
            pieces.append(_Piece(begin_s, min(end_s, sound.duration_s), strength, gap_s, core_s))
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


# From pieces to words


def _groups_by_pause(pieces, min_word_s, min_pause_s):
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
            sure = _logistic(SURE * (strength / least - 1) + 1)
            for gap_s in joints:
                sure *= _logistic((min_pause_s - gap_s) / PAUSE_SPREAD_S)
            result.append(_Group(group[0].start_s, group[-1].end_s, float(sure)))
    return result


def _pieces_of_segments(segments):
    ends_s = [0.0, *(segment.end_s for segment in segments)]
    return [
        _Piece(s.start_s, s.end_s, _strength(s), max(s.start_s - end_s, 0.0), s.duration_s)
        for s, end_s in zip(segments, ends_s, strict=False)
    ]


def _assign(pieces, words, min_pause_s=MIN_PAUSE_S, onsets_s=None, may_leave_out=False):
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
            sure = min(share, 1.0) * _logistic(SURE * (strength - 1) + 1)
            groups.append(_Group(pieces[i].start_s, pieces[i + taken - 1].end_s, float(sure), j))
        i += {0: 1, -1: 0}.get(taken, taken)
        j += taken != 0
    return groups


def _steps(pieces, words, min_pause_s, onsets_s):
    """Costs of passing over each piece, and of making a word of it and the following ones."""
    lengths_s = [end_s - start_s for start_s, end_s, *_ in _groups_by_pause(pieces, 0, min_pause_s)]
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


def _logistic(x):
    return 1 / (1 + np.exp(-np.clip(x, -50, 50)))


def _strength(segment):
    p = np.clip(segment.confidence, 1e-3, 1 - 1e-3)
    return 1 + float(np.log(p / (1 - p))) / SURE


def _softplus(x):
    return np.logaddexp(0, x)


# From words to segments


def _refined(groups, sound):
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
