"""Training of voices, and of new speakers for them.

>>> to_timing(np.array([1, 3]), np.full(4, 300.0)).round(2).tolist()[0]
[0.0, 1.0]
"""

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from earshot.datasets.word_set import DIGITS
from earshot.errors import EarshotError, some
from earshot.networks.batches import Batches
from earshot.networks.training import TrainingConfig, compile_and_fit
from earshot.networks.voice_builders import phoneme_voice
from earshot.synthesis.inverter import Inverter
from earshot.synthesis.utterances import PITCH_HZ, Utterance, frame_details
from earshot.synthesis.voice import STRESS, Voice, filled, rows_of, spread, to_unit
from earshot.types import Array

__all__ = ["UtteranceBatches", "add_speaker", "to_timing", "train_voice"]

VOICE = TrainingConfig(epochs=30, batch_size=32, learning_rate=2e-3, weight_decay=1e-3)
"""What :func:`train_voice` does by default."""
EPOCHS = 10  # A speaker is added in so many: what a progress bar shows.
REHEARSED = 16  # Words that each of the others says meanwhile; no phrases, which are long.
SMALL_BATCH = 16  # Utterances in a batch meanwhile.
WEIGHTS = {"timing": 0.3, "spectrogram": 1.0}  # How much each loss counts.


def to_timing(durations: Array, pitch_hz: Array) -> Array:
    """Give what a network learns of each sound: (sounds, 2), logarithm of its frames, octaves."""
    owner = np.repeat(np.arange(len(durations)), durations)
    octaves = np.bincount(owner, np.log2(pitch_hz / PITCH_HZ)) / durations
    return np.stack([np.log(durations), octaves], axis=-1).astype(np.float32)


class UtteranceBatches(Batches):
    """Batches of utterances, drawn by chance: each speaker as often as ``shares`` says, else 1."""

    def __init__(
        self, utterances: Sequence[Utterance], voice: Voice, *, n_batches: int = 100,
        batch_size: int = 32, seed: int = 0, shares: Mapping[str, float] | None = None,
    ):  # fmt: skip
        super().__init__(n_batches, batch_size=batch_size, seed=seed)
        if not utterances:
            raise EarshotError("There is nothing to learn to speak from: give some utterances.")
        clips = collections.Counter(one.speaker for one in utterances)
        share = {name: (shares or {}).get(name, 1.0) / n for name, n in clips.items()}
        chances = np.array([share[one.speaker] for one in utterances])
        self.chances = chances / chances.sum()
        self.rows = [_arrays(one, voice) for one in utterances]
        self.n_sounds = max(len(one.symbols) for one in utterances)
        self.n_frames = max(len(one.spectrogram) for one in utterances)

    def __getitem__(self, index):
        chosen = self.rng(index).choice(len(self.rows), self.batch_size, p=self.chances)
        rows = [self.rows[i] for i in chosen]
        alignment = np.zeros((len(rows), self.n_frames, self.n_sounds), np.float32)
        for matrix, row in zip(alignment, rows, strict=True):
            spread(row["durations"], matrix)
        speaker = np.stack([row["speaker"] for row in rows])
        sizes = {"symbols": self.n_sounds, "timing": self.n_sounds, "frames": self.n_frames,
                 "spectrogram": self.n_frames}  # fmt: skip
        whole = {name: filled([row[name] for row in rows], n) for name, n in sizes.items()}
        truth = {name: whole.pop(name) for name in WEIGHTS}
        return {**whole, "speaker": speaker, "alignment": alignment}, truth


def _arrays(one, voice):
    return {
        "durations": one.durations,
        "symbols": rows_of(one.symbols, voice.symbols),
        "speaker": voice.weights(one.speaker),
        "frames": frame_details(one.durations, one.pitch_hz, voice.front_end),
        "timing": to_timing(one.durations, one.pitch_hz),
        "spectrogram": to_unit(one.spectrogram, voice.front_end),
    }


def _share(truth):
    """Tell which part of a batch is filled: rows of zeros are not."""
    there = ops.any(ops.not_equal(truth, 0), axis=-1)
    return ops.mean(ops.cast(there, "float32")) + 1e-6


def _timing_loss(truth, guess):
    return ops.mean(ops.square(truth - guess)) / _share(truth)


def _spectrogram_loss(truth, guess):
    return ops.mean(ops.abs(truth - guess)) / _share(truth)


LOSSES = {"timing": _timing_loss, "spectrogram": _spectrogram_loss}


def train_voice(
    utterances: Sequence[Utterance], inverter: Inverter, config: TrainingConfig = VOICE, *,
    texts: Sequence[str] = DIGITS, steps_per_epoch: int = 100,
    shares: Mapping[str, float] | None = None, **options: Any,
) -> Voice:  # fmt: skip
    """Train a network to speak as these speakers do, to be heard through the inverter.

    Losses: the absolute difference of spectrograms, given the true lengths and pitches; and the
    squared difference of lengths and pitches. ``texts``: words that were said, which the voice
    keeps (see :class:`Voice`); ``shares``: how often each speaker is heard, 1 by default;
    ``options`` are for :func:`earshot.networks.phoneme_voice`. No test speaker, and no word that
    counts as new, may be among the utterances.
    """
    symbols = sorted({name.lstrip(STRESS) for one in utterances for name in one.symbols})
    speakers = list(dict.fromkeys(one.speaker for one in utterances))
    keras.utils.set_random_seed(config.seed)
    n_mels = inverter.front_end.n_mels
    model = phoneme_voice(len(symbols) + len(STRESS), len(speakers), n_mels, **options)
    voice = Voice(model, symbols, speakers, inverter, texts)
    batches = UtteranceBatches(
        utterances, voice, n_batches=steps_per_epoch, batch_size=config.batch_size,
        seed=config.seed, shares=shares,
    )  # fmt: skip
    _fit(model, batches, config)
    return voice


def _fit(model, batches, config):
    trained = keras.Model(model.input, model.output)  # so that the network itself stays uncompiled
    return compile_and_fit(
        trained, batches, LOSSES, config, loss_weights=WEIGHTS, clipnorm=1.0,
        title="learning to speak",
    )  # fmt: skip


def add_speaker(
    voice: Voice, utterances: Sequence[Utterance], *, steps: int = 400,
    learning_rate: float = 1e-3, seed: int = 0,
) -> Voice:  # fmt: skip
    """Teach a voice to speak as one more person does, and give it as a new voice.

    ``utterances`` are that person's, as :func:`~earshot.synthesis.utterances.from_recordings` gives
    them; of a name that the voice has already, they are learned as well. While it learns them, it
    rehearses: half of each batch is its own, of words that it knows, so that none is forgotten.
    Takes about two minutes on two cores.
    """
    names = list(dict.fromkeys(one.speaker for one in utterances))
    if len(names) != 1:
        raise EarshotError(f"Add one speaker at a time, not {len(names)}: {some(names) or 'none'}.")
    sounds = {one.lstrip(STRESS) for said in utterances for one in said.symbols}
    if strange := sorted(sounds.difference(voice.symbols)):
        problem = f"The voice does not know the sounds {some(strange)}"
        raise EarshotError(f"{problem}: train one on words that have them.")
    others = [name for name in voice.speakers if name != names[0]]
    taught = _with_speaker(voice, names[0])
    own = _rehearsed(voice, others, np.random.default_rng(seed))
    shares = {names[0]: 1.0, **dict.fromkeys(others, 1 / max(1, len(others)))}
    config = dataclasses.replace(VOICE, epochs=EPOCHS, learning_rate=learning_rate, seed=seed)
    batches = UtteranceBatches(
        [*utterances, *own], taught, n_batches=-(-steps // EPOCHS), batch_size=SMALL_BATCH,
        seed=seed, shares=shares,
    )  # fmt: skip
    keras.utils.set_random_seed(seed)
    _fit(taught.model, batches, config)
    return taught


def _with_speaker(voice, name):
    """Copy a voice; a speaker that is new to it begins as the mean of the others."""
    config, speakers = voice.model.get_config(), voice.speakers
    if name not in speakers:
        speakers = (*speakers, name)
        layers, shape = {one["name"]: one for one in config["layers"]}, (None, len(speakers))
        layers["speaker"]["config"]["batch_shape"] = shape
        layers["speaker_embedding"]["build_config"] = {"input_shape": shape}
    model = keras.Model.from_config(config)
    for old, new in zip(voice.model.layers, model.layers, strict=True):
        weights = old.get_weights()
        if old.name == "speaker_embedding" and len(speakers) > len(voice.speakers):
            weights = [np.vstack([weights[0], weights[0].mean(axis=0)])]
        new.set_weights(weights)
    return Voice(model, voice.symbols, speakers, voice.inverter, voice.texts, voice.card)


def _rehearsed(voice, speakers, rng):
    """Let a voice say some of its words as each of these speakers."""
    texts = [text for text in voice.texts if " " not in text] or DIGITS
    return [
        one
        for name in speakers
        for one in voice.utterances(rng.choice(texts, REHEARSED).tolist(), name)
    ]
