"""The noise floor of a recording, learned band by band, and how far its frames stand above it.

>>> rng = np.random.default_rng(0)
>>> x = 0.001 * rng.standard_normal(24000)
>>> x[8000:12000] += 0.1 * rng.standard_normal(4000)
>>> above_db = learn_noise_floor(x.astype(np.float32), 8000).above_db(0, 300)
>>> bool(above_db[110:140, :16].min() > 10)
True
"""

import functools
import itertools
import os
import typing

import numpy as np
from scipy.ndimage import uniform_filter1d

from earshot import audio
from earshot.features.mel import mel_filter_bank
from earshot.features.short_time import power_blocks
from earshot.types import Array, Sound

__all__ = ["N_BANDS", "AboveNoise", "learn_noise_floor"]

# The network of segmentation/speech.py was trained with these values: new ones need a new one.
# Framing: how the sound becomes levels of bands.
FRAME_S = 0.01  # step between frames: shorter than any sound of speech
WINDOW_S = 0.032  # length of the window of a frame: a few periods of the lowest voice
N_BANDS = 24  # mel bands: enough to tell a voice from hum and hiss
FMIN_HZ = 100.0  # below it lie hum and rumble
FMAX_HZ = 7000.0  # above it speech tells little; bands above half the sample rate are silent
MARGIN = 2  # frames that a block borrows from the blocks before and after it
GROUP = 12  # bands that are computed together: larger products are spread over threads, and slower
# Floor: how loud the noise is.
SMOOTH_FRAMES = 7  # frames over which the levels that it is learned from are averaged
BLOCK_FRAMES = 3000  # of them are averaged at a time, to save memory
THIN = 4  # it is learned from every fourth frame: neighbours are almost equal
RANGE_DB = 60.0  # the floor is never lower than this below the loudest level
FLOOR_FRAMES = 400  # the floor is a quantile of so many frames: 4 s, longer than a word
FLOOR_STEP = 50  # frames between two values of the floor
FLOOR_QUANTILE = 0.3  # share of the frames that are quieter than the floor
FLOOR_QUANTILE_SHORT = 0.15  # the same for a recording under 8 s, which one long word may fill


class AboveNoise(typing.NamedTuple):
    """Levels of a recording and of its noise."""

    bands: Array  # levels of the mel bands in dB, float16 of shape (frames, N_BANDS)
    floor: Array  # levels of the noise every FLOOR_STEP frames, shape (floors, N_BANDS)
    frame_s: float
    duration_s: float
    name: str  # of the recording, for messages

    def above_db(self, first: int, last: int) -> Array:
        """Say how far frames stand above the floor, in dB, shape (last - first, N_BANDS)."""
        block = self.bands[first:last].astype(np.float32)
        return block - _between(self.floor, np.arange(first, first + len(block)))


def learn_noise_floor(recording: Sound, sample_rate: int | None) -> AboveNoise:
    """Learn the floor of a recording; a waveform needs its rate in Hz."""
    bands, frame_s, duration_s = _band_levels(recording, sample_rate)
    name = str(recording) if isinstance(recording, str | os.PathLike) else "the recording"
    return AboveNoise(bands, _noise_floor(_thinned(bands)), frame_s, duration_s, name)


def _band_levels(recording, sample_rate):
    """Levels of the mel bands in dB, shape (frames, bands), float16; frame length and duration."""
    levels, n_samples, before, rate = bytearray(), 0, None, 1  # levels grow in place
    blocks = audio.blocks_of(recording, sample_rate)
    for (block, rate), following in itertools.pairwise(itertools.chain(blocks, [None])):
        hop = round(FRAME_S * rate)
        size = MARGIN * hop
        if before is None:  # both ends of the recording are mirrored
            before = np.pad(block, (size, 0), mode="reflect" if len(block) > 1 else "edge")[:size]
        after = following[0][:size] if following else block[:0]
        chunk = np.concatenate([before, block, after])
        chunk = np.pad(chunk, (0, size - len(after)), mode="reflect")
        power = _mel_power(chunk, rate, hop)[MARGIN : MARGIN - (-len(block) // hop)]
        levels += (10 * np.log10(power + 1e-12)).astype(np.float16).tobytes()
        n_samples, before = n_samples + len(block), block[-size:]
    bands = np.frombuffer(levels, np.float16).reshape(-1, N_BANDS)
    return bands, round(FRAME_S * rate) / rate, n_samples / rate


def _mel_power(x, rate, hop):
    """Power of the bands, which are the same at every rate."""
    n_fft = 2 * round(WINDOW_S / 2 * rate)
    bank = _filters(rate, n_fft)
    rows = [[power @ part for part in bank] for power in power_blocks(x[None], n_fft, hop)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


@functools.lru_cache(maxsize=8)
def _filters(rate, n_fft):
    bank = mel_filter_bank(rate, n_fft, N_BANDS, FMIN_HZ, FMAX_HZ)
    return [np.ascontiguousarray(bank[:, i : i + GROUP]) for i in range(0, N_BANDS, GROUP)]


def _thinned(bands):
    """Every fourth frame of the levels, smoothed over time, block by block."""
    parts = []
    for i in range(0, len(bands), BLOCK_FRAMES):
        lead = min(i, SMOOTH_FRAMES)
        block = bands[i - lead : i + BLOCK_FRAMES + SMOOTH_FRAMES].astype(np.float32)
        smooth = uniform_filter1d(block, SMOOTH_FRAMES, axis=0, mode="nearest")
        parts.append(smooth[lead : lead + BLOCK_FRAMES : THIN].astype(np.float16))
    return np.concatenate(parts)


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
    left, part = left.astype(int), part[:, None]
    return values[left] * (1 - part) + values[left + 1] * part
