import subprocess
import sys

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.networks import builders
from earshot.networks.layers import WordPooling
from earshot.recognition.recognizer import Recognizer

BUILDERS = {"cnn": builders.cnn, "temporal_cnn": builders.temporal_cnn}
each_builder = pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)


@each_builder
@pytest.mark.parametrize("shape", [(101, 40), (64, 64), (35, 64), (32, 64)])
@pytest.mark.parametrize("n_classes", [2, 10])
def test_spectrograms_go_in_and_a_logit_a_word_comes_out(build, shape, n_classes):
    model = build(shape, n_classes)
    logits = model(np.zeros((3, *shape), np.float32))
    assert logits.shape == (3, n_classes)


def test_layers_that_people_name_are_called_the_same_in_each_network():
    for _ in range(2):
        names = [layer.name for layer in builders.cnn((101, 40), 4).layers]
        assert names[-2:] == ["dense", "logits"]


@each_builder
def test_a_saved_network_answers_as_before(build, tmp_path, rng):
    model = build((101, 40), 4)
    x = rng.uniform(-60, 0, (2, 101, 40)).astype(np.float32)
    model.save(tmp_path / "a.keras")
    again = keras.models.load_model(tmp_path / "a.keras", safe_mode=True)
    np.testing.assert_allclose(again(x), model(x), atol=1e-5)


@each_builder
@pytest.mark.parametrize(("shape", "n_classes"), [((101,), 4), ((101, 40, 1), 4), ((101, 40), 1)])
def test_shapes_that_make_no_network_are_named(build, shape, n_classes):
    with pytest.raises(EarshotError, match="input shape|at least 2 words"):
        build(shape, n_classes)


def test_a_spectrogram_too_small_for_the_classic_is_named():
    with pytest.raises(EarshotError, match="too small for 3 blocks"):
        builders.cnn((7, 40), 4)


def test_the_widths_of_the_classic_are_a_parameter():
    few, many = (builders.cnn((64, 64), 10, widths=w).count_params() for w in ((4, 4), (32, 64)))
    assert many > 4 * few


class TestRecurrent:
    @pytest.mark.parametrize("frame", [1, 7, 64, 200])
    def test_what_is_masked_does_not_matter(self, rng, frame):
        keras.utils.set_random_seed(frame)
        network = builders.raw_lstm(640, 3, frame=frame, sample_rate=8000, n_filters=8, units=6)
        x = rng.uniform(-1, 1, (2, 640)).astype(np.float32)
        x[1, :400] = x[0, :400]
        mask = np.arange(640)[None].repeat(2, axis=0) < 400
        if frame > 1:  # a filter reaches two frames beyond its own, and the convolution one more
            x[1, : 400 + 4 * frame] = x[0, : 400 + 4 * frame]
        first, second = keras.ops.convert_to_numpy(network([x, mask]))
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


def test_layers_of_our_own_load_in_a_process_that_built_none(tmp_path, rng):
    trunk = builders.temporal_cnn((101, 40), 3)
    x = WordPooling()(trunk.get_layer("features").input)
    model = keras.Model(trunk.input, keras.layers.Dense(3)(x))
    x = rng.uniform(-45, 0, (2, 101, 40)).astype(np.float32)
    Recognizer(model, LogMel(), ("a", "b", "c")).save(tmp_path / "a")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import sys, numpy as np; import earshot; "
        "r = earshot.load(sys.argv[1] + '/a'); x = np.load(sys.argv[1] + '/x.npy'); "
        "np.save(sys.argv[1] + '/y.npy', r.model(x))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model(x), atol=1e-5)


def test_dense_weights_answer_as_the_classifier_does(rng):
    x = rng.standard_normal((40, 3))
    for labels in (x[:, 0] > 0, x.argmax(axis=1)):
        classifier = LogisticRegression().fit(x, labels)
        kernel, bias = builders.dense_weights(classifier)
        odds = np.exp(x @ kernel + bias)
        shares = odds / odds.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(shares, classifier.predict_proba(x), atol=1e-9)
