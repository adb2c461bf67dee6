"""Codes of two words said in one breath, such as "four two": new words, said by real people.

Put together from recordings of single words, they stand in for words of one's own in examples.

>>> clips = [np.ones(800), np.ones(400), np.ones(500)]
>>> words = WordSet(clips, [0, 1, 1], ["two", "four"], ["ann"] * 3, list("abc"), 8000)
>>> spoken_codes(words, ["four two"]).durations_s.round(1)
array([0.2])
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, some
from earshot.types import Array

__all__ = ["spoken_codes"]

GAP_S = (0.02, 0.1)  # between the two words: as long as a consonant takes
PEAK = 0.9  # of a code, whose words are equally loud


def spoken_codes(words: WordSet, codes: Sequence[str], *, seed: int = 0) -> WordSet:
    """Join recordings of words to codes of two words each, both said by the same speaker.

    Of each code a speaker gets as many clips as there are recordings of the rarer word; each is
    used once. Raises :class:`EarshotError` when a code is not two words of the set.
    """
    for code in codes:
        if len(parts := code.split()) != 2 or not set(parts) <= set(words.class_names):
            raise EarshotError(
                f"{code!r} is no code of two words: join two of {some(words.class_names)}."
            )
    rng, rows = np.random.default_rng(seed), []
    for speaker in np.unique(words.speakers):
        for label, code in enumerate(codes):
            said = [_recordings(words, word, speaker, rng) for word in code.split()]
            for pair in zip(*said, strict=False):
                x = _joined([words.waveforms[i] for i in pair], words.sample_rate, rng)
                source = f"{code}/{'+'.join(str(words.sources[i]) for i in pair)}"
                rows.append((x, label, speaker, source))
    if not rows:
        raise EarshotError("Nobody says both words of a code: give recordings of both.")
    waveforms, labels, speakers, sources = zip(*rows, strict=True)
    return dataclasses.replace(
        words, waveforms=list(waveforms), labels=np.array(labels), class_names=tuple(codes),
        speakers=np.array(speakers), sources=np.array(sources), parts=np.zeros(0, "U1"),
    )  # fmt: skip


def _recordings(words: WordSet, word: str, speaker: str, rng: np.random.Generator) -> Array:
    """Give the numbers of a speaker's recordings of a word, in any order."""
    found = (words.labels == words.class_names.index(word)) & (words.speakers == speaker)
    return rng.permutation(np.flatnonzero(found))


def _joined(clips: Sequence[Array], sample_rate: int, rng: np.random.Generator) -> Array:
    """Put two clips one after the other, equally loud."""
    first, second = (x / max(np.sqrt(np.mean(np.square(x))), 1e-9) for x in clips)
    gap = np.zeros(round(rng.uniform(*GAP_S) * sample_rate), np.float32)
    x = np.concatenate([first, gap, second])
    return (PEAK / max(np.abs(x).max(), 1e-9) * x).astype(np.float32)
