import numpy as np
import pytest

from earshot.datasets import WordSet, opening, synthetic
from earshot.errors import EarshotError


def test_spoken_digit_is_opened_by_its_name(tmp_path):
    synthetic(n_voices=1, n_takes=1).save(tmp_path / "spoken_digit.npz")
    assert len(opening.open_set("spoken_digit", tmp_path)) == 10


def test_a_folder_of_words_is_opened(folder):
    assert opening.open_set(folder).class_names == ("cat", "dog")


def test_own_recordings_are_opened_without_whole_takes_and_dropped_words(tones):
    own = tones(
        "cat/me_0.wav", "cat/raw/me_20260101-000000.wav", "cat/dropped/me_1.wav", "dog/me_0.wav"
    )
    assert sorted(opening.open_set(own).sources) == ["cat/me_0.wav", "dog/me_0.wav"]


def test_a_folder_of_speech_commands_is_opened_without_its_noises(tones):
    names = ["up/0a7c2a8d_nohash_0.wav", "down/0b09edd3_nohash_0.wav", "_background_noise_/x.wav"]
    folder = tones(*names)
    (folder / "README.md").write_text("Mini Speech Commands")
    words = opening.open_set(folder)
    assert words.class_names == ("down", "up")
    assert list(words.speakers) == ["0b09edd3", "0a7c2a8d"]


def test_of_a_packed_file_only_known_words_are_given(tmp_path, beeps):
    loose = WordSet([np.ones(800)], [-1], (), ["unknown"], ["a.wav"], 8000)
    beeps.joined(loose).save(tmp_path / "beeps.npz")
    assert opening.open_set(tmp_path / "beeps.npz").fingerprint() == beeps.fingerprint()


def test_what_was_kept_apart_for_the_test_stays_apart(tmp_path, beeps):
    beeps.subset(beeps.speakers != "eve").save(tmp_path / "beeps.npz")
    beeps.subset(beeps.speakers == "eve").save(tmp_path / "beeps-test.npz")
    assert "eve" not in opening.open_set(tmp_path / "beeps.npz").speakers


def test_a_set_is_given_at_another_rate(folder):
    assert opening.open_set(folder, sample_rate=8000).sample_rate == 8000


def test_a_set_that_is_not_there_is_named_with_what_can_be(tmp_path):
    with pytest.raises(EarshotError, match=r'no word set \S*/mine: name "spoken_digit", a folder'):
        opening.open_set(tmp_path / "mine")
