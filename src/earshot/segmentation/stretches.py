"""The stretch of a recording in which its word is said, whatever else is louder in it.

>>> from earshot import LogMel
>>> x = 0.01 * np.random.default_rng(0).standard_normal(24000)
>>> x[12000:16000] += np.sin(0.5 * np.arange(4000))  # half a second, from 1.5 s on
>>> x[400:440] += 9.0  # a knock
>>> found = word_stretch(x, LogMel())
>>> len(found), bool(np.std(found[2500:5500]) > 0.5)
(8000, True)
"""

import dataclasses

import numpy as np

from earshot.features.front_end import FrontEnd
from earshot.features.log_mel import LogMel
from earshot.types import Array

__all__ = ["AS_GOOD", "MOST_DB", "NOISE", "OUT_DB", "bands_of", "first_of_stretch", "word_stretch"]

NOISE = 0.2  # quantile of a band's levels that is its noise: a word leaves it that much of a clip
OUT_DB = 6.0  # above its noise, from which a band stands out of it: noise itself goes up and down
MOST_DB = 30.0  # that a band counts: a knock is louder than a word, and shorter
RANGE_DB = 60.0  # below the loudest point, which no microphone's silence is
AS_GOOD = 0.98  # share of the most that a stretch has, from which it holds the word as well


def word_stretch(x: Array, front_end: FrontEnd) -> Array:
    """Cut the ``n_samples`` of a longer waveform in which most stands out of the noise for longest.

    The loudest stretch may be a knock on the table, wind or a click. Here every band counts by how
    many dB it is above its own noise, up to ``MOST_DB``: speech fills many bands for long, knocks
    are short, and rumble is in few bands. A word that is shorter comes into the middle.
    """
    n = front_end.n_samples
    if n is None or len(x) <= n:
        return x
    bands = bands_of(front_end)
    db = bands(x)
    n_frames = max(n // bands.hop_length, 1)
    start = min(first_of_stretch(db, n_frames) * bands.hop_length, len(x) - n)
    return x[start : start + n]


def bands_of(front_end: FrontEnd) -> LogMel:
    """Give what a stretch is found by: log-mels as a front end has them, of any length."""
    made = front_end if isinstance(front_end, LogMel) else LogMel(sample_rate=front_end.sample_rate)
    return dataclasses.replace(made, n_samples=None, top_db=RANGE_DB, bits=None)


def first_of_stretch(db: Array, n_frames: int) -> int:
    """Say where a stretch of ``n_frames`` with the word begins, in dB of shape (frames, n_mels)."""
    out = np.clip(db - np.quantile(db, NOISE, axis=0) - OUT_DB, 0, MOST_DB).sum(axis=1)
    total = np.convolve(out, np.ones(n_frames), "valid")
    near = np.abs(np.arange(len(total)) - total.argmax()) < n_frames
    return int(np.flatnonzero((total >= AS_GOOD * total.max()) & near).mean())
