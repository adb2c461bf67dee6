"""Compile and fit, with augmentation, a progress bar and checkpoints from which to go on."""

import json
import logging
import re
import warnings
import zlib
from pathlib import Path

import keras
import numpy as np
from keras import ops
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from earshot import audio, samples, variants
from earshot.errors import EarshotError, EarshotWarning

__all__ = [
    "F1",
    "Checkpoint",
    "GradientHistograms",
    "Pictures",
    "SmoothedCrossentropy",
    "StoredPictures",
    "accuracy",
    "cross_validate",
    "fit",
    "picture_batch",
    "predict_labels",
    "prepare",
    "run",
    "tensorboard",
]  # fmt: skip

log = logging.getLogger(__name__)

FEWEST = 10
"""Clips of a word below which a training from scratch makes little sense."""


class Pictures(keras.utils.PyDataset):
    """Batches of log-mel pictures of a word set, shuffled and freshly varied in every epoch.

    Batch i of epoch e is the same whenever it is asked for, so that a training that goes on from
    a checkpoint sees what it would have seen.

    Parameters
    ----------
    words : earshot.datasets.WordSet
    front_end : earshot.spectrogram.LogMel or earshot.samples.Samples
    batch_size : int
    augment : earshot.augmentation.Augmentation, optional
        Default: the plain pictures.
    seed : int
    """

    def __init__(self, words, front_end, *, batch_size=64, augment=None, seed=0, workers=1):
        super().__init__(workers=workers, max_queue_size=8)
        words = words.resampled(front_end.sample_rate)
        if (words.labels < 0).any():
            raise EarshotError("Some clips have no label (-1): only clips of known words train.")
        self.clips, self.labels = words.waveforms, words.labels
        self.front_end, self.augment = front_end, augment
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0
        self._plain = None if augment else picture_batch(words, front_end)

    def __len__(self):
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, index):
        order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.labels))
        chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
        if self.augment is None:
            return _rows(self._plain, chosen), self.labels[chosen]
        rng = np.random.default_rng((self.seed, self.epoch, index))
        clips = [self.clips[i] for i in chosen]
        return self.augment(clips, self.front_end, rng), self.labels[chosen]


class StoredPictures(keras.utils.PyDataset):
    """Batches of a store of variants, shuffled anew in every epoch, read from the disk in pieces.

    Parameters
    ----------
    store : earshot.variants.Store
    front_end : earshot.spectrogram.LogMel or earshot.samples.Samples
        The one that the store was made with.
    batch_size : int
    seed : int
    """

    def __init__(self, store, front_end, *, batch_size=64, seed=0):
        super().__init__()
        if store.settings["front_end"] != front_end.to_dict():
            raise EarshotError(f"{store.folder} was made with another front end: make it again.")
        self.store, self.front_end = store, front_end
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0

    def __len__(self):
        return -(-len(self.store) // self.batch_size)

    def __getitem__(self, index):
        order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.store))
        chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.front_end.unpack(self.store.rows(chosen)), self.store.labels[chosen]


def _rows(inputs, chosen):
    return tuple(x[chosen] for x in inputs) if isinstance(inputs, tuple) else inputs[chosen]


def picture_batch(words, front_end):
    """Make what a network gets of a word set: pictures, or samples and masks."""
    words = words.resampled(front_end.sample_rate)
    inputs = front_end(words.waveforms)
    if isinstance(inputs, tuple):
        samples.check(*inputs)
    return inputs


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
        with audio.atomic_path(self.folder / f"{stem}.json") as temporary:
            temporary.write_text(json.dumps(state))
        with audio.atomic_path(self.folder / f"{stem}.weights.h5") as temporary:
            self.model.save_weights(temporary)
        for old in self.folder.glob("epoch-*"):
            if not old.name.startswith(stem):
                old.unlink()


@keras.saving.register_keras_serializable("earshot")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of logits against integer labels that are believed a little less than wholly.

    Szegedy and others (2016), "Rethinking the Inception architecture", section 7.
    """

    def __init__(self, smoothing=0.1, name="smoothed_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        n_words = y_pred.shape[-1]
        y_true = ops.one_hot(ops.reshape(y_true, [-1]), n_words)
        y_true = y_true * (1 - self.smoothing) + self.smoothing / n_words
        return -ops.sum(y_true * ops.log_softmax(y_pred), axis=-1)

    def get_config(self):
        return {**super().get_config(), "smoothing": self.smoothing}


@keras.saving.register_keras_serializable("earshot")
class F1(keras.metrics.Metric):
    """F1 of integer labels against logits, from the counts of a whole epoch.

    Parameters
    ----------
    n_words : int
    average : {"macro", "micro"}
        "macro": the mean of the words' own F1, so that rare words count as much as frequent ones.
        "micro": from all counts together, which for one label a clip is the accuracy.
    """

    def __init__(self, n_words, average="macro", name=None, **kwargs):
        super().__init__(name=name or f"{average}_f1", **kwargs)
        self.n_words, self.average = n_words, average
        self.counts = self.add_weight(
            shape=(n_words, n_words), initializer="zeros", dtype="float32", name="counts"
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        truth = ops.one_hot(ops.cast(ops.reshape(y_true, [-1]), "int32"), self.n_words)
        answer = ops.one_hot(ops.argmax(y_pred, axis=-1), self.n_words)
        self.counts.assign_add(ops.cast(ops.matmul(ops.transpose(truth), answer), "float32"))

    def result(self):
        right = ops.diagonal(self.counts)
        said, heard = ops.sum(self.counts, axis=1), ops.sum(self.counts, axis=0)
        if self.average == "micro":
            return 2 * ops.sum(right) / ops.maximum(ops.sum(said + heard), 1)
        there = ops.cast(said + heard > 0, "float32")
        scores = 2 * right / ops.maximum(said + heard, 1)
        return ops.sum(scores * there) / ops.maximum(ops.sum(there), 1)

    def get_config(self):
        return {**super().get_config(), "n_words": self.n_words, "average": self.average}


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
    inputs = picture_batch(some, front_end)
    return [
        keras.callbacks.TensorBoard(str(folder), write_graph=False),
        GradientHistograms(Path(folder) / "gradients", inputs, some.labels),
    ]


class _EpochClock(keras.callbacks.Callback):
    """Make everything random in an epoch depend on the seed and the epoch alone."""

    def __init__(self, pictures):
        super().__init__()
        self.pictures = pictures

    def on_epoch_begin(self, epoch, logs=None):
        self.pictures.epoch = epoch
        for i, layer in enumerate(self.model.layers):
            if hasattr(layer, "seed_generator"):  # dropout, whose state no weights file holds
                layer.seed_generator.state.assign(
                    [1000 * self.pictures.seed + i, epoch * len(self.pictures)]
                )


class _ProgressBar(keras.callbacks.Callback):
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


def fit(
    model,
    train,
    front_end,
    *,
    test=None,
    augment=None,
    epochs=20,
    batch_size=64,
    learning_rate=3e-3,
    weight_decay=1e-2,
    label_smoothing=0.1,
    settle_epochs=0,
    seed=0,
    checkpoint=None,
    callbacks=(),
    progress=True,
):
    """Train a network on a word set.

    AdamW with a warm-up and a cosine decay of the learning rate, on softmax
    cross-entropy with label smoothing. There is no early stopping and no choice among epochs: the
    weights after the last one are the result.

    Parameters
    ----------
    model : keras.Model
        From pictures to logits, as :mod:`earshot.models` builds them.
    train : earshot.datasets.WordSet or earshot.variants.Store
    front_end : earshot.spectrogram.LogMel or earshot.samples.Samples
    test : earshot.datasets.WordSet, optional
        Only looked at, after every epoch, for the curves.
    augment : earshot.augmentation.Augmentation, optional
    epochs, batch_size : int
    learning_rate, weight_decay, label_smoothing : float
    settle_epochs : int
        So many epochs follow on the plain clips, at a sixth of the learning rate: varied clips
        teach what words have in common, plain ones what they really sound like.
    seed : int
        Of the shuffling and the augmentation; the initial weights come from
        ``keras.utils.set_random_seed`` before the model is built.
    checkpoint : str or path, optional
        Folder in which the state is kept after every epoch. When it holds a state of the same
        training, that training goes on.
    callbacks : sequence of keras.callbacks.Callback
    progress : bool or str
        Whether to show a bar, or its title.

    Returns
    -------
    dict
        Lists with one figure an epoch: "loss", "accuracy", "micro_f1" (the same as accuracy where
        a clip has one label), "macro_f1", and "val_loss" and so on, on ``test``.
    """
    if len(train) == 0:
        raise EarshotError("There is nothing to train on: the word set has no clips.")
    n_clips = np.bincount(np.maximum(train.labels, 0), minlength=len(train.words))
    if (few := n_clips < FEWEST).any():
        named = ", ".join(f"{train.words[i]} ({n_clips[i]})" for i in np.flatnonzero(few)[:10])
        warnings.warn(
            f"Fewer than {FEWEST} clips of {named}: the network will hardly know new recordings. "
            "Record more of each, or learn them with earshot.transfer.",
            EarshotWarning,
            stacklevel=2,
        )
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if value < 1:
            raise EarshotError(f"A training needs {name} of at least 1, not {value}.")
    shapes = _input_shape(model), model.output_shape[-1]
    if shapes != (front_end.picture_shape, len(train.words)):
        raise EarshotError(
            f"The network takes pictures of {shapes[0]} and knows {shapes[1]} words, but the front "
            f"end makes {front_end.picture_shape} and there are {len(train.words)} words: build it "
            "with front_end.picture_shape and len(train.words)."
        )
    if isinstance(train, variants.Store):
        if augment is not None or settle_epochs:
            raise EarshotError("A store holds its own variants: train on it without augment.")
        pictures = StoredPictures(train, front_end, batch_size=batch_size, seed=seed)
    else:
        pictures = Pictures(train, front_end, batch_size=batch_size, augment=augment, seed=seed)
    prepare(
        model,
        SmoothedCrossentropy(label_smoothing),
        n_steps=epochs * len(pictures),
        metrics=["accuracy", *(F1(len(train.words), average) for average in ("micro", "macro"))],
        learning_rate=learning_rate,
        weight_decay=weight_decay,
    )
    chain, done = list(callbacks), 0
    if checkpoint is not None:
        settings = {
            "data": _fingerprint(train),
            "network": f"{model.name}, {model.count_params()} weights",
            "front_end": front_end.to_dict(),
            "augment": repr(augment),
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "weight_decay": weight_decay,
            "label_smoothing": label_smoothing,
            "seed": seed,
        }
        keeper = Checkpoint(checkpoint, settings)
        keeper.resume(model)
        done = keeper.epochs_done
        chain.append(keeper)
    title = progress if isinstance(progress, str) else "training" if progress else None
    validation = None
    if test is not None:
        validation = (picture_batch(test, front_end), test.labels)
    figures = run(
        model, pictures, epochs=epochs, done=done, validation=validation, callbacks=chain,
        title=title,
    )  # fmt: skip
    if checkpoint is not None:
        figures = keeper.history
    if not settle_epochs:
        return figures
    settled = fit(
        model,
        train,
        front_end,
        test=test,
        epochs=settle_epochs,
        batch_size=batch_size,
        learning_rate=learning_rate / 6,
        weight_decay=weight_decay,
        label_smoothing=label_smoothing,
        seed=seed,
        checkpoint=None if checkpoint is None else Path(checkpoint) / "settled",
        callbacks=callbacks,
        progress=f"{title}, settling" if progress else False,
    )
    return {name: figures[name] + settled[name] for name in figures}


def prepare(model, loss, *, n_steps, metrics=(), learning_rate=3e-3, weight_decay=1e-2):
    """Compile a network with AdamW, a warm-up and a cosine decay over ``n_steps`` batches."""
    warm_up = min(100, n_steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 10, max(n_steps - warm_up, 1), alpha=0.02,
        warmup_target=learning_rate, warmup_steps=warm_up,
    )  # fmt: skip
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=weight_decay),
        loss,
        metrics=list(metrics),
        jit_compile=keras.backend.backend() == "jax",
    )


def run(model, batches, *, epochs, done=0, validation=None, callbacks=(), title=None):
    """Train a prepared network on batches that know their ``seed`` and ``epoch``.

    Parameters
    ----------
    model : keras.Model
    batches : Pictures, StoredPictures or earshot.stream_training.Stretches
    epochs, done : int
        In all, and of these behind us.
    validation : tuple of ndarray, optional
        Inputs and labels.
    callbacks : sequence of keras.callbacks.Callback
    title : str, optional
        Of a progress bar. Default: none is shown.

    Returns
    -------
    dict
        Lists with one figure for each epoch that was run.
    """
    history = keras.callbacks.History()
    chain = [_EpochClock(batches), *callbacks]
    if title:
        chain.append(_ProgressBar(title, epochs, done))
    if done < epochs:
        # NumPy's threads, which vary the clips, and TensorFlow's would fight for the cores.
        with threadpool_limits(1, user_api="blas"):
            model.fit(
                batches,
                initial_epoch=done,
                epochs=epochs,
                validation_data=validation,
                callbacks=[*chain, history],
                verbose=0,
                shuffle=False,
            )
    return history.history


def _input_shape(model):
    """Shape of what a network takes, without the batch; a tuple of shapes for several inputs."""
    shapes = [tuple(x.shape[1:]) for x in model.inputs]
    return shapes[0] if len(shapes) == 1 else tuple(shapes)


def _fingerprint(words):
    """Tell word sets apart: the number of clips, the words, and a checksum of the sources."""
    if isinstance(words, variants.Store):
        return f"variants, {words.settings}"
    checksum = zlib.crc32("\n".join(words.sources).encode())
    return f"{len(words)} clips of {', '.join(words.words)}, checksum {checksum:08x}"


def predict_labels(model, words, front_end, *, batch_size=256):
    """Give the label that a network chooses for every clip of a word set, shape (n,)."""
    logits = []
    for i in range(0, len(words), batch_size):
        some = words.subset(np.arange(i, min(i + batch_size, len(words))))
        answer = model(picture_batch(some, front_end), training=False)
        logits.append(ops.convert_to_numpy(answer))
    return np.concatenate(logits).argmax(axis=1)


def cross_validate(build, splits, front_end, *, extra=None, seeds=(0,), progress=True, **options):
    """Train afresh on every split, with every seed.

    Parameters
    ----------
    build : callable
        Gives a fresh network for every training.
    splits : iterable of (str, WordSet, WordSet)
        Name, training part and test part. The test part is handed through and not looked at.
    front_end : earshot.spectrogram.LogMel
    extra : earshot.datasets.WordSet, optional
        Joined to every training part, such as synthetic voices.
    seeds : sequence of int
    progress : bool
    options : dict
        Passed on to :func:`fit`.

    Yields
    ------
    name : str
        Of the split.
    seed : int
    model : keras.Model
        Trained.
    test : earshot.datasets.WordSet
        The test part, to be measured on.
    """
    for name, train, test in splits:
        everything = train if extra is None else train.joined(extra)
        for seed in seeds:
            keras.utils.set_random_seed(seed)
            model = build()
            title = f"{name}, seed {seed}" if progress else False
            fit(model, everything, front_end, seed=seed, progress=title, **options)
            yield name, seed, model, test


def accuracy(model, words, front_end):
    """Give the share of the clips of a word set that a network recognises, 0 to 1."""
    return float(np.mean(predict_labels(model, words, front_end) == words.labels))
