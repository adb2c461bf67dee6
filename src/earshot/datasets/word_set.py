"""Recordings of single words, what was said and by whom; speaker-aware splits."""

import collections
import dataclasses
import json
import re
from pathlib import Path

import numpy as np

from earshot import audio, files
from earshot.errors import EarshotError, some
from earshot.files import safe_name

__all__ = ["DIGITS", "WordSet"]

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclasses.dataclass(frozen=True, eq=False)
class WordSet:
    """Recordings of single words: what was said, and by whom.

    Parameters
    ----------
    waveforms : list of ndarray of float32, each of shape (samples,)
    labels : ndarray of int, shape (n,)
        Index into ``class_names`` for each waveform; -1 where nobody knows what is said.
    class_names : tuple of str
    speakers : ndarray of str, shape (n,)
    sources : ndarray of str, shape (n,)
        File name, or whatever else tells where a waveform came from.
    sample_rate : int
        In Hz, the same for all.
    about : str
        Origin, licence and citation.
    """

    waveforms: list
    labels: np.ndarray
    class_names: tuple
    speakers: np.ndarray
    sources: np.ndarray
    sample_rate: int
    about: str = ""

    def __post_init__(self):
        labels = np.asarray(self.labels)
        if labels.dtype.kind not in "iu":
            raise EarshotError(
                f"Labels are whole numbers that count the words from 0, not {labels.dtype}."
            )
        if len(set(self.class_names)) < len(self.class_names):
            raise EarshotError(f"Every word must be there once: {', '.join(self.class_names)}.")
        set_field = object.__setattr__
        set_field(self, "labels", labels.astype(np.int64))
        set_field(self, "class_names", tuple(str(word) for word in self.class_names))
        set_field(self, "speakers", np.asarray(self.speakers, dtype=np.str_))
        set_field(self, "sources", np.asarray(self.sources, dtype=np.str_))
        clips = [audio.validate(x, f"clip {i}") for i, x in enumerate(self.waveforms)]
        set_field(self, "waveforms", clips)
        lengths = {len(self.waveforms), len(labels), len(self.speakers), len(self.sources)}
        if len(lengths) > 1:
            raise EarshotError(
                "A WordSet needs as many labels, speakers and sources as waveforms, "
                f"not {sorted(lengths)}."
            )
        if len(labels) and not -1 <= labels.min() <= labels.max() < len(self.class_names):
            raise EarshotError(
                f"Labels run from {labels.min()} to {labels.max()}, but there are "
                f"{len(self.class_names)} words: labels count from 0."
            )

    def __len__(self):
        return len(self.waveforms)

    def __repr__(self):
        return (
            f"WordSet({len(self):,} clips, {len(self.class_names)} words, "
            f"{len(np.unique(self.speakers))} speakers, {self.sample_rate:,} Hz)"
        )

    @property
    def durations_s(self):
        """Length of each clip in seconds, shape (n,)."""
        return np.array([len(x) for x in self.waveforms]) / self.sample_rate

    def counts(self):
        """Count the clips of each word, as a dict from word to int."""
        n = np.bincount(self.labels[self.labels >= 0], minlength=len(self.class_names))
        return {word: int(count) for word, count in zip(self.class_names, n, strict=True)}

    def subset(self, chosen):
        """Keep some clips.

        Parameters
        ----------
        chosen : array_like
            Indices, or booleans of shape (n,).
        """
        chosen = np.asarray(chosen)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        return dataclasses.replace(
            self,
            waveforms=[self.waveforms[i] for i in chosen],
            labels=self.labels[chosen],
            speakers=self.speakers[chosen],
            sources=self.sources[chosen],
        )

    def only(self, words):
        """Keep the clips of some words, which become the only ones, in the order given."""
        words = (words,) if isinstance(words, str) else words
        strangers = [word for word in words if word not in self.class_names]
        if strangers:
            raise EarshotError(
                f"{', '.join(strangers)} is no word of this set: choose among {some(self.class_names)}."
            )
        renumber = np.full(len(self.class_names) + 1, -1)
        renumber[[self.class_names.index(word) for word in words]] = np.arange(len(words))
        part = self.subset(renumber[self.labels] >= 0)
        return dataclasses.replace(part, class_names=words, labels=renumber[part.labels])

    def resampled(self, sample_rate):
        """Give the same clips at another sample rate (Hz)."""
        if sample_rate == self.sample_rate:
            return self
        waveforms = [audio.resample(x, self.sample_rate, sample_rate) for x in self.waveforms]
        return dataclasses.replace(self, waveforms=waveforms, sample_rate=sample_rate)

    def joined(self, other):
        """Add the clips of another set; words that are new come after the known ones."""
        other = other.resampled(self.sample_rate)
        words = self.class_names + tuple(
            word for word in other.class_names if word not in self.class_names
        )
        renumber = np.array([words.index(word) for word in other.class_names], dtype=np.int64)
        return WordSet(
            waveforms=self.waveforms + other.waveforms,
            labels=np.concatenate(
                [self.labels, np.where(other.labels < 0, -1, renumber[other.labels])]
            ),
            class_names=words,
            speakers=np.concatenate([self.speakers, other.speakers]),
            sources=np.concatenate([self.sources, other.sources]),
            sample_rate=self.sample_rate,
            about="; ".join(
                dict.fromkeys(
                    part for both in (self, other) for part in both.about.split("; ") if part
                )
            ),
        )

    def official_split(self):
        """Split as the Free Spoken Digit Dataset's README says: recordings 0 to 4 are the test.

        The same speakers are on both sides, so that this is the easy test.

        Returns
        -------
        train, test : WordSet
        """
        form = r"[^_/]+_[^_/]+_(\d+)(\.\w+)?$"  # digit_speaker_take
        takes = [re.match(form, source) for source in self.sources]
        if not takes or None in takes:
            raise EarshotError(
                "Only spoken_digit has an official split (its sources end in _0 to _49): "
                "use leave_one_speaker_out() or random_split()."
            )
        test = np.array([int(take[1]) < 5 for take in takes])
        if test.all() or not test.any():
            raise EarshotError("The official split needs recordings 0 to 4 and later ones.")
        return self.subset(~test), self.subset(test)

    def leave_one_speaker_out(self):
        """Go through the speakers: each is the test set once, all others train.

        Yields
        ------
        speaker : str
        train, test : WordSet
        """
        speakers = np.unique(self.speakers)
        if len(speakers) < 2:
            raise EarshotError(
                "Leaving one speaker out needs at least two speakers, and here is "
                f"{len(speakers)}: record somebody else, or use random_split()."
            )
        for speaker in speakers:
            out = self.speakers == speaker
            yield str(speaker), self.subset(~out), self.subset(out)

    def random_split(self, test_fraction=0.2, *, seed=0):
        """Split at random, the same share of every word on both sides.

        Returns
        -------
        train, test : WordSet
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

    def save(self, path, *, front_end=None):
        """Pack everything into one ``.npz`` file (no pickle inside); see :func:`load`.

        Parameters
        ----------
        path : str or path
        front_end : earshot.features.LogMel, optional
            With it, the spectrograms of all clips are packed, too: ``spectrograms`` (float32) and
            ``quantized`` (the same with 8 bits), shape (n, frames, n_mels), and its settings as JSON
            (``front_end``).
        """
        path, spectrograms = Path(path), {}
        if front_end is not None:
            clips = self.resampled(front_end.sample_rate).waveforms
            power = front_end.mel_power(clips) if clips else np.zeros((0, *front_end.output_shape))
            for name, bits in (("spectrograms", None), ("quantized", 8)):
                form = dataclasses.replace(front_end, bits=bits)
                spectrograms[name] = form.to_db(power) if clips else power
            spectrograms["front_end"] = np.array(json.dumps(front_end.to_dict()))
        flat = np.concatenate([*self.waveforms, np.zeros(0, np.float32)])
        whole = np.rint(flat * 32768)
        if np.array_equal(whole, flat * 32768) and np.abs(whole).max(initial=0) < 32768:
            flat = whole.astype(np.int16)
        with files.atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                waveforms=flat,
                lengths=np.array([len(x) for x in self.waveforms], dtype=np.int64),
                labels=self.labels,
                words=np.array(self.class_names, dtype=np.str_),
                speakers=self.speakers,
                sources=self.sources,
                sample_rate=np.int64(self.sample_rate),
                about=np.array(self.about),
                **spectrograms,
            )

    def save_folder(self, folder):
        """Write ``<word>/<speaker>_<number>.wav`` for every clip; nothing is overwritten.

        Returns
        -------
        int
            The number of files written; clips whose file exists already are left alone.
        """
        written, numbers = 0, collections.Counter()
        for x, label, speaker in zip(self.waveforms, self.labels, self.speakers, strict=True):
            if label < 0:
                continue
            name = f"{safe_name(str(speaker))}_{numbers[label, speaker]}.wav"
            numbers[label, speaker] += 1
            path = Path(folder) / safe_name(self.class_names[label]) / name
            if not path.exists():
                audio.write(path, x, self.sample_rate)
                written += 1
        return written
