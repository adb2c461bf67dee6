import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from earshot.datasets import WordSet, splits
from earshot.errors import EarshotError


def word_set(labels, speakers, n_words=3):
    """Clips that differ, with these labels and speakers, whose sources are no spoken_digit's."""
    waveforms = [np.full(80, (i + 1) / (len(labels) + 1)) for i in range(len(labels))]
    sources = [
        f"w{label}/{who}_{i}.wav"
        for i, (label, who) in enumerate(zip(labels, speakers, strict=True))
    ]
    names = [f"w{i}" for i in range(n_words)]
    return WordSet(waveforms, labels, names, speakers, sources, 8000)


def many(speakers):
    return word_set([0, 1, 2] * len(speakers), np.repeat(speakers, 3))


def test_where_several_speak_each_is_tested_without_having_been_heard():
    parts = splits.honest_splits(many(["ann", "bob", "eve"]))
    assert parts.kind == "speakers"
    assert [name for name, _, _ in parts.folds] == ["without ann", "without bob", "without eve"]
    for _, train, test in parts.folds:
        assert not {*train.speakers} & {*test.speakers}
    assert {*parts.test.speakers} == {"ann"}
    assert "new voice" in parts.says


def test_many_speakers_are_tested_in_groups_of_about_one_size():
    parts = splits.honest_splits(many([f"s{i}" for i in range(23)]))
    assert parts.folds[0][0] == "without 5 speakers (1)"
    tested = [{*test.speakers.tolist()} for _, _, test in parts.folds]
    assert sorted(len(group) for group in tested) == [4, 4, 5, 5, 5]
    assert len(set.union(*tested)) == 23


def test_clips_of_unknown_speakers_are_never_the_test():
    parts = splits.honest_splits(many(["ann", "bob", "unknown"]))
    assert all("unknown" not in test.speakers for _, _, test in parts.folds)
    assert all("unknown" in train.speakers for _, train, _ in parts.folds)


@pytest.mark.parametrize(("who", "told"), [("me", "said by me"), ("unknown", "nobody knows whom")])
def test_of_one_voice_the_split_is_random_and_says_what_it_cannot_tell(who, told):
    words = word_set([0, 1, 2] * 10, [who] * 30)
    parts = splits.honest_splits(words)
    assert parts.kind == "recordings"
    assert told in parts.says
    assert "nothing about other voices" in parts.says
    for _, train, test in parts.folds:
        assert list(test.counts().values()) == [2, 2, 2]
        assert not {*train.sources} & {*test.sources}


def test_spoken_digit_keeps_its_official_split_and_leaves_speakers_out(beeps):
    names = [f"{label}_{who}_{i}.wav" for i, (label, who) in
             enumerate(zip(beeps.labels, beeps.speakers, strict=True))]  # fmt: skip
    parts = splits.honest_splits(dataclasses.replace(beeps, sources=np.array(names)))
    assert parts.kind == "official"
    assert len(parts.test) == 5
    assert [name for name, _, _ in parts.folds] == ["without anna", "without bob", "without eve"]


def test_a_word_that_only_the_left_out_speaker_says_is_not_tested():
    words = word_set([0, 1, 0, 1, 2], ["ann", "ann", "bob", "bob", "bob"])
    tested = {name: {*test.labels} for name, _, test in splits.honest_splits(words).folds}
    assert tested == {"without ann": {0, 1}, "without bob": {0, 1}}


def test_clips_of_no_known_word_are_left_out():
    words = word_set([0, 1, 0, 1, -1, -1], ["ann", "ann", "bob", "bob", "ann", "bob"])
    parts = splits.honest_splits(words)
    assert all(min(part.labels) >= 0 for _, *both in parts.folds for part in both)


def test_too_few_clips_are_refused():
    with pytest.raises(EarshotError, match="2 clips of 3 words are too few"):
        splits.honest_splits(word_set([0, 1], ["me", "me"]))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abcdefgh")), min_size=12))
def test_no_clip_is_on_both_sides_and_every_word_of_a_test_is_trained_on(rows):
    words = word_set(*zip(*rows, strict=True))
    try:
        parts = splits.honest_splits(words)
    except EarshotError:
        return  # a speaker says words that nobody else says
    for _, train, test in parts.folds:
        assert not {*train.sources} & {*test.sources}
        assert {*test.labels.tolist()} <= {*train.labels.tolist()}
