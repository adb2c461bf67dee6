import copy

import pytest

import earshot
from earshot.errors import EarshotError
from earshot.notebook import keep


@pytest.fixture
def of(trained):
    """Give a recognizer of beeps under other names."""

    def named(*words):
        recognizer = copy.copy(trained)
        recognizer.class_names = words
        return recognizer

    return named


def test_a_recognizer_of_other_words_is_moved_aside_and_that_is_said(of, tmp_path):
    place = tmp_path / "mine"
    keep(of("lights", "music"), place)
    told = keep(of("computer", "unknown"), place)
    assert (
        told == f"Kept in {place}; the recognizer of lights, music that was there is {place}_1 now."
    )
    assert earshot.load(place).class_names == ("computer", "unknown")
    assert earshot.load(f"{place}_1").class_names == ("lights", "music")


def test_names_that_are_taken_stay(of, tmp_path):
    place = tmp_path / "mine"
    (tmp_path / "mine_1").write_text("a note")
    for words in (("a", "b"), ("c", "d"), ("e", "f")):
        keep(of(*words), place)
    assert (tmp_path / "mine_1").read_text() == "a note"
    assert earshot.load(f"{place}_2").class_names == ("a", "b")
    assert earshot.load(f"{place}_3").class_names == ("c", "d")


@pytest.mark.parametrize("before", [("music", "unknown"), ("lights", "music"), ("music", "lights")])
def test_a_recognizer_whose_words_are_all_known_is_replaced(of, tmp_path, before):
    place = tmp_path / "mine"
    of(*before).save(place)
    assert keep(of("lights", "music"), place) == f"Kept in {place}."
    assert earshot.load(place).class_names == ("lights", "music")
    assert [path.name for path in tmp_path.iterdir() if path.name[0] != "."] == ["mine"]


def test_where_nothing_can_be_saved_the_old_one_stays_in_its_place(of, tmp_path, monkeypatch):
    place, new = tmp_path / "mine", of("computer", "unknown")
    keep(of("lights", "music"), place)

    def full(folder):
        raise EarshotError("The disk is full.")

    monkeypatch.setattr(new, "save", full)
    with pytest.raises(EarshotError, match="full"):
        keep(new, place)
    assert earshot.load(place).class_names == ("lights", "music")
    assert not (tmp_path / "mine_1").exists()


def test_a_folder_of_something_else_is_refused(of, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(EarshotError, match="holds something else"):
        keep(of("a", "b"), tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_one_that_cannot_be_read_is_moved_aside_too(of, tmp_path):
    """As of a later version, or damaged: somebody may still want it."""
    of("yes", "no").save(tmp_path / "mine")
    (tmp_path / "mine" / "recognizer.json").write_text("{}")
    said = keep(of("yes", "no"), tmp_path / "mine")
    assert said.endswith(f"what was there is {tmp_path / 'mine_1'} now.")
    assert (tmp_path / "mine_1" / "recognizer.json").read_text() == "{}"
