"""Callbacks: checkpoints, one clock for all that is random, a progress bar, TensorBoard.

>>> import tempfile
>>> keeper = Checkpoint(tempfile.mkdtemp(), {"epochs": 3})
>>> keeper.resume(keras.Sequential())  # there is nothing to go on from
>>> keeper.epochs_done
0
"""

import json
import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from earshot import files
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError
from earshot.networks.batches import Batches, FrontEnd, network_inputs, one_hot
from earshot.types import Array, PathLike

__all__ = ["Checkpoint", "tensorboard"]

log = logging.getLogger(__name__)


class Checkpoint(keras.callbacks.Callback):
    """Keep the state after every epoch in a folder, and go on from it.

    A state is a weights file (optimizer included) and the history so far. It is written beside
    the one before, which is deleted only then, so that an interruption at any moment loses one
    epoch at most. Nothing else in the folder is touched. ``settings`` are what the training was
    started with; a folder with other ones is refused.
    """

    def __init__(self, folder: PathLike, settings: dict[str, Any]):
        super().__init__()
        self.folder = Path(folder)
        self.settings = json.loads(json.dumps(settings, default=repr))  # as it comes back
        self.history: dict[str, list[float]] = {}
        self.epochs_done = 0

    def resume(self, model: keras.Model) -> None:
        """Load the latest state, if there is one, into a compiled model."""
        done = {int(path.name[6:-11]): path for path in self.folder.glob("epoch-*.weights.h5")}
        if not done:
            return
        path = done[max(done)]
        way_out = f"delete the folder {self.folder} to begin anew."
        try:
            notes = path.with_name(path.name.replace(".weights.h5", ".json"))
            state = json.loads(notes.read_text())
            if state["settings"] != self.settings:
                changed = [k for k, v in self.settings.items() if v != state["settings"].get(k)]
                raise EarshotError(
                    f"{self.folder} holds a training with other settings ({', '.join(changed)}): "
                    f"use the same ones, another folder, or {way_out}"
                )
            model.optimizer.build(model.trainable_variables)
            model.load_weights(path)
        except (OSError, KeyError, ValueError) as error:
            raise EarshotError(f"{path} cannot be read ({error}): {way_out}") from error
        self.history, self.epochs_done = state["history"], max(done)
        log.info("going on from %s", path)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the state, then delete the one before."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        stem = f"epoch-{epoch + 1:04d}"
        state = {"settings": self.settings, "history": self.history}
        with files.atomic_path(self.folder / f"{stem}.json") as temporary:
            temporary.write_text(json.dumps(state))
        with files.atomic_path(self.folder / f"{stem}.weights.h5") as temporary:
            self.model.save_weights(temporary)
        for old in self.folder.glob("epoch-[0-9]*"):
            if not old.name.startswith(f"{stem}."):
                old.unlink()


class EpochClock(keras.callbacks.Callback):
    """Make everything random in an epoch depend on the seed and the epoch alone."""

    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = epoch
        for i, layer in enumerate(self.model.layers):
            if hasattr(layer, "seed_generator"):  # dropout, whose state no weights file holds
                state = [1000 * self.batches.seed + i, epoch * len(self.batches)]
                layer.seed_generator.state.assign(state)


class ProgressBar(keras.callbacks.Callback):
    """One line for the whole training, with the latest figures."""

    def __init__(self, title: str, n_epochs: int, n_done: int = 0):
        super().__init__()
        self.bar = tqdm(desc=title, total=n_epochs, initial=n_done, unit="epoch")

    def on_epoch_end(self, epoch, logs=None):
        figures = {k: f"{v:.3f}" for k, v in (logs or {}).items() if k != "learning_rate"}
        self.bar.set_postfix(figures, refresh=False)
        self.bar.update(1)

    def on_train_end(self, logs=None):
        self.bar.close()


class GradientHistograms(keras.callbacks.Callback):
    """Write a histogram of the loss's gradients for each layer to TensorBoard after every epoch.

    On one batch, always the same. Keras 3 has no such option any more. TensorFlow backend only.
    """

    def __init__(self, folder: PathLike, inputs: Any, targets: Array):
        super().__init__()
        if keras.backend.backend() != "tensorflow":
            raise EarshotError("Gradient histograms need the TensorFlow backend.")
        import tensorflow as tf

        self.tf, self.inputs, self.targets = tf, inputs, keras.ops.convert_to_tensor(targets)
        self.writer = tf.summary.create_file_writer(str(folder))

    def on_epoch_end(self, epoch, logs=None):
        weights = self.model.trainable_variables
        with self.tf.GradientTape() as tape:
            answer = self.model(self.inputs, training=False)
            loss = self.model.compute_loss(y=self.targets, y_pred=answer)
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        with self.writer.as_default():
            for weight, gradient in zip(weights, gradients, strict=True):
                if gradient is not None:
                    self.tf.summary.histogram(f"gradients/{weight.path}", gradient, step=epoch)
        self.writer.flush()

    def on_train_end(self, logs=None):
        self.writer.close()


def tensorboard(
    folder: PathLike, words: WordSet, front_end: FrontEnd, *, batch_size: int = 64
) -> list[keras.callbacks.Callback]:
    """Give callbacks for :func:`earshot.networks.fit` that log curves and gradients.

    TensorBoard shows the trainings whose folders lie in one folder side by side. ``batch_size`` of
    the ``words``, which are training clips, give the gradients. TensorFlow backend only.
    """
    some = words.subset(np.linspace(0, len(words) - 1, min(batch_size, len(words))).astype(int))
    targets = one_hot(some.labels, len(some.class_names))
    return [
        keras.callbacks.TensorBoard(str(folder), write_graph=False),
        GradientHistograms(Path(folder) / "gradients", network_inputs(some, front_end), targets),
    ]
