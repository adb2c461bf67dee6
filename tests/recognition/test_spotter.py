import itertools

import numpy as np
import pytest

import earshot
from earshot import datasets
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.features.stream import StreamSpectrogram
from earshot.networks import stream_builders
from earshot.recognition import spotter
from earshot.recognition.recognizer import UNKNOWN, Recognizer
from earshot.recognition.spotter import Picker, spot, word_scores


def picked(scores, threshold=0.0, rest=5):
    """Push one row after another; gives (word, window) pairs."""
    picker = Picker(threshold, 0.0, rest)
    found = [picker.push(np.array(row), np.full(len(row), 0.5)) for row in scores]
    return [(one.word, one.window) for one in found if one]


def rise(word, n_words=2, before=6, high=6, after=8):
    rows = np.full((before + high + after, n_words), -5.0)
    rows[before : before + high, word] = 5.0 + np.hanning(high)
    return rows


class TestPicker:
    def test_a_word_is_named_once_at_its_peak(self):
        ((word, window),) = picked(rise(1))
        assert word == 1
        assert 8 <= window <= 11

    def test_a_word_said_twice_is_named_twice(self):
        assert [word for word, _ in picked(np.concatenate([rise(0), rise(0)]))] == [0, 0]

    def test_a_score_that_stays_high_for_longer_than_a_word_is_the_word_twice(self):
        assert len(picked(rise(0, high=6))) == 1
        (_, first), (_, second) = picked(rise(0, high=12))
        assert second == first + spotter.AGAIN

    def test_a_score_that_does_not_end_is_no_more_than_that(self):
        assert len(picked(rise(0, high=100))) == 2

    def test_what_follows_after_a_word_said_twice_in_a_row_may_be_said_twice_too(self):
        rows = np.concatenate([rise(0, high=12), rise(1, high=12)])
        assert [word for word, _ in picked(rows)] == [0, 0, 1, 1]

    def test_another_word_within_the_rest_is_not_named(self):
        rows = rise(0, after=0)
        assert [word for word, _ in picked(np.concatenate([rows, rise(1, before=0)[:2]]))] == [0]

    def test_one_window_alone_is_no_word(self):
        rows = np.full((12, 2), -5.0)
        rows[6, 0] = 4.0
        assert picked(rows) == []

    def test_a_word_that_begins_like_another_is_named_alone(self):
        other = [-5, -5, 3, 5, 5, 4, 1, -3, -5, -5, -5, -5, -5]
        said = [-5, -5, -5, -4, -1, 8, 13, 13, 9, 2, -5, -5, -5]
        assert [word for word, _ in picked(np.array([other, said], float).T)] == [1]

    def test_a_higher_threshold_names_less(self):
        assert picked(rise(0), threshold=20.0) == []

    def test_a_score_that_goes_on_rising_is_not_waited_for_without_end(self):
        rows = np.stack([np.arange(40.0), np.full(40, -5.0)], axis=1)
        _, window = picked(rows)[0]
        assert window <= 6


class TestScores:
    def test_they_are_logits_above_unknown(self):
        assert word_scores(np.array([[3.0, 1.0, 2.0]]), ("a", "b", UNKNOWN)).tolist() == [[1, -1]]

    def test_without_unknown_they_are_log_odds(self, rng):
        logits = rng.normal(size=(4, 3))
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        assert word_scores(logits, "abc") == pytest.approx(np.log(p / (1 - p)))


class TestWithoutKnocks:
    """Of windows of mel power; band 0 is rumble, speech is in the others."""

    @pytest.fixture
    def power(self, rng):
        speech = rng.uniform(0.5, 1.0, (2, 101, 40)).astype(np.float32)
        return speech * np.float32(1e-4)

    def test_a_click_does_not_hide_what_is_said(self, power):
        power[1, 50:53] = 10.0
        db = LogMel().to_db(spotter.without_knocks(LogMel(), power))
        assert db[1, :50].min() > -spotter.KNOCK_DB - 4
        np.testing.assert_array_equal(db[0], LogMel().to_db(power)[0])

    def test_rumble_does_not_hide_what_is_said(self, power):
        power[1, :, 0] = 10.0
        db = LogMel().to_db(spotter.without_knocks(LogMel(), power))
        assert db[1, :, 1:].min() > -spotter.KNOCK_DB - 4

    def test_what_is_said_stays_as_it_is(self, power):
        power[:, 40:44, 10] *= 3
        np.testing.assert_array_equal(spotter.without_knocks(LogMel(), power), power)

    def test_silence_stays_silence(self):
        silence = np.zeros((1, 101, 40), np.float32)
        np.testing.assert_array_equal(spotter.without_knocks(LogMel(), silence), silence)

    def test_a_front_end_above_all_rumble_has_its_loudest_point_anywhere(self, power):
        front_end = LogMel(fmin_hz=300.0)
        power[:, :, 0] = 1.0
        np.testing.assert_array_equal(spotter.without_knocks(front_end, power)[:, :, 0], 1.0)


def heard_in(recognizer, blocks, **options):
    return [word for words, _ in spot(recognizer, blocks, **options) for word in words]


def cut(stream, size):
    x = stream.waveform
    return [(x[i : i + size], stream.sample_rate) for i in range(0, len(x), size)]


class TestSpot:
    def test_every_word_is_found_where_it_is(self, digit_recognizer, stream):
        heard = heard_in(digit_recognizer, cut(stream, 320), threshold=0.6)
        right = 0
        for segment in stream.segments:
            right += any(
                one.word == segment.word and one.start_s < segment.end_s
                and one.end_s > segment.start_s for one in heard
            )  # fmt: skip
        assert right >= 0.9 * len(stream.segments)
        assert len(heard) <= 1.1 * len(stream.segments)

    @pytest.mark.parametrize("size", [37, 5000, 10**6])
    def test_the_size_of_the_blocks_plays_no_role(self, digit_recognizer, stream, size):
        expected = heard_in(digit_recognizer, cut(stream, 320))
        found = heard_in(digit_recognizer, cut(stream, size))
        assert [(h.word, h.start_s, h.end_s) for h in found] == [
            (h.word, h.start_s, h.end_s) for h in expected
        ]
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one.waveform, other.waveform)

    def test_the_waveform_is_that_of_the_stream_with_a_margin(self, digit_recognizer, stream):
        one = heard_in(digit_recognizer, [(stream.waveform, stream.sample_rate)])[3]
        first = round((one.start_s - spotter.MARGIN_S) * one.sample_rate)
        np.testing.assert_array_equal(
            one.waveform, stream.waveform[first : first + len(one.waveform)]
        )
        assert len(one.waveform) / one.sample_rate >= one.end_s - one.start_s

    def test_words_are_found_in_running_speech(self, base, animals):
        learned = earshot.learn_words(
            base, animals[0], false_acceptance=0.2, false_alarms_per_hour=50
        )
        others = earshot.synthetic(
            ("the weather was rather cold", "nobody came to see them"), n_voices=3, n_takes=1
        )
        parts, said = [], []
        for i in range(6):
            parts += [others.waveforms[i], animals[1].waveforms[4 * i]]
            said.append(animals[1].class_names[animals[1].labels[4 * i]])
        x = np.concatenate([*parts, np.zeros(4000, np.float32)])
        heard = [one.word for one in heard_in(learned, [(x, 8000)])]
        assert len(set(said) & set(heard)) >= len(set(said)) - 1

    def test_what_is_certain_grows_up_to_the_end(self, digit_recognizer, stream):
        times_s = [certain_s for _, certain_s in spot(digit_recognizer, cut(stream, 1600))]
        assert times_s == sorted(times_s)
        assert times_s[-1] >= stream.duration_s

    def test_memory_stays_flat(self, digit_recognizer, rng, monkeypatch):
        kept = []

        class Watched(spotter._Past):
            def _keep(self, parts):
                x = super()._keep(parts)
                kept.append(len(self._x) + len(self._loud))
                return x

        monkeypatch.setattr(spotter, "_Past", Watched)
        noise = rng.standard_normal(4000).astype(np.float32)
        heard_in(digit_recognizer, [(noise, 8000)] * 80)
        assert kept[-1] == kept[20] < 10 * 8000

    def test_a_recognizer_of_stream_windows_is_refused(self):
        settings = StreamSpectrogram(n_frames=21, n_ahead=8)
        network = stream_builders.vanilla_conv(settings.output_shape, width=4)
        r = Recognizer(network, settings, ("noise", "speech"))
        with pytest.raises(EarshotError, match="does not listen for words"):
            heard_in(r, [(np.ones(8000), 8000)])


@pytest.mark.parametrize("pause_s", [0.15, 0.3])
def test_words_with_hardly_a_pause_between_them_are_told_apart(digit_recognizer, pause_s):
    words = earshot.synthetic(n_voices=1, n_takes=1, accents=False)
    stream = datasets.make_stream(words, snr_db=40, pauses_s=(pause_s, pause_s + 0.01))
    heard = heard_in(digit_recognizer, [(stream.waveform, stream.sample_rate)], threshold=0.6)
    assert len({one.word for one in heard} & set(words.class_names)) >= 7


@pytest.mark.parametrize("pause_s", [0.2, 0.35])
def test_a_word_said_twice_in_a_row_is_named_twice(digit_recognizer, pause_s):
    words = earshot.synthetic(n_voices=1, n_takes=1, accents=False)
    pause, right = np.zeros(round(pause_s * 8000), np.float32), 0
    for x, label in zip(words.waveforms, words.labels, strict=True):
        twice = np.concatenate([np.zeros(8000, np.float32), x, pause, x])
        heard = heard_in(digit_recognizer, [(twice, 8000)])
        right += [one.word for one in heard] == [words.class_names[label]] * 2
        assert all(one.end_s <= other.start_s for one, other in itertools.pairwise(heard))
    assert right >= 7
