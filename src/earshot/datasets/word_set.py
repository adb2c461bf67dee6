"""Recordings of single words, what was said and by whom; speaker-aware splits.

>>> names = ["yes/ann_0.wav", "no/ann_0.wav", "yes/bob_0.wav"]
>>> words = WordSet([np.ones(800)] * 3, [0, 1, 0], ["yes", "no"], ["ann", "ann", "bob"], names, 80)
>>> [(speaker, len(train), len(test)) for speaker, train, test in words.leave_one_speaker_out()]
[('ann', 1, 2), ('bob', 2, 1)]
"""

import collections
import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from earshot import audio, files
from earshot.datasets import arrow, lazy, sounds
from earshot.errors import EarshotError, some
from earshot.features.log_mel import LogMel
from earshot.types import Array, PathLike

__all__ = ["DIGITS", "WordSet"]

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NAMED = 6  # so many speakers are named when a set is printed
ARRAYS = ("labels", "speakers", "sources")  # the fields with an entry for each waveform
PER_CLIP = ("waveforms", *ARRAYS, "parts")  # with those that a set may lack or read later


@dataclasses.dataclass(frozen=True, eq=False)
class WordSet:
    """Recordings of single words: what was said, and by whom.

    Parameters
    ----------
    waveforms : each of float32, shape (samples,)
    labels : shape (n,), index into ``class_names`` for each waveform; -1 where nobody knows it
    speakers, sources : of each waveform: who speaks, and the file name or what tells its origin
    sample_rate : in Hz, the same for all
    about : origin, licence and citation
    parts : of each waveform: the part of the official split that it belongs to, such as "train",
        "validation" or "test"; "" where there is none, and by default

    Waveforms and sources may be :class:`~earshot.datasets.lazy.Lazy`: read when they are asked for.
    """

    waveforms: Sequence[Array]
    labels: Array
    class_names: tuple[str, ...]
    speakers: Array
    sources: Array
    sample_rate: int
    about: str = ""
    parts: Array = dataclasses.field(default_factory=lambda: np.zeros(0, "U1"))

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels, None if len(self.labels) else np.int64)
        if labels.dtype.kind not in "iu":
            raise EarshotError(f"Labels are whole numbers from 0, one a word, not {labels.dtype}.")
        class_names = tuple(str(word) for word in self.class_names)
        if len(set(class_names)) < len(class_names):
            raise EarshotError(f"Every word must be there once: {', '.join(class_names)}.")
        waveforms, sources, parts = self.waveforms, self.sources, self.parts
        if not isinstance(waveforms, lazy.Lazy):
            waveforms = [audio.validate(x, f"clip {i}") for i, x in enumerate(waveforms)]
        if not isinstance(sources, lazy.Lazy):
            sources = np.asarray(sources, dtype=np.str_)
        vars(self).update(  # the class is frozen
            waveforms=waveforms,
            labels=labels.astype(np.int64),
            class_names=class_names,
            speakers=np.asarray(self.speakers, dtype=np.str_),
            sources=sources,
            sample_rate=audio.whole_rate(self.sample_rate),
            parts=np.asarray(parts, np.str_) if len(parts) else np.zeros(len(waveforms), "U1"),
        )
        shapes = {name: _shape(getattr(self, name)) for name in PER_CLIP[1:]}
        if {*shapes.values()} != {(len(self),)}:
            given = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            needed = "a label, a speaker and a source for each waveform"
            raise EarshotError(f"A WordSet needs {needed}: {len(self)}, not of the shapes {given}.")
        if len(labels) and not -1 <= labels.min() <= labels.max() < len(self.class_names):
            raise EarshotError(
                f"Labels run from {labels.min()} to {labels.max()}, but there are "
                f"{len(self.class_names)} words: labels count from 0."
            )

    def __len__(self) -> int:
        return len(self.waveforms)

    def __repr__(self) -> str:
        return self._described("")

    def _described(self, who: str) -> str:
        return (
            f"WordSet({len(self):,} clips, {len(self.class_names)} words, "
            f"{len(np.unique(self.speakers))} speakers{who}, {self.sample_rate:,} Hz)"
        )

    def __str__(self) -> str:
        """Name who speaks, too, with the number of clips: a print shows how names were read."""
        clips = collections.Counter(self.speakers.tolist())
        who = some([f"{name} {n:,}" for name, n in clips.most_common()], NAMED)
        return self._described(f": {who}" if clips else "")

    @property
    def durations_s(self) -> Array:
        """Length of each clip in seconds, shape (n,)."""
        return np.array([len(x) for x in self.waveforms]) / self.sample_rate

    def counts(self) -> dict[str, int]:
        """Count the clips of each word."""
        n = np.bincount(self.labels[self.labels >= 0], minlength=len(self.class_names))
        return dict(zip(self.class_names, n.tolist(), strict=True))

    def fingerprint(self) -> str:
        """Give the SHA-256 (hex) of what a network learns: samples, labels, words and rate.

        Two sets have the same one only when every sample is the same, in the same order. Speakers,
        sources and ``about`` are not in it: they change nothing that is learned. Clips in shards
        are not read for it, as each shard holds a sum of its own; so a set has another fingerprint
        in shards than in memory.
        """
        if isinstance(self.waveforms, lazy.Lazy):
            digest = hashlib.sha256(json.dumps([self.class_names, self.sample_rate]).encode())
            digest.update(self.labels.tobytes())
            digest.update(self.waveforms.digest())
            return digest.hexdigest()
        lengths = [len(x) for x in self.waveforms]
        known = [self.class_names, self.sample_rate, self.labels.tolist(), lengths]
        digest = hashlib.sha256(json.dumps(known).encode())
        for x in self.waveforms:
            digest.update(x.tobytes())
        return digest.hexdigest()

    def subset(self, chosen: Any) -> Self:
        """Keep some clips: indices in any order, or booleans of shape (n,)."""
        chosen = np.asarray(chosen)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        kept = {name: lazy.subset(getattr(self, name), chosen) for name in PER_CLIP}
        return dataclasses.replace(self, **kept)

    def part(self, name: str) -> Self:
        """Keep the clips of one part of the official split, such as "train" or "test"."""
        if name not in (there := np.unique(self.parts)):
            choice = some([part for part in there if part]) or "there is no official split"
            raise EarshotError(f"No clip is of the part {name!r}: {choice}.")
        return self.subset(self.parts == name)

    def only(self, words: str | Sequence[str]) -> Self:
        """Keep the clips of some words, which become the only ones, in the order given."""
        words = (words,) if isinstance(words, str) else words
        if strangers := ", ".join(word for word in words if word not in self.class_names):
            choice = some(self.class_names)
            raise EarshotError(f"{strangers} is no word of this set: choose among {choice}.")
        renumber = np.full(len(self.class_names) + 1, -1)  # the last one: for the label -1
        renumber[[self.class_names.index(word) for word in words]] = np.arange(len(words))
        part = self.subset(renumber[self.labels] >= 0)
        return dataclasses.replace(part, class_names=tuple(words), labels=renumber[part.labels])

    def resampled(self, sample_rate: int) -> Self:
        """Give the same clips at another sample rate (Hz)."""
        if sample_rate == self.sample_rate:
            return self
        rates: dict[str, Any] = {"from_rate": self.sample_rate, "to_rate": sample_rate}
        waveforms = lazy.mapped(self.waveforms, functools.partial(audio.resample, **rates))
        return dataclasses.replace(self, waveforms=waveforms, sample_rate=sample_rate)

    def joined(self, other: "WordSet") -> Self:
        """Add the clips of another set; words that are new come after the known ones."""
        other = other.resampled(self.sample_rate)
        words = tuple(dict.fromkeys([*self.class_names, *other.class_names]))
        renumber = np.array([*(words.index(word) for word in other.class_names), -1])
        about = [part for both in (self, other) for part in both.about.split("; ") if part]
        both = {name: lazy.joined(getattr(self, name), getattr(other, name)) for name in PER_CLIP}
        both["labels"] = np.append(self.labels, renumber[other.labels])
        return dataclasses.replace(
            self, **both, class_names=words, about="; ".join(dict.fromkeys(about))
        )

    def official_split(self) -> tuple[Self, Self]:
        """Split into training and test as the data set's authors do.

        By ``parts``, where it has them: "train" and "test"; "validation" is in neither. Else as
        spoken_digit's README says: recordings 0 to 4 test, of the same speakers.
        """
        if {"train", "test"} <= {*np.unique(self.parts).tolist()}:
            return self.part("train"), self.part("test")
        form = r"[^_/]+_[^_/]+_(\d+)(\.\w+)?$"  # digit_speaker_take
        takes = [int(found[1]) for source in self.sources if (found := re.match(form, source))]
        if not takes or len(takes) < len(self):
            raise EarshotError(
                "This set has no official split (it has no parts, nor sources that end in _0 to "
                "_49, as spoken_digit's do): use leave_one_speaker_out() or random_split()."
            )
        test = np.array(takes) < 5
        if test.all() or not test.any():
            raise EarshotError("The official split needs recordings 0 to 4 and later ones.")
        return self.subset(~test), self.subset(test)

    def leave_one_speaker_out(self) -> Iterator[tuple[str, Self, Self]]:
        """Yield each speaker with all others' clips, which train, and the speaker's, which test."""
        n_speakers = len(np.unique(self.speakers))
        if n_speakers < 2:
            raise EarshotError(
                "Leaving one speaker out needs at least two speakers, and here is "
                f"{n_speakers}: record somebody else, or use random_split()."
            )
        from sklearn.model_selection import LeaveOneGroupOut  # seconds to import

        for train, test in LeaveOneGroupOut().split(self.labels, groups=self.speakers):
            yield str(self.speakers[test[0]]), self.subset(train), self.subset(test)

    def random_split(self, test_fraction: float = 0.2, *, seed: int = 0) -> tuple[Self, Self]:
        """Split into training and test at random, the same share of every word on both sides.

        scikit-learn's stratified splits refuse single clips, and tests with fewer clips than words.
        """
        rng = np.random.default_rng(seed)
        test = np.zeros(len(self), dtype=bool)
        for label in range(len(self.class_names)):
            clips = rng.permutation(np.flatnonzero(self.labels == label))
            test[clips[: round(test_fraction * len(clips))]] = True
        if not test.any() or test.all():
            raise EarshotError(
                f"{len(self)} clips cannot be split with {test_fraction:.0%} for the test: "
                "record more of each word."
            )
        return self.subset(~test), self.subset(test)

    def save(self, path: PathLike, *, front_end: LogMel | None = None) -> None:
        """Pack everything into one ``.npz`` file (no pickle inside); see :func:`load`.

        With a front end, its settings (JSON) and the spectrograms, shape (n, frames, n_mels), are
        packed, too, as float32 and ``quantized`` to 8 bits. Waveforms have 16 bits when that loses
        nothing.
        """
        flat = np.concatenate([*self.waveforms, np.zeros(0, np.float32)])
        whole = sounds.as_int16(flat)
        flat = flat if whole is None else whole  # WordSet scales integer samples back
        packed: dict[str, Any] = {name: np.asarray(getattr(self, name)) for name in PER_CLIP[1:]}
        packed |= {
            "waveforms": flat,
            "about": self.about,
            "sample_rate": np.int64(self.sample_rate),
        }
        packed["lengths"] = np.array([len(x) for x in self.waveforms], dtype=np.int64)
        packed["words"] = np.array(self.class_names, dtype=np.str_)
        if front_end is not None:
            clips = list(self.resampled(front_end.sample_rate).waveforms)
            shape: Any = (0, *front_end.output_shape)
            power = front_end.mel_power(clips) if clips else np.zeros(shape)
            for name, bits in (("spectrograms", None), ("quantized", 8)):
                form = dataclasses.replace(front_end, bits=bits)
                packed[name] = form.to_db(power) if clips else power
            packed["front_end"] = np.array(json.dumps(front_end.to_dict()))
        with files.atomic_path(path, endings={".npz"}) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **packed)

    def write(self, folder: PathLike) -> None:
        """Write a folder of shards, which :func:`~earshot.datasets.from_shards` opens lazily.

        They are Arrow files as Hugging Face ``datasets`` has them: ``load_from_disk`` opens them,
        too. Samples have 16 bits when that loses nothing, else 32. The folder appears when it is
        whole; one that is there already is kept, with an :class:`EarshotError`.
        """
        columns = (getattr(self, name) for name in PER_CLIP)
        rows = (
            (x, int(label), str(speaker), str(source), str(part))
            for x, label, speaker, source, part in zip(*columns, strict=True)
        )
        with arrow.new_folder(folder) as temporary:
            arrow.write(rows, temporary, self.class_names, self.sample_rate, self.about)

    def save_folder(self, folder: PathLike) -> int:
        """Write ``<word>/<speaker>_<number>.wav`` for known words; counts the new files."""
        written = 0
        numbers: collections.Counter[tuple[int, str]] = collections.Counter()
        for x, label, speaker in zip(self.waveforms, self.labels, self.speakers, strict=True):
            if label < 0:
                continue
            name = files.clip_name(str(speaker), numbers[label, speaker])
            numbers[label, speaker] += 1
            path = Path(folder) / files.safe_name(self.class_names[label]) / name
            if not path.exists():
                audio.write(path, x, self.sample_rate)
                written += 1
        return written


def _shape(entries: Sequence[Any]) -> tuple[int, ...]:
    return entries.shape if isinstance(entries, np.ndarray) else (len(entries),)
