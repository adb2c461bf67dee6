import keras
import numpy as np
import pytest
from support import MODELS

import earshot
from earshot import audio
from earshot.datasets import streams
from earshot.errors import EarshotError
from earshot.features.stream import StreamSpectrogram
from earshot.networks import builders, stream_builders, stream_form
from earshot.recognition import classification, listening, word_detector
from earshot.recognition.recognizer import Recognizer
from earshot.recognition.word_detector import WordDetector
from earshot.segmentation import label_tracks

PAUSES_S = (0.35, 0.8)


@pytest.fixture(scope="module")
def stream(spoken_digit):
    """Thirty digits in a quiet room."""
    chosen = np.random.default_rng(3).permutation(len(spoken_digit))[:30]
    return streams.make_stream(spoken_digit.subset(chosen), snr_db=40, pauses_s=PAUSES_S)


def detected(x, sample_rate=16000, block=320):
    """Push a waveform in blocks; gives (word, seconds that had been pushed) pairs."""
    detector, words = WordDetector(sample_rate), []
    for i in range(0, len(x), block):
        pushed_s = min(i + block, len(x)) / sample_rate
        words += [(word, pushed_s) for word in detector.push(x[i : i + block])]
    return words + [(word, len(x) / sample_rate) for word in detector.flush()]


def test_every_word_is_found_where_it_is(stream):
    words = detected(stream.waveform)
    assert len(words) == len(stream.segments)
    for (word, _), segment in zip(words, stream.segments, strict=True):
        assert word.start_s == pytest.approx(segment.start_s, abs=0.1)
        assert word.end_s == pytest.approx(segment.end_s, abs=0.2)


def test_words_are_given_a_quarter_of_a_second_after_they_end(stream):
    late_s = [at_s - s.end_s for (_, at_s), s in zip(detected(stream.waveform), stream.segments,
                                                     strict=True)]  # fmt: skip
    assert np.median(late_s) < 0.25


def test_nothing_that_is_yet_to_come_plays_a_role(stream):
    half = len(stream.waveform) // 2
    whole, first = detected(stream.waveform), detected(stream.waveform[:half])
    early = [word.start_s for word, at_s in whole if at_s <= half / stream.sample_rate]
    assert [word.start_s for word, _ in first][: len(early)] == early


@pytest.mark.parametrize("block", [1, 441, 100_000])
def test_the_size_of_the_blocks_plays_no_role(stream, block):
    x = stream.waveform[:80_000]
    expected = [(word.start_s, word.end_s) for word, _ in detected(x)]
    words = detected(x, block=block)
    assert [(word.start_s, word.end_s) for word, _ in words] == expected
    for (word, _), (start_s, end_s) in zip(words, expected, strict=True):
        first = round((start_s - word_detector.MARGIN_S) * 16000)
        last = first + len(word.waveform)
        np.testing.assert_array_equal(word.waveform, x[first:last])
        assert last >= end_s * 16000


@pytest.mark.parametrize("level", [0, 1e-4, 1e-2])
def test_noise_alone_is_no_word(rng, level):
    x = level * rng.standard_normal(20 * 16000)
    assert detected(x.astype(np.float32)) == []


def test_a_room_that_becomes_louder_is_followed(rng, stream):
    noise = 1e-4 * rng.standard_normal(10 * 16000)
    noise[3 * 16000 :] *= 10
    x = np.concatenate([noise, stream.waveform]).astype(np.float32)
    late = [word for word, _ in detected(x) if word.start_s > 9.5]
    assert abs(len(late) - len(stream.segments)) <= 1


def test_a_click_is_no_word(rng):
    x = 1e-4 * rng.standard_normal(48000)
    x[24000:24200] = 0.5
    assert detected(x.astype(np.float32)) == []


def test_memory_stays_flat(stream):
    detector = WordDetector(16000)
    for _ in range(5):
        for i in range(0, len(stream.waveform), 320):
            detector.push(stream.waveform[i : i + 320])
            assert len(detector._kept) < 4 * 16000


@pytest.fixture(scope="module")
def digits():
    return earshot.load(MODELS / "spoken_digit")


def blocks(stream):
    for i in range(0, len(stream.waveform), 320):
        yield stream.waveform[i : i + 320], stream.sample_rate


def test_a_stream_is_recognized_word_by_word(digits, stream):
    heard = list(listening.listen(digits, blocks(stream), threshold=0))
    right = [h.word == s.word for h, s in zip(heard, stream.segments, strict=True)]
    assert np.mean(right) > 0.9
    assert "%" in str(heard[0])


def test_an_unsure_word_is_a_question_mark(digits, stream):
    heard = list(listening.listen(digits, blocks(stream), threshold=1.01))
    assert {h.word for h in heard} == {"?"}
    assert all(0 < h.probability <= 1 for h in heard)


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
        one_by_one = np.asarray(keras.ops.softmax(network.predict(cut, verbose=0)))
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


class TestWordsAlongAStream:
    def test_each_word_is_where_it_was_said(self, spoken):
        path, stream = spoken
        known = earshot.load(MODELS / "spoken_digit")
        steps = classification.classify(path, known)
        assert steps.class_names == ("", *known.class_names)
        found = steps.segments()
        assert [s.word for s in found] == [s.word for s in stream.segments]
        for segment, truth in zip(found, stream.segments, strict=True):
            assert segment.start_s < truth.end_s and segment.end_s > truth.start_s
        assert len(steps) == round(stream.duration_s * 100)

    def test_blocks_give_the_same(self, spoken):
        path, _ = spoken
        known = earshot.load(MODELS / "spoken_digit")
        live = classification.follow(known, audio.blocks(path, 0.07))
        live = np.concatenate([part.probabilities for part in live])
        assert np.array_equal(live, classification.classify(path, known).probabilities)
