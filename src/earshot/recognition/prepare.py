"""Steps 1 to 4 of :meth:`Recognizer.predict`: what is done to a sound before the front end gets it.

:func:`checked_clip` reads, checks and resamples it; of what is longer than the front end's window,
:func:`earshot.segmentation.stretches.word_stretch` keeps what holds the word. What is shorter, the
front end pads.

>>> len(checked_clip(np.sin(0.1 * np.arange(66150)), 44100, to_rate=8000))  # a second and a half
12000
"""

import dataclasses
import os
from typing import Any

import numpy as np

from earshot import audio
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel, check_log_mel
from earshot.features.offset import centred
from earshot.segmentation.stretches import first_of_stretch
from earshot.types import Array, PathLike

__all__ = ["checked_clip", "sounds_slowed", "spectrogram_of_window"]

LONGEST_S = 10.0  # a longer recording is not one word; in a shorter one the word is looked for
SHORTEST_S = 0.03  # a shorter recording is not a word
LOUDEST = 2.0**32  # whole numbers of 32 bits may come as floats; squares stay within float32
FRAME_S = 0.01  # length of the frames in which a clip sounds or does not
SOUNDING = 1e-3  # a frame sounds up to this share of the loudest one's power: 30 dB below it
SLOW_S = 0.85  # hardly any word sounds for longer
DULL = 0.05  # a voice at half its rate has less than this share of its power in the upper half
SILENCE = 2e-4  # Peak-to-peak amplitude below this (about 6 steps of 16 bits) counts as silence.


def checked_clip(
    sound: PathLike | Array, sample_rate: int, *, to_rate: int, name: str = "the waveform"
) -> Array:
    """Read, check and resample a file or a waveform at ``sample_rate`` (in Hz); gives float32.

    Its mean is taken off. Raises :class:`EarshotError` when a file cannot be read, or a recording
    is too short, silent, or too long for a word; ``name`` is what it calls a waveform.
    """
    if isinstance(sound, str | os.PathLike):
        name = str(sound)
        _check_length(audio.duration(sound), name)  # a day of silence is a small file
        x, rate = audio.read(sound)
    else:
        x, rate = audio.validate(sound), audio.whole_rate(sample_rate)
    _check_length(len(x) / rate, name)
    if len(x) < SHORTEST_S * rate:
        length = f"{1000 * len(x) / rate:.3g} ms long ({len(x)} samples)"
        raise EarshotError(f"{name} is only {length}: record the whole word.")
    if (peak := np.abs(x).max()) > LOUDEST:
        scale = "which no sound card gives: divide it by its highest value."
        raise EarshotError(f"{name} holds values up to {peak:.3g}, {scale}")
    if np.ptp(x) < SILENCE:
        raise EarshotError(f"{name} is silent: is the microphone muted?")
    return audio.resample(centred(x), rate, to_rate)


def _check_length(duration_s: float, name: str) -> None:
    if duration_s > LONGEST_S:
        most = f"and one word is looked for in {LONGEST_S:g} s at most: cut it into words first."
        raise EarshotError(f"{name} is {duration_s:.1f} s long, {most}")


def sounds_slowed(x: Array, sample_rate: int) -> bool:
    """Tell whether a clip sounds as if played at half its rate: it goes on and on, and is dull.

    Of words at their own rate, one in two hundred does, of those at half of it a quarter to a half.
    """
    n = max(round(FRAME_S * sample_rate), 1)
    power = np.square(x[: len(x) // n * n], dtype=np.float64).reshape(-1, n).mean(axis=1)
    if np.count_nonzero(power > power.max(initial=0) * SOUNDING) * FRAME_S < SLOW_S:
        return False
    spectrum = np.abs(np.fft.rfft(x)) ** 2
    return bool(spectrum[len(spectrum) // 2 :].sum() < DULL * spectrum.sum())


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
    if len(db) > n_frames:
        start = first_of_stretch(db, n_frames)
        db = db[start : start + n_frames]
    power = np.power(np.float32(10), db / 10)
    return wanted.to_db(np.pad(power, (wanted.sides(n_frames - len(db)), (0, 0))))
