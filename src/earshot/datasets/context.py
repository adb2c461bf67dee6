"""Words as they come along a stream: with others before and after, louder or softer, in any noise.

What a network that listens is trained on. Never for test data.

>>> from earshot import LogMel
>>> rng = np.random.default_rng(0)
>>> InContext(others=(np.ones(9000),))([np.ones(4000)] * 3, LogMel(), rng).shape
(3, 101, 40)
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from earshot.datasets.augmentation import (
    Augmentation,
    add_noise,
    change_speed,
    coloured_noise,
    reverberate,
)
from earshot.datasets.word_set import WordSet
from earshot.features.log_mel import FAINTEST
from earshot.types import Array

__all__ = ["InContext", "between_words", "parts_of_words"]

GAP_S = (0.05, 0.5)  # between a word and its neighbours
LATE_S = (0.03, 0.4)  # a word has ended so long before the end of its window
LEVELS_DB = 6.0  # up to so much louder or softer are its neighbours
BABBLE = 6  # up to so many voices speak at once


@dataclasses.dataclass(frozen=True, kw_only=True)
class InContext(Augmentation):
    """As :class:`Augmentation`, in windows of streams.

    Parameters
    ----------
    others : waveforms of other speech at the front end's rate: neighbours of words, and babble
    context : share of the words that have neighbours
    late : share of the words that have just ended, others are in the middle of their window
    running : share of the windows whose reference is what came before, as of a stream that is heard
        only once; of the others it is their own loudest point, as of a clip
    """

    others: Sequence[Array] = dataclasses.field(repr=False)
    context: float = 0.6
    late: float = 0.5
    running: float = 0.6
    noise: float = 0.8
    reverb: float = 0.35

    def settings(self) -> dict[str, Any]:
        """Give what a checkpoint compares; of the other speech, a checksum."""
        seen = hashlib.sha256(b"".join(np.asarray(x, np.float32).tobytes() for x in self.others))
        return {**dataclasses.asdict(dataclasses.replace(self, others=())),
                "others": seen.hexdigest()}  # fmt: skip

    def _waveforms(self, clips, front_end, rng):
        n, rate = front_end.n_samples, front_end.sample_rate
        x = np.zeros((len(clips), n), np.float32)
        for row, clip in zip(x, clips, strict=True):
            limit = np.log1p(self.speed)
            clip = change_speed(clip, np.exp(rng.uniform(-limit, limit)))[:n]
            spare = n - len(clip)
            start = spare / 2 + rng.normal(0, self.shift_s * rate)
            if rng.random() < self.late:
                start = spare - rng.uniform(*LATE_S) * rate
            start = int(np.clip(start, 0, spare))
            row[start : start + len(clip)] = clip
            if rng.random() < self.context and spare:
                self._surround(row, start, start + len(clip), rate, rng)
        chosen = rng.random(len(x)) < self.reverb
        x[chosen] = reverberate(x[chosen], rate, rng)
        chosen = rng.random(len(x)) < self.noise
        k = np.count_nonzero(chosen)
        low, high = self.snr_db
        snr_db = rng.uniform(low - 3, np.where(rng.random((k, 1)) < 0.5, low + 12, high))
        x[chosen] = add_noise(x[chosen], self.noises(k, n, rng), snr_db)
        return x

    def _surround(self, row, start, end, rate, rng):
        """Let somebody speak before a word, after it, or both."""
        level = np.sqrt(np.mean(row[start:end] ** 2))
        side = rng.choice(["before", "after", "both"], p=[0.4, 0.2, 0.4])
        before, after = (int(rng.uniform(*GAP_S) * rate) for _ in range(2))
        for where, first, last in (("before", 0, start - before), ("after", end + after, len(row))):
            if side in (where, "both") and last - first > rate // 50:
                speech = self._speech(last - first, rng)
                gain = 10 ** (rng.uniform(-LEVELS_DB, LEVELS_DB) / 20)
                row[first:last] += gain * level * speech

    def _speech(self, n, rng):
        """A stretch of other speech, root mean square 1."""
        x = self.others[rng.integers(len(self.others))]
        start = rng.integers(max(len(x) - n, 0) + 1)
        x = np.resize(x[start : start + n], n)
        return x / (np.sqrt(np.mean(x**2)) + 1e-9)

    def noises(self, k: int, n: int, rng: np.random.Generator) -> Array:
        """Make k noises of any colour, steady or in gusts, or babble; root mean square 1."""
        noises = coloured_noise(k, n, rng)
        for noise in noises:
            kind = rng.random()
            if kind < 0.25:
                gusts = rng.normal(0, 1, 12)
                noise *= np.exp(np.interp(np.arange(n), np.linspace(0, n, 12), gusts))
            elif kind < 0.5:
                noise[:] = sum(self._speech(n, rng) for _ in range(rng.integers(1, BABBLE + 1)))
        return noises / (np.sqrt(np.mean(noises**2, axis=1, keepdims=True)) + 1e-9)

    def _to_db(self, power, front_end, rng):
        """Relative to what came before, as along a stream, or to the loudest of the window."""
        n, loudest = len(power), np.maximum(power.max(axis=2), FAINTEST)
        top = loudest.max(axis=1)
        spoken = top * 10 ** (rng.uniform(-8, 8, n) / 10)
        quiet = loudest[:, :4].max(axis=1) * 10 ** (rng.uniform(-3, 6, n) / 10)
        before = np.where(rng.random(n) < 0.5, spoken, quiet)
        along = np.maximum(np.maximum.accumulate(loudest, axis=1), before[:, None])
        reference = np.where((rng.random(n) < self.running)[:, None], along, top[:, None])
        least = np.float32(10 ** (-front_end.top_db / 10))
        share = np.maximum(power / reference[:, :, None].astype(np.float32), least)
        return 10 * np.log10(share)


def parts_of_words(words: WordSet, n: int, rng: np.random.Generator) -> list[Array]:
    """Make n clips of beginnings and ends of words, and of ends that go over into beginnings."""
    clips = []
    for kind in rng.choice(3, n):
        one, other = (words.waveforms[i] for i in rng.integers(len(words), size=2))
        begins = one[: int(len(one) * rng.uniform(0.3, 0.55))]
        ends = other[int(len(other) * rng.uniform(0.45, 0.7)) :]
        clips.append((begins, ends, np.concatenate([ends, begins]))[kind])
    return clips


def between_words(words: WordSet, n: int, rng: np.random.Generator) -> list[Array]:
    """Make n seconds in which a word ended half a second ago, and another has begun or not."""
    rate, clips = words.sample_rate, []
    for _ in range(n):
        one, other = (words.waveforms[i] for i in rng.integers(len(words), size=2))
        ended = int(rng.uniform(0.45, 0.9) * rate)
        x = np.zeros(2 * rate, np.float32)
        x[max(2 * rate - ended - len(one), 0) : 2 * rate - ended] = one[-(2 * rate - ended) :]
        if rng.random() < 0.7:
            begun = other[: int(min(len(other) * rng.uniform(0.2, 0.6), ended - 0.05 * rate))]
            x[2 * rate - len(begun) :] += begun
        clips.append(x[rate:])
    return clips
