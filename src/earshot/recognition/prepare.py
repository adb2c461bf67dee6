"""Steps 1 to 4 of :meth:`Recognizer.predict`: what is done to a sound before the front end gets it.

:func:`checked_clip` reads, checks and resamples it; :func:`loudest_stretch` cuts what is longer
than the front end's window. What is shorter, the front end pads.

>>> word = checked_clip(np.sin(0.1 * np.arange(66150)), 44100, to_rate=8000)  # a second and a half
>>> len(word), len(loudest_stretch(word, 8000))
(12000, 8000)
"""

import dataclasses
import os
from typing import Any

import numpy as np

from earshot import audio
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel, check_log_mel
from earshot.types import Array, PathLike

__all__ = ["checked_clip", "loudest_stretch", "spectrogram_of_window"]

LONGEST_S = 4.0  # a longer recording is not one word
SHORTEST_S = 0.03  # a shorter recording is not a word
SILENCE = 2e-4  # Peak-to-peak amplitude below this (about 6 steps of 16 bits) counts as silence.


def checked_clip(
    sound: PathLike | Array, sample_rate: int, *, to_rate: int, name: str = "the waveform"
) -> Array:
    """Read, check and resample a file or a waveform at ``sample_rate`` (in Hz); gives float32.

    Raises :class:`EarshotError` when a file cannot be read, or a recording is too short, silent, or
    too long for a word; ``name`` is what it calls a waveform.
    """
    if isinstance(sound, str | os.PathLike):
        name, (x, rate) = str(sound), audio.read(sound)
    else:
        x, rate = audio.validate(sound), audio.whole_rate(sample_rate)
    duration_s = len(x) / rate
    if duration_s > LONGEST_S:
        most = f"and a word takes {LONGEST_S:g} s at most: cut it into words first."
        raise EarshotError(f"{name} is {duration_s:.1f} s long, {most}")
    if duration_s < SHORTEST_S:
        length = f"{duration_s * 1000:.3g} ms long ({len(x)} samples)"
        raise EarshotError(f"{name} is only {length}: record the whole word.")
    if np.ptp(x) < SILENCE:
        raise EarshotError(f"{name} is silent: is the microphone muted?")
    return audio.resample(x, rate, to_rate)


def loudest_stretch(x: Array, n_samples: int | None) -> Array:
    """Cut the stretch of ``n_samples`` with the most energy out of a longer waveform."""
    return _loudest(x, np.square(x, dtype=np.float64), n_samples)


def _loudest(rows: Array, energy: Array, n: int | None) -> Array:
    if n is None or len(rows) <= n:
        return rows
    total = np.concatenate([[0.0], np.cumsum(energy)])
    start = int(np.argmax(total[n:] - total[:-n]))
    return rows[start : start + n]


def spectrogram_of_window(
    spectrogram: Array, front_end: LogMel, wanted: LogMel | None
) -> Array | None:
    """Bring a log-mel spectrogram, shape (frames, n_mels), to the shape that ``wanted`` makes.

    Without sound, that can be done where bands, hops and rates are the same; else None is given.
    """
    db = check_log_mel(spectrogram, front_end)
    if db.ndim != 2:
        raise EarshotError(f"One spectrogram is recognized at a time, not {len(db)}.")
    free: dict[str, Any] = {"top_db": 45.0, "n_samples": None, "pad": "center", "bits": None}
    same = wanted and dataclasses.replace(wanted, **free) == dataclasses.replace(front_end, **free)
    if wanted is None or not same:
        return None
    n_frames = wanted.output_shape[0] or len(db)
    db = _loudest(db, np.power(10.0, db / 10).sum(axis=1), n_frames)
    power = np.power(np.float32(10), db / 10)
    return wanted.to_db(np.pad(power, (wanted.sides(n_frames - len(db)), (0, 0))))
