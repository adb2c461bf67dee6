import dataclasses
import warnings

import numpy as np
import pytest

from earshot.datasets.voices import synthetic
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotWarning
from earshot.recognition import confusions, new_words

NAMES = ("ship", "sheep", "moon")


@pytest.fixture
def alike(rng):
    """Features of two words in one place and of a third one elsewhere, six clips each."""
    places = np.repeat(np.eye(3, 8)[[0, 0, 1]], 6, axis=0)
    return places + 0.2 * rng.standard_normal((18, 8)), np.repeat([0, 1, 2], 6)


def test_words_in_one_place_are_named_and_the_third_is_not(alike):
    (pair,) = confusions.pairs_of(*alike, NAMES, np.arange(18))
    assert (pair.word, pair.other, pair.clips) == ("ship", "sheep", 12)
    assert pair.share == pair.confused / 12 > 0.2


def test_a_speaker_is_never_in_both_parts():
    x = np.eye(4)[[0, 1, 1, 0]]  # two speakers, who call two sounds the other way round
    labels, speakers = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    (pair,) = confusions.pairs_of(x, labels, ("a", "b"), speakers)
    assert pair.confused == 4


def test_the_worst_pair_comes_first(rng):
    places = np.array([[1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0], [0, 0.8, 0.6]])
    x = np.repeat(places, 20, axis=0) + 0.25 * rng.standard_normal((80, 3))
    found = confusions.pairs_of(x, np.repeat(range(4), 20), tuple("abcd"), np.arange(80))
    assert (found[0].word, found[0].other) == ("a", "b")
    assert [pair.share for pair in found] == sorted((p.share for p in found), reverse=True)


@pytest.mark.parametrize("counts", [[], [1, 1], [4], [1, 4]])
def test_nothing_is_said_where_nothing_can_be_held_out(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    x = np.eye(8)[np.arange(len(labels))]
    assert confusions.pairs_of(x, labels, NAMES, np.arange(len(x))) == []


def test_speakers_are_held_out_where_each_word_has_several(few_beeps):
    words = few_beeps[0]
    two = np.array(["anna", "anna", "berta", "berta"])[np.arange(10) % 4]
    alone = np.where(words.labels == 0, "anna", two)
    n_groups = [
        len(set(confusions.groups_of(dataclasses.replace(words, speakers=speakers))))
        for speakers in (two, alone)
    ]
    assert n_groups == [2, 10]


@pytest.fixture(scope="module")
def twice_the_same():
    """One word under two names, and another one."""
    voices = {"n_voices": 12, "n_takes": 1}
    said = [synthetic(word, seed=seed, **voices) for word, seed in (("fox", 1), ("fox", 2))]
    other = synthetic("umbrella", seed=3, **voices)
    clips = [x for part in (*said, other) for x in part.waveforms]
    labels = np.repeat([0, 1, 2], [len(part) for part in (*said, other)])
    sources = [f"clip {i}" for i in range(len(clips))]
    names = ("fox", "focks", "umbrella")
    return WordSet(clips, labels, names, ["-"] * len(clips), sources, 8000)


def test_confusable_recordings_are_found(base, twice_the_same):
    pair = confusions.confusable(base, twice_the_same)[0]
    assert (pair.word, pair.other) == ("fox", "focks")
    assert pair.share > 0.2


def test_learning_them_warns_and_says_what_to_do(base, twice_the_same):
    with pytest.warns(EarshotWarning, match="fox and focks: .*call one of them otherwise"):
        new_words.learn_words(base, twice_the_same)


def test_learning_words_that_differ_does_not_warn(base, animals):
    with warnings.catch_warnings(action="error", category=EarshotWarning):
        new_words.learn_words(base, animals[0].only(("cat", "bird")))
