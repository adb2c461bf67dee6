import keras
import numpy as np
import pytest

import earshot
from earshot import audio
from earshot.errors import EarshotError
from earshot.features.stream import StreamSpectrogram
from earshot.networks import builders, stream_builders, stream_form
from earshot.recognition import classification
from earshot.recognition.recognizer import Recognizer
from earshot.segmentation import label_tracks


class TestSteps:
    def test_segments_are_the_runs_of_all_classes_but_the_first(self):
        p = np.array([[0.9, 0.1]] * 10 + [[0.2, 0.8]] * 20 + [[0.7, 0.3]] * 5 + [[0.4, 0.6]] * 3)
        steps = classification.Steps(("noise", "speech"), p, 100.0)
        (found,) = steps.segments(min_s=0.05)
        assert (found.start_s, found.end_s, found.word) == (0.1, 0.3, "speech")
        assert found.confidence == pytest.approx(0.8)

    def test_they_go_to_a_label_track_and_back(self, tmp_path):
        p = np.array([[0.9, 0.1]] * 10 + [[0.2, 0.8]] * 20)
        found = classification.Steps(("noise", "speech"), p, 100.0).segments()
        label_tracks.write(tmp_path / "a.txt", found)
        assert [s.word for s in label_tracks.read(tmp_path / "a.txt")] == ["speech"]


def a_network(kind, settings, seed=0):
    """A network with weights that are far from those it begins with."""
    keras.utils.set_random_seed(seed)
    network = {
        "conv": lambda: stream_builders.vanilla_conv(settings.output_shape, width=8),
        "autoencoder": lambda: stream_builders.linear_probe(
            stream_builders.autoencoder(settings.output_shape, width=8)
        ),
        "lstm": lambda: stream_builders.linear_probe(
            stream_builders.next_frame_lstm(settings.output_shape, units=8)
        ),
    }[kind]()
    rng = np.random.default_rng(seed)
    network.set_weights([w + rng.uniform(0, 0.05, w.shape) for w in network.get_weights()])
    return network


class TestClassify:
    settings = StreamSpectrogram(n_frames=21, n_ahead=8)

    @pytest.fixture(params=["conv", "autoencoder", "lstm"])
    def recognizer(self, request):
        network = a_network(request.param, self.settings)
        return Recognizer(network, self.settings, ("noise", "speech"))

    @pytest.fixture
    def sound(self, rng):
        x = 0.01 * rng.standard_normal(40_000)
        x[15_000:20_000] *= 30
        return x.astype(np.float32)

    def test_there_is_an_answer_for_every_step(self, recognizer, sound):
        steps = classification.classify(sound, recognizer)
        assert steps.probabilities.shape == (501, 2)
        assert steps.times_s[-1] == 5.0
        assert np.allclose(steps.probabilities.sum(axis=1), 1, atol=1e-5)

    @pytest.mark.parametrize("kind", ["conv", "autoencoder"])
    def test_one_pass_gives_what_window_by_window_gives(self, kind, sound):
        network = a_network(kind, self.settings)
        recognizer = Recognizer(network, self.settings, ("noise", "speech"))
        steps = classification.classify(sound, recognizer)
        cut, about = self.settings.cut(self.settings.spectrogram(sound))
        one_by_one = keras.ops.convert_to_numpy(keras.ops.softmax(network.predict(cut, verbose=0)))
        assert abs(steps.probabilities[about] - one_by_one).max() < 1e-5

    def test_blocks_of_any_length_give_what_one_piece_gives(self, recognizer, sound):
        blocks = [(x, 8000) for x in np.split(sound, [3, 90, 4000, 4100, 30_000])]
        followed = [part.probabilities for part in classification.follow(recognizer, blocks)]
        whole = classification.classify(sound, recognizer).probabilities
        assert abs(np.concatenate(followed) - whole).max() < 1e-5

    def test_a_file_of_another_rate_is_taken(self, recognizer, sound, tmp_path):
        audio.write(tmp_path / "a.wav", audio.resample(sound, 8000, 16000), 16000)
        assert len(classification.classify(tmp_path / "a.wav", recognizer)) == 501

    def test_a_saved_one_answers_the_same(self, recognizer, sound, tmp_path):
        recognizer.save(tmp_path / "r")
        first, second = (
            classification.classify(sound, known).probabilities
            for known in (recognizer, earshot.load(tmp_path / "r"))
        )
        assert np.array_equal(first, second)

    def test_silence_is_pointed_out(self, recognizer, tmp_path):
        audio.write(tmp_path / "mute.wav", np.zeros(16000), 8000)
        with pytest.raises(EarshotError, match=r"mute\.wav is silent throughout"):
            classification.classify(tmp_path / "mute.wav", recognizer)

    def test_a_stream_shorter_than_a_window_is_refused(self, recognizer, sound):
        with pytest.raises(EarshotError, match=r"0\.13 s long, and a window takes 0\.21 s"):
            classification.classify(sound[:1000], recognizer)

    def test_nan_is_refused(self, recognizer, sound):
        sound[9] = np.nan
        with pytest.raises(EarshotError, match="NaN"):
            classification.classify(sound, recognizer)

    def test_two_streams_at_a_time_do_not_mix(self, recognizer, sound):
        blocks = [(sound, 8000)] * 3
        alone = [part.probabilities for part in classification.follow(recognizer, blocks)]
        two = zip(*(classification.follow(recognizer, blocks) for _ in range(2)), strict=True)
        for expected, (first, second) in zip(alone, two, strict=True):
            assert np.array_equal(first.probabilities, expected)
            assert np.array_equal(second.probabilities, expected)

    def test_settings_of_another_network_are_refused(self, recognizer, sound):
        with pytest.raises(EarshotError, match=r"\(21, 40\).*\(63, 40\)"):
            stream_form.activations(recognizer.model, StreamSpectrogram(), sound)

    def test_a_network_without_a_form_for_streams_is_refused(self, sound):
        network = builders.cnn(self.settings.output_shape, 2)
        known = Recognizer(network, self.settings, ("noise", "speech"))
        with pytest.raises(EarshotError, match="cnn has no form for streams"):
            classification.classify(sound, known)

    def test_there_is_no_saved_model_for_streams(self, recognizer, tmp_path):
        with pytest.raises(EarshotError, match="use save"):
            recognizer.export(tmp_path / "e")

    def test_a_network_for_other_windows_is_refused(self):
        with pytest.raises(EarshotError, match=r"\(21, 40\).*\(63, 40\)"):
            Recognizer(a_network("conv", self.settings), StreamSpectrogram(), ("noise", "speech"))


@pytest.fixture(scope="module")
def spoken_path(stream, tmp_path_factory):
    path = tmp_path_factory.mktemp("spoken") / "digits.wav"
    audio.write(path, stream.waveform, stream.sample_rate)
    return path


class TestWordsAlongAStream:
    def test_each_word_is_where_it_was_said(self, spoken_path, stream, digit_recognizer):
        steps = classification.classify(spoken_path, digit_recognizer)
        assert steps.class_names == ("", *digit_recognizer.class_names)
        found = steps.segments()
        assert [s.word for s in found] == [s.word for s in stream.segments]
        for segment, truth in zip(found, stream.segments, strict=True):
            assert segment.start_s < truth.end_s and segment.end_s > truth.start_s
        assert len(steps) == round(stream.duration_s * 100)

    def test_blocks_give_the_same(self, spoken_path, digit_recognizer):
        live = classification.follow(digit_recognizer, audio.blocks(spoken_path, 0.07))
        live = np.concatenate([part.probabilities for part in live])
        whole = classification.classify(spoken_path, digit_recognizer)
        np.testing.assert_allclose(live, whole.probabilities, atol=1e-4)
