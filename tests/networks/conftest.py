"""A small network and how it is trained, for the tests of this room."""

import keras
import pytest

from earshot.features.log_mel import LogMel
from earshot.networks import builders, training
from earshot.networks.training import TrainingConfig


@pytest.fixture(scope="session")
def front_end():
    return LogMel(n_samples=4000, hop_length=160, n_mels=16)


@pytest.fixture
def small_network(front_end):
    """Build a network whose first weights come from a seed."""

    def build(seed=0):
        keras.utils.set_random_seed(seed)
        return builders.cnn(front_end.output_shape, 2, widths=(4, 8), dense=8)

    return build


@pytest.fixture
def fit(small_network, front_end):
    """Train the small network for three epochs; gives it and its figures."""

    def fit_words(words, *, test=None, checkpoint=None, callbacks=(), workers=1, **options):
        model = small_network()
        config = TrainingConfig(**{"epochs": 3, "batch_size": 8, **options})
        return model, training.fit(
            model, words, front_end, config, test=test, checkpoint=checkpoint,
            callbacks=callbacks, progress=False, workers=workers,
        )  # fmt: skip

    return fit_words


@pytest.fixture
def interruption():
    """Make a callback that interrupts a training as Ctrl+C would, before an epoch."""

    class Interruption(keras.callbacks.Callback):
        def __init__(self, epoch):
            super().__init__()
            self.epoch = epoch

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == self.epoch:
                raise KeyboardInterrupt

    return Interruption
