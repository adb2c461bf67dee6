import dataclasses

import numpy as np
import pytest
from hypothesis import given, strategies as st

from earshot.datasets.voices import synthetic
from earshot.errors import EarshotError
from earshot.recognition import listening, new_words, thresholds
from earshot.recognition.recognizer import UNKNOWN


def test_every_clip_has_its_place_on_the_curve():
    curve = thresholds.curve_of(known=[1.0, 2.0, 3.0], unknown=[0.0, 0.5])
    assert curve.thresholds.tolist() == [0, 0.5, 1, 2, 3, np.inf]
    assert curve.unknown_accepted.tolist() == [1, 0.5, 0, 0, 0, 0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        curve.thresholds = []
    assert curve != dataclasses.replace(curve)


def test_clips_above_unknown_are_counted():
    x, kernel = np.array([[0.5], [-0.5], [0.2], [-2.0]]), np.array([[1.0, 0.0]])
    shown = thresholds.accepted_share(kernel, np.zeros(2), x)
    assert (shown["clips"], shown["accepted"]) == (4, 2)


class TestSpottingThreshold:
    def test_as_many_false_alarms_as_were_seen_lie_above_it(self):
        assert thresholds.spotting_threshold(np.arange(100.0), 2.0, 15.0) == 69
        assert thresholds.spotting_threshold(np.arange(10.0, 15), 2.0, 2.0) == 10

    def test_rates_that_were_seen_are_kept(self, rng):
        scores = rng.exponential(size=36_000)
        threshold = thresholds.spotting_threshold(scores, 10.0, 3.0)
        assert np.count_nonzero(scores > threshold) == pytest.approx(30, abs=12)

    def test_rarer_ones_follow_the_tail(self, rng):
        scores = rng.exponential(size=3600)
        rare = thresholds.spotting_threshold(scores, 1.0, 0.1)
        assert rare == pytest.approx(np.log(36_000), abs=3)
        assert rare > thresholds.spotting_threshold(scores, 1.0, 1.0)

    def test_it_is_never_below_unknown(self, rng):
        assert thresholds.spotting_threshold(-5 - rng.exponential(size=99), 1.0, 0.5) == 0.0

    def test_it_takes_two_seconds(self):
        assert thresholds.spotting_threshold(np.array([3.0, 3.0]), 2 / 3600, 0.5) == 3
        with pytest.raises(EarshotError, match="under two seconds: give more"):
            thresholds.spotting_threshold(np.array([3.0]), 1 / 3600, 0.5)


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


def test_a_recognizer_that_never_says_unknown_has_no_curve(trained, animals):
    with pytest.raises(EarshotError, match='never says "unknown"'):
        thresholds.trade_off(trained, *animals)
    with pytest.raises(EarshotError, match='never says "unknown"'):
        thresholds.shift_threshold(trained, 1.0)


class TestAlongStreams:
    def test_a_moved_threshold_of_unknown_keeps_that_of_streams(self, learned):
        strict = thresholds.calibrate(learned, np.ones(16000), 8000)
        strict.spotting_threshold = 3.0
        assert thresholds.shift_threshold(strict, -1.0).spotting_threshold == 3.0

    def test_an_hour_without_words_has_one_false_alarm_in_two(self, learned, monkeypatch):
        hour = np.arange(3600.0)
        monkeypatch.setattr(thresholds, "best_in_each_second", lambda *given: hour)
        calibrated = thresholds.calibrate(learned, np.ones(1))
        assert calibrated.card["false_alarms_per_hour"] == 0.5
        seen = thresholds.calibrate(learned, np.ones(1), false_alarms_per_hour=30.0)
        assert seen.spotting_threshold == pytest.approx(3569, abs=1e-6)

    def test_a_background_of_any_rate_will_do(self, learned):
        words = synthetic(n_voices=3, n_takes=1, seed=7)
        at_8_khz, at_16_khz = (
            thresholds.calibrate(learned, np.concatenate(words.resampled(rate).waveforms), *given)
            for rate, given in ((8000, ()), (16000, (16000,)))
        )
        assert at_8_khz.spotting_threshold == pytest.approx(at_16_khz.spotting_threshold, abs=0.5)

    def test_a_background_calibrates_a_recognizer(self, learned, rng):
        alike = ("cap", "bat", "dock", "dug", "forks", "box", "bud", "birth")
        speech = np.concatenate(synthetic(alike, n_voices=4, n_takes=1, seed=7).waveforms)
        easy, strict = (
            thresholds.calibrate(learned, speech, 8000, false_alarms_per_hour=per_hour)
            for per_hour in (1000.0, 0.01)
        )
        assert easy.spotting_threshold < strict.spotting_threshold
        assert strict.card["false_alarms_per_hour"] == 0.01
        assert list(listening.listen(strict, [(speech, 8000)])) == []


@pytest.mark.parametrize("n_new", [2, 4])
def test_the_share_of_what_was_held_out_is_accepted_by_new_and_kept_words(rng, n_new):
    held_out, kernel = rng.standard_normal((4000, 8)), rng.standard_normal((8, 5))
    bias = 3 * rng.standard_normal(5)
    before = bias.copy()
    moved = thresholds.set_threshold(kernel, bias, held_out, 0.1, n_new)
    above = held_out @ kernel + moved
    above = above[:, :-1].max(axis=1) - above[:, -1]
    assert np.mean(above > 0) == pytest.approx(0.1, abs=0.03 if n_new == 2 else 0.001)
    np.testing.assert_array_equal(bias, before)


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_new_and_kept_words_have_half_of_the_share_each(rng, share):
    held_out, kernel = rng.standard_normal((4000, 8)), rng.standard_normal((8, 5))
    kernel[:, 2:4] *= 3  # kept words, for which others are easily taken
    moved = thresholds.set_threshold(kernel, np.zeros(5), held_out, share, n_new=2)
    logits = held_out @ kernel + moved
    for group in (logits[:, :2], logits[:, 2:4]):
        accepted = np.mean(group.max(axis=1) > logits[:, -1])
        assert accepted == pytest.approx(share / 2, abs=1e-3)


@given(n=st.integers(1, 60), share=st.floats(0.001, 0.6), n_new=st.integers(1, 3))
def test_no_more_than_the_share_is_accepted_however_few_were_held_out(n, share, n_new):
    rng = np.random.default_rng(n)
    held_out, kernel = rng.integers(-2, 3, (n, 4)), rng.integers(-2, 3, (4, 4))  # with ties
    moved = thresholds.set_threshold(kernel, np.zeros(4), held_out, share, n_new)
    shown = thresholds.accepted_share(kernel, moved, held_out)
    assert shown["clips"] == n
    assert shown["accepted"] <= share * n


@pytest.mark.parametrize(("share", "n"), [(0.005, 736), (0.05, 72), (0.5, 6)])
def test_the_interval_is_exact_and_says_how_many_clips_it_takes(share, n):
    assert thresholds.clips_needed(share) == n
    for held_out, shows in ((n, True), (n - 1, False)):
        x = np.zeros((held_out, 1))
        shown = thresholds.accepted_share(np.ones((1, 2)), np.array([-1.0, 0.0]), x)
        assert (shown["accepted"], shown["interval_95"][0]) == (0, 0)
        assert (shown["interval_95"][1] <= share) == shows


def test_a_moved_threshold_keeps_the_memory_and_says_what_it_shows(learned, animals):
    moved = thresholds.shift_threshold(learned, -1.0)
    assert moved.memory is learned.memory
    before, after = (r.card["accepted_of_held_out"] for r in (learned, moved))
    assert after["accepted"] > before["accepted"] and after["clips"] == before["clips"]
    assert moved.card["threshold_moved"] == -1
    assert moved.card["false_acceptance"] == after["interval_95"][1]
    more = new_words.learn_words(moved, animals[0].only(("cat", "dog")), keep=("fox",))
    assert more.class_names == ("cat", "dog", "fox", UNKNOWN)


def test_the_words_of_both_sides_are_compared_by_name(learned, animals):
    cats, others = animals[1].only("cat"), synthetic(("velvet",), n_voices=2, n_takes=1, seed=9)
    with pytest.raises(EarshotError, match="does not know velvet"):
        thresholds.trade_off(learned, others, others)
    with pytest.raises(EarshotError, match="cat is a word that it knows: give it as known"):
        thresholds.trade_off(learned, cats, cats)


@pytest.mark.parametrize("offset", [np.nan, np.inf, "high"])
def test_an_offset_that_is_no_number_is_refused(learned, offset):
    with pytest.raises(EarshotError, match=f"An offset is a number, not {offset!r}"):
        thresholds.shift_threshold(learned, offset)
