import copy
import dataclasses

import pytest

from earshot.errors import EarshotError
from earshot.notebook import trial, words_to_try


@pytest.fixture
def asked(trained):
    """A recognizer of beeps with a card of its own."""
    recognizer = copy.copy(trained)
    recognizer.card = {}
    return recognizer


@pytest.fixture
def own(beeps, tmp_path):
    """A packed set of beeps, and the names of its clips."""
    beeps.save(tmp_path / "own.npz")
    return tmp_path / "own.npz", [*beeps.sources]


def test_what_was_learned_from_is_not_tried(asked, own):
    path, sources = own
    asked.card["sources"] = sources[::2]
    words, says = words_to_try(asked, path)
    assert sorted(words.sources) == sorted(sources[1::2])
    assert f"none of these {len(sources[1::2])} clips" in says


def test_where_all_was_learned_from_that_is_said(asked, own):
    path, sources = own
    asked.card["sources"] = sources
    words, says = words_to_try(asked, path)
    assert sorted(words.sources) == sorted(sources)
    assert "learned from all" in says
    assert "Record ten of each word in notebook 07 and learn again" in says


def test_a_card_that_names_no_clips_is_said_to(asked, own):
    asked.card = {"split": "none: all recordings were learned"}
    _, says = words_to_try(asked, own[0])
    assert "does not name the clips" in says


def test_of_a_set_with_a_split_the_test_is_tried_and_the_split_said(asked, own, beeps):
    asked.card = {"split": "by speaker."}
    words, says = words_to_try(asked, own[0])
    assert len(words) < len(beeps)
    assert says.endswith("training: by speaker.")


def test_words_that_it_does_not_know_are_left_out(asked, beeps, tmp_path):
    asked.card["sources"] = []
    strange = dataclasses.replace(
        beeps.only("low"), class_names=("strange",), sources=[f"strange/{i}" for i in range(30)]
    )
    beeps.joined(strange).save(tmp_path / "more.npz")
    words, _ = words_to_try(asked, tmp_path / "more.npz")
    assert words.class_names == beeps.class_names
    assert sorted(words.sources) == sorted(beeps.sources)


def test_digits_are_not_fetched_for_a_recognizer_of_other_words(asked, monkeypatch):
    monkeypatch.setattr(trial, "open_set", lambda *_: pytest.fail("fetched"))
    with pytest.raises(EarshotError, match="The recognizer knows low, high, and spoken_digit has"):
        words_to_try(asked, "spoken_digit")


def test_a_set_of_other_words_is_an_error_that_names_both(asked, beeps, tmp_path):
    dataclasses.replace(beeps, class_names=("yes", "no")).save(tmp_path / "own.npz")
    with pytest.raises(
        EarshotError, match=r"knows low, high, and .*own\.npz has other words \(yes"
    ):
        words_to_try(asked, tmp_path / "own.npz")


def test_where_words_were_kept_their_clips_are_not_called_new(asked, own):
    path, sources = own
    asked.card |= {"sources": sources[:2], "kept": ["low"], "split": "none"}
    assert "does not name the clips" in words_to_try(asked, path)[1]
