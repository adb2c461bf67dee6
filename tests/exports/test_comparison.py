import numpy as np
import pytest

from earshot.datasets import espeak
from earshot.errors import EarshotError
from earshot.exports.comparison import Comparison, compared, made_up

SURE = np.tile([0.9, 0.1], (100, 1))


@pytest.mark.parametrize(
    ("precision", "difference", "n_others"),
    [("float32", 0.002, 0), ("float32", 0, 1), ("float16", 0.2, 0), ("float16", 0, 3),
     ("int8", 0.6, 0), ("int8", 0, 6), ("int8", np.nan, 0)],
)  # fmt: skip
def test_an_export_that_answers_otherwise_is_refused(precision, difference, n_others):
    found = Comparison(1 - n_others / 100, difference, 100, "clips")
    with pytest.raises(EarshotError, match="100 clips .clips.*: choose another precision"):
        found.check(precision)


@pytest.mark.parametrize(
    ("precision", "difference", "n_others"),
    [("float32", 1e-5, 0), ("float16", 0.01, 1), ("int8", 0.2, 4)],
)
def test_rounding_is_no_reason_to_refuse(precision, difference, n_others):
    found = Comparison(1 - n_others / 100, difference, 100, "clips")
    assert found.check(precision) is None


def test_other_answers_are_counted():
    other = SURE.copy()
    other[:5] = [0.2, 0.8]
    found = compared(SURE, other, about="clips")
    assert (found.agreement, found.n_clips) == (0.95, 100)
    assert found.largest_difference == pytest.approx(0.7)


def test_a_nan_is_no_small_difference():
    other = SURE.copy()
    other[3, 1] = np.nan
    with pytest.raises(EarshotError, match="is not kept"):
        compared(SURE, other, about="clips").check("int8")


def test_answers_of_another_shape_are_refused():
    with pytest.raises(EarshotError, match=r"\(100, 1\) in the place of \(100, 2\)"):
        compared(SURE, SURE[:, :1], about="clips")


@pytest.mark.skipif(not espeak.is_available(), reason="needs espeakng-loader")
def test_voices_say_some_of_many_words():
    words = made_up([f"number {i}" for i in range(1000)], 16000)
    assert words.sample_rate == 16000
    assert len(words.class_names) <= 24 <= len(words)


def test_without_a_voice_for_the_words_there_are_chirps():
    words = made_up(["🦊", "؟"], 8000)
    again = made_up(["🦊", "؟"], 8000)
    assert "chirps" in words.about and len(words) == 48
    assert all(np.array_equal(a, b) for a, b in zip(words.waveforms, again.waveforms, strict=True))
