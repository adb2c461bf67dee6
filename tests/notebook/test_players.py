import numpy as np
import pytest

from earshot.notebook.players import players


def test_each_clip_has_its_player_and_title():
    text = players([np.ones(80), np.zeros(80)], 8000, ["<one>", "two"]).data
    assert text.count("<audio") == 2
    assert "&lt;one&gt;" in text


def test_as_many_titles_as_clips_are_needed():
    with pytest.raises(ValueError, match="zip"):
        players([np.ones(80)], 8000, ["one", "two"])
