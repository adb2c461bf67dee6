import json
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from earshot.datasets.augmentation import Augmentation
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.networks import builders, callbacks, training
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

    def test_a_damaged_state_is_named(self, beeps, tmp_path, fit):
        fit(beeps, checkpoint=tmp_path)
        (tmp_path / "epoch-0003.weights.h5").write_bytes(b"half")
        with pytest.raises(EarshotError, match=r"epoch-0003\.weights\.h5 cannot be read.*delete"):
            fit(beeps, checkpoint=tmp_path)

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
        if folder == "gradients":
            assert {len(events.Tensors(tag)) for tag in tags[folder]} == {2}
    assert {"epoch_loss", "epoch_accuracy", "epoch_macro_f1"} <= set(tags["train"])
    assert "epoch_macro_f1" in tags["validation"]
    written = {f"gradients/{w.path}" for w in network.trainable_variables}
    assert written == set(tags["gradients"])
