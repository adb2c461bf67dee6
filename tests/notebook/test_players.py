import numpy as np
import pytest
from hypothesis import given
from support.markup import parsed, texts

from earshot.notebook.players import player, players

X = np.ones(80)


def test_each_clip_has_its_player_and_title():
    text = players([X, np.zeros(80)], 8000, ["<one>", "two"]).data
    assert text.count("<audio") == 2
    assert "&lt;one&gt;" in text


@given(title=texts)
def test_a_title_is_text_whatever_is_in_it(title):
    elements, shown = parsed(player(X, 8000, title))
    assert elements == parsed(player(X, 8000, "one"))[0]
    assert shown == ({"figcaption": title} if title else {})


@given(title=texts)
def test_no_title_changes_the_players_beside_it(title):
    elements, shown = parsed(players([X, X], 8000, [title, "two"]).data)
    assert elements == parsed(players([X, X], 8000, ["one", "two"]).data)[0]
    assert shown == {"figcaption": f"{title}two"}


def test_as_many_titles_as_clips_are_needed():
    with pytest.raises(ValueError, match="zip"):
        players([X], 8000, ["one", "two"])
