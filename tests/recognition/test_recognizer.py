import contextlib
import dataclasses
import json
import shutil
import warnings

import keras
import numpy as np
import pytest
import soundfile
import tqdm
from hypothesis import HealthCheck, given, settings, strategies as st
from support.beeps import make_beeps

from earshot import audio
from earshot.errors import EarshotError, EarshotWarning
from earshot.features.log_mel import LogMel
from earshot.features.raw import RawWaveform
from earshot.features.stream import StreamSpectrogram
from earshot.networks import builders, stream_builders
from earshot.networks.evaluation import accuracy
from earshot.recognition import recognizer
from earshot.recognition.prepare import sounds_slowed
from earshot.recognition.recognizer import Recognizer

ENDLESS: dict = {}
ENDLESS["itself"] = ENDLESS
FINE = LogMel(hop_length=64, n_mels=64, n_samples=None)


def assert_same(a, b, tolerance=1e-4):
    np.testing.assert_allclose(
        list(a.probabilities.values()), list(b.probabilities.values()), atol=tolerance
    )


class TestPredictSpectrogram:
    def test_its_own_spectrogram_gives_what_the_sound_gives(self, trained, beep):
        x = beep(300)
        assert_same(trained.predict_spectrogram(trained.front_end(x)), trained.predict(x))

    @pytest.mark.parametrize("duration_s", [0.2, 0.4, 0.9])
    @pytest.mark.parametrize("pitch_hz, word", [(300, "low"), (1500, "high")])
    def test_any_number_of_frames_will_do(self, trained, pitch_hz, word, duration_s, beep):
        free = dataclasses.replace(trained.front_end, n_samples=None)
        spectrogram = free(beep(pitch_hz, duration_s=duration_s))
        assert trained.predict_spectrogram(spectrogram, free).word == word

    def test_a_quantized_one_will_do(self, trained, beep):
        quantized = dataclasses.replace(trained.front_end, bits=8)
        x = beep(1500)
        assert_same(trained.predict_spectrogram(quantized(x), quantized), trained.predict(x), 0.05)

    @pytest.mark.parametrize("pitch_hz, word", [(300, "low"), (1500, "high")])
    def test_a_spectrogram_of_other_settings_goes_by_way_of_sound(
        self, trained, pitch_hz, word, beep
    ):
        assert trained.predict_spectrogram(FINE(beep(pitch_hz)), FINE).word == word

    def test_a_wrong_spectrogram_is_refused(self, trained):
        with pytest.raises(EarshotError, match="shape"):
            trained.predict_spectrogram(np.zeros((26, 64)))
        with pytest.raises(EarshotError, match="One spectrogram"):
            trained.predict_spectrogram(np.zeros((2, 26, 16)))

    def test_who_sees_no_spectrograms_is_asked_how_one_was_made(self):
        network = builders.raw_lstm(4000, 2, frame=100, units=4)
        deaf = Recognizer(network, RawWaveform(n_samples=4000), ("a", "b"))
        with pytest.raises(EarshotError, match="sees no spectrograms: say how this one was made"):
            deaf.predict_spectrogram(np.zeros((26, 16)))


def test_a_prediction_reads_as_a_word_and_cannot_be_changed():
    heard = recognizer.Prediction("six", 0.987, {"six": 0.987})
    assert str(heard) == "six (98.7%)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        heard.word = "nine"


def test_the_form_along_streams_is_made_once():
    settings = StreamSpectrogram(n_frames=15, n_ahead=7, n_mels=16)
    network = stream_builders.vanilla_conv(settings.output_shape)
    told = network.output_shape[-1]
    found = Recognizer(network, settings, tuple(map(str, range(told))))
    assert found.along is found.along
    assert found.along.activations(np.ones(4000, np.float32)).shape[0] == 51


@pytest.mark.parametrize("threshold", [np.nan, np.inf, "high", None])
def test_a_spotting_threshold_is_a_number(trained, threshold):
    with pytest.raises(EarshotError, match="A spotting_threshold is a number"):
        Recognizer(
            trained.model, trained.front_end, trained.class_names, spotting_threshold=threshold
        )


class TestPredict:
    def test_a_waveform_gives_its_word(self, trained, beep):
        p = trained.predict(beep(300))
        assert p.word == "low"
        assert p.probability == max(p.probabilities.values())
        assert list(p.probabilities) == ["low", "high"]
        assert abs(sum(p.probabilities.values()) - 1) < 1e-5

    @pytest.mark.parametrize("sample_rate", [11025, 16000, 48000, 192000])
    def test_any_sample_rate_will_do(self, trained, sample_rate, beep):
        p = trained.predict(beep(1500, sample_rate), sample_rate)
        assert p.word == "high"

    @pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
    def test_a_file_gives_its_word(self, trained, tmp_path, ending, beep):
        audio.write(tmp_path / f"a.{ending}", beep(300, 16000), 16000)
        assert trained.predict(tmp_path / f"a.{ending}").word == "low"
        assert trained.predict(str(tmp_path / f"a.{ending}")).word == "low"

    def test_a_list_gives_a_list_with_the_same_answers(self, trained, tmp_path, monkeypatch, beep):
        monkeypatch.setattr(recognizer, "BATCH", 2)
        audio.write(tmp_path / "a.wav", beep(300), 8000, subtype="FLOAT")
        sounds = [beep(300), tmp_path / "a.wav", beep(1500)]
        answers = trained.predict(sounds)
        assert [p.word for p in answers] == ["low", "low", "high"]
        for sound, answer in zip(sounds, answers, strict=True):
            assert_same(trained.predict(sound), answer)

    def test_what_is_no_word_in_a_list_costs_the_others_nothing(self, trained, tmp_path, beep):
        (tmp_path / "broken.wav").write_bytes(b"RIFF")
        broken = [np.zeros(4000), np.ones(1), tmp_path / "broken.wav", tmp_path / "gone.wav"]
        answers = trained.predict([beep(300), *broken, beep(1500)])
        assert [p.word for p in answers] == ["low", "", "", "", "", "high"]
        reasons = [p.reason for p in answers]
        assert "silent" in reasons[1]
        assert "only" in reasons[2]
        assert "broken.wav" in reasons[3]
        assert "There is no file" in reasons[4]
        assert str(answers[1]) == f"no answer: {reasons[1]}"
        assert reasons[0] == reasons[5] == ""
        assert [p.probability for p in answers[1:5]] == [0] * 4

    def test_a_list_of_nothing_but_silence_has_no_answers(self, trained):
        assert [p.word for p in trained.predict([np.zeros(4000)] * 3)] == [""] * 3

    def test_a_rate_that_is_none_is_refused_for_all(self, trained, beep):
        with pytest.raises(EarshotError, match="sample rate"):
            trained.predict([beep(300)], -1)

    def test_a_word_in_ten_seconds_is_found(self, trained, beep):
        x = 0.001 * np.random.default_rng(0).standard_normal(10 * 8000)
        x[50_000:53_200] += beep(1500)
        assert trained.predict(x).word == "high"

    @pytest.mark.filterwarnings("error::earshot.errors.EarshotWarning")
    def test_an_empty_list_gives_an_empty_list_and_one_of_one_a_list_of_one(self, trained, beep):
        assert trained.predict([]) == []
        assert [p.word for p in trained.predict([beep(300)])] == ["low"]
        assert trained.predict(beep(300)).word == "low"

    def test_a_bar_is_for_lists_that_take_longer_than_a_second(
        self, trained, beep, capsys, monkeypatch
    ):
        monkeypatch.setattr(recognizer, "BATCH", 2)
        several = [beep(300)] * 3
        trained.predict(several)
        assert "recognizing" not in capsys.readouterr().err
        monkeypatch.setattr(tqdm.std, "time", map(float, range(10**6)).__next__)
        trained.predict(several[:2])  # at once
        assert "recognizing" not in capsys.readouterr().err
        trained.predict(several)
        assert "recognizing: 100%" in capsys.readouterr().err

    def test_samples_as_a_plain_list_are_one_waveform(self, trained, beep):
        assert trained.predict(beep(300).tolist()).word == "low"

    def test_16_bit_samples_are_understood(self, trained, beep):
        assert_same(
            trained.predict((beep(300) * 32768).astype(np.int16)), trained.predict(beep(300)), 1e-2
        )

    @pytest.mark.parametrize("pitch_hz, word", [(300, "low"), (1500, "high")])
    @pytest.mark.parametrize("start", [0, 4000, 8500])
    def test_of_a_long_recording_the_stretch_with_the_word_counts(
        self, trained, beep, pitch_hz, word, start
    ):
        noise = 0.001 * np.random.default_rng(0).standard_normal(12000)
        noise[start : start + 3200] += beep(pitch_hz)
        assert trained.predict(noise).word == word

    def test_a_knock_beside_a_word_is_not_taken_for_it(self, digit_recognizer, speech, rng):
        words = speech.subset(np.arange(0, len(speech), max(len(speech) // 20, 1)))
        long = [1e-3 * rng.standard_normal(24_000).astype(np.float32) for _ in words.waveforms]
        for x, word in zip(long, words.waveforms, strict=True):
            x[15_000:][: len(word)] += word
            x[3000:3400] += 3 * np.exp(-np.arange(400) / 60) * rng.standard_normal(400)
        alone, beside = (
            digit_recognizer.predict(words.waveforms, 8000),
            digit_recognizer.predict(long, 8000),
        )
        same = [one.word == other.word for one, other in zip(alone, beside, strict=True)]
        assert np.mean(same) > 0.8

    @pytest.mark.parametrize("duration_s", [0.3, 0.9])
    def test_an_offset_changes_nothing(self, trained, beep, duration_s):
        x = beep(300, duration_s=duration_s)
        a, b = (trained.predict(one, 8000) for one in (x + np.float32(0.3), x))
        assert_same(a, b, 1e-2)

    @pytest.mark.parametrize("value", [1e19, 1e30])
    def test_no_nan_leaves_it(self, trained, beep, value):
        with pytest.raises(EarshotError, match="holds values up to"):
            trained.predict(value * beep(300))
        with (
            contextlib.suppress(EarshotError),
            np.errstate(all="ignore"),
        ):  # as the processor has it
            assert np.isfinite(trained.probabilities([value * beep(300)])).all()

    def test_a_network_that_answers_nan_is_named(self, trained, beep):
        network = keras.models.clone_model(trained.model)
        network.set_weights([np.full_like(w, np.nan) for w in network.get_weights()])
        lost = Recognizer(network, trained.front_end, trained.class_names)
        with pytest.raises(EarshotError, match="answers NaN.*lower learning_rate"):
            lost.predict(beep(300))
        with pytest.raises(EarshotError, match="answers NaN"):
            lost.predict_spectrogram(trained.front_end(beep(300)))

    def test_a_forgotten_rate_is_warned_of(self, digit_recognizer, speech, tmp_path):
        words = speech.subset(np.arange(0, len(speech), len(speech) // 30))
        told = "of 3. waveforms sound slowed.*8,000 Hz.*sample_r"
        with pytest.warns(EarshotWarning, match=told) as warned:
            digit_recognizer.predict(words.resampled(16000).waveforms)
        assert warned[0].filename == __file__, "who calls is told"
        with warnings.catch_warnings(action="error", category=EarshotWarning):
            digit_recognizer.predict(words.resampled(16000).waveforms, 16000)
            digit_recognizer.predict(words.resampled(16000).waveforms, 8000)  # as one insists
            digit_recognizer.predict(words.waveforms)
        slow = next(x for x in words.resampled(16000).waveforms if sounds_slowed(x, 8000))
        with pytest.warns(EarshotWarning, match="1 of 1 waveforms sound slowed"):
            digit_recognizer.predict(slow)
        audio.write(tmp_path / "slow.wav", slow, 8000)
        with warnings.catch_warnings(action="error", category=EarshotWarning):
            digit_recognizer.predict([tmp_path / "slow.wav"])  # a file knows its rate
            digit_recognizer.predict([slow, *words.waveforms])  # as one in two hundred does

    @pytest.mark.parametrize(
        ("x", "message"),
        [
            (np.zeros(4000), "silent"), (np.full(4000, 0.5), "silent"), (np.ones(1), "only"),
            (np.full(4000, np.nan), "NaN"), (np.zeros(0), "no samples"),
            (np.zeros(8000 * 600), "600.0 s long"), (np.zeros((4000, 2)), "one channel"),
        ],
    )  # fmt: skip
    def test_what_is_no_word_is_refused(self, trained, x, message):
        with pytest.raises(EarshotError, match=message):
            trained.predict(x)

    @pytest.mark.parametrize("sample_rate", [0, -8000, "8000", 8000.5])
    def test_an_impossible_sample_rate_is_refused(self, trained, sample_rate, beep):
        with pytest.raises(EarshotError, match="whole number of Hz"):
            trained.predict(beep(300), sample_rate)

    def test_a_bad_file_is_named(self, trained, tmp_path):
        soundfile.write(tmp_path / "quiet.wav", np.zeros(4000), 8000)
        with pytest.raises(EarshotError, match=r"quiet\.wav is silent"):
            trained.predict(tmp_path / "quiet.wav")


@pytest.fixture
def saved(trained, tmp_path):
    trained.save(tmp_path / "beeps")
    return tmp_path / "beeps"


class TestFolder:
    def test_what_is_saved_answers_as_before(self, trained, tmp_path, beep):
        trained.save(tmp_path / "beeps")
        again = recognizer.load(tmp_path / "beeps")
        assert_same(again.predict(beep(300)), trained.predict(beep(300)))
        assert (again.class_names, again.front_end) == (trained.class_names, trained.front_end)
        assert again.spotting_threshold == trained.spotting_threshold == 0
        assert again.card["figures"] == {"accuracy": 1.0}
        assert {"data", "split", "date", "versions", "clips"} <= set(again.card)

    def test_a_loaded_network_knows_its_words_by_name(self, trained, saved):
        words = make_beeps(np.random.default_rng(3), n=20)
        network = recognizer.load(saved).model
        for same in (words, words.only(("high", "low"))):
            assert accuracy(network, same, trained.front_end) == 1

    def test_saving_again_replaces_the_folder(self, trained, tmp_path):
        trained.save(tmp_path / "beeps")
        (tmp_path / "beeps" / "memory.npz").touch()  # of one that could learn more words
        trained.save(tmp_path / "beeps")
        assert sorted(p.name for p in (tmp_path / "beeps").iterdir()) == [
            "card.json", "network.keras", "recognizer.json",
        ]  # fmt: skip

    def test_a_save_that_fails_keeps_the_old_one(self, trained, tmp_path, monkeypatch, beep):
        trained.save(tmp_path / "beeps")

        def full(path):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(trained.model, "save", full)
        with pytest.raises(EarshotError, match=r"beeps cannot be written.*free some space"):
            trained.save(tmp_path / "beeps")
        assert recognizer.load(tmp_path / "beeps").predict(beep(300)).word == "low"
        assert [p.name for p in tmp_path.iterdir()] == ["beeps"]

    def test_a_card_may_hold_numbers_of_numpy(self, trained, tmp_path):
        card = {"n": np.int64(3), "share": np.float32(0.5), "rows": np.arange(2), "more": [(1,)]}
        Recognizer(trained.model, trained.front_end, trained.class_names, card).save(tmp_path / "a")
        expected = {"n": 3, "share": 0.5, "rows": [0, 1], "more": [[1]]}
        assert recognizer.load(tmp_path / "a").card == expected

    def test_the_threshold_along_streams_is_saved(self, trained, tmp_path):
        found = Recognizer(
            trained.model, trained.front_end, trained.class_names, spotting_threshold=2.5
        )
        found.save(tmp_path / "a")
        assert recognizer.load(tmp_path / "a").spotting_threshold == 2.5

    @pytest.mark.parametrize("card", [{"x": object()}, {"x": {1, 2}}, {(1, 2): 3}, ENDLESS])
    def test_a_card_that_json_does_not_know_is_refused_before_anything_is_written(
        self, trained, tmp_path, card
    ):
        strange = Recognizer(trained.model, trained.front_end, trained.class_names, card)
        with pytest.raises(EarshotError, match="card cannot be saved.*leave that out"):
            strange.save(tmp_path / "a")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("name", "field", "value"),
        [
            ("recognizer.json", "words", 5), ("recognizer.json", "words", "lowhigh"),
            ("recognizer.json", "words", [1, 2]), ("recognizer.json", "words", None),
            ("recognizer.json", "front_end", 3), ("recognizer.json", "front_end", None),
            ("recognizer.json", "front_end", {"top_db": float("nan")}),
            ("recognizer.json", "front_end", {"n_samples": 10**12}),
            ("recognizer.json", "front_end", {"fmin_hz": "low"}),
            ("recognizer.json", "kind", ["LogMel"]), ("recognizer.json", None, 7),
            ("recognizer.json", None, []), ("card.json", None, 3), ("card.json", None, "x"),
            ("card.json", None, None),
        ],
    )  # fmt: skip
    def test_a_field_of_another_type_names_the_file(self, trained, saved, name, field, value):
        path = saved / name
        content = {**json.loads(path.read_text()), field: value} if field else value
        path.write_text(json.dumps(content))
        with pytest.raises(EarshotError, match=rf"{name} is damaged \(.*copy the folder"):
            recognizer.load(saved)

    def test_brackets_without_end_are_damage(self, saved):
        (saved / "card.json").write_text("[" * 100_000)
        with pytest.raises(EarshotError, match=r"card\.json is damaged"):
            recognizer.load(saved)

    def test_words_of_another_network_name_the_folder(self, saved):
        path = saved / "recognizer.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "words": ["a", "b", "c"]}))
        with pytest.raises(EarshotError, match="beeps do not belong together.*2 words apart, but"):
            recognizer.load(saved)

    def test_a_network_that_runs_code_is_refused(self, saved, trained):
        inputs = keras.Input(trained.front_end.output_shape)
        x = keras.layers.Lambda(lambda x: x[:, 0, :2])(inputs)
        keras.Model(inputs, x).save(saved / "network.keras")
        with pytest.raises(EarshotError, match=r"network\.keras is damaged .*[Ll]ambda"):
            recognizer.load(saved)

    def test_what_is_no_network_is_refused(self, saved):
        layer = keras.layers.Dense(2)
        layer.build((None, 3))
        keras.saving.save_model(layer, saved / "network.keras")
        with pytest.raises(EarshotError, match=r"network\.keras is damaged \(it holds a Dense"):
            recognizer.load(saved)

    @given(at=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    def test_a_changed_byte_of_the_network_is_no_other_error(self, saved, at, byte):
        path = saved / "network.keras"
        data = bytearray(path.read_bytes())
        data[int(at * len(data))] = byte
        damaged = saved.parent / "damaged"
        shutil.copytree(saved, damaged, dirs_exist_ok=True)
        (damaged / "network.keras").write_bytes(data)
        with contextlib.suppress(EarshotError):
            recognizer.load(damaged)

    def test_strange_words_survive(self, trained, tmp_path):
        words = ("../up and\nover", "词 ü")
        Recognizer(trained.model, trained.front_end, words).save(tmp_path / "a")
        assert recognizer.load(tmp_path / "a").class_names == words

    @pytest.mark.parametrize("write", ["save", "export"])
    def test_a_folder_with_something_else_in_it_stays(self, trained, tmp_path, write):
        (tmp_path / "mine.wav").write_bytes(b"a recording")
        with pytest.raises(EarshotError, match="something else.*another folder"):
            getattr(trained, write)(tmp_path)
        assert (tmp_path / "mine.wav").read_bytes() == b"a recording"

    def test_a_missing_folder_is_named(self, tmp_path):
        with pytest.raises(EarshotError, match="no recognizer .*nowhere"):
            recognizer.load(tmp_path / "nowhere")

    @pytest.mark.parametrize("name", ["network.keras", "recognizer.json", "card.json"])
    def test_a_missing_file_is_named(self, trained, tmp_path, name):
        trained.save(tmp_path / "a")
        (tmp_path / "a" / name).unlink()
        with pytest.raises(EarshotError, match=f"its {name} is missing"):
            recognizer.load(tmp_path / "a")

    @pytest.mark.parametrize("name", ["network.keras", "recognizer.json", "card.json"])
    @pytest.mark.parametrize("share", [0, 0.5])
    def test_a_damaged_file_is_named(self, trained, tmp_path, name, share):
        trained.save(tmp_path / "a")
        data = (tmp_path / "a" / name).read_bytes()
        (tmp_path / "a" / name).write_bytes(data[: int(share * len(data))])
        with pytest.raises(EarshotError, match=f"{name} is damaged"):
            recognizer.load(tmp_path / "a")

    def test_a_format_of_the_future_is_named(self, trained, tmp_path):
        trained.save(tmp_path / "a")
        path = tmp_path / "a" / "recognizer.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
        with pytest.raises(EarshotError, match="format 99"):
            recognizer.load(tmp_path / "a")

    def test_older_settings_are_of_log_mel_spectrograms_and_have_no_threshold(
        self, trained, tmp_path, beep
    ):
        trained.save(tmp_path / "old")
        path = tmp_path / "old" / "recognizer.json"
        settings = json.loads(path.read_text())
        assert settings.pop("kind") == "LogMel"
        del settings["spotting_threshold"]
        path.write_text(json.dumps(settings))
        again = recognizer.load(tmp_path / "old")
        assert (again.front_end, again.spotting_threshold) == (trained.front_end, 0)
        assert again.predict(beep(300)).word == "low"

    def test_an_unknown_kind_names_the_file_and_the_choices(self, trained, tmp_path):
        trained.save(tmp_path / "a")
        path = tmp_path / "a" / "recognizer.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "kind": "Nonsense"}))
        with pytest.raises(EarshotError, match=r"recognizer\.json.*'Nonsense'.*one of LogMel"):
            recognizer.load(tmp_path / "a")

    def test_words_and_spectrograms_must_fit_the_network(self, trained):
        with pytest.raises(EarshotError, match="2 words apart, but 3"):
            Recognizer(trained.model, trained.front_end, ("a", "b", "c"))
        with pytest.raises(EarshotError, match="once"):
            Recognizer(trained.model, trained.front_end, ("a", "a"))
        for names in ("ab", (1, 2), (b"a", b"b")):
            with pytest.raises(EarshotError, match="Class names are a list of words"):
                Recognizer(trained.model, trained.front_end, names)
        with pytest.raises(EarshotError, match="another order: give low, high"):
            Recognizer(trained.model, trained.front_end, ("high", "low"))
        with pytest.raises(EarshotError, match="spectrograms"):
            Recognizer(trained.model, LogMel(), ("a", "b"))
