"""Training on streams: stretches of their spectrograms, with a label for each step or with none."""

import keras
import numpy as np
from keras import layers

from earshot.datasets import streams
from earshot.errors import EarshotError
from earshot.networks import stream_builders, stream_form, training
from earshot.networks.batches import StretchBatches

__all__ = ["fit_linear_probe", "fit_streams"]


def fit_streams(
    network, train, settings, *, class_names=streams.SPEECH_OR_NOISE, epochs=20, batch_size=16,
    learning_rate=3e-3, weight_decay=1e-2, seed=0, progress=True,
):  # fmt: skip
    """Train a network on streams.

    One that answers with a logit a word learns the streams' labels; an autoencoder learns to
    restore windows, and a next-frame LSTM to predict steps, for which no labels are needed.

    Parameters
    ----------
    network : keras.Model
        From :func:`earshot.networks.vanilla_conv`, ``autoencoder`` or ``next_frame_lstm``.
    train : list of earshot.datasets.Stream
    settings : earshot.features.StreamSpectrogram
    class_names : sequence of str
        The first is what lies between the segments of a stream.
    epochs, batch_size : int
    learning_rate, weight_decay : float
    seed : int
    progress : bool or str
        Whether to show a bar, or its title.

    Returns
    -------
    dict
        Lists with one figure an epoch: "loss", and "accuracy" where there are labels.
    """
    if not train:
        raise EarshotError("There is nothing to train on: give at least one stream.")
    if network.input_shape[1:] != settings.output_shape:
        raise EarshotError(
            f"The network takes windows of {network.input_shape[1:]}, and the settings make "
            f"{settings.output_shape}: build it with settings.output_shape."
        )
    scale = next(layer.scale for layer in network.layers if isinstance(layer, layers.Rescaling))
    if abs(scale * settings.top_db - 1) > 1e-3:
        raise EarshotError(
            f"The network expects values up to {1 / scale:g}, and the settings make some up to "
            f"top_db = {settings.top_db:g}: build it with scale=settings.top_db."
        )
    spectrograms = [settings.spectrogram(s.waveform, s.sample_rate) for s in train]
    shortest = min(map(len, spectrograms))
    if shortest < settings.n_frames:
        raise settings.too_short(shortest)
    options = {"batch_size": batch_size, "seed": seed}
    recurrent = stream_form.is_recurrent(network)
    if len(network.output_shape) == 2:
        if network.output_shape[-1] != len(class_names):
            raise EarshotError(
                f"The network tells {network.output_shape[-1]} classes apart, and there are "
                f"{len(class_names)}: {', '.join(class_names)}."
            )
        labels = [
            streams.step_labels(s.segments, len(x), settings.steps_per_s, class_names)
            for s, x in zip(train, spectrograms, strict=True)
        ]
        batches = StretchBatches(spectrograms, settings, labels=labels, **options)
        loss, metrics = keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"]
        model = stream_form.along(network)
        if recurrent:  # its first answers are about what lies before the stretch
            begun = layers.Cropping1D((settings.n_frames - 1, 0))(model.output)
            model = keras.Model(model.input, begun)
    elif recurrent:
        n_next = network.output_shape[-1] // settings.n_bands
        batches = StretchBatches(spectrograms, settings, n_next=n_next, **options)
        loss, metrics, model = "mse", [], stream_form.along(network)
    else:
        options["batch_size"] *= 8  # windows are short
        batches = StretchBatches(spectrograms, settings, n_steps=1, **options)
        loss, metrics, model = "mse", [], network
    training.prepare(
        model, loss, n_steps=epochs * len(batches), metrics=metrics, learning_rate=learning_rate,
        weight_decay=weight_decay,
    )  # fmt: skip
    title = progress if isinstance(progress, str) else network.name if progress else None
    return training.run(model, batches, epochs=epochs, title=title)


def fit_linear_probe(trained, labelled, settings, *, unlabelled=None, class_names=streams.SPEECH_OR_NOISE,
                strength=1e-2):  # fmt: skip
    """Learn labels from what a network answers that was trained without any.

    Logistic regression on the values of its bottleneck or cell state, each brought to mean 0 and
    variance 1 and held small by a penalty, so that a few seconds of labels are enough. They hardly
    tell where the border between the classes lies in other noises; unlabelled streams do, when
    each class is taken to be as frequent there as among the labels.

    Parameters
    ----------
    trained : keras.Model
        From :func:`earshot.networks.autoencoder` or ``next_frame_lstm``, trained with :func:`fit`.
    labelled : list of earshot.datasets.Stream
    settings : earshot.features.StreamSpectrogram
    unlabelled : list of earshot.datasets.Stream, optional
        Their means, variances and shares of the classes count. Default: those of the labelled ones.
    class_names : sequence of str
        The first is what lies between the segments of a stream.
    strength : float
        How far the labels may pull; the inverse of the penalty.

    Returns
    -------
    keras.Model
        See :func:`earshot.networks.linear_probe`.

    Raises
    ------
    EarshotError
        When one of the words is in none of the labelled streams.
    """
    from sklearn.linear_model import LogisticRegression

    if not labelled or unlabelled == []:
        raise EarshotError("There is nothing to learn from: give at least one stream.")
    part = stream_builders.encoder(trained)

    def values(some):
        return [stream_form.activations(part, settings, s.waveform, s.sample_rate) for s in some]

    x = values(labelled)
    y = np.concatenate(
        [
            streams.step_labels(s.segments, len(one), settings.steps_per_s, class_names)
            for s, one in zip(labelled, x, strict=True)
        ]
    )
    x = np.concatenate(x)
    there = np.bincount(y, minlength=len(class_names)) > 0
    if not there.all():
        missing = ", ".join(
            word for word, is_there in zip(class_names, there, strict=True) if not is_there
        )
        raise EarshotError(f"No step is labelled as {missing}: label some, or leave the word out.")
    every = x if unlabelled is None else np.concatenate(values(unlabelled))
    mean, variance = every.mean(axis=0), every.var(axis=0)
    readout = stream_builders.linear_probe(trained, len(class_names), mean=mean, variance=variance)
    learned = LogisticRegression(C=strength, max_iter=1000)
    learned.fit((x - mean) / np.sqrt(variance + 1e-7), y)
    weights, bias = learned.coef_.T, learned.intercept_
    if len(class_names) == 2:  # one column, for the second of the two
        weights, bias = np.hstack([-weights, weights]) / 2, np.r_[-bias, bias] / 2
    if unlabelled is not None:
        logits = (every - mean) / np.sqrt(variance + 1e-7) @ weights + bias
        bias = bias + _shift(logits, np.bincount(y, minlength=len(class_names)) / len(y))
    readout.get_layer("readout").set_weights([weights, bias])
    return readout


def _shift(logits, shares, n_rounds=50):
    """What to add to logits (n, n_words) so that each word is the answer as often as it should."""
    added = np.zeros(len(shares))
    for word in np.repeat([range(len(shares))], n_rounds, axis=0).ravel():
        others = np.delete(logits + added, word, axis=1).max(axis=1)
        added[word] = np.quantile(others - logits[:, word], shares[word])
    return added - added.mean()
