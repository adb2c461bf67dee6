import numpy as np
import pytest

from earshot.datasets import folders
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


@pytest.mark.parametrize("labels", [[0.0], [2], [-2], ["a"], [0, 1]])
def test_labels_that_fit_nothing_are_refused(labels):
    with pytest.raises(EarshotError):
        WordSet([np.zeros(9)], labels, ("a", "b"), ["x"], ["y"], 8000)


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
    clips = [np.full(800, 0.1, np.float32)] * n
    names = [f"{w}_ann_0.wav" for w in words]
    WordSet(clips, range(n), words, ["ann"] * n, names, 8000).save_folder(tmp_path / "in")
    assert [p.name for p in tmp_path.iterdir()] == ["in"]
    assert set(folders.from_folder(tmp_path / "in").class_names) == set(words)


def test_nothing_is_overwritten(beeps, tmp_path):
    assert beeps.save_folder(tmp_path) == 60
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.wav")}
    assert beeps.save_folder(tmp_path) == 0
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.wav")} == before
