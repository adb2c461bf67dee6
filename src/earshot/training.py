"""Compile and fit, with augmentation, a progress bar and checkpoints from which to go on."""

import json
import logging
import re
import zlib
from pathlib import Path

import keras
import numpy as np
from keras import ops
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from earshot import audio
from earshot.errors import EarshotError

__all__ = [
    "Checkpoint", "Pictures", "SmoothedCrossentropy", "accuracy", "cross_validate", "fit",
    "picture_batch", "predict_labels",
]  # fmt: skip

log = logging.getLogger(__name__)


class Pictures(keras.utils.PyDataset):
    """Batches of log-mel pictures of a word set, shuffled and freshly varied in every epoch.

    Batch i of epoch e is the same whenever it is asked for, so that a training that goes on from
    a checkpoint sees what it would have seen.

    Parameters
    ----------
    words : earshot.datasets.WordSet
    front_end : earshot.spectrogram.LogMel
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
            return self._plain[chosen], self.labels[chosen]
        rng = np.random.default_rng((self.seed, self.epoch, index))
        clips = [self.clips[i] for i in chosen]
        return self.augment(clips, self.front_end, rng), self.labels[chosen]


def picture_batch(words, front_end):
    """Make the plain pictures of a word set, shape (n, frames, n_mels)."""
    words = words.resampled(front_end.sample_rate)
    return front_end(words.waveforms)


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
    train : earshot.datasets.WordSet
    front_end : earshot.spectrogram.LogMel
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
        Lists with one figure an epoch: "loss", "accuracy", and "val_loss", "val_accuracy" on
        ``test``.
    """
    if len(train) == 0:
        raise EarshotError("There is nothing to train on: the word set has no clips.")
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if value < 1:
            raise EarshotError(f"A training needs {name} of at least 1, not {value}.")
    shapes = model.input_shape[1:], model.output_shape[-1]
    if shapes != (front_end.picture_shape, len(train.words)):
        raise EarshotError(
            f"The network takes pictures of {shapes[0]} and knows {shapes[1]} words, but the front "
            f"end makes {front_end.picture_shape} and there are {len(train.words)} words: build it "
            "with front_end.picture_shape and len(train.words)."
        )
    pictures = Pictures(train, front_end, batch_size=batch_size, augment=augment, seed=seed)
    n_steps = epochs * len(pictures)
    warm_up = min(100, n_steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 10, max(n_steps - warm_up, 1), alpha=0.02,
        warmup_target=learning_rate, warmup_steps=warm_up,
    )  # fmt: skip
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=weight_decay),
        SmoothedCrossentropy(label_smoothing),
        metrics=["accuracy"],
        jit_compile=keras.backend.backend() == "jax",
    )
    history = keras.callbacks.History()
    chain = [_EpochClock(pictures), *callbacks]
    done = 0
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
    if progress:
        title = progress if isinstance(progress, str) else "training"
        chain.append(_ProgressBar(title, epochs, done))
    validation = None
    if test is not None:
        validation = (picture_batch(test, front_end), test.labels)
    if done < epochs:
        # NumPy's threads, which vary the clips, and TensorFlow's would fight for the cores.
        with threadpool_limits(1, user_api="blas"):
            model.fit(
                pictures,
                initial_epoch=done,
                epochs=epochs,
                validation_data=validation,
                callbacks=[*chain, history],
                verbose=0,
                shuffle=False,
            )
    figures = keeper.history if checkpoint is not None else history.history
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


def _fingerprint(words):
    """Tell word sets apart: the number of clips, the words, and a checksum of the sources."""
    checksum = zlib.crc32("\n".join(words.sources).encode())
    return f"{len(words)} clips of {', '.join(words.words)}, checksum {checksum:08x}"


def predict_labels(model, words, front_end, *, batch_size=256):
    """Give the label that a network chooses for every clip of a word set, shape (n,)."""
    pictures = picture_batch(words, front_end)
    logits = [
        ops.convert_to_numpy(model(pictures[i : i + batch_size], training=False))
        for i in range(0, len(pictures), batch_size)
    ]
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
