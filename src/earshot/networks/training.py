"""Compile and fit, with augmentation, a progress bar and checkpoints from which to go on.

>>> TrainingConfig(epochs=30).learning_rate
0.003
"""

import dataclasses
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from threadpoolctl import threadpool_limits

from earshot.datasets.variants import Store
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, some
from earshot.networks import batches
from earshot.networks.batches import Batches, FrontEnd
from earshot.networks.callbacks import Checkpoint, EpochClock, ProgressBar
from earshot.types import PathLike

__all__ = ["TrainingConfig", "cross_validate", "fit", "prepare", "run"]

FEWEST = 10
"""Clips of a word below which a training from scratch makes little sense."""
CLEAN_RATE = 1 / 6
"""Learning rate of clean epochs against that of the others: they only correct what is there."""


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained; a checkpoint goes on only with an equal one.

    Parameters
    ----------
    learning_rate
        The highest; it rises over the first batches and then falls along a cosine.
    label_smoothing
        0 to 1, so much a label is doubted: Szegedy and others (2016), "Rethinking the Inception
        architecture", section 7.
    clean_epochs
        So many epochs follow on the plain clips, at a sixth of the learning rate: varied clips
        teach what words have in common, plain ones what they really sound like.
    seed
        Of the shuffling and the augmentation; the initial weights come from
        ``keras.utils.set_random_seed`` before the model is built.
    augment : earshot.datasets.Augmentation, optional
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
            if getattr(self, name) < 1:
                value = getattr(self, name)
                raise EarshotError(f"A training needs {name} of at least 1, not {value}.")


def fit(
    model: keras.Model, train: WordSet | Store, front_end: FrontEnd,
    config: TrainingConfig = TrainingConfig(), *, test: WordSet | None = None,
    checkpoint: PathLike | None = None, callbacks: Sequence[keras.callbacks.Callback] = (),
    progress: bool | str = True,
) -> dict[str, list[float]]:  # fmt: skip
    """Train a network on a word set, or on a store of its variants.

    AdamW on softmax cross-entropy. There is no early stopping and no choice among epochs: the
    weights after the last one are the result. ``test`` is only looked at, after every epoch, for
    the curves. ``checkpoint`` is a folder in which the state is kept after every epoch; when it
    holds one of the same training, that training goes on. ``progress`` may be the bar's title.

    Returns
    -------
    dict
        Lists with one figure an epoch: "loss", "accuracy", "micro_f1" (the same as accuracy where
        a clip has one label), "macro_f1", and "val_loss" and so on, on ``test``. A word without
        clips counts as 0 in "macro_f1".
    """
    _check_clips(train)
    _check_shapes(model, train, front_end)
    if isinstance(train, Store) and (config.augment or config.clean_epochs):
        raise EarshotError("A store holds its own variants: train on it without augment.")
    validation = None
    if test is not None:
        targets = batches.one_hot(test.labels, len(train.class_names))
        validation = batches.network_inputs(test, front_end), targets
    title = progress if isinstance(progress, str) else "training" if progress else None

    def stage(config, checkpoint, title):
        data = _batches(train, front_end, config)
        smoothing = config.label_smoothing
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
        f1 = [keras.metrics.F1Score(kind, name=f"{kind}_f1") for kind in ("micro", "macro")]
        prepare(
            model, loss, n_steps=config.epochs * len(data), metrics=["accuracy", *f1],
            learning_rate=config.learning_rate, weight_decay=config.weight_decay,
        )  # fmt: skip
        shared = {"epochs": config.epochs, "validation": validation, "title": title}
        if checkpoint is None:
            return run(model, data, callbacks=callbacks, **shared)
        keeper = Checkpoint(checkpoint, _settings(model, train, front_end, config))
        keeper.resume(model)
        run(model, data, done=keeper.epochs_done, callbacks=[*callbacks, keeper], **shared)
        return keeper.history

    figures = stage(config, checkpoint, title)
    if not config.clean_epochs:
        return figures
    clean = dataclasses.replace(
        config, epochs=config.clean_epochs, clean_epochs=0, augment=None,
        learning_rate=config.learning_rate * CLEAN_RATE,
    )  # fmt: skip
    more = stage(clean, checkpoint and Path(checkpoint) / "clean", title and f"{title}, clean")
    return {name: figures[name] + more[name] for name in figures}


def _check_clips(train):
    """Refuse a set without clips, and point out words that have few."""
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


def _check_shapes(model, train, front_end):
    """Refuse a network that was built for another front end or other words."""
    shapes = [tuple(x.shape[1:]) for x in model.inputs]
    takes = shapes[0] if len(shapes) == 1 else tuple(shapes)
    knows = model.output_shape[-1]
    if (takes, knows) != (front_end.output_shape, len(train.class_names)):
        raise EarshotError(
            f"The network takes inputs of {takes} and knows {knows} words, but the front end "
            f"makes {front_end.output_shape} and there are {len(train.class_names)} words: build "
            "it with front_end.output_shape and len(train.class_names)."
        )


def _batches(train, front_end, config) -> Batches:
    options = {"batch_size": config.batch_size, "seed": config.seed}
    if isinstance(train, Store):
        return batches.StoredBatches(train, front_end, **options)
    return batches.SpectrogramBatches(train, front_end, augment=config.augment, **options)


def _settings(model, train, front_end, config):
    """What a checkpoint compares: the configuration, and what tells data and network apart."""
    if isinstance(train, Store):
        data = f"variants, {train.settings}"
    else:
        checksum = zlib.crc32("\n".join(train.sources).encode())
        data = f"{len(train)} clips of {', '.join(train.class_names)}, checksum {checksum:08x}"
    network = f"{model.name}, {model.count_params()} weights"
    known = {"data": data, "network": network, "front_end": front_end.to_dict()}
    return {**known, **dataclasses.asdict(config)}


def prepare(
    model: keras.Model, loss: Any, *, n_steps: int, metrics: Sequence[Any] = (),
    loss_weights: dict[str, float] | None = None, learning_rate: float = 3e-3,
    weight_decay: float = 1e-2, clipnorm: float | None = None,
) -> None:  # fmt: skip
    """Compile a network with AdamW, a warm-up and a cosine decay over ``n_steps`` batches.

    ``clipnorm``: longest gradient of a weight. The rest is as in ``keras.Model.compile``.
    """
    warm_up = min(100, n_steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 10, max(n_steps - warm_up, 1), alpha=0.02,
        warmup_target=learning_rate, warmup_steps=warm_up,
    )  # fmt: skip
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=weight_decay, clipnorm=clipnorm),
        loss,
        loss_weights=loss_weights,
        metrics=list(metrics),
        jit_compile=keras.backend.backend() == "jax",
    )


def run(
    model: keras.Model, batches: Batches, *, epochs: int, done: int = 0,
    validation: tuple[Any, Any] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (), title: str | None = None,
) -> dict[str, list[float]]:  # fmt: skip
    """Train a prepared network; gives lists with one figure for each epoch that was run.

    Of ``epochs`` in all, ``done`` are behind us. ``validation`` are inputs and labels; a ``title``
    shows a progress bar.
    """
    if done >= epochs:
        return {}
    bar = [ProgressBar(title, epochs, done)] if title else []
    # NumPy's threads, which vary the clips, and TensorFlow's would fight for the cores.
    with threadpool_limits(1, user_api="blas"):
        history = model.fit(
            batches, initial_epoch=done, epochs=epochs, validation_data=validation,
            callbacks=[EpochClock(batches), *callbacks, *bar], verbose=0, shuffle=False,
        )  # fmt: skip
    return history.history


def cross_validate(
    build: Callable[[], keras.Model], splits: Iterable[tuple[str, WordSet, WordSet]],
    front_end: FrontEnd, config: TrainingConfig = TrainingConfig(), *, extra: WordSet | None = None,
    seeds: Sequence[int] = (0,), progress: bool = True,
) -> Iterator[tuple[str, int, keras.Model, WordSet]]:  # fmt: skip
    """Train afresh on every split, with every seed, which takes the place of the configuration's.

    A split is its name, a training part, to which ``extra`` is joined (such as synthetic voices),
    and a test part, which is handed through and not looked at. Yields the name of the split, the
    seed, the network that ``build`` gave, trained, and the test part, to be measured on.
    """
    for name, train, test in splits:
        everything = train if extra is None else train.joined(extra)
        for seed in seeds:
            keras.utils.set_random_seed(seed)
            model = build()
            title = f"{name}, seed {seed}" if progress else False
            own = dataclasses.replace(config, seed=seed)
            fit(model, everything, front_end, own, progress=title)
            yield name, seed, model, test
