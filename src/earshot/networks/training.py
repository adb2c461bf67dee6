"""Compile and fit, with augmentation, a progress bar and checkpoints from which to go on.

>>> TrainingConfig(epochs=30).learning_rate
0.003
"""

import contextlib
import dataclasses
import hashlib
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from threadpoolctl import threadpool_limits

from earshot.datasets.lazy import Lazy
from earshot.datasets.variants import Store
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, some
from earshot.features.front_end import FrontEnd
from earshot.networks.batches import (
    Batches,
    SpectrogramBatches,
    TestBatches,
    labels_among,
    network_inputs,
    one_hot,
)  # fmt: skip
from earshot.networks.callbacks import Checkpoint, EpochClock, fingerprint, progress_bar
from earshot.networks.distribution import is_distributed, spread
from earshot.types import PathLike

__all__ = ["TrainingConfig", "checkpoint_folder", "compile_and_fit", "cross_validate", "fit"]

FEWEST = 10  # Clips of a word below which a training from scratch makes little sense.
N_SIGNS = 8  # of 16 kinds each, in a folder's name: two trainings of a person never have the same
CLEAN_RATE = 1 / 6
"""Learning rate of clean epochs against that of the others: they only correct what is there."""


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained; a checkpoint goes on only with an equal one.

    Parameters
    ----------
    learning_rate : the highest; it rises over the first batches and then falls along a cosine
    label_smoothing : 0 to 1, how much a label is doubted: Szegedy and others (2016), section 7 of
        "Rethinking the Inception architecture"
    clean_epochs : so many follow on the plain clips, at a sixth of the learning rate: varied clips
        teach what words have in common, plain ones what they really sound like
    seed : of shuffling and augmentation; ``keras.utils.set_random_seed`` is that of first weights
    augment : an :class:`earshot.datasets.Augmentation`
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    label_smoothing: float = 0.1
    clean_epochs: int = 0
    seed: int = 0
    augment: Any = None

    def __post_init__(self):
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if value < 1:
                raise EarshotError(f"A training needs {name} of at least 1, not {value}.")


def fit(
    model: keras.Model, train: WordSet | Store, front_end: FrontEnd,
    config: TrainingConfig = TrainingConfig(), *, test: WordSet | None = None,
    checkpoint: PathLike | None = None, callbacks: Sequence[keras.callbacks.Callback] = (),
    progress: bool | str = True, workers: int = 1, distribute: bool | None = None,
) -> dict[str, list[float]]:  # fmt: skip
    """Train a network on a word set, or on a store of its variants.

    AdamW on softmax cross-entropy, without early stopping: the weights after the last epoch are the
    result. ``test`` is only looked at, for the curves; its words are found by name. ``checkpoint``
    is a folder that keeps the state after every epoch; a training that it holds goes on, if sounds,
    labels, network and settings are the same. ``progress`` may be the bar's title. ``workers``
    threads make batches ahead, the same ones for any number of them.

    ``distribute`` trains on all devices of all processes, each on its share of every batch: by
    default where several of them have met (:func:`earshot.networks.meet`). It needs the JAX
    backend, and a ``batch_size`` that all devices can share; ``docs/scale.md`` shows how.

    The network notes the words in ``model.class_names``, by which ``accuracy`` finds them.

    Gives lists with one figure an epoch: "loss", "accuracy", "micro_f1" (the same, where a clip has
    one label), "macro_f1" (a word without clips counts as 0), and of ``test`` "val_loss" and so on.
    """
    _check(model, train, front_end)
    if isinstance(train, Store) and (config.augment or config.clean_epochs):
        raise EarshotError("A store holds its own variants: train on it without augment.")
    model.class_names = train.class_names
    title = progress if isinstance(progress, str) else "training" if progress else None
    folder = None if checkpoint is None else Path(checkpoint)
    seen = "" if test is None or folder is None else test.fingerprint()
    options = {"callbacks": callbacks, "test": seen, "workers": workers}
    shared = is_distributed(distribute)
    with spread(model, shared, train.labels, config.batch_size) as (trained, share):
        title = None if share and not share.is_first else title
        options |= {"title": title, "share": share}
        if test is not None:
            given = {"batch_size": config.batch_size, "workers": workers, "share": share}
            options["validation"] = _validation(test, train.class_names, front_end, **given)
        history = _fit_stage(trained, train, front_end, config, folder, **options)
        if config.clean_epochs:
            clean = dataclasses.replace(
                config, epochs=config.clean_epochs, clean_epochs=0, augment=None,
                learning_rate=config.learning_rate * CLEAN_RATE,
            )  # fmt: skip
            folder, options["title"] = folder and folder / "clean", title and f"{title}, clean"
            more = _fit_stage(trained, train, front_end, clean, folder, **options)
            history = {figure: values + more[figure] for figure, values in history.items()}
    return history


def _validation(test, class_names, front_end, share, **options):
    """Make of a test what Keras takes: arrays, or batches of one that is read lazily."""
    targets = one_hot(labels_among(class_names, test), len(class_names))
    if isinstance(test.waveforms, Lazy):
        return TestBatches(test, targets, front_end, share=share, **options)
    arrays = network_inputs(test, front_end), targets
    return share.each(arrays) if share else arrays


def _fit_stage(model, train, front_end, config, folder, *, test, workers, share, **options):
    """Train on varied or on plain clips, as one configuration says, with one checkpoint folder."""
    given = {"batch_size": config.batch_size, "augment": config.augment, "seed": config.seed}
    batches = SpectrogramBatches(train, front_end, **given, workers=workers, share=share)
    loss = keras.losses.CategoricalCrossentropy(True, label_smoothing=config.label_smoothing)
    f1 = [keras.metrics.F1Score(kind, name=f"{kind}_f1") for kind in ("micro", "macro")]
    if folder is None:
        keeper = None
    else:  # which compares every sound
        settings = _settings(train, front_end, config)
        if share:
            settings["number of processes"] = [share.n_processes, share.n_devices]
        keeper = Checkpoint(folder, settings, test=test, share=share)
    options |= {"keeper": keeper, "metrics": ["accuracy", *f1]}
    with keeper.alone() if keeper else contextlib.nullcontext():
        return compile_and_fit(model, batches, loss, config, **options)


def _check(model, train, front_end):
    """Refuse what does not fit together, and point out words that have few clips."""
    if len(train) == 0:
        raise EarshotError("There is nothing to train on: the word set has no clips.")
    n_clips = np.bincount(np.maximum(train.labels, 0), minlength=len(train.class_names))
    few = [f"{w} ({n})" for w, n in zip(train.class_names, n_clips, strict=True) if n < FEWEST]
    if few:
        warnings.warn(
            f"Fewer than {FEWEST} clips of {some(few, 10)}: the network will hardly know new "
            "recordings. Record more of each, or learn them with earshot.learn_words.",
            EarshotWarning, stacklevel=3,
        )  # fmt: skip
    shapes = tuple(tuple(x.shape[1:]) for x in model.inputs)
    takes = shapes[0] if len(shapes) == 1 else shapes
    knows = model.output_shape[-1]
    if (takes, knows) != (front_end.output_shape, len(train.class_names)):
        raise EarshotError(
            f"The network takes inputs of {takes} and knows {knows} words, but the front end "
            f"makes {front_end.output_shape} and there are {len(train.class_names)} words: build "
            "it with front_end.output_shape and len(train.class_names)."
        )
    known = getattr(model, "class_names", train.class_names)
    if known != train.class_names and set(known) == set(train.class_names):
        raise EarshotError(
            f"The network knows the words in another order ({some(known)}): train it on "
            "words.only(network.class_names), or build a new one."
        )


def _settings(train, front_end, config):
    """What a checkpoint compares beside the network: the data, the front end, the configuration."""
    data = train.settings if isinstance(train, Store) else train.fingerprint()
    seen = {"kind": type(front_end).__name__, **front_end.to_dict()}
    plain = dataclasses.asdict(dataclasses.replace(config, augment=None))
    augment = config.augment and config.augment.settings()
    return {"data": data, "front_end": seen, **plain, "augment": augment}


def checkpoint_folder(
    checkpoints: PathLike, model: keras.Model, train: WordSet | Store, front_end: FrontEnd,
    config: TrainingConfig = TrainingConfig(),
) -> Path:  # fmt: skip
    """Name a folder in ``checkpoints`` for one training: its network, and a sign of its settings.

    Where anything is another (network, clips, front end or configuration), so is the name: a
    training never meets the state of another one in its ``checkpoint``, as :func:`fit` calls it.
    """
    settings = {**_settings(train, front_end, config), "network": fingerprint(model)}
    text = json.dumps(settings, sort_keys=True, default=repr)
    sign = hashlib.sha256(text.encode()).hexdigest()[:N_SIGNS]
    n_words, name = len(train.class_names), re.sub(r"_\d+$", "", model.name)
    return Path(checkpoints) / f"{name}-{n_words}-words-{config.epochs}-epochs-{sign}"


def compile_and_fit(
    model: keras.Model, batches: Batches, loss: Any, config: TrainingConfig, *,
    metrics: Sequence[Any] = (), loss_weights: dict[str, float] | None = None,
    clipnorm: float | None = None, validation: Any = None,
    callbacks: Sequence[keras.callbacks.Callback] = (), keeper: Checkpoint | None = None,
    title: str | None = None,
) -> dict[str, list[float]]:  # fmt: skip
    """Train on batches with AdamW, a warm-up and a cosine decay; gives lists, one figure an epoch.

    ``clipnorm``: longest gradient of a weight; ``validation``: inputs and labels, or batches; a
    ``keeper`` goes on from its state; a ``title`` shows a progress bar.
    """
    n_steps = config.epochs * len(batches)
    warm_up = min(100, n_steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 10, max(n_steps - warm_up, 1), alpha=0.02,
        warmup_target=config.learning_rate, warmup_steps=warm_up,
    )  # fmt: skip
    decay = config.weight_decay
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=decay, clipnorm=clipnorm), loss,
        loss_weights=loss_weights, metrics=list(metrics),
        jit_compile=keras.backend.backend() == "jax",
    )  # fmt: skip
    callbacks, done = [EpochClock(batches), *callbacks], 0
    if keeper:
        keeper.resume(model)
        callbacks, done = [*callbacks, keeper], keeper.epochs_done
        if done >= config.epochs:
            return keeper.history
    if title:
        callbacks.append(progress_bar(title, config.epochs, done))
    # NumPy's threads, which vary the clips, and TensorFlow's would fight for the cores.
    with threadpool_limits(1, user_api="blas"):
        history = model.fit(
            batches, initial_epoch=done, epochs=config.epochs, validation_data=validation,
            validation_batch_size=config.batch_size, callbacks=callbacks, verbose=0, shuffle=False,
        )  # fmt: skip
    return keeper.history if keeper else history.history


def cross_validate(
    build: Callable[[], keras.Model], splits: Iterable[tuple[str, WordSet, WordSet]],
    front_end: FrontEnd, config: TrainingConfig = TrainingConfig(), *, extra: WordSet | None = None,
    seeds: Sequence[int] = (0,), checkpoints: PathLike | None = None, progress: bool = True,
) -> Iterator[tuple[str, int, keras.Model, WordSet]]:  # fmt: skip
    """Train afresh on every split, with every seed, which takes the place of the configuration's.

    A split is its name, a training part, which ``extra`` joins (such as synthetic voices), and a
    test part, which is not looked at. In the folder ``checkpoints``, each training has its own (see
    :func:`checkpoint_folder`), so that one that broke off goes on, and what is finished is not done
    again. Yields the name, the seed, the network, and the test part.
    """
    for name, train, test in splits:
        everything = train if extra is None else train.joined(extra)
        labels_among(everything.class_names, test)  # before hours of training, not after
        for seed in seeds:
            keras.utils.set_random_seed(seed)
            model = build()
            title = f"{name}, seed {seed}" if progress else False
            own = dataclasses.replace(config, seed=seed)
            folder = None
            if checkpoints is not None:
                folder = checkpoint_folder(checkpoints, model, everything, front_end, own)
            fit(model, everything, front_end, own, checkpoint=folder, progress=title)
            yield name, seed, model, test
