"""The noise floor of a recording, learned band by band, and how far each frame stands above it.

>>> rng = np.random.default_rng(0)
>>> x = 0.001 * rng.standard_normal(24000)
>>> x[8000:12000] += 0.1 * rng.standard_normal(4000)
>>> heard = learn_noise_floor(x.astype(np.float32), 8000)
>>> bool(0.4 < np.count_nonzero(heard.score > heard.high) * heard.frame_s < 0.6)
True
"""

import functools
import itertools
import os
import typing

import numpy as np
from scipy.ndimage import uniform_filter1d

from earshot import audio
from earshot.features.log_mel import LogMel
from earshot.types import Array, Sound

__all__ = ["AboveNoise", "learn_noise_floor"]

# Chosen on streams of two speakers over white, pink and gusty noise; benchmarks/segmentation.py
# reports on the other speakers and noises.
# Framing: how the sound becomes levels of bands.
FRAME_S = 0.01  # step between frames: shorter than any sound of speech
WINDOW_S = 0.032  # length of the window of a frame: a few periods of the lowest voice
N_BANDS = 24  # mel bands: enough to tell a voice from hum and hiss
FMIN_HZ = 100.0  # below it lie hum and rumble
FMAX_HZ = 7000.0  # above it speech tells little
MARGIN = 2  # frames that a block borrows from the blocks before and after it
BLOCK_FRAMES = 3000  # frames whose levels are worked on at a time, to save memory
SMOOTH_FRAMES = 7  # frames over which levels are averaged
EDGE_FRAMES = 3  # the same where the ends of words are looked for
SCORE_FRAMES = 5  # frames over which the sum of the bands is averaged once more
# Floor: how loud the noise is.
THIN = 4  # floor and weights are learned from every fourth frame: neighbours are almost equal
RANGE_DB = 60.0  # a band counts at most this far above its floor, and the floor is never lower than
# this below the loudest level
FLOOR_FRAMES = 400  # the floor is a quantile of so many frames: 4 s, longer than a word
FLOOR_STEP = 50  # frames between two values of the floor
FLOOR_QUANTILE = 0.3  # share of the frames that are quieter than the floor
FLOOR_QUANTILE_SHORT = 0.15  # the same for a recording under 8 s, which one long word may fill
# Weights of the bands, and how the loudness of the speech is evened out.
MOST_FRAMES = 50_000  # weights are learned from at most this many frames of THIN: 33 minutes
N_ROUNDS = 3  # rounds of finding words and learning the bands' weights from them
FEWEST_FRAMES = 5  # frames of noise and of speech that weights can be learned from
LEAST_SPEECH_DB = 3.0  # speech counts as at least this far above the noise
GAINS = (0.5, 4.0)  # least and largest factor that evens out the loudness along a recording
# Thresholds: which frames are speech.
LOWEST_QUANTILE = 0.02  # share of the frames that are quieter than the lowest level of the noise
QUIET_QUANTILE = 0.2  # share of the frames that are quieter than the noise level
TOP_QUANTILE = 0.94  # of the frames above the noise, the share quieter than the speech level
LOW = 0.3  # threshold where a word ends, from the noise level (0) to the speech level (1)
HIGH = 0.4  # threshold that a word must reach, on the same scale
LOW_LEAST_DB = 2.0  # the threshold LOW is at least this far above the noise level
HIGH_LEAST_DB = 3.0  # the threshold HIGH is at least this far above the noise level
SPREADS = 4.0  # both are at least so many times the noise's spread above the noise level
LEAST_SPREAD_DB = 0.15  # the spread is the noise level less its lowest level, and at least this


class AboveNoise(typing.NamedTuple):
    """How far a recording stands above its noise floor, frame by frame."""

    score: Array  # how far it stands out, in dB, weighted over the bands, shape (frames,)
    edges: Array  # the same, less smooth
    quiet: float  # score in the noise
    low: float  # score where a word ends
    high: float  # score that a word must reach
    top: float  # score of loud speech
    frame_s: float
    duration_s: float
    name: str  # of the recording, for messages


def learn_noise_floor(recording: Sound, sample_rate: int | None) -> AboveNoise:
    """Learn floor, weights of the bands and thresholds; a waveform needs its rate in Hz."""
    bands, frame_s, duration_s = _band_levels(recording, sample_rate)
    slow = [block[::THIN].astype(np.float16) for _, block in _smoothed(bands, SMOOTH_FRAMES)]
    thinned = np.concatenate(slow)
    floor = _noise_floor(thinned)
    some = np.arange(0, len(thinned), 1 + len(thinned) // MOST_FRAMES)
    thinned, frames = thinned[some].astype(np.float32), some * THIN
    excess = np.clip(thinned - _between(floor, frames), 0, RANGE_DB)
    weights, gain = np.full(N_BANDS, 1 / N_BANDS, np.float32), np.ones(len(floor), np.float32)
    for _ in range(N_ROUNDS):
        score = excess @ weights * _between(gain, frames)
        _, low, high, _ = _levels(score)
        noise, speech = score < low, score > high
        if min(np.count_nonzero(noise), np.count_nonzero(speech)) < FEWEST_FRAMES:
            break
        # Fisher's linear discriminant, taken band by band:
        quiet, loud = excess[noise], excess[speech]
        apart = np.maximum(loud.mean(axis=0) - quiet.mean(axis=0), 1e-6)
        weights = apart / (quiet.var(axis=0) + loud.var(axis=0) / 2 + 3)
        weights = weights / weights.sum()
        out_db = np.maximum((thinned[speech].mean(axis=0) - floor) @ weights, LEAST_SPEECH_DB)
        gain = np.clip(np.median(out_db) / out_db, *GAINS)
    score = _smooth(_score(bands, floor, weights, gain, SMOOTH_FRAMES), SCORE_FRAMES)
    edges = _score(bands, floor, weights, gain, EDGE_FRAMES)
    name = str(recording) if isinstance(recording, str | os.PathLike) else "the recording"
    quiet, low, high, top = _levels(score)
    return AboveNoise(score, edges, quiet, low, high, top, frame_s, duration_s, name)


def _band_levels(recording, sample_rate):
    """Levels of the mel bands in dB, shape (frames, bands), float16; frame length and duration."""
    levels, n_samples, before, front_end = bytearray(), 0, None, None  # levels grow in place
    blocks = audio.blocks_of(recording, sample_rate)
    for (block, rate), following in itertools.pairwise(itertools.chain(blocks, [None])):
        front_end = front_end or LogMel(
            sample_rate=rate, n_fft=2 * round(WINDOW_S / 2 * rate),
            hop_length=round(FRAME_S * rate), n_mels=N_BANDS, fmin_hz=FMIN_HZ,
            fmax_hz=min(FMAX_HZ, rate / 2), n_samples=None,
        )  # fmt: skip
        size = MARGIN * front_end.hop_length
        if before is None:  # both ends of the recording are mirrored
            before = np.pad(block, (size, 0), mode="reflect" if len(block) > 1 else "edge")[:size]
        after = following[0][:size] if following else block[:0]
        chunk = np.concatenate([before, block, after])
        chunk = np.pad(chunk, (0, size - len(after)), mode="reflect")
        n_frames = -(-len(block) // front_end.hop_length)
        power = front_end.mel_power(chunk)[MARGIN : MARGIN + n_frames]
        levels += (10 * np.log10(power + 1e-12)).astype(np.float16).tobytes()
        n_samples, before = n_samples + len(block), block[-size:]
    bands = np.frombuffer(levels, np.float16).reshape(-1, N_BANDS)
    return bands, front_end.hop_length / front_end.sample_rate, n_samples / front_end.sample_rate


_smooth = functools.partial(uniform_filter1d, axis=0, mode="nearest")


def _smoothed(bands, n_frames):
    """Go through the levels in blocks, smoothed over time."""
    for i in range(0, len(bands), BLOCK_FRAMES):
        lead = min(i, n_frames)
        block = bands[i - lead : i + BLOCK_FRAMES + n_frames].astype(np.float32)
        yield i, _smooth(block, n_frames)[lead : lead + BLOCK_FRAMES]


def _noise_floor(thinned):
    """Level of the noise in dB, every FLOOR_STEP frames, shape (floors, bands).

    A low quantile over the frames before or after, whichever is higher: so a sudden change is
    followed at once. A short recording has one floor.
    """
    short = len(thinned) * THIN < 2 * FLOOR_FRAMES
    width = len(thinned) if short else FLOOR_FRAMES // THIN
    rank = round((FLOOR_QUANTILE_SHORT if short else FLOOR_QUANTILE) * (width - 1))
    n = 2 + len(thinned) * THIN // FLOOR_STEP
    starts = np.minimum(np.arange(n) * FLOOR_STEP // THIN, len(thinned) - width)
    after = np.stack([np.partition(thinned[i : i + width], rank, axis=0)[rank] for i in starts])
    before = after[np.maximum(np.arange(n) - FLOOR_FRAMES // FLOOR_STEP, 0)]
    return np.maximum(np.maximum(before, after), thinned.max() - RANGE_DB).astype(np.float32)


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
    lowest, quiet = np.quantile(score, [LOWEST_QUANTILE, QUIET_QUANTILE])
    loud = score[score > quiet + HIGH_LEAST_DB]
    top = np.quantile(loud, TOP_QUANTILE) if len(loud) else quiet
    spreads = quiet + SPREADS * max(quiet - lowest, LEAST_SPREAD_DB)
    low = max(spreads, quiet + LOW_LEAST_DB, quiet + LOW * (top - quiet))
    high = max(spreads, quiet + HIGH_LEAST_DB, quiet + HIGH * (top - quiet))
    return float(quiet), float(low), float(high), float(top)
