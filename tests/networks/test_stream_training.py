import keras
import numpy as np
import pytest

from earshot.datasets import streams
from earshot.datasets.streams import SPEECH_OR_NOISE
from earshot.errors import EarshotError
from earshot.features.stream import StreamSpectrogram
from earshot.networks import stream_builders, stream_training
from earshot.networks.training import TrainingConfig
from earshot.recognition import classification
from earshot.recognition.recognizer import Recognizer

SETTINGS = StreamSpectrogram(n_frames=15, n_ahead=7, n_mels=16)


@pytest.fixture
def some(beeps):
    """Two streams of beeps that stand for speech."""
    made = streams.make_streams(beeps, 2, snr_db=20.0, n_words=8, seed=3)
    return [stream.named("speech") for stream in made]


@pytest.fixture
def unheard(beeps):
    return streams.make_streams(beeps, 1, snr_db=20.0, n_words=8, seed=4)[0].named("speech")


def share_right(network, stream):
    steps = classification.classify(
        stream.waveform, Recognizer(network, SETTINGS, SPEECH_OR_NOISE), stream.sample_rate
    )
    truth = streams.step_labels(stream.segments, len(steps), SETTINGS.steps_per_s)
    return np.mean([np.mean(steps.labels[truth == k] == k) for k in (0, 1)])


def test_a_plain_network_learns_labels(some, unheard):
    keras.utils.set_random_seed(0)
    network = stream_builders.vanilla_conv(SETTINGS.output_shape, width=12)
    config = TrainingConfig(epochs=20, batch_size=16, learning_rate=1e-2)
    stream_training.fit_streams(network, some, SETTINGS, config, progress=False)
    assert share_right(network, unheard) > 0.85


@pytest.mark.parametrize("kind", ["autoencoder", "next_frame_lstm"])
def test_without_labels_first_and_with_few_then(some, unheard, kind):
    keras.utils.set_random_seed(0)
    network = getattr(stream_builders, kind)(SETTINGS.output_shape)
    config = TrainingConfig(epochs=6, batch_size=16, learning_rate=1e-2)
    history = stream_training.fit_streams(network, some, SETTINGS, config, progress=False)
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    before = [w.copy() for w in network.get_weights()]
    probe = stream_training.fit_linear_probe(
        network, [some[0].cut(0, 4)], SETTINGS, unlabelled=some
    )
    assert share_right(probe, unheard) > 0.8
    for old, new in zip(before, network.get_weights(), strict=True):
        assert np.array_equal(old, new)


def test_unlabelled_streams_tell_where_the_border_lies(some):
    autoencoder = stream_builders.autoencoder(SETTINGS.output_shape)
    labelled = [some[0].cut(0, 4)]
    n = 1 + -(-len(labelled[0].waveform) // 2) // 80
    share = streams.step_labels(labelled[0].segments, n, SETTINGS.steps_per_s).mean()
    probe = stream_training.fit_linear_probe(autoencoder, labelled, SETTINGS, unlabelled=some)
    known = Recognizer(probe, SETTINGS, SPEECH_OR_NOISE)
    said = [classification.classify(s.waveform, known, s.sample_rate).labels for s in some]
    assert np.concatenate(said).mean() == pytest.approx(share, abs=0.01)


class TestBadInput:
    def test_a_class_without_labels_is_named(self, some):
        autoencoder = stream_builders.autoencoder(SETTINGS.output_shape)
        silent = [streams.Stream(some[0].waveform, some[0].sample_rate, [])]
        with pytest.raises(EarshotError, match="No step is labelled as speech"):
            stream_training.fit_linear_probe(autoencoder, silent, SETTINGS)

    def test_no_streams(self):
        with pytest.raises(EarshotError, match="nothing to train on"):
            stream_training.fit_streams(stream_builders.vanilla_conv((15, 16)), [], SETTINGS)

    def test_a_network_for_other_windows(self, some):
        with pytest.raises(EarshotError, match=r"\(21, 40\).*\(15, 16\)"):
            stream_training.fit_streams(stream_builders.vanilla_conv((21, 40)), some, SETTINGS)

    def test_a_network_for_another_range_of_values(self, some):
        with pytest.raises(EarshotError, match="up to 80, .* top_db = 50"):
            stream_training.fit_streams(
                stream_builders.vanilla_conv((15, 16), scale=80.0), some, SETTINGS
            )

    def test_a_stream_shorter_than_a_window(self, some):
        with pytest.raises(EarshotError, match="0.11 s long, and a window takes 0.15 s"):
            stream_training.fit_streams(
                stream_builders.vanilla_conv((15, 16)), [some[0].cut(0, 0.1)], SETTINGS
            )

    def test_a_network_with_other_classes(self, some):
        with pytest.raises(EarshotError, match="3 classes apart, and there are 2: noise, speech"):
            stream_training.fit_streams(stream_builders.vanilla_conv((15, 16), 3), some, SETTINGS)
