import pytest

from earshot import audio
from earshot.datasets import espeak, stand_ins
from earshot.datasets.ibids import stand_in
from earshot.segmentation import cut_set

WORDS = ["cat", "dog"]
pytestmark = pytest.mark.skipif(not espeak.is_available(), reason="needs espeakng-loader")


def test_voices_stand_in_where_nobody_recorded_and_can_be_cut(tmp_path):
    place = stand_ins(tmp_path, "animals", WORDS, n_voices=2)
    assert place == tmp_path / "synthetic"
    assert {len(found) for found in cut_set(place, "animals", WORDS).values()} == {2}


def test_recordings_of_people_are_taken_alone(tmp_path):
    audio.write(tmp_path / "animals_anna.wav", [0.5] * 800, 8000)
    assert stand_ins(tmp_path, "animals", WORDS, n_loose=1) == tmp_path
    assert not (tmp_path / "synthetic").exists()


def test_what_belongs_to_another_set_is_no_recording_of_this_one(tmp_path):
    audio.write(tmp_path / "num_anna.wav", [0.5] * 800, 8000)
    (tmp_path / "animals_list.txt").write_text("cat, dog")
    assert stand_ins(tmp_path, "animals", WORDS, n_voices=1).name == "synthetic"


def test_loose_recordings_are_of_a_voice_that_is_in_no_other(tmp_path):
    place = stand_ins(tmp_path, "animals", WORDS, n_voices=1, n_loose=2)
    assert len(list((place / "animals-test").iterdir())) == 2


def test_a_second_call_keeps_what_is_there(tmp_path):
    place = stand_ins(tmp_path, "animals", WORDS, n_voices=1, n_loose=1)
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*.wav")}
    stand_ins(tmp_path, "animals", WORDS, n_voices=1, n_loose=1)
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*.wav")} == before


def test_dutch_words_have_a_stand_in_that_says_so():
    words = stand_in()
    assert words.class_names == ("appel", "fiets")
    assert len(words) == 4
    assert "not people" in words.about
