"""Long recordings with known truth: labelled ones, and words laid over a background."""

import dataclasses
from pathlib import Path

import numpy as np

from earshot import audio
from earshot.datasets.noises import made_up_noise
from earshot.errors import EarshotError
from earshot.segmentation import label_tracks
from earshot.segmentation.segments import Segment

__all__ = [
    "SPEECH_OR_NOISE",
    "Stream",
    "labelled",
    "make_stream",
    "make_streams",
    "recite",
    "step_labels",
]

SPEECH_OR_NOISE = ("noise", "speech")
"""Classes of a speech detector; the first is what lies between the segments."""
AUDIBLE = 0.01
"""A word begins and ends where its clip reaches this part of its peak: clips come with silence."""
AUDIBLE_IN_NOISE = 0.03
"""The same in a noise, which covers the noise of the clips' own edges."""


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

    @property
    def duration_s(self):
        """Length in seconds."""
        return len(self.waveform) / self.sample_rate

    def named(self, word):
        """Give the same stream with one name for all its segments, such as "speech"."""
        segments = [dataclasses.replace(segment, word=word) for segment in self.segments]
        return dataclasses.replace(self, segments=segments)

    def cut(self, start_s, end_s):
        """Give a stretch of it, in seconds."""
        if not 0 <= start_s < end_s:
            raise EarshotError(f"A stretch cannot go from {start_s} to {end_s} s.")
        first, last = (round(at_s * self.sample_rate) for at_s in (start_s, end_s))
        inside = [
            dataclasses.replace(
                segment,
                start_s=max(segment.start_s - start_s, 0.0),
                end_s=min(segment.end_s, end_s) - start_s,
            )
            for segment in self.segments
            if segment.end_s > start_s and segment.start_s < end_s
        ]
        return Stream(self.waveform[first:last], self.sample_rate, inside)


def make_stream(
    words, background=None, *, snr_db=20.0, pauses_s=(0.25, 1.0), level=True, sample_rate=16000,
    audible=AUDIBLE, seed=0,
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
    audible : float
        A word begins and ends where its clip reaches this part of its peak.
    seed : int or tuple of int

    Returns
    -------
    Stream
        Peak 0.9.
    """
    if len(words) == 0:
        raise EarshotError("A stream needs at least one word, and the set has none.")
    if not np.isfinite(snr_db):
        raise EarshotError(f"A speech-to-noise ratio is a number of dB, not {snr_db}.")
    if not 0 <= pauses_s[0] <= pauses_s[-1] < np.inf:
        raise EarshotError(f"Pauses last from the shortest to the longest, not {pauses_s} s.")
    rng = np.random.default_rng(seed)
    words = words.resampled(sample_rate)
    for x, source in zip(words.waveforms, words.sources, strict=True):
        if not np.abs(x).max() > 0:
            raise EarshotError(f"{source} is silent: leave it out, it makes no word of a stream.")
    pauses = np.rint(rng.uniform(*pauses_s, len(words) + 1) * sample_rate).astype(np.int64)
    parts, segments, at = [np.zeros(pauses[0], np.float32)], [], int(pauses[0])
    for x, label, pause in zip(words.waveforms, words.labels, pauses[1:], strict=True):
        power = np.mean(np.square(x)) if level else 1.0
        parts += [x / np.sqrt(power + 1e-20), np.zeros(pause, np.float32)]
        loud = np.flatnonzero(np.abs(x) > audible * np.abs(x).max()) + at
        segments.append(
            Segment(
                float(loud[0] / sample_rate),
                float((loud[-1] + 1) / sample_rate),
                words.class_names[label],
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


def make_streams(
    words, n, *, noises=(), snr_db=(-3.0, 30.0), n_words=25, pauses_s=(0.2, 1.2), sample_rate=16000,
    seed=0,
):  # fmt: skip
    """Make many streams, of random words over random backgrounds, to train or test on.

    Parameters
    ----------
    words : earshot.datasets.WordSet
    n : int
    noises : dict or sequence of ndarray, each of shape (samples,)
        At ``sample_rate``, such as from :func:`backgrounds`; taken in turn. Default: a new
        :func:`made_up_noise` for each stream.
    snr_db : float or tuple of float
        As in :func:`make_stream`; of a range, every stream gets a level of its own.
    n_words : int
        Words of a stream.
    pauses_s, sample_rate, seed
        As in :func:`make_stream`.

    Returns
    -------
    list of Stream
    """
    noises = list(noises.values()) if isinstance(noises, dict) else list(noises)
    made = []
    for i in range(n):
        rng = np.random.default_rng((seed, i))
        chosen = words.subset(rng.choice(len(words), min(n_words, len(words)), replace=False))
        level_db = float(rng.uniform(*snr_db)) if isinstance(snr_db, tuple) else snr_db
        own = (
            noises[i % len(noises)] if noises else made_up_noise(30.0, sample_rate, seed=(seed, i))
        )
        made.append(
            make_stream(
                chosen, own, snr_db=level_db, pauses_s=pauses_s, level=bool(rng.random() < 0.5),
                sample_rate=sample_rate, audible=AUDIBLE_IN_NOISE, seed=(seed, i),
            )
        )  # fmt: skip
    return made


def labelled(path, track=None, *, class_names=SPEECH_OR_NOISE):
    """Read a recording and its label track.

    Parameters
    ----------
    path : str or path
        Of the recording.
    track : str or path, optional
        See :func:`earshot.segmentation.label_tracks.read`. Default: the one beside the recording.
    class_names : sequence of str
        The labels that there may be; the first is what lies between the segments.

    Returns
    -------
    Stream

    Raises
    ------
    EarshotError
        When two labels overlap, one is unknown, or one ends after the recording; it is named.
    """
    track = label_tracks.beside(path) if track is None else track
    x, sample_rate = audio.read(path)
    stream = Stream(x, sample_rate, label_tracks.read(track))
    before = None
    for segment in stream.segments:
        name = f"{track}: the label {segment.word!r} at {segment.start_s:g} s"
        if segment.word not in class_names:
            raise EarshotError(
                f"{name} is none of {', '.join(class_names)}: name it, or rename it."
            )
        if segment.end_s > stream.duration_s + 0.01:
            raise EarshotError(
                f"{name} ends at {segment.end_s:g} s, and {path} is {stream.duration_s:g} s long: "
                "does the track belong to this recording?"
            )
        if before and segment.start_s < before.end_s - 1e-6:
            raise EarshotError(
                f"{name} begins before {before.word!r} has ended, at {before.end_s:g} s: move one."
            )
        before = segment
    return stream


def step_labels(segments, n_steps, steps_per_s, class_names=SPEECH_OR_NOISE):
    """Say for each step of a stream which label it has.

    Parameters
    ----------
    segments : list of earshot.segmentation.Segment
    n_steps : int
    steps_per_s : float
    class_names : sequence of str
        The first is what lies between the segments.

    Returns
    -------
    ndarray of int, shape (n_steps,)
        Indices into ``class_names``.
    """
    found = np.zeros(n_steps, np.int64)
    for segment in segments:
        if segment.word not in class_names:
            raise EarshotError(
                f"The label {segment.word!r} at {segment.start_s:g} s is none of "
                f"{', '.join(class_names)}: use stream.named(...), or give all words."
            )
        if not 0 <= segment.start_s <= segment.end_s:
            raise EarshotError(
                f"The label {segment.word!r} goes from {segment.start_s:g} to {segment.end_s:g} s: "
                "the end comes after the start, and both count from the start of the stream."
            )
        first, last = (round(at_s * steps_per_s) for at_s in (segment.start_s, segment.end_s))
        found[first:last] = list(class_names).index(segment.word)
    return found


def recite(words, folder, name, **options):
    """Write one recording ``<name>_<speaker>.wav`` for each speaker, who says all words in order.

    Parameters
    ----------
    words : earshot.datasets.WordSet
    folder : str or path
    name : str
        Of the set of words; what :func:`earshot.segmentation.cut_set` asks for.
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
