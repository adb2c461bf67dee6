import numpy as np
import pytest

from earshot.datasets.voices import synthetic
from earshot.errors import EarshotError
from earshot.recognition import thresholds
from earshot.recognition.recognizer import UNKNOWN


def test_the_curve_falls_and_says_what_another_threshold_does(learned, animals):
    others = synthetic(("umbrella", "velvet"), n_voices=8, n_takes=1, seed=96)
    curve = thresholds.trade_off(learned, animals[1], others)
    assert (np.diff(curve.thresholds) > 0).all()
    assert curve.known_accepted[0] == curve.unknown_accepted[0] == 1
    assert (np.diff(curve.known_accepted) <= 0).all()
    assert (np.diff(curve.unknown_accepted) <= 0).all()
    i = np.flatnonzero(curve.known_accepted >= 0.5)[-1]
    other = thresholds.shift_threshold(learned, curve.thresholds[i])
    for words, share in ((animals[1], curve.known_accepted[i]),
                         (others, curve.unknown_accepted[i])):  # fmt: skip
        heard = other.predict(words.waveforms, words.sample_rate)
        accepted = np.mean([p.word != UNKNOWN for p in heard])
        assert accepted == pytest.approx(share, abs=1.5 / len(heard))


def test_a_recognizer_that_never_says_unknown_has_no_curve(digit_recognizer, animals):
    with pytest.raises(EarshotError, match='never says "unknown"'):
        thresholds.trade_off(digit_recognizer, *animals)


@pytest.mark.parametrize("n_new", [2, 4])
def test_the_share_of_what_was_held_out_is_accepted_by_new_and_kept_words(rng, n_new):
    held_out, kernel, bias = (
        rng.standard_normal((4000, 8)),
        rng.standard_normal((8, 5)),
        np.zeros(5),
    )
    moved = thresholds.set_threshold(kernel, bias, held_out, 0.1, n_new)
    above = held_out @ kernel + moved
    above = above[:, :-1].max(axis=1) - above[:, -1]
    assert np.mean(above > 0) == pytest.approx(0.1, abs=0.03 if n_new == 2 else 0.001)
    assert not bias.any()


def test_an_offset_that_is_no_number_is_refused(learned):
    with pytest.raises(EarshotError, match="An offset is a number, not nan"):
        thresholds.shift_threshold(learned, np.nan)
