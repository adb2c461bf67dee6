"""Callbacks: checkpoints, one clock for all that is random, a progress bar, TensorBoard.

>>> import tempfile
>>> keeper = Checkpoint(tempfile.mkdtemp(), {"epochs": 3})
>>> keeper.resume(keras.Sequential())  # there is nothing to go on from
>>> keeper.epochs_done
0
"""

import contextlib
import hashlib
import json
import logging
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from earshot import files
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, reason_of
from earshot.features.front_end import FrontEnd
from earshot.networks import saving
from earshot.networks.batches import Batches, labels_among, network_inputs, one_hot
from earshot.networks.distribution import Share, agreed, is_first
from earshot.types import Array, PathLike

__all__ = ["Checkpoint", "EpochClock", "fingerprint", "gradients_of", "progress_bar",
           "tensorboard"]  # fmt: skip

log = logging.getLogger(__name__)
STATE = re.compile(r"epoch-(\d{4,})\.(weights\.h5|json)")  # the files of a state, by epoch


class Checkpoint(keras.callbacks.Callback):
    """Keep the state after every epoch in a folder, and go on from it.

    A state is a weights file (optimizer included) and the history so far. The one before is deleted
    after it is written, so that an interruption loses one epoch at most. Nothing else in the folder
    is touched; a state of a training with other ``settings``, or of another network, is refused. Of
    a ``test`` set with another fingerprint it warns, as its figures stay in the history. Of several
    processes, all read the state and the first one writes it.
    """

    def __init__(
        self, folder: PathLike, settings: dict[str, Any], *, test: str = "",
        share: Share | None = None,
    ):  # fmt: skip
        super().__init__()
        self.folder, self.epochs_done, self.test = Path(folder), 0, test
        self.share, self.writes = share, share is None or share.is_first
        self.settings = json.loads(json.dumps(settings, default=repr))  # as it comes back
        self.history: dict[str, list[float]] = {}

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other trainings out of the folder; raises :class:`EarshotError` if one is there."""
        if not self.writes:
            yield
            return
        with contextlib.ExitStack() as held:
            try:
                with files.explained(self.folder):
                    held.enter_context(files.locked(self.folder / "training", wait=False))
            except TimeoutError as error:
                way_out = "wait for its end, or name another folder."
                raise EarshotError(f"Another training writes {self.folder}: {way_out}") from error
            yield

    def resume(self, model: keras.Model) -> None:
        """Load the latest state, if there is one, into a compiled model."""
        self._load(model)
        agreed(self.share, "checkpoint", self.history)
        if self.writes and self.epochs_done:
            self._delete_others()

    def _load(self, model):
        done = {epoch: path for epoch, path in self._files() if path.suffix == ".h5"}
        if not done:
            return
        path = done[max(done)]
        way_out = f"delete the folder {self.folder} to begin anew."
        try:
            state = json.loads(path.with_name(path.name[:-10] + "json").read_text())
            known, mine, history = dict(state["settings"]), self._known(model), state["history"]
            length = {len(figures) for figures in dict(history).values()}
            if length != {max(done)}:
                raise ValueError(f"its figures are of {length} epochs, not {max(done)}")
        except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise EarshotError(f"{path} cannot be read ({error}): {way_out}") from error
        if changed := ", ".join(k for k in {**mine, **known} if mine.get(k) != known.get(k)):
            raise EarshotError(
                f"{self.folder} holds a training with other settings ({changed}): "
                f"use the same ones, another folder, or {way_out}"
            )
        model.optimizer.build(model.trainable_variables)
        try:
            with path.open("rb") as file:
                saving.check_weights(file)
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)  # of what is missing
                model.load_weights(path)
        except Exception as error:  # HDF5 in whatever state: h5py and Keras raise nearly anything
            reason = reason_of(error)
            raise EarshotError(f"{path} cannot be read ({reason}): {way_out}") from error
        if self.test and state.get("test", self.test) != self.test:
            figures = f"The figures of epochs 1 to {max(done)} in {self.folder} are of another test"
            way_out = "measure with networks.accuracy, or train anew in another folder."
            warnings.warn(f"{figures}: {way_out}", EarshotWarning, stacklevel=6)
        if not self.test:  # without a test there will be no more figures of one
            history = {name: row for name, row in history.items() if not name.startswith("val_")}
        self.history, self.epochs_done = history, max(done)
        log.info("going on from %s", path)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the state, then delete the one before."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self.epochs_done = epoch + 1
        if not self.writes:  # but a network on many devices is saved by all of them at once
            with tempfile.TemporaryDirectory() as elsewhere:
                self.model.save_weights(Path(elsewhere) / "copy.weights.h5")
            return
        stem = f"epoch-{epoch + 1:04d}"
        known = {"settings": self._known(self.model), "test": self.test}
        state = json.dumps({**known, "history": self.history})
        with files.atomic_path(self.folder / f"{stem}.json") as temporary:
            temporary.write_text(state)
        with files.atomic_path(self.folder / f"{stem}.weights.h5") as temporary:
            self.model.save_weights(temporary)
        self._delete_others()

    def _delete_others(self):
        """Delete the states of other epochs, and what a killed process was writing."""
        files.tidy(self.folder)
        for epoch, path in self._files():
            if epoch != self.epochs_done:
                path.unlink(missing_ok=True)

    def _known(self, model):
        """Settings that tell whether a state belongs to a training, with the network's."""
        return {**self.settings, "network": fingerprint(model)}

    def _files(self):
        """Epoch and path of the files that this class wrote into the folder."""
        paths = self.folder.iterdir() if self.folder.is_dir() else ()
        return [(int(name[1]), path) for path in paths if (name := STATE.fullmatch(path.name))]


def fingerprint(model: keras.Model) -> str:
    """Give the SHA-256 (hex) of a network's configuration, not of its weights.

    A name such as "dense_3" counts all layers that were made before: it stands for the first, the
    second and so on of its kind in the network, so that a builder gives the same network twice.
    """
    seen: dict[str, list[str]] = {}

    def numbered(name):
        kind = re.sub(r"_\d+$", "", name)
        same = seen.setdefault(kind, [])
        if name not in same:
            same.append(name)
        return f"{kind} {same.index(name)}"

    def plain(value, key=None):
        if isinstance(value, dict):  # an object's id tells nothing
            return {k: plain(v, k) for k, v in value.items() if k != "shared_object_id"}
        if isinstance(value, list | tuple):
            layer = value[:1] if len(value) == 3 and isinstance(value[0], str) else ()
            return [*map(numbered, layer), *map(plain, value[len(layer) :])]
        return numbered(value) if key == "name" and isinstance(value, str) else value

    text = json.dumps(plain(model.get_config()), sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


class EpochClock(keras.callbacks.Callback):
    """Make everything random in an epoch depend on the seed and the epoch alone."""

    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the epoch of the batches and of everything that drops out."""
        self.batches.epoch = epoch
        for i, layer in enumerate(self.model.layers):
            if hasattr(layer, "seed_generator"):  # dropout, whose state no weights file holds
                state = [1000 * self.batches.seed + i, epoch * len(self.batches)]
                layer.seed_generator.state.assign(state)


def progress_bar(title: str, n_epochs: int, n_done: int = 0) -> keras.callbacks.Callback:
    """Show one line for the whole training, with the latest figures."""
    bar = tqdm(desc=title, total=n_epochs, initial=n_done, unit="epoch")

    def show(epoch, logs):
        bar.set_postfix({k: f"{v:.3f}" for k, v in logs.items()}, refresh=False)
        bar.update(1)

    return keras.callbacks.LambdaCallback(on_epoch_end=show, on_train_end=lambda logs: bar.close())


def tensorboard(
    folder: PathLike, words: WordSet, front_end: FrontEnd, *, batch_size: int = 64
) -> list[keras.callbacks.Callback]:
    """Give callbacks for :func:`earshot.networks.fit` that log curves and gradients to a folder.

    ``batch_size`` of the ``words``, training clips and always the same, give a histogram of each
    layer's gradients after every epoch (Keras 3 has no such option). On the TensorFlow and the JAX
    backend; TensorFlow writes the files. Of several processes the first one logs; others get none.
    """
    if (backend := keras.backend.backend()) not in ("tensorflow", "jax"):
        way_out = "set KERAS_BACKEND=tensorflow or jax."
        raise EarshotError(f"There are no histograms of gradients on {backend}: {way_out}")
    if not is_first():
        return []
    import tensorflow as tf

    some = words.subset(np.linspace(0, len(words) - 1, min(batch_size, len(words))).astype(int))
    inputs = network_inputs(some, front_end)
    writer = tf.summary.create_file_writer(str(Path(folder) / "gradients"))

    def write(epoch, logs):
        model = histograms.model
        names = getattr(model, "class_names", some.class_names)
        targets = one_hot(labels_among(names, some), len(names))
        with writer.as_default(step=epoch):
            for weight, gradient in gradients_of(model, inputs, targets):
                if gradient is not None:
                    tf.summary.histogram(f"gradients/{weight.path}", gradient)
        writer.flush()

    histograms = keras.callbacks.LambdaCallback(
        on_epoch_end=write, on_train_end=lambda logs: writer.close()
    )
    return [keras.callbacks.TensorBoard(str(folder), write_graph=False), histograms]


def gradients_of(model: keras.Model, inputs: Any, targets: Array) -> list[tuple[Any, Any]]:
    """Give each weight that is learned with the gradient of the loss; of one without any, None."""
    weights, targets = model.trainable_variables, keras.ops.convert_to_tensor(targets)

    def loss():
        return model.compute_loss(y=targets, y_pred=model(inputs, training=False))

    if keras.backend.backend() == "jax":
        import jax

        # Copies: what lies on the devices of all processes, one of them alone cannot compute with.
        copies = [(weight, np.asarray(weight.value)) for weight in model.weights]

        def loss_of(values):
            with keras.StatelessScope([*copies, *zip(weights, values, strict=True)]):
                return loss()

        gradients = jax.grad(loss_of)([np.asarray(weight.value) for weight in weights])
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            found = loss()
        gradients = tape.gradient(found, [weight.value for weight in weights])
    return [*zip(weights, gradients, strict=True)]
