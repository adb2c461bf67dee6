import keras
import numpy as np
import pytest
from scipy.special import softmax

from earshot.networks.layers import WordPooling
from earshot.recognition.last_layer import embed, fit_last_layer


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
