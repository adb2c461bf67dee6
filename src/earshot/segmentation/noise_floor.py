"""What a recording sounds like: its noise floor, band by band, and what stands out of it."""

import typing
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d

from earshot import audio
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel

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


class Sound(typing.NamedTuple):
    """What a recording sounds like, frame by frame."""

    score: np.ndarray  # how far the frame stands out of the noise, in dB, shape (frames,)
    edges: np.ndarray  # the same, less smooth
    quiet: float  # its level in the noise
    low: float
    high: float
    top: float
    frame_s: float
    duration_s: float


def learn(x, sample_rate):
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
    return Sound(score, edges, *_levels(score), frame_s, duration_s)


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
