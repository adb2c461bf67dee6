import dataclasses
import re

import numpy as np
import pytest

from earshot.datasets import folders, packed
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError


def test_counts_every_word(beeps):
    assert beeps.counts() == {"low": 30, "high": 30}


def test_shows_its_size(beeps):
    assert repr(beeps) == "WordSet(60 clips, 2 words, 3 speakers, 8,000 Hz)"


def test_some_words_become_the_only_ones_in_the_order_given(beeps):
    both = beeps.only(["high", "low"])
    assert both.class_names == ("high", "low")
    assert both.counts() == beeps.counts()
    high = beeps.only(["high"])
    assert (len(high), set(high.labels)) == (30, {0})
    assert all(source.startswith("high") for source in high.sources)


def test_a_word_that_is_not_there_cannot_be_kept(beeps):
    with pytest.raises(EarshotError, match="middle is no word of this set"):
        beeps.only(["middle"])


def test_leaves_each_speaker_out_once(beeps):
    seen = []
    for speaker, train, test in beeps.leave_one_speaker_out():
        seen.append(speaker)
        assert set(test.speakers) == {speaker}
        assert speaker not in train.speakers
        assert len(train) + len(test) == len(beeps)
    assert seen == ["anna", "bob", "eve"]


def test_one_speaker_cannot_be_left_out(beeps):
    anna = beeps.subset(beeps.speakers == "anna")
    with pytest.raises(EarshotError, match="two speakers"):
        list(anna.leave_one_speaker_out())


def test_the_official_split_keeps_recordings_0_to_4_for_the_test(beeps):
    train, test = beeps.official_split()
    assert {source.split("_")[-1] for source in test.sources} == {f"{i}.wav" for i in range(5)}
    assert not set(train.sources) & set(test.sources)


def test_other_sets_have_no_official_split(folder):
    with pytest.raises(EarshotError, match="official split"):
        folders.from_folder(folder).official_split()


def test_a_random_split_is_stratified_and_repeatable(beeps):
    train, test = beeps.random_split(0.2, seed=3)
    assert test.counts() == {"low": 6, "high": 6}
    assert not set(train.sources) & set(test.sources)
    np.testing.assert_array_equal(test.sources, beeps.random_split(0.2, seed=3)[1].sources)


def test_two_clips_cannot_be_split(beeps):
    with pytest.raises(EarshotError, match="record more"):
        beeps.subset([0, 1]).random_split(0.2)


def test_joining_keeps_the_words_apart(beeps):
    other = WordSet([np.ones(80, np.float32)], [0], ["new"], ["x"], ["y"], 16000)
    both = beeps.joined(other)
    assert both.class_names == ("low", "high", "new")
    assert both.class_names[both.labels[-1]] == "new"
    assert len(both.waveforms[-1]) == 40


@pytest.mark.parametrize("x", [np.full(9, np.nan), np.zeros((9, 2)), np.zeros(0)])
def test_clips_that_are_no_waveforms_are_refused(x):
    with pytest.raises(EarshotError, match="clip 0"):
        WordSet([x], [0], ("a",), ["x"], ["y"], 8000)


@pytest.mark.parametrize(
    ("kind", "half"),
    [(np.int8, 2**6), (np.uint8, 2**7 + 2**6), (np.int16, 2**14), (np.int32, 2**30),
     (np.uint32, 2**31 + 2**30), (np.int64, 2**14), (np.float32, 0.5), (np.float64, 0.5)],
)  # fmt: skip
def test_samples_of_any_width_have_the_same_full_scale(kind, half):
    words = WordSet([np.full(9, half, kind)], [0], ("a",), ["x"], ["y"], 8000)
    assert words.waveforms[0].dtype == np.float32
    np.testing.assert_array_equal(words.waveforms[0], 0.5)


@pytest.mark.parametrize("rate", [0, -1, 8000.5, np.nan, "8000", None])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(EarshotError, match="A sample rate is a whole number of Hz from 1"):
        WordSet([np.zeros(9)], [0], ("a",), ["x"], ["y"], rate)


@pytest.mark.parametrize("labels", [[0.0], [2], [-2], ["a"], [0, 1]])
def test_labels_that_fit_nothing_are_refused(labels):
    with pytest.raises(EarshotError):
        WordSet([np.zeros(9)], labels, ("a", "b"), ["x"], ["y"], 8000)


@pytest.mark.parametrize("shape", [(2, 0), (2, 1), (0, 2), (0,), (3,)])
def test_arrays_of_another_shape_are_refused(shape):
    with pytest.raises(EarshotError, match="a label, a speaker and a source for each waveform: 2"):
        WordSet([np.zeros(9)] * 2, np.zeros(shape, int), ("a", "b"), ["x"] * 2, ["y"] * 2, 8000)


def test_a_set_may_be_empty():
    assert len(WordSet([], [], ("a", "b"), [], [], 8000)) == 0


def test_few_clips_of_many_words_are_split_and_a_single_one_trains(rng):
    clips = [rng.uniform(-1, 1, 80) for _ in range(31)]
    labels = np.append(np.repeat(np.arange(10), 3), 10)
    names = [str(label) for label in range(11)]
    words = WordSet(clips, labels, names, ["anna"] * 31, ["a.wav"] * 31, 8000)
    train, test = words.random_split(0.2)
    assert test.counts() == {name: int(name != "10") for name in names}
    assert len(train) == 21


def test_a_seed_goes_on_giving_the_split_that_it_gave(beeps):
    _, test = beeps.random_split(0.1, seed=3)
    assert [source.removesuffix(".wav") for source in test.sources] == [
        "high_bob_0", "high_bob_1", "low_bob_6", "high_anna_7", "low_bob_7", "low_bob_8",
    ]  # fmt: skip


def test_strange_words_survive_a_folder(tmp_path):
    words = ("../up", "Ünïcode 词", "two words", "`s", "12", "100%41")
    n = len(words)
    clips = [np.sin((0.1 + 0.1 * i) * np.arange(800)).astype(np.float32) for i in range(n)]
    names = [f"{w}_ann_0.wav" for w in words]
    WordSet(clips, range(n), words, ["ann"] * n, names, 8000).save_folder(tmp_path / "in")
    assert [p.name for p in tmp_path.iterdir()] == ["in"]
    assert set(folders.from_folder(tmp_path / "in").class_names) == set(words)


def test_nothing_is_overwritten(beeps, tmp_path):
    assert beeps.save_folder(tmp_path) == 60
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.wav")}
    assert beeps.save_folder(tmp_path) == 0
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.wav")} == before


class TestFingerprint:
    def test_it_is_64_hexadecimal_digits_and_survives_the_disk(self, beeps, tmp_path):
        beeps.save(tmp_path / "beeps.npz")
        assert re.fullmatch("[0-9a-f]{64}", beeps.fingerprint())
        assert packed.load(tmp_path / "beeps.npz").fingerprint() == beeps.fingerprint()

    @pytest.mark.parametrize("what", ["sample", "label", "word", "rate", "order", "cut"])
    def test_whatever_is_learned_changes_it(self, beeps, what):
        waveforms, labels = [x.copy() for x in beeps.waveforms], beeps.labels.copy()
        changes = {"waveforms": waveforms, "labels": labels}
        if what == "sample":
            waveforms[3][5] += 1e-6
        elif what == "label":
            labels[3] = 1 - labels[3]
        elif what == "word":
            changes["class_names"] = ("low", "higher")
        elif what == "rate":
            changes["sample_rate"] = 8001
        elif what == "order":
            waveforms.reverse()
        elif what == "cut":  # the same samples, of another clip
            waveforms[:2] = waveforms[0][:-9], np.append(waveforms[0][-9:], waveforms[1])
        assert dataclasses.replace(beeps, **changes).fingerprint() != beeps.fingerprint()

    def test_names_of_people_and_files_do_not(self, beeps):
        names = np.array(["x"] * len(beeps))
        renamed = dataclasses.replace(beeps, speakers=names, sources=names, about="other")
        assert renamed.fingerprint() == beeps.fingerprint()
