import functools
import itertools
import json

import keras
import numpy as np
import pytest
from support.beeps import make_beeps
from support.processes import needs_jax, on_jax

from earshot.errors import EarshotError
from earshot.networks import distribution, gradient_histograms
from earshot.networks.distribution import Share

TRAIN = """
import json, os, signal, sys
from pathlib import Path
import numpy as np
import keras
folder, kind, checkpoint = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
number = os.environ["KERAS_DISTRIBUTION_PROCESS_ID"]
from earshot.networks import meet
meet()
from earshot import datasets
from earshot.datasets import Augmentation
from earshot.errors import EarshotError
from earshot.features import LogMel
from earshot.networks import TrainingConfig, fit, tensorboard
class Killed(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2 and number == "1":
            os.kill(os.getpid(), signal.SIGKILL)
words = datasets.load(folder / "beeps.npz")
front_end = LogMel(n_samples=4000, hop_length=160, n_mels=16)
keras.utils.set_random_seed(int(number) if kind == "seeds" else 0)
network = keras.Sequential([
    keras.Input(front_end.output_shape), keras.layers.Flatten(), keras.layers.Dropout(0.2),
    keras.layers.BatchNormalization(momentum=0.5), keras.layers.Dense(2),
])
config = TrainingConfig(epochs=3, batch_size=16, augment=Augmentation())
n = os.environ.get("KERAS_DISTRIBUTION_NUM_PROCESSES", "1")
logs = tensorboard(folder / f"logs-{n}", words, front_end) if kind == "whole" else ()
try:
    history = fit(
        network, words, front_end, config, test=words.subset(range(11)), progress=False,
        distribute=True, checkpoint=folder / checkpoint if checkpoint else None,
        callbacks=[*logs, *([Killed()] if kind == "killed" else ())],
    )
except EarshotError as error:
    sys.exit(f"{error}")
np.savez(folder / f"{kind}-{number}.npz", *network.get_weights())
(folder / f"{kind}-{number}.json").write_text(json.dumps(history))
"""


class TestShare:
    @pytest.mark.parametrize("n_processes", [1, 2, 5])
    def test_every_clip_is_one_process_own(self, n_processes):
        shares = [Share(i, n_processes, n_processes) for i in range(n_processes)]
        taken = [list(range(40))[share.of(40)] for share in shares]
        assert [*itertools.chain(*taken)] == list(range(40))
        assert {len(part) for part in taken} == {40 // n_processes}

    def test_every_device_of_a_process_sees_the_whole_test(self):
        x, y = Share(1, 2, 6).each((np.arange(2), np.eye(2)))
        np.testing.assert_array_equal(x, [0, 0, 0, 1, 1, 1])
        assert y.shape == (6, 2)

    def test_the_first_process_writes(self):
        assert [Share(i, 3, 3).is_first for i in range(3)] == [True, False, False]


@pytest.fixture
def on_torch(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")  # which this process is not on


@pytest.mark.usefixtures("on_torch")
class TestOtherBackends:
    def test_they_train_alone_without_a_word(self, monkeypatch):
        monkeypatch.delenv(distribution.LAUNCHED, raising=False)
        assert not distribution.is_distributed(None)

    def test_they_cannot_share(self):
        with pytest.raises(EarshotError, match="not on torch: set KERAS_BACKEND=jax"):
            distribution.is_distributed(True)

    def test_they_write_what_they_make(self):
        assert distribution.is_first()

    def test_several_processes_are_not_let_train_each_for_itself(self, monkeypatch):
        monkeypatch.setenv(distribution.LAUNCHED, "2")
        with pytest.raises(EarshotError, match="not on torch"):
            distribution.is_distributed(None)
        assert not distribution.is_distributed(False), "as each was asked to"


def test_processes_that_have_not_met_are_told_how(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")  # which this process is not on
    monkeypatch.setattr(distribution, "_n_processes", lambda: 1)
    monkeypatch.setenv(distribution.LAUNCHED, "2")
    for distribute in (None, True):
        with pytest.raises(EarshotError, match=r"2 processes, .* call earshot\.networks\.meet"):
            distribution.is_distributed(distribute)


def test_a_number_of_processes_that_is_none_is_named(monkeypatch):
    monkeypatch.setenv(distribution.LAUNCHED, "two")
    with pytest.raises(EarshotError, match="NUM_PROCESSES is 'two', and no number"):
        distribution.is_distributed(None)


class TestMeeting:
    def test_a_process_that_nobody_launched_meets_nobody(self, monkeypatch):
        monkeypatch.delenv(distribution.LAUNCHED, raising=False)
        distribution.meet()
        assert not distribution.is_distributed(None)

    @pytest.mark.parametrize("number", [None, "first"])
    def test_variables_that_are_missing_are_named(self, monkeypatch, number):
        monkeypatch.setenv(distribution.LAUNCHED, "2")
        monkeypatch.setenv(distribution.ADDRESS, "127.0.0.1:1")
        monkeypatch.delenv(distribution.NUMBER, raising=False)
        if number:
            monkeypatch.setenv(distribution.NUMBER, number)
        with pytest.raises(EarshotError, match="NUM_PROCESSES is set, .*PROCESS_ID.*: set all"):
            distribution.meet()

    @pytest.mark.usefixtures("on_torch")
    def test_other_backends_cannot_meet(self, monkeypatch):
        for name, value in ((distribution.LAUNCHED, "2"), (distribution.NUMBER, "0")):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(distribution.ADDRESS, "127.0.0.1:1")
        with pytest.raises(EarshotError, match="not on torch: set KERAS_BACKEND=jax"):
            distribution.meet()


def test_a_network_that_is_not_distributed_is_trained_itself():
    network = object()
    with distribution.spread(network, False, np.zeros(9), 64) as (trained, share):
        assert trained is network and share is None


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train in processes that share each batch; gives, of each, the weights and the figures."""
    tmp_path = tmp_path_factory.mktemp("trained")
    make_beeps(np.random.default_rng(0)).save(tmp_path / "beeps.npz")

    @functools.cache
    def train(processes, kind, checkpoint=""):
        ended = on_jax(TRAIN, tmp_path, kind, checkpoint, processes=processes)
        results = []
        for number, (_, code) in enumerate(ended):
            if code == 0:
                with np.load(tmp_path / f"{kind}-{number}.npz") as file:
                    weights = np.concatenate([np.ravel(w) for w in file.values()])
                figures = json.loads((tmp_path / f"{kind}-{number}.json").read_text())
                results.append((weights, figures))
        return results, ended

    train.folder = tmp_path
    return train


@needs_jax
def test_two_processes_learn_what_one_learns(trained):
    (one,), _ = trained(0, "whole")
    (first, second), _ = trained(2, "whole")
    np.testing.assert_array_equal(first[0], second[0])
    assert first[1] == second[1]
    np.testing.assert_allclose(first[0], one[0], atol=1e-3)
    for name, figures in one[1].items():
        np.testing.assert_allclose(first[1][name], figures, atol=1e-3, err_msg=name)


@needs_jax
def test_the_first_process_logs_the_gradients_that_one_alone_would(trained):
    logs = []
    for processes, name in ((0, "logs-1"), (2, "logs-2")):
        trained(processes, "whole")
        files = [*(trained.folder / name / "gradients").iterdir()]
        assert len(files) == 1, "one process writes"
        logs.append(gradient_histograms(trained.folder / name))
    one, two = logs
    assert [*one] == [*two] and {len(epochs) for epochs in two.values()} == {3}
    for name, epochs in one.items():
        np.testing.assert_allclose(two[name][0][:, :2], epochs[0][:, :2], atol=1e-3)


@needs_jax
def test_where_one_is_killed_all_stop_and_only_as_many_go_on_to_the_same_weights(trained):
    (whole, _), _ = trained(2, "whole")
    nothing, ((told, _), _) = trained(2, "killed", "state")
    assert nothing == [] and "Another process has stopped: start all of them again" in told
    refused, ((said, _),) = trained(0, "other", "state")
    assert refused == [] and "a training with other settings (number of processes)" in said
    (first, second), _ = trained(2, "again", "state")
    np.testing.assert_array_equal(first[0], whole[0])
    np.testing.assert_array_equal(second[0], whole[0])
