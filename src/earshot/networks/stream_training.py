"""Training on streams: stretches of their spectrograms, with a label for each step or with none.

>>> from earshot.networks import autoencoder
>>> from earshot.segmentation import Segment
>>> settings = StreamSpectrogram(n_frames=15, n_ahead=7)
>>> stream = Stream(np.ones(8000, np.float32), 8000, [Segment(0.2, 0.6, "speech")])
>>> fit_linear_probe(autoencoder(settings.output_shape), [stream], settings).output_shape
(None, 2)
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from earshot.datasets.streams import SPEECH_OR_NOISE, Stream, step_labels
from earshot.errors import EarshotError
from earshot.features.stream import StreamSpectrogram
from earshot.networks.batches import StretchBatches
from earshot.networks.builders import dense_weights
from earshot.networks.stream_builders import encoder, linear_probe
from earshot.networks.stream_form import StreamForm, along, check_windows, is_recurrent
from earshot.networks.training import TrainingConfig, compile_and_fit
from earshot.types import Array

__all__ = ["fit_linear_probe", "fit_streams"]

STREAMS = TrainingConfig(batch_size=16)
"""What :func:`fit_streams` does by default; a stretch of a stream is longer than a clip."""
VARIANCE = 1e-7
"""Added to variances, as Keras' Normalization does, so that what never moves can be divided by."""


def fit_streams(
    network: keras.Model, train: Sequence[Stream], settings: StreamSpectrogram,
    config: TrainingConfig = STREAMS, *, class_names: Sequence[str] = SPEECH_OR_NOISE,
    progress: bool | str = True,
) -> dict[str, list[float]]:  # fmt: skip
    """Train a network on streams; gives "loss", and "accuracy" of labels, one figure an epoch.

    One that answers with a logit a class learns the streams' labels; an autoencoder learns to
    restore windows, and a next-frame LSTM to predict steps, without labels. The first of
    ``class_names`` lies between a stream's segments. Label smoothing, augmentation and clean epochs
    of the configuration have no effect here.
    """
    spectrograms = _spectrograms(network, train, settings)
    options: dict[str, Any] = {"batch_size": config.batch_size, "seed": config.seed}
    labelled, recurrent = len(network.output_shape) == 2, is_recurrent(network)
    model = along(network) if labelled or recurrent else network
    if labelled:
        if network.output_shape[-1] != len(class_names):
            there = f"there are {len(class_names)}: {', '.join(class_names)}."
            told = f"{network.output_shape[-1]} classes apart"
            raise EarshotError(f"The network tells {told}, and {there}")
        options["labels"] = _labels(train, spectrograms, settings, class_names)
        if recurrent:  # its first answers are about what lies before the stretch
            begun = layers.Cropping1D((settings.n_frames - 1, 0))(model.output)
            model = keras.Model(model.input, begun)
    elif recurrent:
        options["n_next"] = network.output_shape[-1] // settings.n_bands
    else:
        options |= {"n_steps": 1, "batch_size": 8 * config.batch_size}  # windows are short
    batches = StretchBatches(spectrograms, settings, **options)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if labelled else "mse"
    title = progress if isinstance(progress, str) else network.name if progress else None
    metrics = ["accuracy"] * labelled
    return compile_and_fit(model, batches, loss, config, metrics=metrics, title=title)


def _spectrograms(network, train, settings):
    """Make the spectrograms of streams on which the network can be trained."""
    if not train:
        raise EarshotError("There is nothing to train on: give at least one stream.")
    check_windows(network, settings)
    scale = next(layer.scale for layer in network.layers if isinstance(layer, layers.Rescaling))
    if abs(scale * settings.top_db - 1) > 1e-3:
        made = f"and the settings make some up to top_db = {settings.top_db:g}"
        expected = f"The network expects values up to {1 / scale:g}"
        raise EarshotError(f"{expected}, {made}: build it with scale=settings.top_db.")
    spectrograms = [settings.spectrogram(s.waveform, s.sample_rate) for s in train]
    shortest = min(map(len, spectrograms))
    if shortest < settings.n_frames:
        raise settings.too_short(shortest)
    return spectrograms


def _labels(some, values, settings, class_names):
    """Give the label of every step of some streams, which have as many values."""
    known = settings.steps_per_s, class_names
    return [step_labels(s.segments, len(x), *known) for s, x in zip(some, values, strict=True)]


def fit_linear_probe(
    trained: keras.Model, labelled: Sequence[Stream], settings: StreamSpectrogram, *,
    unlabelled: Sequence[Stream] | None = None, class_names: Sequence[str] = SPEECH_OR_NOISE,
    strength: float = 1e-2,
) -> keras.Model:  # fmt: skip
    """Learn labels from what a network answers that was trained without any.

    Logistic regression on the bottleneck or cell state of ``trained``, from :func:`fit_streams`,
    each value brought to mean 0 and variance 1. ``strength`` is the inverse of the penalty on large
    weights: with a strong penalty, a few seconds of labels are enough. In other noises the border
    between the classes lies elsewhere: ``unlabelled`` streams tell where, if each class is as
    frequent there. Gives a :func:`earshot.networks.linear_probe`.
    """
    from sklearn.linear_model import LogisticRegression

    if not labelled or unlabelled == []:
        raise EarshotError("There is nothing to learn from: give at least one stream.")
    form = StreamForm(encoder(trained), settings)
    values = [form.activations(s.waveform, s.sample_rate) for s in labelled]
    y = np.concatenate(_labels(labelled, values, settings, class_names))
    shares = np.bincount(y, minlength=len(class_names)) / len(y)
    if not shares.all():
        missing = ", ".join(np.array(class_names)[shares == 0])
        raise EarshotError(f"No step is labelled as {missing}: label some, or leave the class out.")
    x = every = np.concatenate(values)
    if unlabelled is not None:
        every = np.concatenate([form.activations(s.waveform, s.sample_rate) for s in unlabelled])
    mean, variance = every.mean(axis=0), every.var(axis=0)
    x, every = ((some - mean) / np.sqrt(variance + VARIANCE) for some in (x, every))
    learned = LogisticRegression(C=strength, max_iter=1000).fit(x, y)
    weights, bias = dense_weights(learned)
    if unlabelled is not None:
        bias = bias + _shift(every @ weights + bias, shares)
    probe = linear_probe(trained, len(class_names), mean=mean, variance=variance)
    probe.get_layer("linear_probe").set_weights([weights, bias])
    return probe


def _shift(logits: Array, shares: Array, n_rounds: int = 50) -> Array:
    """What to add to logits (n, n_classes) so that each is the answer as often as it should."""
    added = np.zeros(len(shares))
    for k in np.tile(np.arange(len(shares)), n_rounds):
        others = np.delete(logits + added, k, axis=1).max(axis=1)
        added[k] = np.quantile(others - logits[:, k], shares[k])
    return added - added.mean()
