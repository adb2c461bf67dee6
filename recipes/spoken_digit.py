"""models/spoken_digit: ten digits and "unknown", alone and along streams.

    python recipes/spoken_digit.py [--into models/spoken_digit] [--begin-with FOLDER]

Reads the Free Spoken Digit Dataset (data/spoken_digit.npz, else the archive in EARSHOT_DOWNLOADS,
else the internet) and lets 150 voices of eSpeak NG say the digits. Trains one network on recordings
5 to 49 of every speaker and on the synthetic voices, first on clips alone (10 minutes on two cores,
or a recognizer that was trained so: --begin-with), then in context: among other digits, running
speech and noise, beside what is no digit (15 minutes). Writes network.keras, recognizer.json and
card.json into the folder.

How well networks of the first kind do on a speaker who was left out, benchmarks/accuracy.py says.
"""

import argparse
import dataclasses
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import made_up
import numpy as np

import earshot
from earshot import networks, recognition
from earshot.datasets.context import InContext, between_words, parts_of_words
from earshot.recognition import UNKNOWN

ROOT = Path(__file__).resolve().parents[1]
FRONT_END = earshot.LogMel()
CLIPS = networks.TrainingConfig(epochs=40, clean_epochs=6, augment=earshot.Augmentation())
IN_CONTEXT = networks.TrainingConfig(epochs=10, batch_size=128, learning_rate=1.5e-3)
EASIER = -1.0  # logits by which "unknown" is less likely: a digit in noise is more like one
N_UNKNOWN = 1200  # clips of each kind of what is no digit


def synthetic_voices():
    """Give the 150 voices that widen the training; none of the data set's speakers."""
    return earshot.synthetic(n_voices=150, n_takes=1, seed=1)


def in_a_row(digits, n, seed=9):
    """Digits of one speaker after the other, as neighbours of digits."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(n):
        speaker = digits.speakers[rng.integers(len(digits))]
        said = rng.choice(np.flatnonzero(digits.speakers == speaker), 5)
        pauses = [np.zeros(rng.integers(3000), np.float32) for _ in said]
        found.append(np.concatenate([x for i, pause in zip(said, pauses, strict=True)
                                     for x in (digits.waveforms[i], pause)]))  # fmt: skip
    return found


def unknown(digits, speech):
    """What is none of the digits: other words, parts of digits, pauses after them, noises."""
    rng, words = np.random.default_rng(5), made_up.real_words()
    words = words[:: len(words) // 120]
    clips = [
        *parts_of_words(digits, N_UNKNOWN, rng), *between_words(digits, N_UNKNOWN, rng),
        *made_up.stretches(speech, N_UNKNOWN, seed=6).waveforms,
        *made_up.noises(N_UNKNOWN // 2, seed=7).waveforms,
        *made_up.espeak_says([x for x in words if x not in digits.class_names], 8, 8).waveforms,
    ]  # fmt: skip
    n = len(clips)
    return earshot.WordSet(
        clips, np.zeros(n, int), (UNKNOWN,), ["-"] * n, [f"{UNKNOWN} {i}" for i in range(n)],
        made_up.RATE, "synthetic speech and made-up noises",
    )  # fmt: skip


def network(n_words=10):
    """Give the temporal CNN with fresh weights."""
    return networks.temporal_cnn(FRONT_END.output_shape, n_words, scale=FRONT_END.top_db)


def of_clips(train):
    """Train on clips alone, varied, and at the end as they are."""
    keras.utils.set_random_seed(0)
    model = network()
    networks.fit(model, train, FRONT_END, CLIPS, progress="spoken digits")
    return model


def main():
    """Train on the official split, and keep the network as a recognizer."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--into", type=Path, default=ROOT / "models" / "spoken_digit")
    parser.add_argument("--begin-with", type=Path, help="a recognizer trained on the clips before")
    options = parser.parse_args()
    digits = earshot.spoken_digit(ROOT / "data", fallback=False)
    train, test = digits.official_split()
    train, speech = train.joined(synthetic_voices()), made_up.sentences(40, seed=1)
    clips = earshot.load(options.begin_with).model if options.begin_with else of_clips(train)
    augment = InContext(others=(*speech, *in_a_row(train, len(speech))))
    train = train.joined(unknown(train, speech))
    keras.utils.set_random_seed(0)
    model = network(len(train.class_names))
    for layer, trained in zip(model.layers[:-1], clips.layers[:-1], strict=True):
        layer.set_weights(trained.get_weights())
    config = dataclasses.replace(IN_CONTEXT, augment=augment)
    networks.fit(model, train, FRONT_END, config, progress="digits in context")
    card = recognition.model_card(
        train, split="recordings 0 to 4 of every speaker and digit were kept for the test",
        figures={}, epochs=CLIPS.epochs + CLIPS.clean_epochs + config.epochs,
        made_by="python recipes/spoken_digit.py",
    )  # fmt: skip
    known = recognition.Recognizer(model, FRONT_END, train.class_names, card)
    known = recognition.shift_threshold(known, EASIER)
    known.model.class_names = known.class_names
    known.card["figures"] = {"official split": networks.accuracy(known.model, test, FRONT_END)}
    known.save(options.into, light=True)
    print(f"saved in {options.into}: {known.card['figures']}")


if __name__ == "__main__":
    main()
