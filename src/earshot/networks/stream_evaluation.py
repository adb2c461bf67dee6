"""How well networks tell classes apart along streams, and how many labels that takes.

>>> from earshot.networks import vanilla_conv
>>> from earshot.segmentation import Segment
>>> settings = StreamSpectrogram(n_frames=15, n_ahead=7)
>>> network = vanilla_conv(settings.output_shape, width=4)  # not trained
>>> sound = np.random.default_rng(0).standard_normal(8000).astype(np.float32)
>>> stream = Stream(sound, 8000, [Segment(0.2, 0.6, "speech")])
>>> 0 <= stream_area(network, settings, [stream]) <= 1
True
"""

from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np
from tqdm import tqdm

from earshot.datasets.streams import SPEECH_OR_NOISE, Stream, step_labels
from earshot.errors import EarshotError
from earshot.features.stream import StreamSpectrogram
from earshot.networks.evaluation import roc_areas
from earshot.networks.stream_form import StreamForm
from earshot.networks.stream_training import fit_linear_probe, fit_streams
from earshot.networks.training import TrainingConfig
from earshot.types import Array

__all__ = ["balanced_accuracy", "few_labels", "labelled_stretches", "stream_area", "value_areas"]

SHORTEST_S = 5.0
"""Least length of a stretch that somebody labels: it holds words and pauses."""
LONGEST_S = 15.0  # Longest stretch; more seconds are spread over more streams.
BEGIN_S = 2.0  # Where a stretch begins: by then, the noise floor is known.
N_BATCHES = 180
"""How long a network of its own is trained, in batches of 16, whatever the number of labels."""
BATCH_S = 32.0  # Seconds that a batch shows: 16 stretches of 2 s.
LEAST_EPOCHS = 5  # The same where there are many labels.
N_UNLABELLED = 24  # Streams that tell a probe where the border between the classes lies.


def stream_area(
    network: keras.Model, settings: StreamSpectrogram, streams: Sequence[Stream], *,
    class_names: Sequence[str] = SPEECH_OR_NOISE,
) -> float:  # fmt: skip
    """Give the area under ROC, over all steps of some streams, of there being something.

    Of how much the likeliest other class stands above the first of ``class_names``, which lies
    between the segments. 1 is perfect, 0.5 guessing.
    """
    answers = list(_answers(network, settings, streams, class_names))
    score = np.concatenate([logits[:, 1:].max(axis=1) - logits[:, 0] for logits, _ in answers])
    return float(roc_areas(score[:, None], np.concatenate([y > 0 for _, y in answers]))[0])


def value_areas(
    network: keras.Model, settings: StreamSpectrogram, streams: Sequence[Stream], *,
    class_names: Sequence[str] = SPEECH_OR_NOISE,
) -> Array:  # fmt: skip
    """Give the area under ROC of each value of an :func:`earshot.networks.encoder` by itself.

    Over all steps of the streams, shape (n_values,): 1 or 0 is a value that alone tells whether
    there is something, 0.5 one that knows nothing of it.
    """
    values, truth = zip(*_answers(network, settings, streams, class_names), strict=True)
    return roc_areas(np.concatenate(values), np.concatenate(truth) > 0)


def balanced_accuracy(
    network: keras.Model, settings: StreamSpectrogram, streams: Sequence[Stream], *,
    class_names: Sequence[str] = SPEECH_OR_NOISE,
) -> float:  # fmt: skip
    """Give the share of right steps, 0 to 1, each class counting the same: mean over streams.

    A class that a stream does not have does not count there.
    """
    shares = []
    for logits, truth in _answers(network, settings, streams, class_names):
        right = logits.argmax(axis=1) == truth
        shares.append(np.mean([right[truth == k].mean() for k in np.unique(truth)]))
    return float(np.mean(shares))


def _answers(network, settings, streams, class_names) -> Iterator[tuple[Array, Array]]:
    """Give a network's answers, shape (steps, n_values), and the true labels, of each stream."""
    if not streams:
        raise EarshotError("There is nothing to measure on: give at least one stream.")
    form = StreamForm(network, settings)
    for stream in streams:
        logits = form.activations(stream.waveform, stream.sample_rate)
        known = settings.steps_per_s, class_names
        yield logits, step_labels(stream.segments, len(logits), *known)


def labelled_stretches(streams: Sequence[Stream], seconds: float, *, seed: int) -> list[Stream]:
    """Draw stretches of 5 to 15 s, each of another stream, about ``seconds`` in all."""
    each_s = min(max(seconds / 3, SHORTEST_S), LONGEST_S)
    n = max(round(seconds / each_s), 1)
    long = [s for s in streams if s.duration_s >= BEGIN_S + each_s]
    if n > len(long):
        raise EarshotError(
            f"{seconds:g} labelled seconds are {n} stretches of {each_s:g} s, and {len(long)} "
            f"streams are {BEGIN_S + each_s:g} s long: give more streams, or fewer seconds."
        )
    order = np.random.default_rng(seed).permutation(len(long))
    return [long[i].cut(BEGIN_S, BEGIN_S + each_s) for i in order[:n]]


def few_labels(
    networks: Mapping[str, tuple[keras.Model, StreamSpectrogram]], train: Sequence[Stream],
    test: Sequence[Stream], *, seconds: Sequence[float] = (5, 15, 60, 300), n_draws: int = 5,
    n_batches: int = N_BATCHES, progress: bool = True,
) -> dict[str, dict[float, list[float]]]:  # fmt: skip
    """Measure how good networks get when only some seconds of the training streams are labelled.

    For every number of seconds, ``n_draws`` times, :func:`labelled_stretches` are drawn, and every
    network learns from the same ones: one that was trained without labels gets a linear probe, of
    one that answers with classes a new one is trained, for ``n_batches``. Gives for each name and
    number of seconds the :func:`balanced_accuracy` on the test streams, one figure a draw.
    """
    shares: dict[str, dict[float, list[float]]] = {name: {} for name in networks}
    draws = [(some_s, seed) for some_s in seconds for seed in range(n_draws)]
    for some_s, seed in tqdm(draws, desc="few labels", unit="draw", disable=not progress):
        labelled = labelled_stretches(train, some_s, seed=seed)
        for name, (network, settings) in networks.items():
            if len(network.output_shape) == 2:
                taught = _trained_anew(network, labelled, settings, n_batches, seed)
            else:
                others = train[:N_UNLABELLED]
                taught = fit_linear_probe(network, labelled, settings, unlabelled=others)
            right = balanced_accuracy(taught, settings, test)
            shares[name].setdefault(some_s, []).append(right)
    return shares


def _trained_anew(network, labelled, settings, n_batches, seed):
    """Train a network of the same form, with new first weights."""
    keras.utils.set_random_seed(seed)
    fresh = keras.models.clone_model(network)
    of_an_epoch = max(sum(stream.duration_s for stream in labelled) / BATCH_S, 1)
    epochs = max(round(n_batches / of_an_epoch), min(LEAST_EPOCHS, n_batches))
    config = TrainingConfig(epochs=epochs, batch_size=16, seed=seed)
    fit_streams(fresh, labelled, settings, config, progress=False)
    return fresh
