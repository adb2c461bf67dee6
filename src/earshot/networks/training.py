"""Compile and fit, with augmentation, a progress bar and checkpoints from which to go on."""

import warnings
import zlib
from pathlib import Path

import keras
import numpy as np
from threadpoolctl import threadpool_limits

from earshot.datasets import variants
from earshot.errors import EarshotError, EarshotWarning
from earshot.networks.batches import SpectrogramBatches, StoredBatches, network_inputs
from earshot.networks.callbacks import Checkpoint, EpochClock, ProgressBar
from earshot.networks.evaluation import F1, SmoothedCrossentropy

__all__ = ["cross_validate", "fit", "prepare", "run"]

FEWEST = 10
"""Clips of a word below which a training from scratch makes little sense."""


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
    clean_epochs=0,
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
        From spectrograms to logits, as :mod:`earshot.models` builds them.
    train : earshot.datasets.WordSet or earshot.datasets.Store
    front_end : earshot.features.LogMel or earshot.features.RawWaveform
    test : earshot.datasets.WordSet, optional
        Only looked at, after every epoch, for the curves.
    augment : earshot.datasets.Augmentation, optional
    epochs, batch_size : int
    learning_rate, weight_decay, label_smoothing : float
    clean_epochs : int
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
    n_clips = np.bincount(np.maximum(train.labels, 0), minlength=len(train.class_names))
    if (few := n_clips < FEWEST).any():
        named = ", ".join(
            f"{train.class_names[i]} ({n_clips[i]})" for i in np.flatnonzero(few)[:10]
        )
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
    if shapes != (front_end.output_shape, len(train.class_names)):
        raise EarshotError(
            f"The network takes spectrograms of {shapes[0]} and knows {shapes[1]} words, but the front "
            f"end makes {front_end.output_shape} and there are {len(train.class_names)} words: build it "
            "with front_end.output_shape and len(train.class_names)."
        )
    if isinstance(train, variants.Store):
        if augment is not None or clean_epochs:
            raise EarshotError("A store holds its own variants: train on it without augment.")
        spectrograms = StoredBatches(train, front_end, batch_size=batch_size, seed=seed)
    else:
        spectrograms = SpectrogramBatches(
            train, front_end, batch_size=batch_size, augment=augment, seed=seed
        )
    prepare(
        model,
        SmoothedCrossentropy(label_smoothing),
        n_steps=epochs * len(spectrograms),
        metrics=[
            "accuracy",
            *(F1(len(train.class_names), average) for average in ("micro", "macro")),
        ],
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
        validation = (network_inputs(test, front_end), test.labels)
    figures = run(
        model, spectrograms, epochs=epochs, done=done, validation=validation, callbacks=chain,
        title=title,
    )  # fmt: skip
    if checkpoint is not None:
        figures = keeper.history
    if not clean_epochs:
        return figures
    settled = fit(
        model,
        train,
        front_end,
        test=test,
        epochs=clean_epochs,
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
    batches : Spectrograms, StoredPictures or earshot.networks.batches.StretchBatches
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
    chain = [EpochClock(batches), *callbacks]
    if title:
        chain.append(ProgressBar(title, epochs, done))
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
    return f"{len(words)} clips of {', '.join(words.class_names)}, checksum {checksum:08x}"


def cross_validate(build, splits, front_end, *, extra=None, seeds=(0,), progress=True, **options):
    """Train afresh on every split, with every seed.

    Parameters
    ----------
    build : callable
        Gives a fresh network for every training.
    splits : iterable of (str, WordSet, WordSet)
        Name, training part and test part. The test part is handed through and not looked at.
    front_end : earshot.features.LogMel
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
