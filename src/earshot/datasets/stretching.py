"""Clips made slower or faster without changing their pitch, and the other way round.

>>> [len(x) for x in stretch_and_shift(np.ones(7000), semitones=(0,))]
[10000, 7000, 5385]
"""

import itertools
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from earshot import audio
from earshot.features import short_time
from earshot.types import Array

__all__ = ["SEMITONES", "SPEEDS", "stretch_and_shift"]

SPEEDS = (0.7, 1.0, 1.3)  # 0.7 is slower, and longer
SEMITONES = (-1, 0, 1)  # changes of the pitch, upwards; 12 make an octave
N_FFT = 2048  # window in samples, as in librosa
HOP = 512  # step between frames in samples, as in librosa


def stretch_and_shift(
    x: Array, *, speeds: Sequence[float] = SPEEDS, semitones: Sequence[float] = SEMITONES
) -> list[Array]:
    """Make a clip slower or faster without changing its pitch, and the other way round.

    A phase vocoder (Flanagan and Golden 1966; as ``librosa.effects.time_stretch``), followed by
    resampling where the pitch moves; one analysis serves all. Gives waveforms of about samples /
    speed: all semitones at the first speed, then at the second, and so on.
    """
    x = audio.validate(x, "the clip")
    spectra = short_time.stft(x, N_FFT, HOP)
    sizes, angles = np.pad(np.abs(spectra), ((0, 2), (0, 0))), np.angle(spectra)
    # How far the phase of each bin moves on between a frame and the next, silence at the end.
    moves = np.diff(angles, axis=0, append=0 * angles[:1])
    result = []
    for speed, semitone in itertools.product(speeds, semitones):
        pitch = Fraction(2.0 ** (-semitone / 12)).limit_denominator(100)
        first = speed / 2.0 ** (semitone / 12)  # resampling then moves speed and pitch together
        n = round(len(x) / first)
        y = x if first == 1 else _at_speed(sizes, angles[0], moves, first, n)
        y = audio.resample(y, pitch.denominator, pitch.numerator)
        result.append(_of_length(y, round(len(x) / speed)))
    return result


def _at_speed(sizes, first, moves, speed, n):
    """Read the frames of a spectrum at another speed, with phases that go on smoothly."""
    at = np.arange(0, len(moves), speed)
    left = at.astype(int)
    part = (at - left)[:, None].astype(np.float32)
    magnitude = (1 - part) * sizes[left] + part * sizes[left + 1]
    phase = np.concatenate([first[None], moves[left[:-1]]]).cumsum(axis=0, dtype=np.float32)
    spectra = np.pad(magnitude * np.exp(1j * phase), ((0, 1), (0, 0)))  # the clip's end is whole
    return _of_length(short_time.istft(spectra, HOP), n)


def _of_length(x, n):
    return np.pad(x[:n], (0, max(n - len(x), 0)))
