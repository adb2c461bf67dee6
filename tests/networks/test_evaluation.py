import dataclasses

import keras
import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.networks import evaluation


def test_labels_come_for_every_clip_whatever_the_batches(beeps, small_network, front_end):
    network = small_network()
    labels = evaluation.predict_labels(network, beeps, front_end)
    pieces = evaluation.predict_labels(network, beeps, front_end, batch_size=7)
    assert labels.shape == (len(beeps),)
    assert np.array_equal(labels, pieces)
    share = float(np.mean(labels == beeps.labels))
    assert evaluation.accuracy(network, beeps, front_end) == share


class TestWordsByName:
    """A set may hold the words in another order than the network knows them."""

    @pytest.fixture
    def taught(self, beeps, front_end):
        """A network that hears pitch, set by hand."""
        network = keras.Sequential(
            [keras.Input(front_end.output_shape), keras.layers.Lambda(pitch)]
        )
        network.class_names = ("low", "high")
        return network

    def test_another_order_is_as_right(self, taught, beeps, front_end):
        for words in (beeps, beeps.only(("high", "low")), beeps.only("high")):
            assert evaluation.accuracy(taught, words, front_end) == 1

    def test_labels_are_those_of_the_set(self, taught, beeps, front_end):
        turned, low = beeps.only(("high", "low")), beeps.only("low")
        assert (evaluation.predict_labels(taught, turned, front_end) == turned.labels).all()
        misnamed = dataclasses.replace(low, class_names=("high",))
        assert set(evaluation.predict_labels(taught, misnamed, front_end)) == {-1}

    def test_words_that_the_network_does_not_know_are_named(self, taught, beeps, front_end):
        strange = dataclasses.replace(beeps, class_names=("low", "hiss"))
        with pytest.raises(EarshotError, match="does not know hiss.*low, high"):
            evaluation.accuracy(taught, strange, front_end)

    def test_a_word_without_clips_does_no_harm(self, taught, beeps, front_end):
        more = dataclasses.replace(beeps, class_names=("low", "high", "hiss"))
        assert evaluation.accuracy(taught, more, front_end) == 1

    def test_a_network_whose_words_nobody_noted_is_told_them(self, taught, beeps, front_end):
        del taught.class_names
        turned = beeps.only(("high", "low"))
        names = ("low", "high")
        assert evaluation.accuracy(taught, turned, front_end, class_names=names) == 1
        with pytest.raises(EarshotError, match="2 words apart, and 1 are named"):
            evaluation.accuracy(taught, beeps.only("low"), front_end)

    def test_clips_without_a_label_or_none_at_all_are_refused(self, taught, beeps, front_end):
        unlabelled = dataclasses.replace(beeps, labels=np.full(60, -1))
        with pytest.raises(EarshotError, match="no label"):
            evaluation.accuracy(taught, unlabelled, front_end)
        with pytest.raises(EarshotError, match="no clips"):
            evaluation.accuracy(taught, beeps.subset([]), front_end)
        assert evaluation.predict_labels(taught, beeps.subset([]), front_end).shape == (0,)


def pitch(x):
    """Logits of low and high: how loud the lower and the upper bands are."""
    bands = keras.ops.max(x, axis=1)
    low, high = (keras.ops.max(part, axis=1) for part in (bands[:, :8], bands[:, 8:]))
    return keras.ops.stack([low, high], axis=1)


def test_an_area_is_how_often_a_true_step_is_higher_and_ties_count_half(rng):
    values, truth = rng.integers(0, 5, (60, 3)), rng.integers(0, 2, 60)
    above = np.sign(values[truth == 1][:, None] - values[truth == 0][None])
    areas = evaluation.roc_areas(values, truth)
    np.testing.assert_allclose(areas, (above.mean(axis=(0, 1)) + 1) / 2)


@pytest.mark.parametrize("truth", [[1, 1, 1], [0, 0, 0], [0, 1]])
def test_areas_need_both_kinds_for_every_step(truth):
    with pytest.raises(EarshotError, match="as many values.*both kinds"):
        evaluation.roc_areas(np.ones((3, 2)), truth)
