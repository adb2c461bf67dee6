"""Make models/base: a network that tells many words apart, so that its features serve for new ones.

    python recipes/base.py [--into models/base] [--begin-with FOLDER] [--only-streams]

Reads the Free Spoken Digit Dataset, recordings 5 to 49 (data/spoken_digit.npz, else the archive in
EARSHOT_DOWNLOADS, else the internet), and needs flite ("apt install flite",
https://github.com/festvox/flite). Trains on these recordings, on what synthetic voices say, and on
made-up noises: on two cores an hour for clips alone (an interrupted training goes on from
reports/base; --begin-with takes a base that was trained so), then another hour for words among
others, in noise and in rooms. With --only-streams, the base that is there remembers anew what it
says along an hour of speech. Writes network.keras, memory.npz, recognizer.json and card.json into
the folder.

The synthetic voices, those of eSpeak NG and of flite, say the words of made_up.py, phrases with
them, and words that mean nothing, three of which differ in a sound or two each time.
"""

import argparse
import dataclasses
import os
import shutil
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers
from made_up import (
    NOISE,
    RATE,
    SPEECH,
    espeak_says,
    flite_says,
    meaningless_words,
    nameless,
    neighbours,
    noises,
    phrases,
    real_words,
    running_speech,
    sentences,
    stretches,
)  # fmt: skip

import earshot
from earshot import datasets, networks, recognition
from earshot.datasets.context import InContext, parts_of_words
from earshot.networks.layers import WordPooling
from earshot.recognition import spotter

ROOT = Path(__file__).resolve().parents[1]
CONFIG = networks.TrainingConfig(epochs=36, batch_size=128, augment=earshot.Augmentation())
WORD_CLIPS, DIGIT_CLIPS, OTHER_CLIPS = 2, 60, 300


def spoken_digit():
    """The real data set; synthetic speech does not do for it."""
    return earshot.spoken_digit(ROOT / "data", fallback=False)


def training_set():
    """Digits of people, all words of synthetic voices, noises; digits of people come first."""
    if shutil.which("flite") is None:
        raise SystemExit("Training the base needs flite: apt install flite")
    train, _ = spoken_digit().official_split()
    real = real_words()
    for part in (
        espeak_says(datasets.DIGITS, 60, seed=1000), flite_says(datasets.DIGITS, 4, seed=3),
        espeak_says(real, 12, seed=1), flite_says(real, 2, seed=1),
        espeak_says(phrases(real), 10, seed=20_000), flite_says(phrases(real), 1, seed=2),
        espeak_says(meaningless_words(150), 12, seed=40_000), noises(600),
    ):  # fmt: skip
        train = train.joined(part)
    return train


def unseen_words(train):
    """Words and phrases that are not trained on, for the threshold of "unknown"; a word set."""
    words = [*phrases(real_words(), seed=8), *meaningless_words(250, seed=4)]
    words = [word for word in words if word not in train.class_names]
    return espeak_says(words, WORD_CLIPS, seed=60_000)


def build(n_words):
    """The temporal CNN, which looks at the parts of a word, with an answer that is a cosine.

    Features of length one, each centred over the batch (Luo and others 2019, "Bag of tricks and a
    strong baseline for deep person re-identification"), bring all voices of a word together.
    """
    front_end = earshot.LogMel()
    trunk = networks.temporal_cnn(
        front_end.output_shape, n_words, width=160, last_stride=1, scale=front_end.top_db
    )
    x = WordPooling(name="pooled")(trunk.get_layer("features").input)
    x = layers.Dropout(0.15)(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Dense(128, use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9, center=False, scale=False)(x)
    x = layers.UnitNormalization()(x)
    x = layers.Dense(n_words, use_bias=False, kernel_constraint="unit_norm", name="cosines")(x)
    return keras.Model(trunk.input, layers.Rescaling(16.0, name="logits")(x), name="base")


def of_clips(train, front_end):
    """Train on clips alone, varied: about an hour; an interrupted training goes on."""
    keras.utils.set_random_seed(0)
    model = build(len(train.class_names))
    networks.fit(
        model, train, front_end, CONFIG, checkpoint=ROOT / "reports" / "base", progress="base"
    )
    embed, x = embedding(model, train, front_end, earshot.Augmentation())
    return with_words(embed, unit_means(x, train.labels, len(train.class_names)))


def discriminants(x, labels, *, size=360, shrink=0.3):
    """Find the directions in which words differ most while their clips differ least.

    Linear discriminant analysis: Fisher (1936), Rao (1948). From features, shape (n, n_features),
    to kernel and bias of a layer that gives ``size`` of them.
    """
    x = x.astype(np.float64)
    middle, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    x = (x - middle) / scale
    means = np.stack([x[labels == n].mean(axis=0) for n in range(labels.max() + 1)])
    spread = np.cov((x - means[labels]).T)
    spread = (1 - shrink) * spread + shrink * np.trace(spread) / len(spread) * np.eye(len(spread))
    values, vectors = np.linalg.eigh(spread)
    kernel = vectors / np.sqrt(values)
    centre = means.mean(axis=0)
    kernel = kernel @ np.linalg.svd((means - centre) @ kernel, full_matrices=False)[2][:size].T
    kernel /= scale[:, None]
    return kernel, -(middle + centre * scale) @ kernel


@dataclasses.dataclass(frozen=True, kw_only=True)
class PartlyInContext(InContext):
    """Some of the clips as :class:`InContext` varies them, the others alone."""

    alone: float = 0.0
    context: float = 0.4
    late: float = 0.35
    noise: float = 0.7
    running: float = 0.0

    def __call__(self, clips, front_end, rng):
        n, alone = round(self.alone * len(clips)), earshot.Augmentation()
        parts = [
            vary(x, front_end, rng)
            for vary, x in ((alone, clips[:n]), (super().__call__, clips[n:]))
            if len(x)
        ]
        return np.concatenate(parts)


def in_context(network, train, front_end):
    """Train on, in two rounds: words among others, in noise and in rooms; give the network's trunk.

    After each round the weights are a mean of what they were and what they became (Wortsman and
    others 2022, "Robust fine-tuning of zero-shot models"): what was known of clips alone is kept.
    """
    speech, rng = sentences(40, seed=1), np.random.default_rng(5)
    train = train.joined(stretches(speech, 2500, seed=6))
    train = train.joined(nameless(parts_of_words(train, 1500, rng), SPEECH, "parts of words"))
    more = train.joined(espeak_says(neighbours(150), 12, seed=80_000))
    for n, words, epochs, learning_rate, alone, share in (
        (1, train, 4, 8e-4, 0.0, 0.5), (2, more, 10, 7e-4, 0.3, 0.3),
    ):  # fmt: skip
        augment = PartlyInContext(others=tuple(speech), alone=alone)
        config = networks.TrainingConfig(
            epochs, 128, learning_rate=learning_rate, label_smoothing=0.0, augment=augment
        )
        model = for_words(network, len(words.class_names))
        before = model.get_weights()
        networks.fit(model, words, front_end, config, progress=f"in context, round {n}")
        weights = zip(before, model.get_weights(), strict=True)
        model.set_weights([(1 - share) * x + share * y for x, y in weights])
        network = model
    return network


def for_words(network, n_words):
    """Give a network that answers by cosines in a form to train, with more words at its end."""
    x = layers.Dropout(0.15, name="part")(network.get_layer("pooled").output)
    known_layer = network.get_layer("discriminants")
    x = layers.Dense(known_layer.units, name="discriminants")(x)
    x = layers.UnitNormalization(name="unit")(x)
    x = layers.Dense(n_words, use_bias=False, kernel_constraint="unit_norm", name="logits")(x)
    model = keras.Model(network.input, layers.Rescaling(16.0, name="answers")(x), name="in_context")
    model.get_layer("discriminants").set_weights(known_layer.get_weights())
    kernel, known = (m.get_layer("logits").get_weights()[0] for m in (model, network))
    kernel[:, : known.shape[1]] = known
    model.get_layer("logits").set_weights([kernel / np.linalg.norm(kernel, axis=0)])
    return model


def unit_means(x, labels, n):
    """Give the mean of each word's features, each of length one."""
    means = np.stack([x[labels == label].mean(axis=0) for label in range(n)])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def embedding(model, train, front_end, augment, *, seed=0):
    """Put a last part that knows how voices differ on what a network says of the parts of a word.

    Returns
    -------
    keras.Model of its :func:`discriminants`, and what they are for each clip, rows of length one
    """
    source = keras.Model(model.input, model.get_layer("pooled").output)
    trunk = keras.models.clone_model(source)  # without the state of its training
    trunk.set_weights(source.get_weights())
    x = _through(trunk, train, front_end, augment, np.random.default_rng(seed))
    kernel, bias = discriminants(x, train.labels)
    dense = layers.Dense(kernel.shape[1], name="discriminants")
    y = layers.UnitNormalization(name="embedding")(dense(trunk.output))
    dense.set_weights([kernel, bias])
    x = x @ kernel + bias
    return keras.Model(trunk.input, y), x / np.linalg.norm(x, axis=1, keepdims=True)


def with_words(trunk, means):
    """Put the answer on top: how near each word's mean is."""
    words = layers.Dense(len(means), use_bias=False, name="logits")
    network = keras.Model(trunk.input, words(trunk.output), name="base")
    words.set_weights([16 * means.T])
    return network


def _through(trunk, words, front_end, augment, rng):
    """What a network gives for the clips of a word set; every second clip is augmented."""
    rows = []
    for k in range(0, len(words), 256):
        clips = words.waveforms[k : k + 256]
        spectrograms = front_end(clips)
        spectrograms[1::2] = augment(clips[1::2], front_end, rng)
        rows.append(trunk.predict_on_batch(spectrograms))
    return np.concatenate(rows)


def memory_of(embed, x, train, known, unseen, front_end, seed=0):
    """Remember some clips of every word, more of digits by people; and what is none of the words.

    Held out are words that the network was not trained on, other noises, and running speech. Words
    that are not ``known`` are in the memory as if they had been known once.
    """
    rng, people = np.random.default_rng(seed), np.isin(train.speakers, spoken_digit().speakers)
    n_clips = {**dict.fromkeys(datasets.DIGITS, DIGIT_CLIPS), NOISE: OTHER_CLIPS}
    chosen = np.concatenate([
        rng.permutation(np.flatnonzero(
            (train.labels == label) & (people if word in datasets.DIGITS else True)
        ))[: n_clips.get(word, WORD_CLIPS)]
        for label, word in enumerate(train.class_names)
    ])  # fmt: skip
    synthetic = train.subset(~people & (train.labels != train.class_names.index(NOISE)))
    rows, labels = [x[chosen]], [train.labels[chosen]]
    for words in (running_speech(synthetic, OTHER_CLIPS), running_speech(unseen, OTHER_CLIPS),
                  unseen, noises(OTHER_CLIPS, seed=1)):  # fmt: skip
        rows.append(_through(embed, words, front_end, earshot.Augmentation(), rng))
        labels.append(np.full(len(words), -1))
    labels = np.concatenate(labels)
    held_out = np.arange(len(labels)) >= len(chosen) + OTHER_CLIPS
    dropped = tuple(word for word in train.class_names if word not in known)
    places = {**{word: i for i, word in enumerate(known)},
              **{word: -2 - i for i, word in enumerate(dropped)}}  # fmt: skip
    named = np.array([places[word] for word in train.class_names])
    labels[labels >= 0] = named[labels[labels >= 0]]
    return recognition.Memory(
        np.concatenate(rows).astype(np.float16), labels, held_out, "embedding", dropped
    )


def with_streams(recognizer, minutes=60, seed=2):
    """Let a recognizer remember what it says along an hour of speech, most of it in noise.

    None of the words is in it, but by chance; every second window is kept.
    """
    speech, rng = sentences(minutes, seed), np.random.default_rng(seed)
    x, n, noises = np.concatenate(speech), 10 * RATE, InContext(others=tuple(speech)).noises
    for start in range(0, len(x) - n, n):
        part = x[start : start + n]
        if rng.random() < 0.6:
            noise = np.concatenate(list(noises(10, RATE, rng)))
            part += noise * np.sqrt(np.mean(part**2)) * 10 ** (-rng.uniform(0, 25) / 20)
    front_end, layer = recognizer.front_end, recognizer.model.get_layer("embedding")
    names = [f"feature {i}" for i in range(layer.output.shape[-1])]
    trunk = keras.Model(recognizer.model.input, layer.output)
    features = spotter.answers_along(
        recognition.Recognizer(trunk, front_end, names),
        spotter.powers_along(front_end, [(x, RATE)]),
    )
    rows = spotter.averaged(np.concatenate(list(features)))[::2]
    memory = dataclasses.replace(
        recognizer.memory, along=recognition.Memory.compressed(rows),
        along_hours=len(x) / RATE / 3600,
    )  # fmt: skip
    return recognition.Recognizer(
        recognizer.model, front_end, recognizer.class_names, recognizer.card, memory=memory
    )


def figures(model, words):
    """Accuracy on digits of the official test, and on its other words, said otherwise."""
    _, digits = spoken_digit().official_split()
    cases = {
        "digits, official split, among all its words": digits,
        "real words among all its words, other pitches and speeds of the voices": espeak_says(
            real_words(), 2, seed=50_000
        ),
    }
    found = {}
    for name, case in cases.items():
        labels = np.array([words.index(word) for word in case.class_names])[case.labels]
        renamed = dataclasses.replace(case, labels=labels, class_names=words)
        found[name] = networks.accuracy(model, renamed, earshot.LogMel())
    return found


def main():
    """Train the base, and keep it with what it remembers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--into", type=Path, default=ROOT / "models" / "base")
    parser.add_argument("--begin-with", type=Path, help="a base that was trained on clips before")
    parser.add_argument("--only-streams", action="store_true", help="of the base that is there")
    options = parser.parse_args()
    folder = options.into
    if options.only_streams:
        with_streams(earshot.load(folder)).save(folder, light=True)
        return
    train, front_end = training_set(), earshot.LogMel()
    unseen = unseen_words(train)
    print(train, unseen, sep="\n", flush=True)
    if options.begin_with:
        network = earshot.load(options.begin_with).model
    else:
        network = of_clips(train, front_end)
    trunk = in_context(network, train, front_end)
    augment = PartlyInContext(
        others=tuple(sentences(10, seed=1)), context=0.25, late=0.3, noise=0.6
    )
    embed, x = embedding(trunk, train, front_end, augment)
    means = unit_means(x, train.labels, len(train.class_names))
    meaningless = {*meaningless_words(150)} - {*real_words()}  # to tell words by, no answers
    known = [word for word in train.class_names if word not in meaningless]
    network = with_words(embed, means[[word in known for word in train.class_names]])
    memory = memory_of(embed, x, train, known, unseen, front_end)
    card = recognition.model_card(
        train, split="digits: recordings 0 to 4 of every speaker were kept for the test",
        figures=figures(network, known), epochs=CONFIG.epochs,
        made_of=f"spoken digits of five people; {len(known) - 11} words and phrases of synthetic "
        f"voices, and {len(meaningless)} words that mean nothing; {train.counts()[NOISE]} made-up "
        "noises; all of it alone, then among other words and in noise",
        made_by="python recipes/base.py",
    )  # fmt: skip
    made = recognition.Recognizer(network, front_end, known, card, memory=memory)
    with_streams(made).save(folder, light=True)
    print(f"saved in {folder}: {card['figures']}")


if __name__ == "__main__":
    main()
