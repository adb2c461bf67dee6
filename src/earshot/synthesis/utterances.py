"""Words as a voice learns them: sounds by name, how long each lasts, the pitch of every frame.

>>> told = from_espeak("seven", "en-us")
>>> told.symbols, int(told.durations.sum()) == len(told.spectrogram)
(('_', 's', "'E", 'v', '@', 'n', '_'), True)
"""

import dataclasses
import functools
import warnings
from collections.abc import Sequence
from typing import Any

import librosa
import numpy as np
import scipy.fft
import scipy.ndimage
from tqdm import tqdm

from earshot.datasets import espeak
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, some
from earshot.features.log_mel import LogMel
from earshot.synthesis.inverter import FINE
from earshot.types import Array

__all__ = ["PITCH_HZ", "TooShort", "Utterance", "aligned", "cepstra", "frame_details",
           "from_espeak", "from_recordings", "harmonics", "pitch_of", "references_of",
           "sounds_of"]  # fmt: skip

PAUSE = "_"  # the sound before and after each word
EDGE_S = 0.04  # silence on each side of a synthetic word
PITCH_HZ = 150.0  # pitches are in octaves above it, so that they are small numbers
LOWEST_HZ = 60.0  # of voices
HIGHEST_HZ = 400.0
PITCH_WINDOW = 512  # samples at 8 kHz: four periods of the lowest voice
QUIET_DB = -30.0  # below the loudest frame there is no pitch worth following
FARTHEST = 0.6  # octaves that a word's pitch goes from its middle; more is an error of an octave
REFERENCES = ("en-us", "en-us+f3", "en-us+m7", "en-us+f5")
"""Voices that recordings are aligned with: that which comes nearest tells where sounds begin."""
FLOOR_DB = -45.0  # what is quieter is silence for the alignment: rooms differ
N_CEPSTRA = 13
SPEEDS = (0.8, 1.0, 1.25)  # at which a voice says what recordings are aligned with
SILENCE = 1e-3  # a recording that goes no farther up and down holds no word


class TooShort(EarshotError):
    """A recording that cannot hold its word."""


@dataclasses.dataclass(frozen=True)
class Utterance:
    """A word that was said: its sounds, one pause at either end, and their frames.

    ``durations`` (sounds,) are frames and sum to those of ``spectrogram`` (frames, n_mels), in dB;
    ``pitch_hz`` (frames,) goes on evenly where there is none.
    """

    symbols: tuple[str, ...]
    speaker: str
    durations: Array
    spectrogram: Array
    pitch_hz: Array


def sounds_of(text: str) -> tuple[str, ...]:
    """Name the sounds of a text as a reader of English would say it, pauses at its ends included.

    Digits are read as numbers. Raises :class:`EarshotError` where nothing is left to say.
    """
    if not isinstance(text, str) or not text.strip():
        raise EarshotError(f"Only words can be said, and {text!r} is none: give it some letters.")
    clauses = espeak.sounds(text)
    if not clauses:
        raise EarshotError(f"There is nothing to pronounce in {text!r}: give it some letters.")
    return (PAUSE, *(sound for clause in clauses for sound in (*clause, PAUSE)))


def pitch_of(x: Array, front_end: LogMel = FINE) -> Array:
    """Follow the pitch of a waveform, in Hz, one for each frame; even where there is none.

    By librosa's YIN; what is faint, or far from the middle of the word, is filled in.
    """
    x = np.asarray(x, np.float32)
    hop, window = front_end.hop_length, PITCH_WINDOW * front_end.sample_rate // 8000
    padded = np.pad(x, (0, max(0, window - len(x))))
    found = librosa.yin(
        padded, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, sr=front_end.sample_rate, frame_length=window,
        hop_length=hop,
    )  # fmt: skip
    loud = librosa.feature.rms(y=padded, frame_length=window // 2, hop_length=hop)[0]
    n = 1 + len(x) // hop
    octaves, loud = np.log2(found[:n] / PITCH_HZ), loud[:n]
    steady = np.abs(octaves - scipy.ndimage.median_filter(octaves, 7, mode="nearest")) < 0.1
    sure = steady & (loud > loud.max() * 10 ** (QUIET_DB / 20))
    if sure.any():
        sure &= np.abs(octaves - np.median(octaves[sure])) < FARTHEST
    if not sure.any():
        return np.full(n, PITCH_HZ, np.float32)
    filled = np.interp(np.arange(n), np.flatnonzero(sure), octaves[sure])
    filled = scipy.ndimage.uniform_filter1d(filled, 3, mode="nearest")
    return (PITCH_HZ * 2**filled).astype(np.float32)


def harmonics(pitch_hz: Array, front_end: LogMel = FINE) -> Array:
    """Show where a pitch's harmonics lie: from (frames,) to (frames, n_mels), 1 on them."""
    turns = front_end.centres_hz / np.asarray(pitch_hz, np.float32)[..., None]
    return np.cos(2 * np.pi * turns).astype(np.float32)


def frame_details(durations: Array, pitch_hz: Array, front_end: LogMel = FINE) -> Array:
    """Describe the frames of sounds of these durations: shape (frames, 3 + n_mels).

    The place in the sound from 0 to 1, the logarithm of its length, the pitch in octaves above
    ``PITCH_HZ``, and the :func:`harmonics`.
    """
    lengths = np.repeat(durations, durations)
    place = np.arange(len(lengths)) - np.repeat(np.cumsum(durations) - durations, durations)
    columns = (place + 0.5) / lengths, np.log(lengths) / 4, np.log2(pitch_hz / PITCH_HZ)
    details = np.stack(columns, axis=-1)
    return np.concatenate([details, harmonics(pitch_hz, front_end)], -1, dtype=np.float32)


def from_espeak(
    text: str, voice: str, *, front_end: LogMel = FINE, speaker: str | None = None,
    **manner: Any,
) -> Utterance:  # fmt: skip
    """Let eSpeak NG say a text, and tell when; ``manner`` is for :func:`espeak.timed`."""
    rate, hop = front_end.sample_rate, front_end.hop_length
    x, _, events = espeak.timed(text, voice=voice, sample_rate=rate, **manner)
    events = [(name, start) for name, start in events if not name.startswith("(")]
    edge = round(EDGE_S * rate)
    begin, end = round(events[0][1] * rate), len(x)
    while len(events) > 1 and events[-1][0].startswith(PAUSE):
        end = min(end, round(events.pop()[1] * rate))
    x = np.pad(x[begin:end], edge)
    starts = [0.0, *(edge + start * rate - begin for _, start in events), edge + end - begin]
    spectrogram = front_end(x)
    bounds = np.append(np.rint(np.array(starts) / hop), len(spectrogram)).astype(int)
    names = [PAUSE, *(PAUSE if name.startswith(PAUSE) else name for name, _ in events), PAUSE]
    new = [i for i, name in enumerate(names) if not i or not name == names[i - 1] == PAUSE]
    durations = _each_a_frame(np.diff([*bounds[new], bounds[-1]]))
    symbols = tuple(names[i] for i in new)
    return Utterance(symbols, speaker or voice, durations, spectrogram, pitch_of(x, front_end))


def _each_a_frame(durations):
    """Give each sound at least one frame, at the cost of its neighbours."""
    n = len(durations)
    if durations.sum() < n:
        raise TooShort(f"{n} sounds in {durations.sum()} frames: record the whole word.")
    bounds = np.append(0, np.cumsum(durations))
    bounds = np.maximum.accumulate(bounds - np.arange(n + 1)) + np.arange(n + 1)
    return np.diff(np.minimum(bounds, durations.sum() - np.arange(n, -1, -1)))


def aligned(
    x: Array, references: Sequence[Utterance], speaker: str, *, front_end: LogMel = FINE
) -> Utterance:  # fmt: skip
    """Find the sounds of a recording, at the front end's rate, by warping another's time to it.

    Dynamic time warping of cepstra, with that of the ``references`` which comes nearest: the same
    text by eSpeak NG (:func:`references_of`), or by a voice that has learned this speaker. Raises
    :class:`EarshotError` for a recording too short for its sounds.
    """
    spectrogram = front_end(x)
    found = [_warped(spectrogram, reference) for reference in references]
    symbols, durations, _ = min(found, key=lambda one: one[2])
    return Utterance(symbols, speaker, durations, spectrogram, pitch_of(x, front_end))


def references_of(text: str, *, front_end: LogMel = FINE) -> list[Utterance]:
    """Let the voices of eSpeak NG that recordings are aligned with say a text."""
    return [from_espeak(text, voice, front_end=front_end) for voice in REFERENCES]


def from_recordings(
    words: WordSet, *, voice: Any = None, front_end: LogMel = FINE
) -> list[Utterance]:  # fmt: skip
    """Find the sounds of the recordings of a word set, each with the class name as its text.

    They are aligned with what eSpeak NG says; or, better, with what a ``voice`` says (see
    :class:`earshot.synthesis.Voice`) that has learned these speakers. Clips that are silent, or too
    short for their word, are left out, and an :class:`EarshotWarning` names them.
    """
    words, found, bad = words.resampled(front_end.sample_rate), [], []
    references = functools.cache(
        lambda text, speaker: (
            references_of(text, front_end=front_end)
            if voice is None
            else [voice.utterances([text], speaker, speed)[0] for speed in SPEEDS]
        )
    )
    rows = list(zip(words.waveforms, words.labels, words.speakers, words.sources, strict=True))
    for x, label, speaker, source in tqdm(rows, desc="aligning", unit="clip", delay=1):
        text = words.class_names[label]
        try:
            if np.ptp(x) < SILENCE:
                raise TooShort(f"{source} is silent.")
            theirs = references(text, str(speaker))
            found.append(aligned(x, theirs, str(speaker), front_end=front_end))
        except TooShort:
            bad.append(str(source))
    if bad:
        problem = "are silent, or too short for their words, and left out"
        warnings.warn(f"{len(bad)} clips {problem}: {some(bad)}", EarshotWarning, stacklevel=2)
    return found


def _warped(spectrogram, reference):
    """Sounds, durations, and how far the two are apart for each step of the path."""
    both = (cepstra(db) for db in (reference.spectrogram, spectrogram))
    costs, path = librosa.sequence.dtw(*(c - c.mean(axis=1, keepdims=True) for c in both))
    owner = np.repeat(np.arange(len(reference.symbols)), reference.durations)
    of_frame = np.zeros(len(spectrogram), int)
    for theirs, ours in path[::-1]:
        of_frame[ours] = max(of_frame[ours], owner[theirs])
    durations = np.bincount(of_frame, minlength=len(reference.symbols))
    return reference.symbols, _each_a_frame(durations), costs[-1, -1] / len(path)


def cepstra(db: Array) -> Array:
    """Give the cepstra of a spectrogram in dB, (N_CEPSTRA, frames): an orthonormal transform.

    What is faint counts as silence, so that rooms do not differ.
    """
    found = scipy.fft.dct(np.maximum(db, FLOOR_DB), axis=-1, norm="ortho")
    return found[:, :N_CEPSTRA].T
