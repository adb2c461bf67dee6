import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import types
import warnings

import h5py
import keras
import numpy as np
import pytest
from support.beeps import make_beeps
from tensorboard.util import tensor_util

from earshot import files
from earshot.datasets.augmentation import Augmentation
from earshot.errors import EarshotError, EarshotWarning
from earshot.features.log_mel import LogMel
from earshot.networks import builders, callbacks, training
from earshot.networks.distribution import Share
from earshot.networks.training import TrainingConfig

TRAIN = """
import sys
from earshot import datasets
from earshot.features import LogMel
from earshot.networks import TrainingConfig, cnn, fit
front_end = LogMel(n_samples=4000, hop_length=160, n_mels=16)
fit(cnn(front_end.output_shape, 2, widths=(4, 8), dense=8), datasets.load(sys.argv[1]), front_end,
    TrainingConfig(epochs=1000, batch_size=8), checkpoint=sys.argv[2], progress=False)
"""


def weights(model):
    return np.concatenate([np.ravel(w) for w in model.get_weights()])


class FiveBatches:
    def __init__(self, seed):
        self.seed, self.epoch = seed, None

    def __len__(self):
        return 5


def gradients_of(folder, tag):
    """Read the histograms of a tag, one for each epoch."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "gradients"), size_guidance={"tensors": 0})
    events.Reload()
    return [tensor_util.make_ndarray(event.tensor_proto) for event in events.Tensors(tag)]


def small(**options):
    """A network that has its optimizer, for which nothing is compiled."""
    options = {"widths": (4, 8), "dense": 8, **options}
    network = builders.cnn((26, 16), 2, **options)
    network.compile(keras.optimizers.AdamW(), "mse")
    return network


@pytest.fixture
def state_of(tmp_path):
    """Write the state of a network after an epoch, as a training would."""

    def write(network, epoch):
        keeper = callbacks.Checkpoint(tmp_path, {})
        keeper.set_model(network)
        network.optimizer.build(network.trainable_variables)
        network.optimizer.iterations.assign(7)
        keeper.on_epoch_end(epoch, {"loss": 1.0})
        return keeper

    return write


@pytest.fixture
def kept(monkeypatch):
    """No training, only its checkpoint: it is read, and written once."""

    def fitted(model, batches, loss, config, *, keeper, **options):
        model.compile(keras.optimizers.AdamW(), loss)
        keeper.set_model(model)
        keeper.resume(model)
        if not keeper.epochs_done:
            model.optimizer.build(model.trainable_variables)
            keeper.on_epoch_end(0, {"loss": 1.0})
        return keeper.history

    monkeypatch.setattr(training, "compile_and_fit", fitted)


class TestCheckpoint:
    @pytest.mark.parametrize("augment", [None, Augmentation()])
    def test_an_interrupted_training_goes_on_to_the_same_result(
        self, beeps, tmp_path, fit, interruption, augment
    ):
        whole, history = fit(beeps, augment=augment)
        with pytest.raises(KeyboardInterrupt):
            fit(beeps, augment=augment, checkpoint=tmp_path, callbacks=[interruption(2)])
        resumed, same_history = fit(beeps, augment=augment, checkpoint=tmp_path)
        np.testing.assert_allclose(weights(whole), weights(resumed), atol=1e-5)
        np.testing.assert_allclose(history["loss"], same_history["loss"], atol=1e-5)

    def test_a_folder_that_another_training_writes_is_left_to_it(self, beeps, tmp_path, fit, kept):
        told = rf"Another training writes {tmp_path}: wait"
        with callbacks.Checkpoint(tmp_path, {}).alone(), pytest.raises(EarshotError, match=told):
            fit(beeps, checkpoint=tmp_path)
        fit(beeps, checkpoint=tmp_path)

    def test_of_several_processes_the_first_one_writes(self, tmp_path, state_of):
        keeper = callbacks.Checkpoint(tmp_path, {}, share=Share(1, 2, 2))
        keeper.set_model(small())
        with keeper.alone():
            keeper.on_epoch_end(0, {"loss": 1.0})
        assert (keeper.epochs_done, keeper.history) == (1, {"loss": [1.0]})
        assert list(tmp_path.iterdir()) == []

    def test_a_finished_training_is_not_done_again(self, beeps, tmp_path, fit, interruption):
        done, history = fit(beeps, checkpoint=tmp_path)
        again, same_history = fit(beeps, checkpoint=tmp_path, callbacks=[interruption(0)])
        np.testing.assert_array_equal(weights(done), weights(again))
        assert history == same_history

    def test_clean_epochs_go_on_from_a_checkpoint(self, beeps, tmp_path, fit, interruption):
        options = {"augment": Augmentation(), "clean_epochs": 2, "checkpoint": tmp_path}
        whole, history = fit(beeps, **options)
        assert len(history["loss"]) == 3 + 2
        again, same_history = fit(beeps, **options, callbacks=[interruption(0)])
        np.testing.assert_array_equal(weights(whole), weights(again))
        assert history == same_history

    def test_only_the_latest_state_is_kept_and_nothing_else_is_touched(self, beeps, tmp_path, fit):
        mine = ["epoch-0001-copy.weights.h5", "epoch-best.weights.h5", "epoch-notes.txt"]
        for name in mine:
            (tmp_path / name).write_text("mine")
        fit(beeps, checkpoint=tmp_path)
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == sorted(["epoch-0003.json", "epoch-0003.weights.h5", *mine])

    @pytest.mark.parametrize(
        "change", [{"epochs": 5}, {"augment": Augmentation(noise=0.1)}, {"seed": 1}]
    )
    def test_other_settings_are_refused_and_named(self, beeps, tmp_path, fit, change):
        fit(beeps, checkpoint=tmp_path, augment=Augmentation(), epochs=1)
        options = {"augment": Augmentation(), "epochs": 1, **change}
        with pytest.raises(EarshotError, match=rf"other settings \({next(iter(change))}\).*delete"):
            fit(beeps, checkpoint=tmp_path, **options)

    def test_other_clips_are_refused(self, beeps, tmp_path, fit):
        fit(beeps, checkpoint=tmp_path)
        with pytest.raises(EarshotError, match=r"other settings \(data\)"):
            fit(beeps.subset(np.arange(40)), checkpoint=tmp_path)

    @pytest.mark.parametrize(
        "change",
        [
            lambda words: {"labels": 1 - words.labels},
            lambda words: {"waveforms": [words.waveforms[0][:-800], *words.waveforms[1:]]},
            lambda words: {"class_names": words.class_names[::-1]},
        ],
        ids=["labels", "cut", "words"],
    )
    def test_corrected_clips_are_other_data(self, beeps, tmp_path, fit, kept, change):
        fit(beeps, checkpoint=tmp_path)
        with pytest.raises(EarshotError, match=r"other settings \(data\)"):
            fit(dataclasses.replace(beeps, **change(beeps)), checkpoint=tmp_path)
        fit(dataclasses.replace(beeps, about="renamed"), checkpoint=tmp_path)

    def test_the_test_set_may_change(self, beeps, tmp_path, fit, kept):
        fit(beeps, checkpoint=tmp_path, test=beeps)
        told = "figures of epochs 1 to 1 .* of another test: "
        with pytest.warns(EarshotWarning, match=told) as warned:
            fit(beeps, checkpoint=tmp_path, test=beeps.subset([0, 1]))
        assert warned[0].filename.endswith("conftest.py"), "who calls fit is told"

    @pytest.mark.filterwarnings("error::earshot.errors.EarshotWarning")
    def test_without_a_test_it_goes_on_with_the_figures_of_the_training_alone(
        self, beeps, tmp_path, fit, interruption
    ):
        with pytest.raises(KeyboardInterrupt):
            fit(beeps, checkpoint=tmp_path, test=beeps, callbacks=[interruption(1)])
        for _ in range(2):
            _, history = fit(beeps, checkpoint=tmp_path)
            assert {name: len(row) for name, row in history.items() if "loss" in name} == {
                "loss": 3
            }

    @pytest.mark.filterwarnings("error::earshot.errors.EarshotWarning")
    def test_the_same_test_set_goes_without_a_word(self, beeps, tmp_path, fit, kept):
        with warnings.catch_warnings(record=True) as told:
            for _ in range(2):
                fit(beeps, checkpoint=tmp_path, test=beeps)
        assert [str(one.message) for one in told if one.category is EarshotWarning] == []

    def test_weights_that_claim_more_than_their_file_has_are_not_read(self, tmp_path, state_of):
        keeper = state_of(small(), epoch=0)
        with h5py.File(tmp_path / "epoch-0001.weights.h5", "w") as file:
            file.create_dataset("vars/0", (3, 10**8), "f4", chunks=True, compression="gzip")
        with pytest.raises(
            EarshotError, match=r"weights\.h5 cannot be read \(its weights claim 1,144"
        ):
            keeper.resume(small())

    def test_weights_without_the_state_of_the_optimizer_are_damaged(self, tmp_path, state_of):
        keeper = state_of(small(), epoch=0)
        with h5py.File(tmp_path / "epoch-0001.weights.h5", "a") as file:
            del file["optimizer/vars"]
        with pytest.raises(EarshotError, match=r"weights\.h5 cannot be read .*delete"):
            keeper.resume(small())

    def test_a_damaged_state_is_named(self, beeps, tmp_path, fit):
        fit(beeps, checkpoint=tmp_path)
        (tmp_path / "epoch-0003.weights.h5").write_bytes(b"half")
        with pytest.raises(EarshotError, match=r"epoch-0003\.weights\.h5 cannot be read.*delete"):
            fit(beeps, checkpoint=tmp_path)

    @pytest.mark.parametrize("change", [{"dropout": 0.5}, {"widths": (4, 4)}, {"scale": 40.0}])
    def test_another_network_is_refused(self, tmp_path, state_of, change):
        keeper = state_of(small(), epoch=0)
        with pytest.raises(EarshotError, match=r"other settings \(network\).*delete"):
            keeper.resume(small(**change))

    def test_the_network_that_a_builder_gives_again_goes_on(self, tmp_path, state_of):
        keeper, again = state_of(small(), epoch=0), small()
        keeper.resume(again)
        assert keeper.epochs_done == 1
        np.testing.assert_array_equal(weights(again), weights(keeper.model))
        assert int(again.optimizer.iterations) == 7

    def test_what_a_kill_left_of_older_epochs_goes_at_the_next_start(
        self, tmp_path, state_of, monkeypatch
    ):
        with monkeypatch.context() as killed:
            killed.setattr(callbacks.Checkpoint, "_delete_others", lambda keeper: None)
            state_of(small(), epoch=0)
            keeper = callbacks.Checkpoint(tmp_path, {})
            keeper.set_model(state_of(small(), epoch=1).model)
            keeper.history = {"loss": [1.0]}
            keeper.on_epoch_end(1, {"loss": 1.0})
        (tmp_path / files.PLACE).mkdir()
        callbacks.Checkpoint(tmp_path, {}).resume(small())
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == ["epoch-0002.json", "epoch-0002.weights.h5"]

    def test_a_state_that_another_training_has_just_deleted_is_not_missed(
        self, tmp_path, state_of, monkeypatch
    ):
        keeper = state_of(small(), epoch=0)
        monkeypatch.setattr(keeper, "_files", lambda: [(1, tmp_path / "epoch-0001.json")] * 2)
        keeper.on_epoch_end(1, {"loss": 1.0})
        assert keeper.epochs_done == 2

    def test_an_epoch_that_cannot_be_written_leaves_the_one_before(
        self, tmp_path, state_of, monkeypatch
    ):
        keeper = state_of(small(), epoch=0)

        def full(path):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(keeper.model, "save_weights", full)
        with pytest.raises(EarshotError, match="cannot be written"):
            keeper.on_epoch_end(1, {"loss": 1.0})
        again = callbacks.Checkpoint(tmp_path, {})
        again.resume(small())
        assert again.epochs_done == 1

    @pytest.mark.parametrize(
        "state",
        ["[]", "7", '"x"', '{"settings": 3, "history": {}}', '{"settings": {}, "history": 3}',
         '{"settings": {}, "history": {"loss": [1, 2]}}', "[" * 100_000, "{}", ""],
        ids=lambda text: text[:40],
    )  # fmt: skip
    def test_a_state_that_is_no_state_is_named(self, tmp_path, state_of, state):
        keeper = state_of(small(), epoch=0)
        (tmp_path / "epoch-0001.json").write_text(state)
        with pytest.raises(EarshotError, match=r"epoch-0001\.weights\.h5 cannot be read.*delete"):
            keeper.resume(small())
        (tmp_path / "epoch-0001.json").unlink()
        with pytest.raises(EarshotError, match=r"epoch-0001\.weights\.h5 cannot be read.*delete"):
            keeper.resume(small())

    def test_a_killed_training_goes_on(self, beeps, tmp_path, small_network):
        """A real process, killed without warning in the middle of its training."""
        beeps.save(tmp_path / "beeps.npz")
        state = tmp_path / "state"
        arguments = [sys.executable, "-c", TRAIN, str(tmp_path / "beeps.npz"), str(state)]
        process = subprocess.Popen(arguments)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not list(state.glob("epoch-*.h5")):
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        path = max(state.glob("epoch-*.h5"))
        settings = json.loads(path.with_name(path.name[:10] + ".json").read_text())["settings"]
        keeper = callbacks.Checkpoint(state, settings)
        model = small_network()
        schedule = keras.optimizers.schedules.CosineDecay(3e-3, 100)
        model.compile(keras.optimizers.AdamW(schedule), "mse")
        keeper.resume(model)
        assert keeper.epochs_done >= 1
        assert len(keeper.history["loss"]) == keeper.epochs_done


def test_every_epoch_seed_and_layer_draws_other_masks_and_always_the_same():
    inputs = keras.Input((2,))
    x = keras.layers.Dropout(0.5)(keras.layers.Dropout(0.5)(inputs))
    model, drawn = keras.Model(inputs, x), {}
    for seed, epoch in ((0, 0), (0, 3), (2, 0), (2, 3)):
        clock = callbacks.EpochClock(FiveBatches(seed))
        clock.set_model(model)
        clock.on_epoch_begin(epoch)
        assert clock.batches.epoch == epoch
        states = [layer.seed_generator.state for layer in model.layers[1:]]
        drawn[seed, epoch] = [np.asarray(state).tolist() for state in states]
    assert drawn == {
        (0, 0): [[1, 0], [2, 0]], (0, 3): [[1, 15], [2, 15]],
        (2, 0): [[2001, 0], [2002, 0]], (2, 3): [[2001, 15], [2002, 15]],
    }  # fmt: skip


def test_the_bar_goes_on_where_a_training_goes_on_and_tells_its_figures(capsys):
    bar = callbacks.progress_bar("cnn", 5, 2)
    bar.on_epoch_end(2, {"loss": 0.12345})
    bar.on_train_end({})
    drawn = capsys.readouterr().err.split("\r")
    assert "cnn:  40%" in drawn[1] and " 2/5 " in drawn[1]
    assert " 3/5 " in drawn[-1] and "loss=0.123]" in drawn[-1]
    assert not any(" 2/5 " in line and "loss" in line for line in drawn)


def test_a_bar_begins_with_no_epoch(capsys):
    callbacks.progress_bar("cnn", 5).on_train_end({})
    assert " 0/5 " in capsys.readouterr().err


class TestGradients:
    @pytest.fixture
    def used(self, monkeypatch):
        """The clips whose gradients are taken."""
        sets, inputs = [], callbacks.network_inputs
        monkeypatch.setattr(
            callbacks, "network_inputs", lambda *given: sets.append(given[0]) or inputs(*given)
        )
        return sets

    def test_they_are_of_64_clips_from_the_first_to_the_last(self, tmp_path, used):
        words = make_beeps(np.random.default_rng(0), n=70)
        words = dataclasses.replace(words, sources=np.arange(len(words)).astype(str))
        callbacks.tensorboard(tmp_path, words, LogMel())
        assert (len(used[0]), len(set(used[0].sources))) == (64, 64)
        assert (used[0].sources[0], used[0].sources[-1]) == ("0", str(len(words) - 1))

    def test_they_can_be_seen_at_once_and_nothing_drops_out(self, beeps, tmp_path):
        front_end = LogMel()
        model = keras.Sequential([
            keras.Input(front_end.output_shape), keras.layers.Flatten(),
            keras.layers.Dropout(0.5), keras.layers.Dense(2),
        ])  # fmt: skip
        model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
        histograms = callbacks.tensorboard(tmp_path, beeps, front_end, batch_size=4)[1]
        histograms.set_model(model)
        for epoch in range(2):
            histograms.on_epoch_end(epoch, {})
        first, second = gradients_of(tmp_path, f"gradients/{model.trainable_variables[0].path}")
        np.testing.assert_allclose(first, second)
        histograms.on_train_end({})

    def test_of_several_processes_the_others_log_none(self, beeps, tmp_path, monkeypatch):
        monkeypatch.setattr(callbacks, "is_first", lambda: False)
        assert callbacks.tensorboard(tmp_path / "logs", beeps, LogMel()) == []
        assert [*tmp_path.iterdir()] == []

    def test_other_backends_have_none(self, beeps, tmp_path, monkeypatch):
        monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
        with pytest.raises(EarshotError, match="on torch: set KERAS_BACKEND=tensorflow or jax"):
            callbacks.tensorboard(tmp_path, beeps, LogMel())


def test_tensorboard_gets_curves_and_gradients_of_every_layer(beeps, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    front_end = LogMel()
    network = builders.temporal_cnn(front_end.output_shape, 2, widths=(4, 4), width=8)
    logging = callbacks.tensorboard(tmp_path, beeps, front_end)
    training.fit(
        network, beeps, front_end, TrainingConfig(epochs=2), test=beeps, callbacks=logging,
        progress=False,
    )  # fmt: skip
    tags = {}
    for folder in ("train", "validation", "gradients"):
        events = EventAccumulator(str(tmp_path / folder), size_guidance={"tensors": 0})
        events.Reload()
        tags[folder] = events.Tags()["tensors"]
        assert "keras" not in tags[folder], "the network's graph"
        if folder == "gradients":
            assert {len(events.Tensors(tag)) for tag in tags[folder]} == {2}
    assert {"epoch_loss", "epoch_accuracy", "epoch_macro_f1"} <= set(tags["train"])
    assert "epoch_macro_f1" in tags["validation"]
    written = {f"gradients/{w.path}" for w in network.trainable_variables}
    assert written == set(tags["gradients"])


class TestFingerprint:
    def test_the_order_in_which_settings_are_told_does_not_matter(self):
        a, b = ({"units": 3, "bias": True}, {"bias": True, "units": 3})
        made = (types.SimpleNamespace(get_config=lambda told=told: told) for told in (a, b))
        assert len({callbacks.fingerprint(model) for model in made}) == 1

    def test_the_same_builder_gives_the_same_twice(self):
        for build in (
            lambda: builders.temporal_cnn((101, 40), 10),
            lambda: builders.raw_lstm(800, 3, frame=100, units=4),
            lambda: keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]),
        ):
            assert callbacks.fingerprint(build()) == callbacks.fingerprint(build())

    def test_what_a_layer_does_and_where_it_stands_changes_it(self):
        def built(dropout=0.3, seed=None, first=True, kind="float32"):
            inputs = keras.Input((4,))
            x, y = keras.layers.Dense(4)(inputs), keras.layers.Dense(4)(inputs)
            z = keras.layers.Dropout(dropout, seed=seed, dtype=kind)(x if first else y)
            return callbacks.fingerprint(keras.Model(inputs, keras.layers.Concatenate()([x, y, z])))

        others = [built(0.2), built(seed=1), built(first=False), built(kind="float64")]
        assert len({built(), *others}) == 5
