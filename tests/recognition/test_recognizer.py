import dataclasses
import json

import numpy as np
import pytest
import soundfile

from earshot import audio
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.recognition import recognizer
from earshot.recognition.recognizer import Recognizer

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

    def test_an_empty_list_gives_an_empty_list(self, trained):
        assert trained.predict([]) == []

    def test_samples_as_a_plain_list_are_one_waveform(self, trained, beep):
        assert trained.predict(beep(300).tolist()).word == "low"

    def test_16_bit_samples_are_understood(self, trained, beep):
        assert_same(
            trained.predict((beep(300) * 32768).astype(np.int16)), trained.predict(beep(300)), 1e-2
        )

    def test_of_a_long_recording_the_loudest_stretch_counts(self, trained, beep):
        noise = 0.001 * np.random.default_rng(0).standard_normal(12000)
        noise[8500:11700] += beep(1500)
        assert trained.predict(noise).word == "high"

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


class TestFolder:
    def test_what_is_saved_answers_as_before(self, trained, tmp_path, beep):
        trained.save(tmp_path / "beeps")
        again = recognizer.load(tmp_path / "beeps")
        assert_same(again.predict(beep(300)), trained.predict(beep(300)))
        assert (again.class_names, again.front_end) == (trained.class_names, trained.front_end)
        assert again.card["figures"] == {"accuracy": 1.0}
        assert {"data", "split", "date", "versions", "clips"} <= set(again.card)

    def test_saving_again_replaces_the_folder(self, trained, tmp_path):
        trained.save(tmp_path / "beeps")
        (tmp_path / "beeps" / "left-over").touch()
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

    def test_settings_without_a_kind_are_of_log_mel_spectrograms(self, trained, tmp_path, beep):
        trained.save(tmp_path / "old")
        path = tmp_path / "old" / "recognizer.json"
        settings = json.loads(path.read_text())
        assert settings.pop("kind") == "LogMel"
        path.write_text(json.dumps(settings))
        again = recognizer.load(tmp_path / "old")
        assert again.front_end == trained.front_end
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
        with pytest.raises(EarshotError, match="spectrograms"):
            Recognizer(trained.model, LogMel(), ("a", "b"))
