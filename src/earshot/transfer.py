"""A trained network as feature extractor for words that it never saw, from a few recordings each.

The network stays as it is up to one of its layers. What that layer gives for the few recordings,
and for small variations of them, are the features to which a new last layer is fitted, in a
fraction of a second. It is a plain Dense layer, so that the result is a recogniser like any other.

To say "unknown" is learned, too: it is one more word, whose examples are what the recogniser
remembers of other words and of noise (:class:`earshot.recognizer.Memory`), and the threshold is
part of the Dense layer's bias.
"""

import dataclasses
import warnings

import keras
import numpy as np
from keras import layers, ops
from threadpoolctl import threadpool_limits

from earshot import training
from earshot.augmentation import Augmentation
from earshot.datasets import WordSet
from earshot.errors import EarshotError, EarshotWarning, some
from earshot.recognizer import UNKNOWN, Memory, Recognizer, loudest_stretch, model_card
from earshot.spectrogram import LogMel

__all__ = [
    "METHODS",
    "VARIATION",
    "Curve",
    "features",
    "learn_words",
    "trade_off",
    "with_threshold",
]

METHODS = ("logistic", "svm", "prototypes", "fine-tuning")
LAYERS = ("embedding", "features")
SCALE = 16.0
"""From a cosine to a logit."""
BATCH = 128
VARIATION = Augmentation(
    speed=0.08, shift_s=0.03, reverb=0.3, noise=0.6, snr_db=(10.0, 40.0), tilt_db=3.0, warp=0.04,
    tempo=0.1, mask_bands=0, mask_frames=0,
)  # fmt: skip
"""How the few recordings are varied: the same voice says it again, a little otherwise."""
N_VARIATIONS = 4


def features(recogniser, words, *, layer=None):
    """Give what a layer of a recogniser's network says about clips.

    Parameters
    ----------
    recogniser : earshot.recognizer.Recognizer
    words : earshot.datasets.WordSet
    layer : str, optional
        Its name; "logits" are the answers themselves. What has a time axis is averaged over it.
        Default: "embedding" where there is one, else "features".

    Returns
    -------
    ndarray of float32, shape (n, n_features)
    """
    trunk = _trunk(recogniser, _layer(recogniser, layer))
    return _through(trunk, recogniser.front_end(_clips(recogniser, words).waveforms))


def learn_words(
    recogniser, words, *, method="logistic", layer=None, keep=(), unknown=None,
    false_acceptance=0.005, seed=0,
):  # fmt: skip
    """Make a recogniser of new words from a few recordings each.

    Parameters
    ----------
    recogniser : earshot.recognizer.Recognizer
        Gives its network; ``models/base`` is made for this. It stays as it is.
    words : earshot.datasets.WordSet
        Recordings of the new words, five of each or more.
    method : {"logistic", "svm", "prototypes", "fine-tuning"}
        How the last layer is fitted to the features: logistic regression, a linear support vector
        machine, the mean of each word (Snell and others 2017, "Prototypical networks for few-shot
        learning"), or logistic regression after a training of the whole network on varied clips.
    layer : str, optional
        The layer that gives the features. Default: that of the memory, else as for
        :func:`features`.
    keep : sequence of str
        Words of the old recogniser that the new one shall know, too. It needs a memory for that.
        Of a word that is also among the new ones, the new recordings count.
    unknown : earshot.datasets.WordSet, optional
        Recordings of other words and of noises, beside what the recogniser remembers.
    false_acceptance : float, optional
        Share of other words, 0 to 1, that may be taken for one of the words (half of it for a new,
        half for a kept one); the others are "unknown". The threshold is set on what was held out:
        the held-out part of the memory, and every second clip of ``unknown``. Words that sound
        like one of the words are accepted more often than that: give some as ``unknown``. None:
        every clip gets a word.
    seed : int
        Of the variations.

    Returns
    -------
    earshot.recognizer.Recognizer
        Of the new words, in their order, then the kept ones, then "unknown". It remembers what it
        learned, so that it can learn more words in its turn.

    Raises
    ------
    EarshotError
        When there are fewer than two words, a word has no recording, two words have the same one,
        a recording is silent, too short or too long, or the recogniser lacks the layer or memory.

    Warns
    -----
    EarshotWarning
        When a word has a single recording, or when "unknown" cannot be learned, since nothing is
        known of other words.
    """
    if method not in METHODS:
        raise EarshotError(f"New words are learned by {', '.join(METHODS)}, not {method!r}.")
    if false_acceptance is not None and not 0 < false_acceptance < 1:
        raise EarshotError(
            f"false_acceptance is a share between 0 and 1, or None, not {false_acceptance!r}."
        )
    words, front_end = _clips(recogniser, words), recogniser.front_end
    keep = dict.fromkeys((keep,) if isinstance(keep, str) else keep)
    keep.pop(UNKNOWN, None)  # which is learned anew
    new = {word.casefold() for word in words.words}
    names = (*words.words, *(word for word in keep if word.casefold() not in new))
    _check(words, names)
    memory = recogniser.memory
    layer = _layer(recogniser, layer or (memory and memory.layer))
    trunk = _trunk(recogniser, layer, unit=True)
    if memory is None or memory.layer != layer or method == "fine-tuning":  # of no use
        none = np.zeros(0, np.int64)
        memory = Memory(np.zeros((0, trunk.output_shape[-1])), none, none.astype(bool), layer)
    _check_kept(recogniser, memory, keep)
    if method == "fine-tuning":
        trunk = _tuned(trunk, words, front_end, seed)
    rng = np.random.default_rng(seed)
    clips = words.waveforms
    pictures = [front_end(clips), *(VARIATION(clips, front_end, rng) for _ in range(N_VARIATIONS))]
    x = [_through(trunk, np.concatenate(pictures))]
    labels = [np.tile(words.labels, 1 + N_VARIATIONS)]
    for word in names[len(words.words) :]:
        x.append(memory.features[memory.labels == recogniser.words.index(word)])
        labels.append(np.full(len(x[-1]), names.index(word)))
    same = {word.casefold() for word in names}
    known = [i for i, word in enumerate(recogniser.words) if word.casefold() in same]
    others = ~np.isin(memory.labels, known)
    x.append(memory.features[others])
    held_out = [np.zeros(sum(map(len, labels)), bool), memory.held_out[others]]
    if unknown is not None:
        unknown = _clips(recogniser, unknown)
        _check_apart(words, unknown)
        x.append(_through(trunk, front_end(unknown.waveforms)))
        held_out.append(np.arange(len(x[-1])) % 2 == 1)
    x, held_out = np.concatenate(x).astype(np.float32), np.concatenate(held_out)
    labels = np.concatenate([*labels, np.full(len(x) - sum(map(len, labels)), -1)])
    memory = Memory(x.astype(np.float16), labels, held_out, layer)
    if false_acceptance is not None and not held_out.any():
        false_acceptance = None
        warnings.warn(
            'Every clip will be given one of the words, never "unknown": nothing is remembered of '
            "other words. Give some as unknown=, or choose models/base, its own layer and no "
            "fine-tuning; or say false_acceptance=None.", EarshotWarning, stacklevel=2,
        )  # fmt: skip
    if false_acceptance is None:
        x, labels, held_out = (a[labels >= 0] for a in (x, labels, held_out))
    else:
        names = (*names, UNKNOWN)
        labels = np.where(labels < 0, len(names) - 1, labels)
    kernel, bias = _fit(method, x[~held_out], labels[~held_out], len(names), seed)
    if false_acceptance is not None:
        # New and kept words share it: many clips are remembered of the old ones, which would
        # else be taken for others, and raise the bar for all.
        above = x[held_out] @ kernel + bias
        above = above[:, :-1] - above[:, -1:]
        groups = np.split(np.arange(len(names) - 1), [len(words.words)])
        groups = [group for group in groups if len(group)]
        for group in groups:
            share = false_acceptance / len(groups)
            bias[group] -= np.quantile(above[:, group].max(axis=1), 1 - share)
    card = model_card(
        words, split="none: all recordings were learned", figures={},
        made_by=f"transfer.learn_words, {method}, on {layer}",
        kept=list(keep), false_acceptance=false_acceptance, learned_from=recogniser.card,
    )  # fmt: skip
    return Recognizer(_headed(trunk, kernel, bias), front_end, names, card, memory=memory)


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """What a recogniser that says "unknown" would do at other thresholds.

    Parameters
    ----------
    thresholds : ndarray, shape (n,)
        Rising; what is added to the logit of "unknown". 0 is how the recogniser is set.
    known_accepted, unknown_accepted : ndarray, shape (n,)
        Share of the clips, 0 to 1, for which one of the words was given; all at the first.
    """

    thresholds: np.ndarray
    known_accepted: np.ndarray
    unknown_accepted: np.ndarray


def trade_off(recogniser, known, unknown):
    """Measure what is accepted at every threshold.

    Parameters
    ----------
    recogniser : earshot.recognizer.Recognizer
        That says "unknown".
    known, unknown : earshot.datasets.WordSet
        Recordings of its words and of others, none of which it was made from.

    Returns
    -------
    Curve
    """
    _says_unknown(recogniser)
    known, unknown = (
        np.sort(_margins(features(recogniser, words, layer=recogniser.model.layers[-1].name)))
        for words in (known, unknown)
    )
    thresholds = np.unique([*known, *unknown, 0.0])
    thresholds = np.r_[thresholds[0] - 1, thresholds]  # where everything is accepted
    shares = (1 - np.searchsorted(x, thresholds, "right") / len(x) for x in (known, unknown))
    return Curve(thresholds, *shares)


def with_threshold(recogniser, threshold):
    """Move the threshold of a recogniser.

    Parameters
    ----------
    recogniser : earshot.recognizer.Recognizer
        That says "unknown". It stays as it is.
    threshold : float
        As in a :class:`Curve` of this recogniser: above 0 it accepts less, below 0 more.

    Returns
    -------
    earshot.recognizer.Recognizer
    """
    _says_unknown(recogniser)
    if not (np.isscalar(threshold) and np.isfinite(threshold)):
        raise EarshotError(f"A threshold is a number, not {threshold!r:.60}.")
    last = recogniser.model.layers[-1]
    kernel, bias = last.get_weights()
    bias[-1] += threshold
    card = {**recogniser.card, "threshold_moved": recogniser.card.get("threshold_moved", 0.0)}
    card["threshold_moved"] += float(threshold)
    model = _headed(keras.Model(recogniser.model.input, last.input), kernel, bias)
    front_end, words, memory = recogniser.front_end, recogniser.words, recogniser.memory
    return Recognizer(model, front_end, words, card, memory=memory)


def _says_unknown(recogniser):
    if recogniser.words[-1] != UNKNOWN:
        raise EarshotError(
            f'{recogniser} never says "unknown": make it with learn_words and false_acceptance.'
        )


def _clips(recogniser, words):
    """The clips as the front end takes them, each looked at for what makes it useless."""
    for value, kind, way in (
        (recogniser, Recognizer, 'recognizer.load("models/base")'),
        (words, WordSet, "datasets.from_folder(folder)"),
    ):
        if not isinstance(value, kind):
            raise EarshotError(f"Give a {kind.__name__}, as {way} makes it, not {value!r:.60}.")
    if words.sample_rate < recogniser.front_end.sample_rate:
        raise EarshotError(
            f"The recordings have {words.sample_rate:,} Hz, and the network hears sounds up to "
            f"{recogniser.front_end.sample_rate // 2:,} Hz: record at "
            f"{recogniser.front_end.sample_rate:,} Hz or more."
        )
    if len(words) == 0:
        raise EarshotError("The word set has no recordings: record five of each word.")
    front_end = recogniser.front_end
    clips = [
        loudest_stretch(recogniser.clip(x, words.sample_rate, name=source), front_end.n_samples)
        for x, source in zip(words.waveforms, words.sources, strict=True)
    ]
    return dataclasses.replace(words, waveforms=clips, sample_rate=front_end.sample_rate)


def _check(words, names):
    """Refuse what nothing can be learned from."""
    if (words.labels < 0).any():
        raise EarshotError("Some clips have no label (-1): only clips of known words are learned.")
    if len(names) < 2:
        raise EarshotError(
            f"{names[0]} is the only word: record a second one, or keep some of the old words."
        )
    if UNKNOWN in names:
        raise EarshotError(f"{UNKNOWN!r} is what stands for all other words: give it as unknown=.")
    counts = words.counts()
    missing = [word for word, count in counts.items() if count == 0]
    if missing:
        raise EarshotError(
            f"There is no recording of {', '.join(missing)}: record five of each word."
        )
    single = [word for word, count in counts.items() if count == 1]
    if single:
        warnings.warn(
            f"Only one recording of {', '.join(single)}: with five of each, words are "
            "told apart far better.", EarshotWarning, stacklevel=3,
        )  # fmt: skip
    seen = {}
    for x, label, source in zip(words.waveforms, words.labels, words.sources, strict=True):
        other, name = seen.setdefault(x.tobytes(), (label, source))
        if other != label:
            raise EarshotError(
                f"{words.words[other]} and {words.words[label]} have the same recording "
                f"({name} and {source}): remove the wrong one."
            )


def _check_apart(words, unknown):
    """Refuse what is learned as a word and as unknown."""
    learned = {
        x.tobytes(): source for x, source in zip(words.waveforms, words.sources, strict=True)
    }
    for x, source in zip(unknown.waveforms, unknown.sources, strict=True):
        if x.tobytes() in learned:
            raise EarshotError(
                f"{source}, given as unknown, is the same recording as {learned[x.tobytes()]}: "
                "remove one of them."
            )


def _check_kept(recogniser, memory, keep):
    strangers = [word for word in keep if word not in recogniser.words]
    if strangers:
        raise EarshotError(
            f"{', '.join(strangers)} cannot be kept: the recogniser's words are "
            f"{some(recogniser.words)}."
        )
    forgotten = [word for word in keep if recogniser.words.index(word) not in memory.labels]
    if forgotten:
        raise EarshotError(
            f"{', '.join(forgotten)} cannot be kept, since no clip is remembered: choose "
            "models/base or what learn_words made of it, its own layer, and no fine-tuning."
        )


def _layer(recogniser, layer):
    """Name of the layer that gives the features."""
    if not isinstance(recogniser.front_end, LogMel):
        raise EarshotError(
            "New words are learned by a recogniser of log-mel pictures of words, which this one is "
            "not: choose models/base."
        )
    there = [one.name for one in recogniser.model.layers]
    wanted = [layer] if layer else LAYERS
    found = [name for name in wanted if name in there]
    if not found:
        raise EarshotError(
            f"This network has no layer {' or '.join(wanted)}: choose one of {', '.join(there)}, "
            "or the recogniser models/base."
        )
    return found[0]


def _trunk(recogniser, layer, *, unit=False):
    """The network up to a layer, averaged over time; with ``unit``, features of length one."""
    x = recogniser.model.get_layer(layer).output
    if len(x.shape) > 2:
        pool = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D)[len(x.shape) - 3]
        x = pool(name=f"mean_{layer}")(x)
    x = layers.UnitNormalization(name=f"unit_{layer}")(x) if unit else x
    return keras.Model(recogniser.model.input, x)


def _through(trunk, pictures):
    """Features of pictures; without compiling anything, which would take longer than the work."""
    parts = np.array_split(pictures, -(-len(pictures) // BATCH))
    return np.concatenate([ops.convert_to_numpy(trunk(part, training=False)) for part in parts])


def _fit(method, x, labels, n_words, seed):
    """Fit a last layer; gives its kernel, shape (n_features, n_words), and bias."""
    if method == "prototypes":
        means = np.stack([x[labels == label].mean(axis=0) for label in range(n_words)])
        kernel = SCALE * (means / np.linalg.norm(means, axis=1, keepdims=True)).T
        return kernel, np.zeros(n_words)
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    if method == "svm":
        machine = LinearSVC(C=1.0, class_weight="balanced", random_state=seed)
    else:
        machine = LogisticRegression(C=10.0, class_weight="balanced", max_iter=200)
    with threadpool_limits(1, user_api="blas"):  # so small that threads only wait for each other
        machine.fit(x, labels)
    kernel, bias = machine.coef_.T, machine.intercept_
    if n_words == 2:  # scikit-learn gives one column for two words
        kernel, bias = np.c_[-kernel, kernel] / 2, np.r_[-bias, bias] / 2
    return kernel, bias


def _margins(logits):
    """How far the best word is above "unknown", the last column; shape (n,)."""
    return logits[:, :-1].max(axis=1) - logits[:, -1]


def _headed(trunk, kernel, bias):
    name, taken = "logits", {layer.name for layer in trunk.layers}
    while name in taken:
        name = f"new_{name}"
    dense = layers.Dense(len(bias), name=name)
    model = keras.Model(trunk.input, dense(trunk.output), name="transfer")
    dense.set_weights([kernel, bias])
    return model


def _tuned(trunk, words, front_end, seed):
    """Train a copy of the trunk on the new words."""
    copy = keras.models.clone_model(trunk)
    copy.set_weights(trunk.get_weights())
    for layer in copy.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False  # a few clips say nothing about means and variances
    plain = _through(copy, front_end(words.waveforms))
    model = _headed(copy, *_fit("prototypes", plain, words.labels, len(words.words), seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EarshotWarning)  # few clips are what this is for
        training.fit(
            model, words, front_end, augment=VARIATION, epochs=30, batch_size=16,
            learning_rate=3e-4, seed=seed, progress=False,
        )  # fmt: skip
    return copy
