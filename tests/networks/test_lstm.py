import json

import keras
import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.features.raw import RawWaveform
from earshot.networks import builders, evaluation, training
from earshot.networks.callbacks import tensorboard
from earshot.recognition import recognizer

RAW = RawWaveform(8000, 6400)
SPECTROGRAM = LogMel()


class TestNetworks:
    @pytest.mark.parametrize("frame", [1, 7, 64, 200])
    def test_what_is_masked_does_not_matter(self, rng, frame):
        keras.utils.set_random_seed(frame)
        network = builders.raw_lstm(640, 3, frame=frame, sample_rate=8000, n_filters=8, units=6)
        x = rng.uniform(-1, 1, (2, 640)).astype(np.float32)
        x[1, :400] = x[0, :400]
        mask = np.arange(640)[None].repeat(2, axis=0) < 400
        if frame > 1:  # a filter reaches two frames beyond its own, and the convolution one more
            x[1, : 400 + 4 * frame] = x[0, : 400 + 4 * frame]
        first, second = np.asarray(network([x, mask]))
        assert np.abs(first - second).max() < 1e-5

    def test_the_textbook_form_reads_sample_by_sample(self):
        network = builders.raw_lstm(300, 3, frame=1, units=4)
        assert [x.shape for x in network.inputs] == [(None, 300), (None, 300)]
        assert network.get_layer("reshape").output.shape == (None, 300, 1)

    def test_reading_along_time_has_a_step_a_frame(self):
        network = builders.spectrogram_lstm((35, 64), 10)
        assert network.get_layer("lstm").output.shape == (None, 35, 96)

    def test_the_textbook_reading_leaves_one_value_a_step(self):
        network = builders.spectrogram_lstm((35, 64), 10, reading="mean")
        assert network.get_layer("features").output.shape == (None, 64)

    @pytest.mark.parametrize("wrong", [{"frame": 0}, {"frame": 700}, {"frame": -1}])
    def test_frames_that_do_not_fit_are_refused(self, wrong):
        with pytest.raises(EarshotError, match="A frame has 1 to 640 samples"):
            builders.raw_lstm(640, 3, **wrong)

    def test_a_reading_that_nobody_knows_is_refused(self):
        with pytest.raises(EarshotError, match="not 'backwards'"):
            builders.spectrogram_lstm((35, 64), 10, reading="backwards")

    def test_jitter_leaves_spectrograms_alone_outside_of_training(self, rng):
        from earshot.networks.layers import SpectralAugmentation

        x = rng.uniform(0, 1, (4, 35, 64)).astype(np.float32)
        layer = SpectralAugmentation(1.0, seed=1)
        assert np.array_equal(np.asarray(layer(x, training=False)), x)
        assert np.abs(np.asarray(layer(x, training=True)) - x).max() > 0.1


@pytest.mark.parametrize(
    ("front_end", "build"),
    [
        (
            RAW,
            lambda: builders.raw_lstm(6400, 2, frame=100, sample_rate=8000, n_filters=16, units=16),
        ),
        (
            SPECTROGRAM,
            lambda: builders.spectrogram_lstm(SPECTROGRAM.output_shape, 2, units=16, stem=16),
        ),
    ],
    ids=["raw", "spectrogram"],
)
def test_it_learns_and_is_a_recognizer_that_comes_back(beeps, tmp_path, front_end, build):
    keras.utils.set_random_seed(0)
    network = build()
    training.fit(network, beeps, front_end, epochs=25, learning_rate=1e-2, progress=False)
    assert evaluation.accuracy(network, beeps, front_end) > 0.95
    known = recognizer.Recognizer(network, front_end, beeps.class_names)
    known.save(tmp_path / "known")
    again = recognizer.load(tmp_path / "known")
    clips = beeps.waveforms[:6]
    assert again.predict(clips) == known.predict(clips)
    assert again.front_end == front_end


class TestF1:
    @pytest.mark.parametrize("average", ["micro", "macro"])
    def test_it_is_that_of_scikit_learn(self, rng, average):
        from sklearn.metrics import f1_score

        truth, logits = rng.integers(0, 4, 90), rng.standard_normal((90, 4)).astype(np.float32)
        metric = evaluation.F1(4, average)
        for i in range(0, 90, 32):
            metric.update_state(truth[i : i + 32], logits[i : i + 32])
        expected = f1_score(truth, logits.argmax(axis=1), average=average)
        assert float(metric.result()) == pytest.approx(expected, abs=1e-6)

    def test_a_training_tells_both_and_micro_is_accuracy(self, beeps):
        network = builders.cnn(SPECTROGRAM.output_shape, 2)
        history = training.fit(network, beeps, SPECTROGRAM, test=beeps, epochs=2, progress=False)
        assert history["micro_f1"] == pytest.approx(history["accuracy"], abs=1e-6)
        assert len(history["val_macro_f1"]) == 2


def test_tensorboard_gets_curves_and_gradients_of_every_layer(beeps, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    network = builders.temporal_cnn(SPECTROGRAM.output_shape, 2, widths=(4, 4), width=8)
    callbacks = tensorboard(tmp_path, beeps, SPECTROGRAM)
    training.fit(
        network, beeps, SPECTROGRAM, test=beeps, epochs=2, callbacks=callbacks, progress=False
    )
    tags = {}
    for folder in ("train", "validation", "gradients"):
        events = EventAccumulator(str(tmp_path / folder), size_guidance={"tensors": 0})
        events.Reload()
        tags[folder] = events.Tags()["tensors"]
        if folder == "gradients":
            assert {len(events.Tensors(tag)) for tag in tags[folder]} == {2}
    assert {"epoch_loss", "epoch_accuracy", "epoch_macro_f1"} <= set(tags["train"])
    assert "epoch_macro_f1" in tags["validation"]
    weights = {f"gradients/{w.path}" for w in network.trainable_variables}
    assert weights == set(tags["gradients"])


def test_old_recognizers_without_a_kind_still_load(beeps, tmp_path):
    network = builders.cnn(SPECTROGRAM.output_shape, 2)
    recognizer.Recognizer(network, SPECTROGRAM, beeps.class_names).save(tmp_path / "old")
    path = tmp_path / "old" / "recognizer.json"
    settings = json.loads(path.read_text())
    del settings["kind"]
    path.write_text(json.dumps(settings))
    assert recognizer.load(tmp_path / "old").front_end == SPECTROGRAM
