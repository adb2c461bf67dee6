import keras
import numpy as np
import pytest
from scipy.special import softmax

from earshot.networks.layers import WordPooling
from earshot.recognition.last_layer import (
    SCALE,
    embed,
    fit_last_layer,
    old_directions,
    with_means,
)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("method", ["logistic", "svm", "prototypes"])
def test_every_method_gives_a_column_a_class(rng, method, n_classes):
    labels = np.repeat(np.arange(n_classes), 10)
    x = np.eye(n_classes, 5)[labels] + 0.05 * rng.standard_normal((10 * n_classes, 5))
    kernel, bias = fit_last_layer(method, x, labels, n_classes, seed=0)
    assert kernel.shape == (5, n_classes) and bias.shape == (n_classes,)
    assert ((x @ kernel + bias).argmax(axis=1) == labels).all()


def test_features_are_those_of_the_layer(digit_recognizer, few_beeps):
    words = few_beeps[0]
    assert embed(digit_recognizer, words).shape == (10, 128)
    logits = embed(digit_recognizer, words, layer="logits")
    expected = digit_recognizer.probabilities(words.waveforms)
    np.testing.assert_allclose(softmax(logits, axis=1), expected, atol=1e-4)


def test_a_layer_with_a_time_axis_is_averaged(digit_recognizer, few_beeps):
    layer = next(one.name for one in digit_recognizer.model.layers if len(one.output.shape) == 4)
    n_filters = digit_recognizer.model.get_layer(layer).output.shape[-1]
    assert embed(digit_recognizer, few_beeps[0], layer=layer).shape == (10, n_filters)


def test_pooling_tells_the_beginning_of_a_word_from_its_end():
    x = np.zeros((1, 12, 2), np.float32)
    x[0, 3:6, 0] = x[0, 6:9, 1] = 1  # a pause, one sound, another one, a pause
    pooled = keras.ops.convert_to_numpy(WordPooling(n_parts=4)(x))[0]
    first, second, third, fourth, loudest = pooled.reshape(5, 2)
    for part, sound in ((first, 0), (second, 0), (third, 1), (fourth, 1)):
        assert part[sound] > 3 * part[1 - sound]
    np.testing.assert_allclose(loudest, 1)


def test_pooling_gives_the_same_for_a_slower_word_and_longer_pauses():
    time = np.linspace(0, np.pi, 40, dtype=np.float32)[None, :, None]
    x = np.abs(np.sin(time * np.array([1, 2, 3], np.float32)))
    slower = np.pad(np.repeat(x, 3, axis=1), ((0, 0), (5, 9), (0, 0)))
    a, b = (keras.ops.convert_to_numpy(WordPooling()(one)) for one in (x, slower))
    np.testing.assert_allclose(a, b, atol=0.1)


class TestMeans:
    @pytest.fixture
    def case(self):
        """Two words and "unknown", a regression that says nothing, and five clips of each word."""
        means, nothing = np.eye(2, 4), (np.zeros((4, 3)), np.array([1.0, 2.0, 3.0]))
        return nothing, means, np.array([5, 5])

    def test_a_clip_is_as_probable_as_it_is_near_to_the_mean(self, case):
        nothing, means, n_clips = case
        kernel, bias = with_means(*nothing, means, np.zeros((2, 4)), n_clips)
        np.testing.assert_allclose(means @ kernel, [[SCALE, 0, 0], [0, SCALE, 0]])
        np.testing.assert_allclose(bias, [0.5, 1.0, 1.5])

    def test_what_is_known_of_the_names_counts_less_with_many_clips(self, case):
        nothing, means, _ = case
        old = np.array([[0.8, 0, 0.6, 0], [0, 0.8, 0, 0.6]])
        few, many = (with_means(*nothing, means, old, np.full(2, n))[0][2, :2] for n in (5, 100))
        assert few[0] > 5 * many[0] > 0

    def test_the_more_clips_there_are_the_more_regression_counts(self, case):
        nothing, means, _ = case
        biases, likeness = [], []
        for n in (1, 5, 20, 100):
            kernel, bias = with_means(*nothing, means, np.zeros((2, 4)), np.full(2, n))
            biases.append(bias[0])  # 1 in the regression
            likeness.append(kernel[0, 0] / SCALE)
        np.testing.assert_allclose(biases, [1 / 2, 1 / 2, 2 / 3, 10 / 11])
        np.testing.assert_allclose(likeness, 2 - 2 * np.array(biases))

    def test_likeness_counts_for_the_word_with_the_fewest_clips(self, case):
        nothing, means, _ = case
        few, uneven = (
            with_means(*nothing, means, np.zeros((2, 4)), np.array(n))[1]
            for n in ((5, 5), (5, 100))
        )
        np.testing.assert_array_equal(few, uneven)

    def test_kept_words_of_which_only_features_are_remembered_change_nothing(self, case):
        nothing, means, _ = case
        kept = with_means(*nothing, means, np.zeros((2, 4)), np.array([20, 0]))
        plain = with_means(*nothing, means, np.zeros((2, 4)), np.array([20, 20]))
        for one, other in zip(kept, plain, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_it_tells_words_apart_and_brings_nothing_nearer_to_all_of_them(self, case):
        nothing, means, n_clips = case
        old = np.array([[0.6, 0, 0.8, 0], [0, 0.6, 0.8, 0]])  # an accent in common
        kernel, _ = with_means(*nothing, means, old, n_clips)
        np.testing.assert_allclose(kernel[:, :2].sum(axis=1), SCALE * means.sum(axis=0))
        np.testing.assert_allclose(kernel[2], 0, atol=1e-12)

    def test_a_name_that_stands_for_another_sound_is_left_out(self, case):
        nothing, means, n_clips = case
        plain, _ = with_means(*nothing, means, np.zeros((2, 4)), n_clips)
        swapped, _ = with_means(*nothing, means, means[::-1], n_clips)
        np.testing.assert_array_equal(swapped, plain)


class TestOldDirections:
    def test_words_are_found_by_name_as_folders_write_it(self, base):
        found = old_directions(base, "embedding", ("Thank_you", "stop", "hadouken"))
        kernel = base.model.layers[-1].get_weights()[0]
        for row, word in zip(found[:2], ("thank you", "stop"), strict=True):
            own = kernel[:, base.class_names.index(word)]
            np.testing.assert_allclose(row, own / np.linalg.norm(own), rtol=1e-5)
        assert not found[2].any()

    def test_a_last_layer_that_reads_something_else_tells_nothing(self, base):
        assert not old_directions(base, "pooled", ("stop",)).any()
