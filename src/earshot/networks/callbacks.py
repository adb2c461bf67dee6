"""Callbacks: checkpoints, one clock for all that is random, a progress bar, TensorBoard."""

import json
import logging
import re
from pathlib import Path

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from earshot import files
from earshot.errors import EarshotError
from earshot.networks.batches import network_inputs

__all__ = ["Checkpoint", "GradientHistograms", "tensorboard"]

log = logging.getLogger(__name__)


class Checkpoint(keras.callbacks.Callback):
    """Keep the state after every epoch in a folder, and go on from it.

    A state is a weights file (optimizer included) and the history so far. It is written beside
    the one before, which is deleted only then, so that an interruption at any moment loses one
    epoch at most.

    Parameters
    ----------
    folder : str or path
    settings : dict
        What the training was started with; a folder with other settings is refused.
    """

    def __init__(self, folder, settings):
        super().__init__()
        self.folder, self.settings = Path(folder), settings
        self.history = {}
        self.epochs_done = 0

    def resume(self, model):
        """Load the latest state, if there is one, into a compiled model.

        Raises
        ------
        EarshotError
            When the folder belongs to a training with other settings, or is damaged.
        """
        done = {int(re.search(r"\d+", p.name)[0]): p for p in self.folder.glob("epoch-*.h5")}
        if not done:
            return
        path = done[max(done)]
        way_out = f"delete the folder {self.folder} to begin anew."
        try:
            notes = path.with_name(path.name.replace(".weights.h5", ".json"))
            state = json.loads(notes.read_text())
            if state["settings"] != self.settings:
                changed = [k for k in self.settings if self.settings[k] != state["settings"].get(k)]
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

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        stem = f"epoch-{epoch + 1:04d}"
        state = {"settings": self.settings, "history": self.history}
        with files.atomic_path(self.folder / f"{stem}.json") as temporary:
            temporary.write_text(json.dumps(state))
        with files.atomic_path(self.folder / f"{stem}.weights.h5") as temporary:
            self.model.save_weights(temporary)
        for old in self.folder.glob("epoch-*"):
            if not old.name.startswith(stem):
                old.unlink()


class GradientHistograms(keras.callbacks.Callback):
    """Write a histogram of the loss's gradients for each layer to TensorBoard after every epoch.

    On one batch, always the same. Keras 3 has no such option any more. TensorFlow backend only.

    Parameters
    ----------
    folder : str or path
        Of the logs.
    inputs, labels : ndarray
        The batch.
    """

    def __init__(self, folder, inputs, labels):
        super().__init__()
        if keras.backend.backend() != "tensorflow":
            raise EarshotError("Gradient histograms need the TensorFlow backend.")
        import tensorflow as tf

        self.tf, self.inputs, self.labels = tf, inputs, labels
        self.writer = tf.summary.create_file_writer(str(folder))

    def on_epoch_end(self, epoch, logs=None):
        weights = self.model.trainable_variables
        with self.tf.GradientTape() as tape:
            loss = self.model.compute_loss(
                y=ops.convert_to_tensor(self.labels), y_pred=self.model(self.inputs, training=False)
            )
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        with self.writer.as_default():
            for weight, gradient in zip(weights, gradients, strict=True):
                if gradient is not None:
                    self.tf.summary.histogram(f"gradients/{weight.path}", gradient, step=epoch)
        self.writer.flush()

    def on_train_end(self, logs=None):
        self.writer.close()


def tensorboard(folder, words, front_end, *, batch_size=64):
    """Give callbacks that log curves and histograms of gradients for TensorBoard.

    Parameters
    ----------
    folder : str or path
        Of this training; TensorBoard shows all that lie in one folder side by side.
    words : earshot.datasets.WordSet
        Training clips, of which some give the gradients.
    front_end : LogMel or Samples
    batch_size : int

    Returns
    -------
    list of keras.callbacks.Callback
        For ``fit(..., callbacks=...)``. TensorFlow backend only.
    """
    some = words.subset(np.linspace(0, len(words) - 1, min(batch_size, len(words))).astype(int))
    inputs = network_inputs(some, front_end)
    return [
        keras.callbacks.TensorBoard(str(folder), write_graph=False),
        GradientHistograms(Path(folder) / "gradients", inputs, some.labels),
    ]


class EpochClock(keras.callbacks.Callback):
    """Make everything random in an epoch depend on the seed and the epoch alone."""

    def __init__(self, spectrograms):
        super().__init__()
        self.spectrograms = spectrograms

    def on_epoch_begin(self, epoch, logs=None):
        self.spectrograms.epoch = epoch
        for i, layer in enumerate(self.model.layers):
            if hasattr(layer, "seed_generator"):  # dropout, whose state no weights file holds
                layer.seed_generator.state.assign(
                    [1000 * self.spectrograms.seed + i, epoch * len(self.spectrograms)]
                )


class ProgressBar(keras.callbacks.Callback):
    """One line for the whole training, with the latest figures."""

    def __init__(self, title, n_epochs, n_done):
        super().__init__()
        self.bar = tqdm(desc=title, total=n_epochs, initial=n_done, unit="epoch")

    def on_epoch_end(self, epoch, logs=None):
        figures = {k: f"{v:.3f}" for k, v in (logs or {}).items() if k != "learning_rate"}
        self.bar.set_postfix(figures, refresh=False)
        self.bar.update(1)

    def on_train_end(self, logs=None):
        self.bar.close()
