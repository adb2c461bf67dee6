"""A trained network as feature extractor for words that it never saw, from a few recordings each.

A new last layer, a plain Dense layer, is fitted to what one of its layers gives for the recordings
and for small variations of them: logistic regression, with likeness to each word's mean and, where
the recognizer has a word of that name already, to what it knows of it. "unknown" is one more class:
its examples are what the recognizer remembers of other words and of noise (:class:`Memory`).

>>> from earshot import LogMel, networks
>>> old = Recognizer(networks.cnn((101, 40), 2), LogMel(), ("yes", "no"))  # not trained
>>> beeps = [np.sin(pitch * np.arange(4000)) for pitch in (0.1, 0.11, 0.9, 0.91)]
>>> words = WordSet(beeps, [0, 0, 1, 1], ("low", "high"), ["me"] * 4, list("abcd"), 8000)
>>> learn_words(old, words, layer="logits", false_acceptance=None)
Recognizer(2 words, 8,000 Hz: low, high)
"""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from earshot.datasets.augmentation import Augmentation
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, some
from earshot.recognition.confusions import groups_of, pairs_of, warn_of
from earshot.recognition.last_layer import (
    LightTrunk,
    Trunk,
    checked_words,
    fit_last_layer,
    layer_name,
    old_directions,
    run_trunk,
    trunk_of,
    turned_away,
    with_head,
    with_means,
)  # fmt: skip
from earshot.recognition.memory import SYNTHETIC, Memory
from earshot.recognition.recognizer import UNKNOWN, Recognizer, model_card
from earshot.recognition.thresholds import (
    accepted_share,
    clips_needed,
    set_threshold,
    spotting_threshold,
)
from earshot.types import Array

__all__ = ["METHODS", "VARIATION", "learn_words"]

METHODS = ("logistic", "svm", "prototypes", "fine-tuning")
VARIATION = Augmentation(
    speed=0.08, shift_s=0.03, reverb=0.3, noise=0.6, snr_db=(10.0, 40.0), tilt_db=3.0, warp=0.04,
    tempo=0.1, mask_bands=0, mask_frames=0,
)  # fmt: skip
"""How the few recordings are varied: the same voice says it again, a little otherwise."""
N_VARIATIONS = 4  # of each recording
HELD_OUT = 3  # every so many-th clip of unknown= only sets the threshold
ALIKE = 0.25
"""Quantile of how near a word's recordings are to each other, from which an unknown clip is alike:
it finds most of the same voice, a fifth to a third of others, and one in six of "fog" or "bed"."""
NOTHING_REMEMBERED = (
    'Every clip will be given one of the words, never "unknown": nothing is remembered of other '
    "words. Give some as unknown=, or choose models/base, its own layer and no fine-tuning; or say "
    "false_acceptance=None."
)
Rows = tuple[Array, Any, Any]
"""Features, shape (n, n_features), their labels, and whether they are held out."""


def learn_words(
    recognizer: Recognizer, words: WordSet, *, method: str = "logistic", layer: str | None = None,
    keep: Sequence[str] = (), unknown: WordSet | None = None,
    false_acceptance: float | None = 0.005, false_alarms_per_hour: float = 0.5, seed: int = 0,
) -> Recognizer:  # fmt: skip
    """Make a recognizer of new words, or of one alone, from five recordings of each or more.

    The old one, best ``models/base``, stays as it is. The new one knows the new words, in their
    order, then the kept ones, then "unknown", and can learn more words in its turn.

    Parameters
    ----------
    method : "logistic" (regression), "svm" (linear), "prototypes" (means of the words: Snell and
        others 2017, "Prototypical networks for few-shot learning"), or "fine-tuning" (of the whole
        network on varied clips, then logistic regression)
    layer : gives the features; by default that of the memory, else as for :func:`embed`
    keep : old words that are in the memory, to be known as well; new recordings count more
    unknown : recordings of other words and of noises, beside what the recognizer remembers: best
        of what is taken for one of the words, five or more of each
    false_acceptance : share of other words, 0 to 1, that may be taken for one of the words, as
        measured on the held-out part of the memory and every third clip of ``unknown``. The card
        tells how many clips these are, how many are accepted, and the 95 % interval of the share
        that this shows. Where they are too few to show the wanted share, none of them is accepted,
        a warning says how many it takes, and the card promises the upper end of the interval.
        What sounds like one of the words is accepted more often: give some as ``unknown``. None:
        every clip gets a word
    false_alarms_per_hour : words named along a stream in which none is said, for :func:`listen`; by
        the hours of synthetic speech and noise that the memory keeps, whose scores are raised by
        ``SYNTHETIC``, as people come nearer to the words. The card tells how many hours these are

    Raises :class:`EarshotError` when a word has no recording, one word is not told from others, two
    have the same one, one is silent, too short or too long, a learned word is among ``unknown``, or
    the recognizer lacks the layer or memory. Warns of a word with one recording, of words that are
    taken for each other (see :func:`confusable`), of clips of ``unknown`` that sound like a learned
    word, and when little is known of other words.
    """
    _check_options(method, false_acceptance, false_alarms_per_hour)
    words = checked_words(recognizer, words)
    unknown = None if unknown is None else checked_words(recognizer, unknown)
    keep, kept = _words_to_keep(words, keep)
    names = (*words.class_names, *kept)
    _check_names(words, names)
    _check_apart(names, words, unknown)
    trunk, memory = _trunk_and_memory(recognizer, layer, method)
    _check_kept(recognizer, memory, keep)
    if method == "fine-tuning":
        trunk = _tuned(trunk, words, recognizer.front_end, seed)
    dropped = _dropped(recognizer, memory, names)
    examples = _examples(recognizer, trunk, memory, words, kept, dropped, unknown, seed)
    learned = _joined(examples, memory.layer, dropped)
    if false_acceptance is not None and not learned.held_out.any():
        false_acceptance = None
        warnings.warn(NOTHING_REMEMBERED, EarshotWarning, stacklevel=2)
    if false_acceptance is None:
        _check_several(names)
    says_unknown, threshold = false_acceptance is not None, 0.0
    measured: dict[str, Any] = {}
    last = _fitted(method, learned, len(names), says_unknown, seed)
    last = _with_means(*last, learned, words, recognizer, method)
    kernel, bias = _turned_away(*last, learned, len(unknown or ()) if says_unknown else 0)
    if false_acceptance is not None:
        names, held_out = (*names, UNKNOWN), learned.features[learned.held_out]
        bias = set_threshold(kernel, bias, held_out, false_acceptance, len(words.class_names))
        shares = accepted_share(kernel, bias, held_out)
        false_acceptance = _shown(false_acceptance, shares)
        threshold, measured = _along(memory, kernel, bias, false_alarms_per_hour)
        measured["accepted_of_held_out"] = shares
    card = model_card(
        words, split="none: all recordings were learned", figures={}, sources=[*words.sources],
        made_by=f"learn_words, {method}, on {memory.layer}", kept=keep,
        false_acceptance=false_acceptance, **measured, learned_from=recognizer.card,
    )  # fmt: skip
    return Recognizer(
        with_head(trunk, kernel, bias), recognizer.front_end, names, card,
        memory=learned.beside(memory), spotting_threshold=threshold,
    )  # fmt: skip


def _along(
    memory: Memory, kernel: Array, bias: Array, per_hour: float
) -> tuple[float, dict[str, Any]]:
    """Set the threshold along streams, where hours of them are remembered; and what a card says."""
    if not memory.along_hours:
        return 0.0, {}
    scores = memory.best_along(kernel, bias) + SYNTHETIC
    threshold = spotting_threshold(scores, memory.along_hours, per_hour)
    return threshold, {"false_alarms_per_hour": per_hour, "along_hours": memory.along_hours}


def _words_to_keep(words: WordSet, keep: Sequence[str]) -> tuple[list[str], list[str]]:
    """Give the old words to keep, and those of them that are not learned anew; no "unknown"."""
    keep = [keep] if isinstance(keep, str) else keep
    keep = [word for word in dict.fromkeys(keep) if word != UNKNOWN]
    new = {word.casefold() for word in words.class_names}
    return keep, [word for word in keep if word.casefold() not in new]


def _trunk_and_memory(
    recognizer: Recognizer, layer: str | None, method: str
) -> tuple[Trunk, Memory]:
    """Give the network up to the layer that gives the features, and what is remembered of it."""
    memory = recognizer.memory
    layer = layer_name(recognizer, layer or (memory.layer if memory else None))
    trunk = trunk_of(recognizer, layer, unit=True)
    if memory is None or memory.layer != layer or method == "fine-tuning":
        memory = Memory.empty(trunk.output_shape[-1], layer)
    return trunk, memory


def _examples(
    recognizer: Recognizer, trunk: Trunk, memory: Memory, words: WordSet,
    kept: Sequence[str], dropped: Sequence[str], unknown: WordSet | None, seed: int,
) -> Iterator[Rows]:  # fmt: skip
    """Give what is learned from: the new words, the kept ones, and what is none of them (< 0)."""
    front_end: Any = recognizer.front_end  # a LogMel, which layer_name has looked at
    rng = np.random.default_rng(seed)
    varied = [VARIATION(words.waveforms, front_end, rng) for _ in range(N_VARIATIONS)]
    spectrograms = np.concatenate([front_end(words.waveforms), *varied])
    features = run_trunk(trunk, spectrograms)
    plain = features[: len(words)]
    warn_of(pairs_of(plain, words.labels, words.class_names, groups_of(words)))
    yield features, np.tile(words.labels, 1 + N_VARIATIONS), False
    for label, word in enumerate(kept, len(words.class_names)):
        of_word = memory.labels == recognizer.class_names.index(word)
        yield memory.features[of_word], label, False
    places = {"": -1, **{word: -2 - i for i, word in enumerate(dropped)}}
    remembered = memory.words(recognizer.class_names)
    others = np.array([word in places for word in remembered], bool)
    labels = [places[word] for word in remembered if word in places]
    yield memory.features[others], np.array(labels, int), memory.held_out[others]
    if unknown is not None:
        x = run_trunk(trunk, front_end(unknown.waveforms))
        _check_unknown_sounds(plain, words, x, unknown)
        yield x, -1, np.arange(len(x)) % HELD_OUT == HELD_OUT - 1


def _dropped(recognizer: Recognizer, memory: Memory, names: Sequence[str]) -> tuple[str, ...]:
    """Give the remembered words that are not learned or kept: some day they may be again."""
    same = {word.casefold() for word in (*names, "")}
    remembered = dict.fromkeys(memory.words(recognizer.class_names))
    return tuple(word for word in remembered if word.casefold() not in same)


def _joined(parts: Iterable[Rows], layer: str, dropped: tuple[str, ...]) -> Memory:
    """Put rows of features together; one label, and one held_out, may stand for a whole part."""
    rows = [(x, *(np.broadcast_to(one, len(x)) for one in more)) for x, *more in parts]
    x, labels, held_out = map(np.concatenate, zip(*rows, strict=True))
    return Memory(x.astype(np.float32), labels, held_out, layer, dropped)


def _shown(false_acceptance: float, accepted: dict[str, Any]) -> float:
    """Give the share of other words that the held-out clips show; warn when it is a higher one."""
    n, (_, high) = accepted["clips"], accepted["interval_95"]
    if n >= (needed := clips_needed(false_acceptance)):
        return false_acceptance
    warnings.warn(
        f"{n} clips of other words cannot show false_acceptance={false_acceptance:g}, which takes "
        f"{needed:,}: up to {high:.1%} of other words may be taken for one of the words. Give "
        f"{HELD_OUT * (needed - n):,} more as unknown=, of which every third is held out, learn "
        "with models/base, or take a higher share.", EarshotWarning, stacklevel=3,
    )  # fmt: skip
    return high


def _fitted(
    method: str, learned: Memory, n_words: int, says_unknown: bool, seed: int
) -> tuple[Array, Array]:
    """Fit the last layer to what is not held out; "unknown" is its last class, if it is said."""
    fitted = ~learned.held_out & (says_unknown | (learned.labels >= 0))
    labels = np.where(learned.labels < 0, n_words, learned.labels)[fitted]
    last = "logistic" if method == "fine-tuning" else method  # of the tuned network
    return fit_last_layer(last, learned.features[fitted], labels, n_words + says_unknown, seed)


def _with_means(
    kernel: Array, bias: Array, learned: Memory, words: WordSet, recognizer: Recognizer, method: str
) -> tuple[Array, Array]:
    """Add likeness to the words' means, and what the recognizer knew of words of these names."""
    if method != "logistic":
        return kernel, bias
    names, n_words = words.class_names, learned.labels.max() + 1  # the kept ones after the new
    means = np.stack([learned.features[learned.labels == i].mean(axis=0) for i in range(n_words)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    old = np.zeros_like(means)
    if recognizer.memory is not None and recognizer.memory.layer == learned.layer:
        old[: len(names)] = old_directions(recognizer, learned.layer, names)
    return with_means(kernel, bias, means, old, np.bincount(words.labels, minlength=n_words))


def _turned_away(
    kernel: Array, bias: Array, learned: Memory, n_unknown: int
) -> tuple[Array, Array]:
    """Turn the words away from what was given as unknown: the last rows, without those held out."""
    last = np.arange(len(learned.labels)) >= len(learned.labels) - n_unknown
    words, others = learned.labels >= 0, learned.features[last & ~learned.held_out]
    if not len(others):
        return kernel, bias
    known, labels = learned.features[words], learned.labels[words]
    return turned_away(kernel, bias, known, labels, others), bias


def _check_options(method: str, false_acceptance: float | None, per_hour: float) -> None:
    if method not in METHODS:
        raise EarshotError(f"New words are learned by {', '.join(METHODS)}, not {method!r}.")
    if false_acceptance is not None and not 0 < false_acceptance < 1:
        raise EarshotError(
            f"false_acceptance is a share between 0 and 1, or None, not {false_acceptance!r}."
        )
    if not 0 < per_hour < np.inf:
        raise EarshotError(f"false_alarms_per_hour is a number above 0, not {per_hour!r}.")


def _check_several(names: Sequence[str]) -> None:
    if len(names) < 2:
        raise EarshotError(
            f"{names[0]} is the only word, and nothing is known of others: choose models/base and "
            "a false_acceptance, record a second word, or keep some of the old ones."
        )


def _check_names(words: WordSet, names: Sequence[str]) -> None:
    if (words.labels < 0).any():
        raise EarshotError("Some clips have no label (-1): only clips of known words are learned.")
    if UNKNOWN in names:
        raise EarshotError(f"{UNKNOWN!r} is what stands for all other words: give it as unknown=.")
    counts = words.counts()
    if missing := [word for word in counts if counts[word] == 0]:
        raise EarshotError(f"There is no recording of {some(missing)}: record five of each word.")
    if single := [word for word in counts if counts[word] == 1]:
        warnings.warn(
            f"Only one recording of {some(single)}: with five of each, words are told apart far "
            "better.", EarshotWarning, stacklevel=3,
        )  # fmt: skip


def _check_apart(names: Sequence[str], words: WordSet, unknown: WordSet | None) -> None:
    """Refuse one recording under two names, and a word that is to be known and unknown."""
    said = [words.class_names[label] for label in words.labels]
    clips = [*zip(words.waveforms, said, words.sources, strict=True)]
    for x, source in zip(unknown.waveforms, unknown.sources, strict=True) if unknown else ():
        clips.append((x, UNKNOWN, source))
    seen: dict[bytes, tuple[str, str]] = {}
    for x, name, source in clips:
        other, first = seen.setdefault(x.tobytes(), (name, source))
        if other != name:
            raise EarshotError(
                f"{other} and {name} have the same recording ({first} and {source}): remove the "
                "wrong one."
            )
    same = {word.casefold() for word in names}
    counts = unknown.counts() if unknown else {}
    if shared := [word for word, n in counts.items() if n and word.casefold() in same]:
        raise EarshotError(
            f"{some(shared)} is to be known, and unknown= has recordings of it: leave them out, "
            "as unknown.only(...) of the other words does."
        )


def _check_unknown_sounds(learned: Array, words: WordSet, x: Array, unknown: WordSet) -> None:
    """Warn of unknown clips that are as near to a learned word as its own recordings are.

    All are features of length one, shape (n, n_features): their products are similarities.
    """
    near = learned @ learned.T
    near[(words.labels[:, None] != words.labels) | np.eye(len(near), dtype=bool)] = -np.inf
    own = near.max(axis=1)[np.isfinite(near.max(axis=1))]  # of words with several recordings
    similar = x @ learned.T
    enough = np.quantile(own, ALIKE) if len(own) else np.inf
    alike = np.flatnonzero(similar.max(axis=1) > enough)
    names = [words.class_names[words.labels[i]] for i in similar.argmax(axis=1)]
    if found := [f"{unknown.sources[i]} ({names[i]})" for i in alike]:
        warnings.warn(
            f"{len(found)} of {len(x)} clips of unknown= sound like a word that is learned: "
            f"{some(found)}. Leave out what is a recording of it, which would not be known then.",
            EarshotWarning, stacklevel=5,
        )  # fmt: skip


def _check_kept(recognizer: Recognizer, memory: Memory, keep: Iterable[str]) -> None:
    class_names = recognizer.class_names
    if strangers := [word for word in keep if word not in class_names]:
        raise EarshotError(
            f"{some(strangers)} cannot be kept: the recognizer's words are {some(class_names)}."
        )
    if forgotten := [word for word in keep if class_names.index(word) not in memory.labels]:
        raise EarshotError(
            f"{', '.join(forgotten)} cannot be kept, since no clip is remembered: choose "
            "models/base or what learn_words made of it, its own layer, and no fine-tuning."
        )


def _tuned(trunk, words, front_end, seed):
    """Train a copy of the trunk on the new words."""
    if isinstance(trunk, LightTrunk):
        raise EarshotError('Fine-tuning needs TensorFlow: pip install "earshot[train]".')
    import keras
    from keras import layers

    from earshot.networks.training import TrainingConfig, fit

    copy = keras.models.clone_model(trunk)
    copy.set_weights(trunk.get_weights())
    for layer in copy.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False  # a few clips say nothing about means and variances
    plain, n_words = run_trunk(copy, front_end(words.waveforms)), len(words.class_names)
    model = with_head(copy, *fit_last_layer("prototypes", plain, words.labels, n_words, seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EarshotWarning)  # few clips are what this is for
        config = TrainingConfig(30, 16, learning_rate=3e-4, seed=seed, augment=VARIATION)
        fit(model, words, front_end, config, progress=False)
    return copy
