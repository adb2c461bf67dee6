import numpy as np
import pytest
import tensorflow as tf

from earshot.errors import EarshotError
from earshot.networks import tensorboard_logs


def log(folder, epochs):
    """Log a training's gradients, for each epoch their largest value."""
    writer = tf.summary.create_file_writer(str(folder / "gradients"))
    for epoch, largest in enumerate(epochs):
        with writer.as_default(step=epoch):
            values = np.linspace(-largest, largest, 101)
            tf.summary.histogram("gradients/dense/kernel", values)
            tf.summary.histogram("gradients/logits/kernel", values / 2)
    writer.close()


def largest(bins):
    assert bins[:, 2].sum() == 101
    return pytest.approx(bins[-1, 1])


def test_every_weight_has_a_histogram_an_epoch(tmp_path):
    log(tmp_path, [3.0, 2.0])
    found = tensorboard_logs.gradient_histograms(tmp_path)
    assert list(found) == ["dense/kernel", "logits/kernel"]
    assert [largest(bins) for bins in found["dense/kernel"]] == [3.0, 2.0]


def test_a_later_training_takes_the_place_of_the_one_before(tmp_path):
    log(tmp_path, [3.0, 2.0, 1.0])
    log(tmp_path, [7.0, 6.0])
    found = tensorboard_logs.gradient_histograms(tmp_path)
    assert [largest(bins) for bins in found["dense/kernel"]] == [7.0, 6.0]


def test_a_folder_without_logs_is_named_with_the_way_out(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(EarshotError, match=r"networks\.tensorboard"):
            tensorboard_logs.gradient_histograms(folder)
