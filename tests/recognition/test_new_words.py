import collections
import dataclasses
import warnings

import keras
import numpy as np
import pytest

from earshot.datasets import DIGITS, streams
from earshot.datasets.voices import synthetic
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning
from earshot.features.log_mel import LogMel
from earshot.networks import builders
from earshot.recognition import listening, new_words, recognizer
from earshot.recognition.last_layer import embed
from earshot.recognition.recognizer import UNKNOWN, Recognizer

PAIR = ("computer", "commuter")  # which begin and end alike


def share_right(recognizer, words):
    heard = recognizer.predict(words.waveforms, words.sample_rate)
    return np.mean(
        [p.word == words.class_names[i] for p, i in zip(heard, words.labels, strict=True)]
    )


@pytest.mark.parametrize("method", ["logistic", "svm", "prototypes"])
def test_every_method_learns_words_that_are_easy_to_tell_apart(digit_recognizer, few_beeps, method):
    learn, test = few_beeps
    learned = new_words.learn_words(digit_recognizer, learn, method=method, false_acceptance=None)
    assert learned.class_names == ("low", "high")
    assert share_right(learned, test) == 1


def test_logits_serve_as_features_too(digit_recognizer, few_beeps):
    learned = new_words.learn_words(
        digit_recognizer, few_beeps[0], layer="logits", method="svm", false_acceptance=None
    )
    assert share_right(learned, few_beeps[1]) == 1


def test_fine_tuning_learns_and_leaves_the_old_recognizer_as_it_is(digit_recognizer, few_beeps):
    before = digit_recognizer.probabilities(few_beeps[1].waveforms)
    learned = new_words.learn_words(
        digit_recognizer, few_beeps[0], method="fine-tuning", false_acceptance=None
    )
    assert share_right(learned, few_beeps[1]) == 1
    np.testing.assert_array_equal(digit_recognizer.probabilities(few_beeps[1].waveforms), before)


@pytest.mark.parametrize("method", ["logistic", "svm", "prototypes"])
def test_one_word_alone_is_learned_against_everything_else(base, animals, method):
    (first, second), cat = animals, animals[0].class_names.index("cat")
    words = dataclasses.replace(first.subset(first.labels == cat), class_names=("cat",))
    words.labels[:] = 0
    learned = new_words.learn_words(base, words, method=method)
    assert learned.class_names == ("cat", UNKNOWN)
    answers = [one.word == "cat" for one in learned.predict(second.waveforms)]
    is_cat = second.labels == cat
    assert np.mean(answers, where=is_cat) > 0.6
    assert np.mean(answers, where=~is_cat) < 0.1


def test_of_a_long_recording_the_word_is_learned_and_no_knock(base, animals, rng):
    words = animals[0].subset(np.arange(4))
    knocked = []
    for x in words.waveforms:
        knocked.append(1e-4 * rng.standard_normal(24000).astype(np.float32))
        knocked[-1][14000 : 14000 + len(x)] += x
        knocked[-1][2000:2080] = 8 * np.abs(x).max()
    plain = embed(base, words)
    alike = (plain * embed(base, dataclasses.replace(words, waveforms=knocked))).sum(axis=1)
    assert (alike > 0.8 * (plain**2).sum(axis=1)).all()


def test_fewer_false_alarms_take_a_higher_threshold_along_streams(base, animals):
    many, few = (
        new_words.learn_words(
            base, animals[0], false_acceptance=0.5, false_alarms_per_hour=per_hour
        )
        for per_hour in (200.0, 0.2)
    )
    assert many.spotting_threshold < few.spotting_threshold
    assert few.card["false_alarms_per_hour"] == 0.2
    assert few.card["sources"] == [*animals[0].sources]
    assert few.card["along_hours"] > 0.9


def test_what_the_base_knows_of_a_name_helps_to_tell_the_words_apart(base):
    words = synthetic(("tiger", "lion", "horse"), n_voices=6, n_takes=1, seed=96)
    first = words.speakers == words.speakers[0]
    learn, test = words.subset(first), words.subset(~first)

    def doubt(names):
        named = dataclasses.replace(learn, class_names=names)
        right = []
        for seed in range(3):  # the variations of a seed can happen to help, or not
            with pytest.warns(EarshotWarning, match="Only one recording"):
                learned = new_words.learn_words(base, named, false_acceptance=None, seed=seed)
            right.append(learned.probabilities(test.waveforms)[np.arange(len(test)), test.labels])
        return 1 - np.mean(right)

    assert doubt(words.class_names) < 0.9 * doubt(("aa", "bb", "cc"))


def test_two_runs_learn_the_same(digit_recognizer, few_beeps):
    a, b = (
        new_words.learn_words(digit_recognizer, few_beeps[0], false_acceptance=None)
        for _ in range(2)
    )
    np.testing.assert_array_equal(
        a.probabilities(few_beeps[1].waveforms), b.probabilities(few_beeps[1].waveforms)
    )


@pytest.fixture
def hiss(rng):
    """Thirty noises."""
    return WordSet(
        [0.1 * rng.standard_normal(4000) for _ in range(30)], np.zeros(30, int), ("hiss",),
        ["-"] * 30, [f"hiss {i}" for i in range(30)], 8000,
    )  # fmt: skip


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
        for rate in (0.3, 0.002):
            r = new_words.learn_words(base, animals[0], false_acceptance=rate)
            heard = r.predict(others.waveforms + animals[1].waveforms, 8000)
            accepted.append(sum(p.word != UNKNOWN for p in heard))
        assert accepted[1] < accepted[0]

    def test_what_sounds_like_a_word_and_is_given_as_unknown_is_no_more_taken_for_it(self, base):
        said, alike = (synthetic((word,), n_voices=12, n_takes=1, seed=104) for word in PAIR)
        learn, given = (words.subset(np.arange(5)) for words in (said, alike))
        accepted = {}
        for name, unknown in (("before", None), ("after", given)):
            r = new_words.learn_words(base, learn, unknown=unknown)
            for words, what in ((said, "said"), (alike, "alike")):
                heard = r.predict(words.waveforms[5:], words.sample_rate)
                accepted[what, name] = np.mean([one.word == PAIR[0] for one in heard])
        assert accepted["alike", "after"] < 0.5 * accepted["alike", "before"]
        assert accepted["said", "after"] > 0.8 * accepted["said", "before"] > 0

    def test_given_negatives_become_unknown_without_any_memory(
        self, digit_recognizer, few_beeps, hiss, rng
    ):
        with pytest.warns(EarshotWarning, match="cannot show"):
            learned = new_words.learn_words(digit_recognizer, few_beeps[0], unknown=hiss)
        assert learned.class_names == ("low", "high", UNKNOWN)
        assert learned.predict(0.1 * rng.standard_normal(4000)).word == UNKNOWN
        assert share_right(learned, few_beeps[1]) == 1

    def test_few_other_words_promise_what_they_show(self, digit_recognizer, few_beeps, hiss):
        with pytest.warns(
            EarshotWarning, match=r"10 clips .*takes 736: up to 30.8% of other.*Give 2,178 more"
        ):
            learned = new_words.learn_words(digit_recognizer, few_beeps[0], unknown=hiss)
        shown = learned.card["accepted_of_held_out"]
        assert (shown["clips"], shown["accepted"]) == (10, 0)
        assert learned.card["false_acceptance"] == shown["interval_95"][1] > 0.3

    def test_what_they_can_show_is_promised_without_a_warning(
        self, digit_recognizer, few_beeps, hiss
    ):
        with warnings.catch_warnings(action="error", category=EarshotWarning):
            learned = new_words.learn_words(
                digit_recognizer, few_beeps[0], unknown=hiss, false_acceptance=0.4
            )
        assert learned.card["false_acceptance"] == 0.4

    def test_the_memory_of_the_base_shows_the_default(self, learned):
        shown = learned.card["accepted_of_held_out"]
        low, high = shown["interval_95"]
        assert shown["clips"] > 2000
        assert low < learned.card["false_acceptance"] == 0.005 < high < 0.01

    def test_a_word_that_is_learned_is_no_other_word(self, digit_recognizer, few_beeps):
        named = dataclasses.replace(few_beeps[1], class_names=("Low", "buzz"))
        with pytest.raises(EarshotError, match="Low is to be known, and unknown= has recordings"):
            new_words.learn_words(digit_recognizer, few_beeps[0], unknown=named)

    def test_other_recordings_of_a_learned_word_are_noticed(self, base, animals):
        same = animals[1].only("cat")
        same = dataclasses.replace(same, class_names=("sounds",))
        others = synthetic(("umbrella", "velvet"), n_voices=4, n_takes=1, seed=94)
        both = same.joined(others)
        with pytest.warns(EarshotWarning, match=r"of 16 clips .*cat.*\(cat\).*Leave out") as said:
            new_words.learn_words(base, animals[0], unknown=both)
        assert not any(source in str(said[0].message) for source in others.sources)

    def test_other_words_are_taken_without_a_warning(self, base, animals):
        others = synthetic(("umbrella", "velvet"), n_voices=4, n_takes=1, seed=94)
        with warnings.catch_warnings(action="error", category=EarshotWarning):
            new_words.learn_words(base, animals[0], unknown=others)

    def test_the_base_can_be_tuned_to_a_single_recording_of_each_word(self, base, animals):
        train = animals[0].subset(np.unique(animals[0].labels, return_index=True)[1])
        with pytest.warns(EarshotWarning, match="Only one"):
            tuned = new_words.learn_words(base, train, method="fine-tuning", false_acceptance=None)
        assert share_right(tuned, train) == 1

    def test_live_recognition_obeys(self, learned, animals):
        others = synthetic(("umbrella", "parliament"), n_voices=2, n_takes=1, seed=95)
        stream = streams.make_stream(animals[0].subset([0, 1]).joined(others), snr_db=40)
        blocks = [(stream.waveform, stream.sample_rate)]
        heard = [h.word for h in listening.listen(learned, blocks)]
        said = [segment.word for segment in stream.segments]
        assert heard == [word for word in said if word in learned.class_names]


class TestOldAndNew:
    def test_digits_that_are_kept_are_still_recognized(self, base, animals, spoken_digit):
        both = new_words.learn_words(base, animals[0], keep=DIGITS, false_acceptance=None)
        assert both.class_names == (*animals[0].class_names, *DIGITS)
        _, test = spoken_digit.official_split()
        assert share_right(both, test) > 0.9
        assert share_right(both, animals[1]) > 0.5

    def test_what_was_learned_can_be_kept_when_more_is_learned(self, learned, few_beeps, animals):
        more = new_words.learn_words(learned, few_beeps[0], keep=("cat", "bird", UNKNOWN))
        assert more.class_names == ("low", "high", "cat", "bird", UNKNOWN)
        assert share_right(more, few_beeps[1]) == 1
        kept = animals[1].subset(np.isin(animals[1].labels, (0, 3)))
        assert share_right(more, kept) > 0.6

    def test_words_that_are_learned_anew_do_not_work_against_themselves(
        self, digit_recognizer, few_beeps, hiss
    ):
        def learn(old, words, **options):
            return new_words.learn_words(old, words, false_acceptance=0.4, **options)

        beeps = few_beeps[0]
        others = dataclasses.replace(few_beeps[1], class_names=("deep", "shrill"))
        first = learn(digit_recognizer, beeps, unknown=hiss)
        n = len(beeps) * (1 + new_words.N_VARIATIONS)
        assert self.remembered(first) == {"low": n / 2, "high": n / 2, "": 30}
        second = learn(first, others)
        assert self.remembered(second) == {"low": n / 2, "high": n / 2, "deep": n / 2,
                                           "shrill": n / 2, "": 30}  # fmt: skip
        again = learn(second, dataclasses.replace(beeps, class_names=("Low", "high")))
        assert self.remembered(again) == {"Low": n / 2, "high": n / 2, "deep": n / 2,
                                          "shrill": n / 2, "": 30}  # fmt: skip
        assert again.memory.dropped == ("deep", "shrill")
        at_once = learn(first, beeps)
        assert self.remembered(at_once) == self.remembered(first)

    @staticmethod
    def remembered(recognizer):
        return collections.Counter(recognizer.memory.words(recognizer.class_names))

    def test_dropped_words_survive_the_disk(self, learned, few_beeps, tmp_path):
        more = new_words.learn_words(learned, few_beeps[0], keep=("cat",))
        more.save(tmp_path / "a")
        dropped = recognizer.load(tmp_path / "a").memory.dropped
        assert {"dog", "fox", "bird"} <= set(dropped) and not {"cat", UNKNOWN} & set(dropped)

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

    def test_a_single_recording_of_a_word_is_learned_with_a_warning(
        self, digit_recognizer, few_beeps
    ):
        with pytest.warns(EarshotWarning, match="Only one recording of high.*five of each"):
            self.learn(digit_recognizer, few_beeps[0].subset([0, 1, 2, 4]), false_acceptance=None)

    def test_five_recordings_raise_no_warning(self, digit_recognizer, few_beeps):
        with warnings.catch_warnings(action="error", category=EarshotWarning):
            self.learn(digit_recognizer, few_beeps[0], false_acceptance=None)

    def test_without_anything_known_of_other_words_a_warning_says_so(
        self, digit_recognizer, few_beeps
    ):
        with pytest.warns(EarshotWarning, match='never "unknown".*unknown=.*models/base'):
            learned = self.learn(digit_recognizer, few_beeps[0])
        assert UNKNOWN not in learned.class_names

    def test_one_word_is_too_few_where_nothing_is_remembered(self, digit_recognizer, few_beeps):
        words = dataclasses.replace(few_beeps[0].subset([0, 2, 4]), class_names=("low",))
        with (
            pytest.warns(EarshotWarning, match="nothing is remembered"),
            pytest.raises(EarshotError, match=r"low is the only word, .* choose models/base"),
        ):
            self.learn(digit_recognizer, words)

    @pytest.mark.parametrize("per_hour", [0, -1, np.inf, np.nan])
    def test_an_impossible_rate_of_false_alarms_is_refused(self, base, few_beeps, per_hour):
        with pytest.raises(EarshotError, match="false_alarms_per_hour is a number above 0"):
            self.learn(base, few_beeps[0], false_alarms_per_hour=per_hour)

    def test_a_word_without_recordings_is_named(self, digit_recognizer, few_beeps):
        with pytest.raises(EarshotError, match="no recording of high: record five of each"):
            self.learn(digit_recognizer, few_beeps[0].subset([0, 2, 4]))

    def test_no_recordings_at_all(self, digit_recognizer, few_beeps):
        with pytest.raises(EarshotError, match="no recordings"):
            self.learn(digit_recognizer, few_beeps[0].subset([]))

    def test_two_words_with_one_recording_are_named(self, digit_recognizer, few_beeps):
        words = self.changed(few_beeps[0], 3, few_beeps[0].waveforms[0])
        with pytest.raises(EarshotError, match="low and high have the same recording"):
            self.learn(digit_recognizer, words)

    @pytest.mark.parametrize("level", [0.0, 1e-5])
    def test_silence_and_a_muted_microphone_are_named(
        self, digit_recognizer, few_beeps, rng, level
    ):
        words = self.changed(few_beeps[0], 3, level * rng.standard_normal(4000))
        with pytest.raises(EarshotError, match=f"{words.sources[3]} is silent"):
            self.learn(digit_recognizer, words)

    def test_a_recording_that_is_learned_as_a_word_and_as_unknown_is_named(
        self, digit_recognizer, few_beeps
    ):
        words, one = few_beeps[0], few_beeps[0].subset([3])
        with pytest.raises(EarshotError, match="high and unknown have the same recording"):
            self.learn(digit_recognizer, words, unknown=one)

    def test_it_is_named_whatever_the_unknown_ones_are_called(self, digit_recognizer, few_beeps):
        one = dataclasses.replace(few_beeps[0].subset([3]), class_names=("x", "buzz"))
        with pytest.raises(EarshotError, match="high and unknown have the same recording"):
            self.learn(digit_recognizer, few_beeps[0], unknown=one)

    def test_a_recording_that_is_no_single_word_is_named(self, digit_recognizer, few_beeps):
        words = self.changed(few_beeps[0], 3, np.tile(few_beeps[0].waveforms[3], 60))
        with pytest.raises(EarshotError, match=r"high_anna_0\.wav is .* s long"):
            self.learn(digit_recognizer, words)

    def test_a_higher_sample_rate_is_brought_down(self, digit_recognizer, few_beeps):
        learned = self.learn(digit_recognizer, few_beeps[0].resampled(16000), false_acceptance=None)
        assert share_right(learned, few_beeps[1].resampled(22050)) == 1

    def test_a_lower_sample_rate_is_refused(self, digit_recognizer, few_beeps):
        with pytest.raises(EarshotError, match="4,000 Hz.*record at 8,000 Hz or more"):
            self.learn(digit_recognizer, few_beeps[0].resampled(4000))

    def test_clips_without_a_label_are_refused(self, digit_recognizer, few_beeps):
        words = dataclasses.replace(few_beeps[0], labels=np.full(10, -1))
        with pytest.raises(EarshotError, match="no label"):
            self.learn(digit_recognizer, words)

    def test_a_missing_layer_names_those_that_are_there(self, digit_recognizer, few_beeps):
        with pytest.raises(EarshotError, match="no layer nowhere: choose one of .*features"):
            self.learn(digit_recognizer, few_beeps[0], layer="nowhere")
        front_end = LogMel(n_samples=4000, hop_length=160, n_mels=16)
        plain = Recognizer(builders.cnn(front_end.output_shape, 2), front_end, ("a", "b"))
        with pytest.raises(EarshotError, match="no layer embedding or features.*models/base"):
            self.learn(plain, few_beeps[0])

    def test_words_that_nothing_is_remembered_of_cannot_be_kept(self, digit_recognizer, few_beeps):
        with pytest.raises(EarshotError, match="seven cannot be kept.*models/base"):
            self.learn(digit_recognizer, few_beeps[0], keep=["seven"])
        with pytest.raises(EarshotError, match="whale cannot be kept: the recognizer's words"):
            self.learn(digit_recognizer, few_beeps[0], keep=["whale"])

    @pytest.mark.parametrize("rate", [0, 1, -0.1, 7])
    def test_an_impossible_rate_is_refused(self, digit_recognizer, few_beeps, rate):
        with pytest.raises(EarshotError, match="share between 0 and 1"):
            self.learn(digit_recognizer, few_beeps[0], false_acceptance=rate)

    def test_an_unknown_method_is_refused(self, digit_recognizer, few_beeps):
        with pytest.raises(EarshotError, match="logistic, svm, prototypes"):
            self.learn(digit_recognizer, few_beeps[0], method="magic")

    def test_a_network_of_raw_samples_is_refused(self, few_beeps):
        from earshot.features import RawWaveform

        front_end = RawWaveform(sample_rate=8000, n_samples=2000)
        network = builders.raw_lstm(2000, 2, frame=100, units=4, n_filters=4, dense=4)
        with pytest.raises(EarshotError, match="log-mel spectrograms of words"):
            self.learn(Recognizer(network, front_end, ("a", "b")), few_beeps[0])
        keras.utils.clear_session()
