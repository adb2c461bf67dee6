"""A trained network as feature extractor for words that it never saw, from a few recordings each.

The network stays as it is up to one of its layers. What that layer gives for the few recordings,
and for small variations of them, are the features to which a new last layer is fitted, in a
fraction of a second. It is a plain Dense layer, so that the result is a recognizer like any other.

To say "unknown" is learned, too: it is one more word, whose examples are what the recognizer
remembers of other words and of noise (:class:`earshot.recognition.Memory`), and the threshold is
part of the Dense layer's bias.
"""

import dataclasses
import warnings

import keras
import numpy as np
from keras import layers

from earshot.datasets.augmentation import Augmentation
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, some
from earshot.networks import training
from earshot.recognition.card import model_card
from earshot.recognition.last_layer import fit_last_layer, layer_name, through, trunk_of, with_head
from earshot.recognition.recognizer import UNKNOWN, Memory, Recognizer, loudest_stretch

__all__ = ["METHODS", "VARIATION", "features", "learn_words"]

METHODS = ("logistic", "svm", "prototypes", "fine-tuning")
VARIATION = Augmentation(
    speed=0.08, shift_s=0.03, reverb=0.3, noise=0.6, snr_db=(10.0, 40.0), tilt_db=3.0, warp=0.04,
    tempo=0.1, mask_bands=0, mask_frames=0,
)  # fmt: skip
"""How the few recordings are varied: the same voice says it again, a little otherwise."""
N_VARIATIONS = 4


def features(recognizer, words, *, layer=None):
    """Give what a layer of a recognizer's network says about clips.

    Parameters
    ----------
    recognizer : earshot.recognition.Recognizer
    words : earshot.datasets.WordSet
    layer : str, optional
        Its name; "logits" are the answers themselves. What has a time axis is averaged over it.
        Default: "embedding" where there is one, else "features".

    Returns
    -------
    ndarray of float32, shape (n, n_features)
    """
    trunk = trunk_of(recognizer, layer_name(recognizer, layer))
    return through(trunk, recognizer.front_end(checked_clips(recognizer, words).waveforms))


def learn_words(
    recognizer, words, *, method="logistic", layer=None, keep=(), unknown=None,
    false_acceptance=0.005, seed=0,
):  # fmt: skip
    """Make a recognizer of new words from a few recordings each.

    Parameters
    ----------
    recognizer : earshot.recognition.Recognizer
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
        Words of the old recognizer that the new one shall know, too. It needs a memory for that.
        Of a word that is also among the new ones, the new recordings count.
    unknown : earshot.datasets.WordSet, optional
        Recordings of other words and of noises, beside what the recognizer remembers.
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
    earshot.recognition.Recognizer
        Of the new words, in their order, then the kept ones, then "unknown". It remembers what it
        learned, so that it can learn more words in its turn.

    Raises
    ------
    EarshotError
        When there are fewer than two words, a word has no recording, two words have the same one,
        a recording is silent, too short or too long, or the recognizer lacks the layer or memory.

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
    words, front_end = checked_clips(recognizer, words), recognizer.front_end
    keep = dict.fromkeys((keep,) if isinstance(keep, str) else keep)
    keep.pop(UNKNOWN, None)  # which is learned anew
    new = {word.casefold() for word in words.class_names}
    names = (*words.class_names, *(word for word in keep if word.casefold() not in new))
    _check(words, names)
    memory = recognizer.memory
    layer = layer_name(recognizer, layer or (memory and memory.layer))
    trunk = trunk_of(recognizer, layer, unit=True)
    if memory is None or memory.layer != layer or method == "fine-tuning":  # of no use
        none = np.zeros(0, np.int64)
        memory = Memory(np.zeros((0, trunk.output_shape[-1])), none, none.astype(bool), layer)
    _check_kept(recognizer, memory, keep)
    if method == "fine-tuning":
        trunk = _tuned(trunk, words, front_end, seed)
    rng = np.random.default_rng(seed)
    clips = words.waveforms
    spectrograms = [
        front_end(clips),
        *(VARIATION(clips, front_end, rng) for _ in range(N_VARIATIONS)),
    ]
    x = [through(trunk, np.concatenate(spectrograms))]
    labels = [np.tile(words.labels, 1 + N_VARIATIONS)]
    for word in names[len(words.class_names) :]:
        x.append(memory.features[memory.labels == recognizer.class_names.index(word)])
        labels.append(np.full(len(x[-1]), names.index(word)))
    same = {word.casefold() for word in names}
    known = [i for i, word in enumerate(recognizer.class_names) if word.casefold() in same]
    others = ~np.isin(memory.labels, known)
    x.append(memory.features[others])
    held_out = [np.zeros(sum(map(len, labels)), bool), memory.held_out[others]]
    if unknown is not None:
        unknown = checked_clips(recognizer, unknown)
        _check_apart(words, unknown)
        x.append(through(trunk, front_end(unknown.waveforms)))
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
    kernel, bias = fit_last_layer(method, x[~held_out], labels[~held_out], len(names), seed)
    if false_acceptance is not None:
        # New and kept words share it: many clips are remembered of the old ones, which would
        # else be taken for others, and raise the bar for all.
        above = x[held_out] @ kernel + bias
        above = above[:, :-1] - above[:, -1:]
        groups = np.split(np.arange(len(names) - 1), [len(words.class_names)])
        groups = [group for group in groups if len(group)]
        for group in groups:
            share = false_acceptance / len(groups)
            bias[group] -= np.quantile(above[:, group].max(axis=1), 1 - share)
    card = model_card(
        words, split="none: all recordings were learned", figures={},
        made_by=f"transfer.learn_words, {method}, on {layer}",
        kept=list(keep), false_acceptance=false_acceptance, learned_from=recognizer.card,
    )  # fmt: skip
    return Recognizer(with_head(trunk, kernel, bias), front_end, names, card, memory=memory)


def checked_clips(recognizer, words):
    """The clips as the front end takes them, each looked at for what makes it useless."""
    for value, kind, way in (
        (recognizer, Recognizer, 'recognizer.load("models/base")'),
        (words, WordSet, "datasets.from_folder(folder)"),
    ):
        if not isinstance(value, kind):
            raise EarshotError(f"Give a {kind.__name__}, as {way} makes it, not {value!r:.60}.")
    if words.sample_rate < recognizer.front_end.sample_rate:
        raise EarshotError(
            f"The recordings have {words.sample_rate:,} Hz, and the network hears sounds up to "
            f"{recognizer.front_end.sample_rate // 2:,} Hz: record at "
            f"{recognizer.front_end.sample_rate:,} Hz or more."
        )
    if len(words) == 0:
        raise EarshotError("The word set has no recordings: record five of each word.")
    front_end = recognizer.front_end
    clips = [
        loudest_stretch(recognizer.clip(x, words.sample_rate, name=source), front_end.n_samples)
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
                f"{words.class_names[other]} and {words.class_names[label]} have the same recording "
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


def _check_kept(recognizer, memory, keep):
    strangers = [word for word in keep if word not in recognizer.class_names]
    if strangers:
        raise EarshotError(
            f"{', '.join(strangers)} cannot be kept: the recognizer's words are "
            f"{some(recognizer.class_names)}."
        )
    forgotten = [word for word in keep if recognizer.class_names.index(word) not in memory.labels]
    if forgotten:
        raise EarshotError(
            f"{', '.join(forgotten)} cannot be kept, since no clip is remembered: choose "
            "models/base or what learn_words made of it, its own layer, and no fine-tuning."
        )


def _tuned(trunk, words, front_end, seed):
    """Train a copy of the trunk on the new words."""
    copy = keras.models.clone_model(trunk)
    copy.set_weights(trunk.get_weights())
    for layer in copy.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False  # a few clips say nothing about means and variances
    plain = through(copy, front_end(words.waveforms))
    model = with_head(
        copy, *fit_last_layer("prototypes", plain, words.labels, len(words.class_names), seed)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EarshotWarning)  # few clips are what this is for
        config = training.TrainingConfig(
            epochs=30, batch_size=16, learning_rate=3e-4, seed=seed, augment=VARIATION
        )
        training.fit(model, words, front_end, config, progress=False)
    return copy
