"""Long recordings with known truth: labelled ones, and words laid over a background.

>>> words = WordSet([np.sin(np.arange(4000))], [0], ["yes"], ["anna"], ["a.wav"], 8000)
>>> [segment.word for segment in make_stream(words, snr_db=20.0, sample_rate=8000).segments]
['yes']
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from earshot import audio
from earshot.datasets.noises import made_up_noise
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError
from earshot.segmentation import label_tracks
from earshot.segmentation.segments import Segment
from earshot.types import Array, PathLike

__all__ = ["SPEECH_OR_NOISE", "Stream", "labelled", "make_stream", "make_streams", "recite",
           "step_labels"]  # fmt: skip

SPEECH_OR_NOISE = ("noise", "speech")  # classes of a speech detector; between segments the first
# A word begins and ends where its clip reaches this part of its peak, as clips come with silence.
AUDIBLE = 0.01
AUDIBLE_IN_NOISE = 0.03  # the same in a noise, which covers the noise of the clips' own edges


@dataclasses.dataclass(frozen=True, eq=False)
class Stream:
    """A recording, its rate in Hz, and where the words are in it, with their names."""

    waveform: Array
    sample_rate: int
    segments: list[Segment]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.waveform) / self.sample_rate

    def named(self, word: str) -> "Stream":
        """Give the same stream with one name for all its segments, such as "speech"."""
        segments = [dataclasses.replace(segment, word=word) for segment in self.segments]
        return dataclasses.replace(self, segments=segments)

    def cut(self, start_s: float, end_s: float) -> "Stream":
        """Give a stretch of it, in seconds."""
        if not 0 <= start_s < end_s:
            raise EarshotError(f"A stretch cannot go from {start_s} to {end_s} s.")
        first, last = (round(at_s * self.sample_rate) for at_s in (start_s, end_s))
        inside = []
        for s in self.segments:
            if s.end_s > start_s and s.start_s < end_s:
                times_s = max(s.start_s - start_s, 0.0), min(s.end_s, end_s) - start_s
                inside.append(dataclasses.replace(s, start_s=times_s[0], end_s=times_s[1]))
        return Stream(self.waveform[first:last], self.sample_rate, inside)


def make_stream(
    words: WordSet, background: Array | None = None, *, snr_db: float = 20.0,
    pauses_s: tuple[float, float] = (0.25, 1.0), equal_power: bool = True, sample_rate: int = 16000,
    audible: float = AUDIBLE, seed: int | tuple[int, ...] = 0,
) -> Stream:  # fmt: skip
    """Say all words of a set one after the other, with pauses, over a background; peak 0.9.

    Parameters
    ----------
    background : shape (samples,), read from a random place, again and again; None: white noise
    snr_db : mean power of the words over mean power of the background
    pauses_s : shortest and longest pause before, between and after the words
    equal_power : whether all words get the same power; else each stays as loud as it was
    audible : part of a clip's peak at which its word begins and ends
    """
    if len(words) == 0:
        raise EarshotError("A stream needs at least one word, and the set has none.")
    if not np.isfinite(snr_db):
        raise EarshotError(f"A speech-to-noise ratio is a number of dB, not {snr_db}.")
    if not 0 <= pauses_s[0] <= pauses_s[-1] < np.inf:
        raise EarshotError(f"Pauses last from the shortest to the longest, not {pauses_s} s.")
    rng = np.random.default_rng(seed)
    words = words.resampled(sample_rate)
    pauses = np.rint(rng.uniform(*pauses_s, len(words) + 1) * sample_rate).astype(np.int64)
    x, segments, power = _laid_out(words, pauses.tolist(), equal_power, audible)
    noise = _noise(background, len(x), rng)
    heard = np.mean(np.square(noise, dtype=np.float64))
    x = x + np.sqrt(power / max(heard, 1e-20) * 10 ** (-snr_db / 10)) * noise
    return Stream((0.9 / np.abs(x).max() * x).astype(np.float32), sample_rate, segments)


def _laid_out(words, pauses, equal_power, audible):
    """Join words and pauses (in samples); gives the waveform, the segments and the words' power."""
    parts, segments, at = [np.zeros(pauses[0], np.float32)], [], pauses[0]
    clips = zip(words.waveforms, words.labels, words.sources, pauses[1:], strict=True)
    for x, label, source, pause in clips:
        peak = np.abs(x).max()
        if not peak > 0:
            raise EarshotError(f"{source} is silent: leave it out, it makes no word of a stream.")
        power = np.mean(np.square(x)) if equal_power else 1.0
        parts += [x / np.sqrt(power + 1e-20), np.zeros(pause, np.float32)]
        loud = np.flatnonzero(np.abs(x) > audible * peak) + at
        start_s, end_s = (n / words.sample_rate for n in (int(loud[0]), int(loud[-1]) + 1))
        segments.append(Segment(start_s, end_s, words.class_names[label]))
        at += len(x) + pause
    energy = sum(np.square(part, dtype=np.float64).sum() for part in parts[1::2])
    return np.concatenate(parts), segments, energy / sum(map(len, parts[1::2]))


def _noise(background, n, rng):
    """Give n samples of a background from a random place on, or white noise."""
    if background is None:
        return rng.standard_normal(n, dtype=np.float32)
    background = audio.validate(background, "the background")
    at = rng.integers(len(background))
    return np.take(background - background.mean(), np.arange(at, at + n), mode="wrap")


def make_streams(
    words: WordSet, n: int, *, noises: Mapping[str, Array] | Sequence[Array] = (),
    snr_db: float | tuple[float, float] = (-3.0, 30.0), n_words: int = 25,
    pauses_s: tuple[float, float] = (0.2, 1.2), sample_rate: int = 16000, seed: int = 0,
) -> list[Stream]:  # fmt: skip
    """Make n streams, each of ``n_words`` random words, as :func:`make_stream` does.

    Noises, each of shape (samples,) at ``sample_rate``, are taken in turn; without any, each stream
    gets a new :func:`made_up_noise`. Of a range of ``snr_db``, every stream gets its own.
    """
    noises = list(noises.values()) if isinstance(noises, Mapping) else list(noises)

    def make(i):
        own = (seed, i)
        rng = np.random.default_rng(own)
        chosen = words.subset(rng.choice(len(words), min(n_words, len(words)), replace=False))
        level_db = float(rng.uniform(*snr_db)) if isinstance(snr_db, tuple) else snr_db
        noise = noises[i % len(noises)] if noises else made_up_noise(30, sample_rate, seed=own)
        return make_stream(
            chosen, noise, snr_db=level_db, pauses_s=pauses_s, equal_power=bool(rng.random() < 0.5),
            sample_rate=sample_rate, audible=AUDIBLE_IN_NOISE, seed=own,
        )  # fmt: skip

    return [make(i) for i in range(n)]


def labelled(path: PathLike, *, class_names: Sequence[str] = SPEECH_OR_NOISE) -> Stream:
    """Read a recording and the label track beside it; labels that cannot be are named."""
    track = label_tracks.beside(path)
    stream = Stream(*audio.read(path), label_tracks.read(track))
    end_s, before = 0.0, ""
    for segment in stream.segments:
        name = f"{track}: the label {segment.word!r} at {segment.start_s:g} s"
        if segment.word not in class_names:
            known = ", ".join(class_names)
            raise EarshotError(f"{name} is none of {known}: name it, or rename it.")
        if segment.end_s > stream.duration_s + 0.01:
            raise EarshotError(
                f"{name} ends at {segment.end_s:g} s, and {path} is {stream.duration_s:g} s long: "
                "does the track belong to this recording?"
            )
        if segment.start_s < end_s - 1e-6:
            raise EarshotError(f"{name} begins before {before!r} ends, at {end_s:g} s: move one.")
        end_s, before = segment.end_s, segment.word
    return stream


def step_labels(
    segments: Sequence[Segment], n_steps: int, steps_per_s: float,
    class_names: Sequence[str] = SPEECH_OR_NOISE,
) -> Array:  # fmt: skip
    """Say which class each step of a stream has, shape (n_steps,); 0 between the segments."""
    found = np.zeros(n_steps, np.int64)
    for segment in segments:
        name = f"The label {segment.word!r} at {segment.start_s:g} s"
        if segment.word not in class_names:
            raise EarshotError(
                f"{name} is none of {', '.join(class_names)}: use stream.named(...), or name all."
            )
        if not 0 <= segment.start_s <= segment.end_s:
            raise EarshotError(
                f"{name} ends at {segment.end_s:g} s: the end comes after the start, and both count"
                " from the start of the stream."
            )
        first, last = (round(at_s * steps_per_s) for at_s in (segment.start_s, segment.end_s))
        found[first:last] = list(class_names).index(segment.word)
    return found


def recite(words: WordSet, folder: PathLike, name: str, **options: Any) -> list[Path]:
    """Write ``<name>_<speaker>.wav`` for each speaker, who says all words in order.

    For :func:`earshot.segmentation.cut_set`; options are those of :func:`make_stream`. Gives the
    new paths.
    """
    written = []
    for speaker in np.unique(words.speakers):
        path = Path(folder) / f"{name}_{speaker}.wav"
        if not path.exists():
            stream = make_stream(words.subset(words.speakers == speaker), **options)
            audio.write(path, stream.waveform, stream.sample_rate)
            written.append(path)
    return written
