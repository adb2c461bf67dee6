"""Long recordings with known truth: single words laid over a background, at a chosen level."""

import dataclasses
from pathlib import Path

import numpy as np

from earshot import audio
from earshot.errors import EarshotError
from earshot.segmentation import Segment

__all__ = ["Stream", "make_stream", "recite"]

AUDIBLE = 0.01
"""A word begins and ends where its clip reaches this part of its peak: clips come with silence."""


@dataclasses.dataclass(frozen=True, eq=False)
class Stream:
    """A recording and what is said in it.

    Parameters
    ----------
    waveform : ndarray of float32, shape (samples,)
    sample_rate : int
        In Hz.
    segments : list of Segment
        Where the words are, with their names.
    """

    waveform: np.ndarray
    sample_rate: int
    segments: list


def make_stream(
    words, background=None, *, snr_db=20.0, pauses_s=(0.25, 1.0), level=True, sample_rate=16000,
    seed=0,
):  # fmt: skip
    """Say all words of a set one after the other, with pauses, over a background.

    Parameters
    ----------
    words : earshot.datasets.WordSet
        Its clips, in their order, are the words of the stream.
    background : ndarray of float32, shape (samples,), optional
        At ``sample_rate``; begins at a random place and is repeated when it is too short.
        Default: white noise.
    snr_db : float
        Mean power of the words over mean power of the background.
    pauses_s : tuple of float
        Shortest and longest pause before, between and after the words.
    level : bool
        Whether all words get the same power; else they stay as loud as they are to each other.
    sample_rate : int
        In Hz.
    seed : int

    Returns
    -------
    Stream
        Peak 0.9.
    """
    if len(words) == 0:
        raise EarshotError("A stream needs at least one word, and the set has none.")
    rng = np.random.default_rng(seed)
    words = words.resampled(sample_rate)
    pauses = np.rint(rng.uniform(*pauses_s, len(words) + 1) * sample_rate).astype(np.int64)
    parts, segments, at = [np.zeros(pauses[0], np.float32)], [], int(pauses[0])
    for x, label, pause in zip(words.waveforms, words.labels, pauses[1:], strict=True):
        power = np.mean(np.square(x)) if level else 1.0
        parts += [x / np.sqrt(power + 1e-20), np.zeros(pause, np.float32)]
        loud = np.flatnonzero(np.abs(x) > AUDIBLE * np.abs(x).max()) + at
        segments.append(
            Segment(
                float(loud[0] / sample_rate),
                float((loud[-1] + 1) / sample_rate),
                words.words[label],
            )
        )
        at += len(x) + int(pause)
    x = np.concatenate(parts)
    said = sum(np.square(part, dtype=np.float64).sum() for part in parts[1::2])
    said /= sum(map(len, parts[1::2]))
    if background is None:
        noise = rng.standard_normal(len(x), dtype=np.float32)
    else:
        background = audio.validate(background, "the background")
        background = background - background.mean()
        at = rng.integers(len(background))
        noise = np.take(background, np.arange(at, at + len(x)), mode="wrap")
    heard = np.mean(np.square(noise, dtype=np.float64))
    x = x + np.sqrt(said / max(heard, 1e-20) * 10 ** (-snr_db / 10)) * noise
    return Stream((0.9 / np.abs(x).max() * x).astype(np.float32), sample_rate, segments)


def recite(words, folder, name, **options):
    """Write one recording ``<name>_<speaker>.wav`` for each speaker, who says all words in order.

    Parameters
    ----------
    words : earshot.datasets.WordSet
    folder : str or path
    name : str
        Of the set of words; what :func:`earshot.cutting.cut_set` asks for.
    options
        Those of :func:`make_stream`.

    Returns
    -------
    list of path
        Of what was written; a recording that exists is left alone.
    """
    written = []
    for speaker in np.unique(words.speakers):
        path = Path(folder) / f"{name}_{speaker}.wav"
        if not path.exists():
            stream = make_stream(words.subset(words.speakers == speaker), **options)
            audio.write(path, stream.waveform, stream.sample_rate)
            written.append(path)
    return written
