"""Training on streams: stretches of their spectrograms, with a label for each step or with none."""

import keras
import numpy as np
from keras import layers

from earshot import models, streaming, streams, training
from earshot.errors import EarshotError

__all__ = ["Stretches", "fit", "fit_readout"]


class Stretches(keras.utils.PyDataset):
    """Batches of stretches of streams, drawn anew in every epoch.

    Parameters
    ----------
    spectrograms : list of ndarray, each of shape (steps, bands)
    settings : earshot.windows.Windows
    labels : list of ndarray of int, each of shape (steps,), optional
        What the network is to answer. Default: the stretch itself, or with ``n_next`` the steps
        that follow each step.
    n_steps : int
        Steps of a stretch; it is as much longer as a window is longer than a step.
    n_next : int
    batch_size, seed : int
    """

    def __init__(
        self, spectrograms, settings, *, labels=None, n_steps=200, n_next=0, batch_size=16, seed=0
    ):
        super().__init__()
        sides = (settings.n_frames - 1 - settings.n_ahead, settings.n_ahead)
        self.spectrograms = [np.pad(x, [sides, (0, 0)], "edge") for x in spectrograms]
        self.lengths = np.array([len(x) for x in spectrograms])
        self.settings, self.labels, self.n_next = settings, labels, n_next
        self.n_steps = int(min(n_steps, self.lengths.min()))
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0

    def __len__(self):
        apart = max(self.n_steps, self.settings.n_frames // 8)  # neighbouring windows tell no news
        return max(round(self.lengths.sum() / apart / self.batch_size), 1)

    def __getitem__(self, index):
        rng = np.random.default_rng((self.seed, self.epoch, index))
        chosen = rng.choice(len(self.lengths), self.batch_size, p=self.lengths / sum(self.lengths))
        places = [(i, rng.integers(self.lengths[i] - self.n_steps + 1)) for i in chosen]
        size = self.n_steps + self.settings.n_frames - 1
        x = np.stack([self.spectrograms[i][at : at + size] for i, at in places])
        if self.labels is not None:
            return x, np.stack([self.labels[i][at : at + self.n_steps] for i, at in places])
        if not self.n_next:
            return x, x
        n = x.shape[1] - self.n_next
        following = [x[:, k : k + n] for k in range(1, self.n_next + 1)]
        return x[:, :n], np.concatenate(following, axis=-1)


def fit(
    network, train, settings, *, words=streams.SPEECH_OR_NOISE, epochs=20, batch_size=16,
    learning_rate=3e-3, weight_decay=1e-2, seed=0, progress=True,
):  # fmt: skip
    """Train a network on streams.

    One that answers with a logit a word learns the streams' labels; an autoencoder learns to
    restore windows, and a next-frame LSTM to foretell steps, for which no labels are needed.

    Parameters
    ----------
    network : keras.Model
        From :func:`earshot.models.vanilla_conv`, ``autoencoder`` or ``next_frame_lstm``.
    train : list of earshot.streams.Stream
    settings : earshot.windows.Windows
    words : sequence of str
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
    if network.input_shape[1:] != settings.picture_shape:
        raise EarshotError(
            f"The network takes windows of {network.input_shape[1:]}, and the settings make "
            f"{settings.picture_shape}: build it with settings.picture_shape."
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
    recurrent = models.is_recurrent(network)
    if len(network.output_shape) == 2:
        if network.output_shape[-1] != len(words):
            raise EarshotError(
                f"The network tells {network.output_shape[-1]} classes apart, and there are "
                f"{len(words)}: {', '.join(words)}."
            )
        labels = [
            streams.step_labels(s.segments, len(x), settings.steps_per_s, words)
            for s, x in zip(train, spectrograms, strict=True)
        ]
        batches = Stretches(spectrograms, settings, labels=labels, **options)
        loss, metrics = keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"]
        model = models.along(network)
        if recurrent:  # its first answers are about what lies before the stretch
            begun = layers.Cropping1D((settings.n_frames - 1, 0))(model.output)
            model = keras.Model(model.input, begun)
    elif recurrent:
        n_next = network.output_shape[-1] // settings.n_bands
        batches = Stretches(spectrograms, settings, n_next=n_next, **options)
        loss, metrics, model = "mse", [], models.along(network)
    else:
        options["batch_size"] *= 8  # windows are short
        batches = Stretches(spectrograms, settings, n_steps=1, **options)
        loss, metrics, model = "mse", [], network
    training.prepare(
        model, loss, n_steps=epochs * len(batches), metrics=metrics, learning_rate=learning_rate,
        weight_decay=weight_decay,
    )  # fmt: skip
    title = progress if isinstance(progress, str) else network.name if progress else None
    return training.run(model, batches, epochs=epochs, title=title)


def fit_readout(trained, labelled, settings, *, unlabelled=None, words=streams.SPEECH_OR_NOISE,
                strength=1e-2):  # fmt: skip
    """Learn labels from what a network answers that was trained without any.

    Logistic regression on the values of its bottleneck or cell state, each brought to mean 0 and
    variance 1 and held small by a penalty, so that a few seconds of labels are enough. They hardly
    tell where the border between the classes lies in other noises; unlabelled streams do, when
    each class is taken to be as frequent there as among the labels.

    Parameters
    ----------
    trained : keras.Model
        From :func:`earshot.models.autoencoder` or ``next_frame_lstm``, trained with :func:`fit`.
    labelled : list of earshot.streams.Stream
    settings : earshot.windows.Windows
    unlabelled : list of earshot.streams.Stream, optional
        Their means, variances and shares of the classes count. Default: those of the labelled ones.
    words : sequence of str
        The first is what lies between the segments of a stream.
    strength : float
        How far the labels may pull; the inverse of the penalty.

    Returns
    -------
    keras.Model
        See :func:`earshot.models.readout`.

    Raises
    ------
    EarshotError
        When one of the words is in none of the labelled streams.
    """
    from sklearn.linear_model import LogisticRegression

    if not labelled or unlabelled == []:
        raise EarshotError("There is nothing to learn from: give at least one stream.")
    part = models.encoder(trained)

    def values(some):
        return [streaming.activations(part, settings, s.waveform, s.sample_rate) for s in some]

    x = values(labelled)
    y = np.concatenate(
        [
            streams.step_labels(s.segments, len(one), settings.steps_per_s, words)
            for s, one in zip(labelled, x, strict=True)
        ]
    )
    x = np.concatenate(x)
    there = np.bincount(y, minlength=len(words)) > 0
    if not there.all():
        missing = ", ".join(
            word for word, is_there in zip(words, there, strict=True) if not is_there
        )
        raise EarshotError(f"No step is labelled as {missing}: label some, or leave the word out.")
    every = x if unlabelled is None else np.concatenate(values(unlabelled))
    mean, variance = every.mean(axis=0), every.var(axis=0)
    readout = models.readout(trained, len(words), mean=mean, variance=variance)
    learned = LogisticRegression(C=strength, max_iter=1000)
    learned.fit((x - mean) / np.sqrt(variance + 1e-7), y)
    weights, bias = learned.coef_.T, learned.intercept_
    if len(words) == 2:  # one column, for the second of the two
        weights, bias = np.hstack([-weights, weights]) / 2, np.r_[-bias, bias] / 2
    if unlabelled is not None:
        logits = (every - mean) / np.sqrt(variance + 1e-7) @ weights + bias
        bias = bias + _shift(logits, np.bincount(y, minlength=len(words)) / len(y))
    readout.get_layer("readout").set_weights([weights, bias])
    return readout


def _shift(logits, shares, n_rounds=50):
    """What to add to logits (n, n_words) so that each word is the answer as often as it should."""
    added = np.zeros(len(shares))
    for word in np.repeat([range(len(shares))], n_rounds, axis=0).ravel():
        others = np.delete(logits + added, word, axis=1).max(axis=1)
        added[word] = np.quantile(others - logits[:, word], shares[word])
    return added - added.mean()
