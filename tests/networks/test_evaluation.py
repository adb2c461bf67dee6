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


def test_an_area_is_how_often_a_true_step_is_higher_and_ties_count_half(rng):
    values, truth = rng.integers(0, 5, (60, 3)), rng.integers(0, 2, 60)
    above = np.sign(values[truth == 1][:, None] - values[truth == 0][None])
    areas = evaluation.roc_areas(values, truth)
    np.testing.assert_allclose(areas, (above.mean(axis=(0, 1)) + 1) / 2)


@pytest.mark.parametrize("truth", [[1, 1, 1], [0, 0, 0], [0, 1]])
def test_areas_need_both_kinds_for_every_step(truth):
    with pytest.raises(EarshotError, match="as many values.*both kinds"):
        evaluation.roc_areas(np.ones((3, 2)), truth)
