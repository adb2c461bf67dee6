import dataclasses
import warnings

import keras
import numpy as np
import pytest
from support import MODELS
from support.beeps import make_beeps

from earshot.datasets import DIGITS, espeak, streams
from earshot.datasets.voices import synthetic
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning
from earshot.features.log_mel import LogMel
from earshot.networks import builders
from earshot.networks.layers import WordPooling
from earshot.recognition import listening, new_words, recognizer, thresholds
from earshot.recognition.recognizer import UNKNOWN, Recognizer

needs_voices = pytest.mark.skipif(not espeak.is_available(), reason="needs espeakng-loader")


@pytest.fixture(scope="module")
def base():
    return recognizer.load(MODELS / "base")


@pytest.fixture(scope="module")
def digits():
    return recognizer.load(MODELS / "spoken_digit")


@pytest.fixture(scope="module")
def beeps():
    """Five low and five high beeps to learn from, and as many again as a test."""
    words = make_beeps(np.random.default_rng(2), n=20)
    return words.subset(np.arange(10)), words.subset(np.arange(10, 20))


@pytest.fixture(scope="module")
def animals():
    """Four words that no recognizer here was trained on, in voices; eight to learn from."""
    words = synthetic(("cat", "dog", "fox", "bird"), n_voices=16, n_takes=1, seed=99)
    first = np.isin(words.speakers, np.unique(words.speakers)[::2])
    return words.subset(first), words.subset(~first)


@pytest.fixture(scope="module")
def learned(base, animals):
    return new_words.learn_words(base, animals[0])


def share_right(recognizer, words):
    heard = recognizer.predict(words.waveforms, words.sample_rate)
    return np.mean(
        [p.word == words.class_names[i] for p, i in zip(heard, words.labels, strict=True)]
    )


@pytest.mark.parametrize("method", ["logistic", "svm", "prototypes"])
def test_every_method_learns_words_that_are_easy_to_tell_apart(digits, beeps, method):
    learn, test = beeps
    learned = new_words.learn_words(digits, learn, method=method, false_acceptance=None)
    assert learned.class_names == ("low", "high")
    assert share_right(learned, test) == 1


def test_logits_serve_as_features_too(digits, beeps):
    learned = new_words.learn_words(digits, beeps[0], layer="logits", method="svm")
    assert share_right(learned, beeps[1]) == 1


def test_features_are_those_of_the_layer(digits, beeps):
    words = beeps[0]
    assert new_words.features(digits, words).shape == (10, 128)
    logits = new_words.features(digits, words, layer="logits")
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = digits.probabilities(words.waveforms)
    np.testing.assert_allclose(e / e.sum(axis=1, keepdims=True), expected, atol=1e-4)


def test_a_layer_with_a_time_axis_is_averaged(digits, beeps):
    layer = next(one.name for one in digits.model.layers if len(one.output.shape) == 4)
    n_filters = digits.model.get_layer(layer).output.shape[-1]
    assert new_words.features(digits, beeps[0], layer=layer).shape == (10, n_filters)


def test_pooling_tells_the_beginning_of_a_word_from_its_end():
    x = np.zeros((1, 12, 2), np.float32)
    x[0, 3:6, 0] = x[0, 6:9, 1] = 1  # a pause, one sound, another one, a pause
    pooled = np.asarray(WordPooling(n_parts=4)(x))[0]
    first, second, third, fourth, loudest = pooled.reshape(5, 2)
    for part, sound in ((first, 0), (second, 0), (third, 1), (fourth, 1)):
        assert part[sound] > 3 * part[1 - sound]
    np.testing.assert_allclose(loudest, 1)


def test_pooling_gives_the_same_for_a_slower_word_and_longer_pauses():
    time = np.linspace(0, np.pi, 40, dtype=np.float32)[None, :, None]
    x = np.abs(np.sin(time * np.array([1, 2, 3], np.float32)))
    slower = np.pad(np.repeat(x, 3, axis=1), ((0, 0), (5, 9), (0, 0)))
    np.testing.assert_allclose(WordPooling()(x), WordPooling()(slower), atol=0.1)


def test_fine_tuning_learns_and_leaves_the_old_recognizer_as_it_is(digits, beeps):
    before = digits.probabilities(beeps[1].waveforms)
    learned = new_words.learn_words(digits, beeps[0], method="fine-tuning")
    assert share_right(learned, beeps[1]) == 1
    np.testing.assert_array_equal(digits.probabilities(beeps[1].waveforms), before)


def test_two_runs_learn_the_same(digits, beeps):
    a, b = (new_words.learn_words(digits, beeps[0]) for _ in range(2))
    np.testing.assert_array_equal(
        a.probabilities(beeps[1].waveforms), b.probabilities(beeps[1].waveforms)
    )


@needs_voices
class TestUnknown:
    def test_new_words_are_recognized_in_voices_that_were_not_learned(self, learned, animals):
        assert learned.class_names == ("cat", "dog", "fox", "bird", UNKNOWN)
        assert share_right(learned, animals[1]) > 0.6

    def test_other_words_are_unknown(self, learned):
        others = synthetic(("umbrella", "parliament", "velvet"), n_voices=10, n_takes=1, seed=98)
        heard = learned.predict(others.waveforms, others.sample_rate)
        assert np.mean([p.word == UNKNOWN for p in heard]) > 0.85

    def test_noise_is_unknown(self, learned, rng):
        noises = [0.1 * rng.standard_normal(8000) for _ in range(5)]
        assert {p.word for p in learned.predict(noises)} == {UNKNOWN}

    def test_the_wanted_share_of_what_was_held_out_is_accepted(self, base, animals):
        learned = new_words.learn_words(base, animals[0], false_acceptance=0.05)
        kernel, bias = learned.model.get_layer("logits").get_weights()
        memory = learned.memory
        logits = memory.features[memory.held_out].astype(np.float32) @ kernel + bias
        assert np.mean(logits.argmax(axis=1) < 4) == pytest.approx(0.05, abs=0.01)

    def test_unknown_can_be_learned_later_by_one_who_never_said_it(self, base, animals):
        first = new_words.learn_words(base, animals[0], false_acceptance=None)
        assert UNKNOWN not in first.class_names
        again = new_words.learn_words(first, animals[0].only(("cat", "dog")), keep=("fox",))
        assert again.class_names == ("cat", "dog", "fox", UNKNOWN)

    def test_a_stricter_rate_accepts_less(self, base, animals):
        others = synthetic(("umbrella", "velvet"), n_voices=8, n_takes=1, seed=97)
        accepted = []
        for rate in (0.3, 0.001):
            r = new_words.learn_words(base, animals[0], false_acceptance=rate)
            heard = r.predict(others.waveforms + animals[1].waveforms, 8000)
            accepted.append(sum(p.word != UNKNOWN for p in heard))
        assert accepted[1] < accepted[0]

    def test_given_negatives_become_unknown_without_any_memory(self, digits, beeps, rng):
        hiss = WordSet(
            [0.1 * rng.standard_normal(4000) for _ in range(20)], np.zeros(20, int), ("hiss",),
            ["-"] * 20, [f"hiss {i}" for i in range(20)], 8000,
        )  # fmt: skip
        learned = new_words.learn_words(digits, beeps[0], unknown=hiss)
        assert learned.class_names == ("low", "high", UNKNOWN)
        assert learned.predict(0.1 * rng.standard_normal(4000)).word == UNKNOWN
        assert share_right(learned, beeps[1]) == 1

    def test_the_base_can_be_tuned_to_a_single_recording_of_each_word(self, base, animals):
        train = animals[0].subset(np.unique(animals[0].labels, return_index=True)[1])
        with pytest.warns(EarshotWarning, match="Only one"):
            tuned = new_words.learn_words(base, train, method="fine-tuning")
        assert share_right(tuned, train) == 1

    def test_the_curve_falls_and_says_what_another_threshold_does(self, learned, animals):
        others = synthetic(("umbrella", "velvet"), n_voices=8, n_takes=1, seed=96)
        curve = thresholds.trade_off(learned, animals[1], others)
        assert (np.diff(curve.thresholds) > 0).all()
        assert curve.known_accepted[0] == curve.unknown_accepted[0] == 1
        assert (np.diff(curve.known_accepted) <= 0).all()
        assert (np.diff(curve.unknown_accepted) <= 0).all()
        i = np.flatnonzero(curve.known_accepted >= 0.5)[-1]
        other = thresholds.with_threshold(learned, curve.thresholds[i])
        for words, share in ((animals[1], curve.known_accepted[i]),
                             (others, curve.unknown_accepted[i])):  # fmt: skip
            heard = other.predict(words.waveforms, words.sample_rate)
            accepted = np.mean([p.word != UNKNOWN for p in heard])
            assert accepted == pytest.approx(share, abs=1.5 / len(heard))

    def test_a_recognizer_that_never_says_unknown_has_no_curve(self, digits, animals):
        with pytest.raises(EarshotError, match='never says "unknown"'):
            thresholds.trade_off(digits, *animals)

    def test_live_recognition_obeys(self, learned, animals):
        others = synthetic(("umbrella", "parliament"), n_voices=2, n_takes=1, seed=95)
        stream = streams.make_stream(animals[0].subset([0, 1]).joined(others), snr_db=40)
        blocks = [(stream.waveform, stream.sample_rate)]
        heard = [h.word for h in listening.listen(learned, blocks)]
        assert [word if word in ("cat", "dog") else "?" for word in heard] == heard
        assert [h != "?" for h in heard] == [s.word in learned.class_names for s in stream.segments]


@needs_voices
class TestOldAndNew:
    def test_digits_that_are_kept_are_still_recognized(self, base, animals, spoken_digit):
        both = new_words.learn_words(base, animals[0], keep=DIGITS, false_acceptance=None)
        assert both.class_names == (*animals[0].class_names, *DIGITS)
        _, test = spoken_digit.official_split()
        assert share_right(both, test) > 0.9
        assert share_right(both, animals[1]) > 0.5

    def test_what_was_learned_can_be_kept_when_more_is_learned(self, learned, beeps, animals):
        more = new_words.learn_words(learned, beeps[0], keep=("cat", "bird", UNKNOWN))
        assert more.class_names == ("low", "high", "cat", "bird", UNKNOWN)
        assert share_right(more, beeps[1]) == 1
        kept = animals[1].subset(np.isin(animals[1].labels, (0, 3)))
        assert share_right(more, kept) > 0.6

    def test_a_recognizer_is_exported_like_any_other(self, learned, animals, tmp_path):
        import tensorflow as tf

        learned.export(tmp_path / "exported")
        clips = [np.pad(x, (0, 8000))[:8000] for x in animals[1].waveforms[:4]]
        answer = tf.saved_model.load(tmp_path / "exported").signatures["serving_default"](
            waveforms=tf.constant(np.stack(clips))
        )
        expected = learned.predict(clips)
        assert [name.decode() for name in answer["class_names"].numpy()] == [
            p.word for p in expected
        ]
        for row, p in zip(answer["predictions"].numpy(), expected, strict=True):
            np.testing.assert_allclose(row, list(p.probabilities.values()), atol=1e-3)

    def test_a_recognizer_is_saved_and_loaded_like_any_other(self, learned, animals, tmp_path):
        learned.save(tmp_path / "animals")
        again = recognizer.load(tmp_path / "animals")
        assert again.class_names == learned.class_names
        clips = animals[1].waveforms
        np.testing.assert_allclose(
            again.probabilities(clips), learned.probabilities(clips), atol=1e-5
        )
        np.testing.assert_array_equal(again.memory.features, learned.memory.features)
        assert again.memory.layer == "embedding"

    def test_a_damaged_memory_is_named(self, learned, tmp_path):
        learned.save(tmp_path / "animals")
        (tmp_path / "animals" / "memory.npz").write_bytes(b"PK")
        with pytest.raises(EarshotError, match=r"memory\.npz is damaged"):
            recognizer.load(tmp_path / "animals")


class TestBadInput:
    def learn(self, recognizer, words, **options):
        return new_words.learn_words(recognizer, words, **options)

    def changed(self, words, i, x):
        waveforms = [x if j == i else clip for j, clip in enumerate(words.waveforms)]
        return dataclasses.replace(words, waveforms=waveforms)

    def test_a_single_recording_of_a_word_is_learned_with_a_warning(self, digits, beeps):
        with pytest.warns(EarshotWarning, match="Only one recording of high.*five of each"):
            self.learn(digits, beeps[0].subset([0, 1, 2, 4]))

    def test_five_recordings_raise_no_warning(self, digits, beeps):
        with warnings.catch_warnings(action="error", category=EarshotWarning):
            self.learn(digits, beeps[0], false_acceptance=None)

    def test_without_anything_known_of_other_words_a_warning_says_so(self, digits, beeps):
        with pytest.warns(EarshotWarning, match='never "unknown".*unknown=.*models/base'):
            learned = self.learn(digits, beeps[0])
        assert UNKNOWN not in learned.class_names

    def test_one_word_is_too_few(self, digits, beeps):
        words = dataclasses.replace(beeps[0].subset([0, 2, 4]), class_names=("low",))
        with pytest.raises(EarshotError, match="low is the only word: record a second one"):
            self.learn(digits, words)

    def test_a_word_without_recordings_is_named(self, digits, beeps):
        with pytest.raises(EarshotError, match="no recording of high: record five of each"):
            self.learn(digits, beeps[0].subset([0, 2, 4]))

    def test_no_recordings_at_all(self, digits, beeps):
        with pytest.raises(EarshotError, match="no recordings"):
            self.learn(digits, beeps[0].subset([]))

    def test_two_words_with_one_recording_are_named(self, digits, beeps):
        words = self.changed(beeps[0], 3, beeps[0].waveforms[0])
        with pytest.raises(EarshotError, match="low and high have the same recording"):
            self.learn(digits, words)

    @pytest.mark.parametrize("level", [0.0, 1e-5])
    def test_silence_and_a_muted_microphone_are_named(self, digits, beeps, rng, level):
        words = self.changed(beeps[0], 3, level * rng.standard_normal(4000))
        with pytest.raises(EarshotError, match=f"{words.sources[3]} is silent"):
            self.learn(digits, words)

    def test_a_recording_that_is_no_single_word_is_named(self, digits, beeps):
        words = self.changed(beeps[0], 3, np.tile(beeps[0].waveforms[3], 30))
        with pytest.raises(EarshotError, match=r"high_anna_0\.wav is .* s long"):
            self.learn(digits, words)

    def test_a_higher_sample_rate_is_brought_down(self, digits, beeps):
        learned = self.learn(digits, beeps[0].resampled(16000))
        assert share_right(learned, beeps[1].resampled(22050)) == 1

    def test_a_lower_sample_rate_is_refused(self, digits, beeps):
        with pytest.raises(EarshotError, match="4,000 Hz.*record at 8,000 Hz or more"):
            self.learn(digits, beeps[0].resampled(4000))

    def test_clips_without_a_label_are_refused(self, digits, beeps):
        words = dataclasses.replace(beeps[0], labels=np.full(10, -1))
        with pytest.raises(EarshotError, match="no label"):
            self.learn(digits, words)

    def test_a_missing_layer_names_those_that_are_there(self, digits, beeps):
        with pytest.raises(EarshotError, match="no layer nowhere: choose one of .*features"):
            self.learn(digits, beeps[0], layer="nowhere")
        front_end = LogMel(n_samples=4000, hop_length=160, n_mels=16)
        plain = Recognizer(builders.cnn(front_end.output_shape, 2), front_end, ("a", "b"))
        with pytest.raises(EarshotError, match="no layer embedding or features.*models/base"):
            self.learn(plain, beeps[0])

    def test_words_that_nothing_is_remembered_of_cannot_be_kept(self, digits, beeps):
        with pytest.raises(EarshotError, match="seven cannot be kept.*models/base"):
            self.learn(digits, beeps[0], keep=["seven"])
        with pytest.raises(EarshotError, match="whale cannot be kept: the recognizer's words"):
            self.learn(digits, beeps[0], keep=["whale"])

    @pytest.mark.parametrize("rate", [0, 1, -0.1, 7])
    def test_an_impossible_rate_is_refused(self, digits, beeps, rate):
        with pytest.raises(EarshotError, match="share between 0 and 1"):
            self.learn(digits, beeps[0], false_acceptance=rate)

    def test_an_unknown_method_is_refused(self, digits, beeps):
        with pytest.raises(EarshotError, match="logistic, svm, prototypes"):
            self.learn(digits, beeps[0], method="magic")

    def test_a_network_of_raw_samples_is_refused(self, beeps):
        from earshot.features import RawWaveform

        front_end = RawWaveform(sample_rate=8000, n_samples=2000)
        network = builders.raw_lstm(2000, 2, frame=100, units=4, n_filters=4, dense=4)
        with pytest.raises(EarshotError, match="log-mel spectrograms of words"):
            self.learn(Recognizer(network, front_end, ("a", "b")), beeps[0])
        keras.utils.clear_session()
