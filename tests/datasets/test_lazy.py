import functools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from earshot.datasets import lazy
from earshot.datasets.lazy import Lazy

PARTS = ["abc", "", "defg"]
LETTERS = "abcdefg"


@given(st.lists(st.integers(-7, 6)))
def test_any_choice_of_any_choice_gives_the_same_entries_as_a_list(chosen):
    entries = Lazy(PARTS).subset(np.array(chosen, int))
    assert list(entries) == [LETTERS[i] for i in chosen]
    assert list(entries.subset(np.arange(len(chosen))[::-1])) == list(entries)[::-1]


@given(st.slices(7))
def test_a_slice_gives_a_list(where):
    assert Lazy(PARTS)[where] == list(LETTERS[where])


def test_an_array_of_booleans_chooses():
    entries = Lazy(PARTS)
    assert list(entries[entries == "e"]) == ["e"]


def test_it_ends_where_a_list_ends():
    assert list(Lazy([])) == []
    with pytest.raises(IndexError):
        Lazy(PARTS)[7]


@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 5)))
def test_only_the_same_arrays_in_the_same_order_have_one_digest(first, second):
    arrays = Lazy([[np.full(2, i) for i in range(3)], [np.full(3, i) for i in range(3)]])
    one, other = (arrays.subset(np.array(rows, int)) for rows in (first, second))
    assert (one.digest() == other.digest()) == (first == second)


def test_a_part_that_knows_its_digest_is_asked_for_it():
    class Known(list):
        def digest(self, rows):
            return bytes(rows.tolist())

    parts = Known("abc"), Known("de")  # no arrays: nothing can be read of them
    assert Lazy(parts).digest() == Lazy(parts).subset(np.arange(5)).digest()
    assert Lazy(parts).digest() != Lazy(parts[::-1]).digest()


def test_nothing_is_read_before_it_is_asked_for():
    asked = []
    entries = lazy.mapped(Lazy(PARTS), lambda x: asked.append(x) or x.upper())
    assert asked == []
    assert entries[4] == "E"
    assert asked == ["e"]


def test_names_are_compared_as_those_of_an_array():
    assert (Lazy(PARTS) == "e").tolist() == [letter == "e" for letter in LETTERS]
    assert np.isin(Lazy(PARTS), ["a", "g"]).sum() == 2


def test_lazy_and_other_sequences_are_laid_end_to_end():
    assert list(lazy.joined(Lazy(PARTS), ["x", "y"])) == [*LETTERS, "x", "y"]
    assert list(lazy.joined(["x"], Lazy(PARTS)).subset(np.array([0, 7]))) == ["x", "g"]


def test_thousands_can_be_joined_one_after_the_other():
    every = functools.reduce(lazy.joined, [Lazy([[i, -i]], np.array([1])) for i in range(3000)])
    assert list(every) == [-i for i in range(3000)]
