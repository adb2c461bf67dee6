"""The base: a network that tells many words apart, so that its features serve for new ones.

    python benchmarks/base.py                                        # measure the committed one
    KERAS_BACKEND=jax python benchmarks/base.py --save models/base   # train it anew

It is trained on the Free Spoken Digit Dataset (recordings 5 to 49) and on what synthetic voices
say: the words below, and as many that mean nothing, so that all sorts of sounds follow each other.
"""

import argparse

import keras
import numpy as np
from keras import layers
from report import ROOT, header, spoken_digit, table

from earshot import datasets, models, recognizer, training
from earshot.augmentation import Augmentation, coloured_noise
from earshot.datasets import WordSet
from earshot.layers import WordPooling
from earshot.recognizer import Memory, Recognizer, model_card
from earshot.spectrogram import LogMel

EPOCHS = 12
VOICES = 16
NOISE = "(noise)"
WORD_CLIPS, DIGIT_CLIPS, NOISE_CLIPS = 8, 60, 160
WORDS = """
yes, no, up, down, left, right, on, off, stop, go, start, wait, begin, finish, pause, play, open,
close, enter, leave, forward, backward, follow, learn, listen, speak, louder, softer, faster,
slower, higher, lower, bigger, smaller, next, previous, first, second, third, last, more, again,
never, always, maybe, sometimes, today, tomorrow, yesterday, morning, summer, winter, autumn,
monday, tuesday, wednesday, thursday, saturday, january, february, april, august, october,
december, minute, hour, week, red, green, blue, yellow, orange, purple, black, white, brown,
silver, house, garden, kitchen, window, table, chair, floor, bedroom, bathroom, ceiling, mirror,
lights, music, radio, television, computer, camera, telephone, battery, engine, rocket, robot,
hammer, mother, father, brother, sister, uncle, daughter, baby, doctor, teacher, student, farmer,
soldier, captain, president, king, princess, wizard, monster, ghost, pirate, zombie, apple, banana,
cherry, lemon, potato, tomato, onion, carrot, cabbage, cheese, bread, sugar, pepper, coffee, water,
juice, chocolate, biscuit, chicken, sausage, breakfast, dinner, horse, monkey, tiger, lion,
elephant, rabbit, spider, butterfly, penguin, giraffe, dolphin, crocodile, mouse, snake, sheep,
turtle, eagle, camel, river, mountain, forest, ocean, island, desert, valley, village, city,
country, street, bridge, station, airport, hospital, library, museum, church, castle, market, sun,
moon, star, planet, earth, fire, ice, thunder, lightning, rainbow, cloud, storm, shadow, heart,
hand, finger, shoulder, stomach, elbow, mouth, nose, happy, angry, hungry, thirsty, beautiful,
terrible, dangerous, simple, difficult, expensive, paper, pencil, letter, picture, question,
answer, problem, secret, jump, swim, climb, dance, whistle, laugh, remember, believe, discover,
alexander, barbara, charlotte, dominic, elizabeth, frederick, gabriel, isabella, jonathan,
margaret, olivia, patricia, sebastian, victoria, william, marvin, sheila, visual, bravo, charlie,
delta, foxtrot, golf, hotel, india, juliet, kilo, november, quebec, romeo, sierra, tango, uniform,
victor, whiskey, yankee, zulu, turn it on, turn it off, lights out, volume up, volume down, thank
you, open the door, come here, go away, hello there, well done, wake up, shut down, what time is it
"""
CONSONANTS = "b d f g h k l m n p r s t v w y z sh ch th br dr fl gr kl pl sk sp st tr"
VOWELS = "a e i o u ee oo ay oy ow ar er or"
ENDINGS = ("", "", "", "n", "s", "t", "k", "l", "m", "x", "nd", "st")


def meaningless_words(n, seed=0):
    """Make up words of one to three syllables."""
    rng = np.random.default_rng(seed)
    consonants, vowels, words = CONSONANTS.split(), VOWELS.split(), set()
    while len(words) < n:
        syllables = [
            str(rng.choice(consonants)) + str(rng.choice(vowels))
            for _ in range(rng.choice([1, 2, 2, 3]))
        ]
        words.add("".join(syllables) + str(rng.choice(ENDINGS)))
    return sorted(words)


def vocabulary():
    """All words that the synthetic voices say, besides the digits."""
    real = [word.strip() for word in WORDS.replace("\n", " ").split(",")]
    return real + meaningless_words(len(real))


def spoken(words, n_voices, seed):
    """Let other voices say every dozen of the words, so that there are many voices in all."""
    words = list(words)
    parts = [
        datasets.synthetic(words[i : i + 12], n_voices=n_voices, n_takes=1, seed=seed + i)
        for i in range(0, len(words), 12)
    ]
    labels = [12 * i + part.labels for i, part in enumerate(parts)]
    return WordSet(
        [x for part in parts for x in part.waveforms], np.concatenate(labels), words,
        np.concatenate([part.speakers for part in parts]),
        np.concatenate([part.sources for part in parts]), 8000, parts[0].about,
    )  # fmt: skip


def build(n_words):
    """The temporal CNN with an answer that is a cosine: how near a clip is to each word.

    Features of length one, each centred over the batch (Luo and others 2019, "Bag of tricks and a
    strong baseline for deep person re-identification"), bring all voices of a word together.
    """
    front_end = LogMel()
    trunk = models.temporal_cnn(front_end.picture_shape, n_words, scale=front_end.top_db)
    x = trunk.get_layer("features").output
    x = layers.BatchNormalization(momentum=0.9, center=False, scale=False)(x)
    x = layers.UnitNormalization()(x)
    x = layers.Dense(n_words, use_bias=False, kernel_constraint="unit_norm", name="cosines")(x)
    return keras.Model(trunk.input, layers.Rescaling(16.0, name="logits")(x), name="base")


def noises(n, seed=0):
    """What is no word: hisses and rumbles, steady or in gusts, hums, and clicks; a word set."""
    rng = np.random.default_rng(seed)
    clips = coloured_noise(n, 8000, rng)
    time = np.arange(8000) / 8000
    for i, x in enumerate(clips):
        kind = i % 4
        if kind == 1:  # gusts
            x *= np.exp(np.interp(time, np.linspace(0, 1, 12), rng.normal(0, 1.5, 12)))
        elif kind == 2:  # hums, sirens
            pitch_hz = rng.uniform(50, 900) * np.exp(rng.normal(0, 0.3) * time)
            phase = 2 * np.pi * np.cumsum(pitch_hz) / 8000
            x *= rng.uniform(0.02, 0.3)
            x += sum(rng.uniform(0, 1) * np.sin(k * phase) / k for k in range(1, 8))
        elif kind == 3:  # clicks
            x *= 0.01
            for start in rng.integers(0, 7000, rng.integers(1, 6)):
                length = int(rng.integers(20, 900))
                x[start : start + length] += rng.standard_normal(length) * np.exp(
                    -5 * np.arange(length) / length
                )
        x /= np.abs(x).max()
    zeros = np.zeros(n, np.int64)
    return WordSet(
        list(clips), zeros, (NOISE,), ["noise"] * n, ["noise"] * n, 8000, "made-up noise"
    )


def training_set():
    """Digits of people, all words of synthetic voices, noises; digits of people come first."""
    train, _ = spoken_digit().official_split()
    return (
        train.joined(spoken(datasets.DIGITS, 60, seed=1000))
        .joined(spoken(vocabulary(), VOICES, seed=1))
        .joined(noises(200))
    )


def finished(model, train, front_end, *, size=128, shrink=0.1, seed=0):
    """Put a last part that knows how voices differ, and keep features of every word.

    What the network says of the beginning, the end and the changes of a word is brought to the
    directions in which words differ most while their clips differ least (linear discriminant
    analysis: Fisher 1936, Rao 1948); each word is then the mean of its clips.

    Returns
    -------
    keras.Model, Memory
        In each half of the memory's rows are other words (digits and noises are in both), so that
        a threshold can be set on words to which nothing was fitted.
    """
    rng = np.random.default_rng(seed)
    source = keras.Model(model.input, model.get_layer("features").input)
    bare = keras.models.clone_model(source)  # without the state of its training
    bare.set_weights(source.get_weights())
    trunk = keras.Model(bare.input, WordPooling(name="pooled")(bare.output))
    x = []
    for k in range(0, len(train), 256):
        clips = train.waveforms[k : k + 256]
        pictures = front_end(clips)
        pictures[1::2] = Augmentation()(clips, front_end, rng)[1::2]
        x.append(trunk.predict_on_batch(pictures))
    x = np.concatenate(x).astype(np.float64)
    middle, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    x = (x - middle) / scale
    means = np.stack([x[train.labels == n].mean(axis=0) for n in range(len(train.words))])
    spread = np.cov((x - means[train.labels]).T)
    spread = (1 - shrink) * spread + shrink * np.trace(spread) / len(spread) * np.eye(len(spread))
    values, vectors = np.linalg.eigh(spread)
    kernel = vectors / np.sqrt(values)
    centre = means.mean(axis=0)
    kernel = kernel @ np.linalg.svd((means - centre) @ kernel, full_matrices=False)[2][:size].T
    x = (x - centre) @ kernel
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    discriminants = layers.Dense(size, name="discriminants")
    y = layers.UnitNormalization(name="embedding")(discriminants(trunk.output))
    kernel /= scale[:, None]
    discriminants.set_weights([kernel, -(middle + centre * scale) @ kernel])
    words = layers.Dense(len(train.words), use_bias=False, name="logits")
    network = keras.Model(trunk.input, words(y), name="base")
    means = np.stack([x[train.labels == n].mean(axis=0) for n in range(len(train.words))])
    words.set_weights([16 * (means / np.linalg.norm(means, axis=1, keepdims=True)).T])
    order = memorable(train, rng)
    return network, Memory(x[order].astype(np.float16), train.labels[order], "embedding")


def memorable(train, rng):
    """Which clips are remembered: some of every word, more of digits, and those of people first."""
    chosen = []
    for label, word in enumerate(train.words):
        n = DIGIT_CLIPS if word in datasets.DIGITS else NOISE_CLIPS if word == NOISE else WORD_CLIPS
        clips = np.flatnonzero(train.labels == label)
        chosen.append(rng.permutation(clips[: max(n, 225)])[:n])
    many = [clips for clips in chosen if len(clips) > WORD_CLIPS]
    few = [clips for clips in chosen if len(clips) <= WORD_CLIPS]
    return np.concatenate(
        [*(c[::2] for c in many), *few[::2], *few[1::2], *(c[1::2] for c in many)]
    )


def figures(model, words):
    """Accuracy on digits of the official test, and on words in voices that were not trained on."""
    _, digits = spoken_digit().official_split()
    voices = spoken(vocabulary(), 2, seed=50_000)
    cases = {
        "digits, official split, among all its words": digits,
        "all its words, synthetic voices that it never heard": voices,
    }
    found = {}
    for name, case in cases.items():
        labels = np.array([words.index(word) for word in case.words])[case.labels]
        renamed = WordSet(case.waveforms, labels, words, case.speakers, case.sources, 8000)
        found[name] = training.accuracy(model, renamed, LogMel())
    return found


def train(folder):
    """Train the base, and keep it with what it remembers."""
    train, front_end = training_set(), LogMel()
    print(train, flush=True)
    keras.utils.set_random_seed(0)
    model = build(len(train.words))
    training.fit(
        model, train, front_end, augment=Augmentation(), epochs=EPOCHS, batch_size=128,
        checkpoint=ROOT / "reports" / "base", progress="base",
    )  # fmt: skip
    network, memory = finished(model, train, front_end)
    card = model_card(
        train, split="digits: recordings 0 to 4 of every speaker were kept for the test",
        figures=figures(network, train.words), epochs=EPOCHS,
        made_of=f"spoken digits of five people; {len(train.words) - 1} words of synthetic voices, "
        f"half of them meaningless; {train.counts()[NOISE]} made-up noises",
        made_by="KERAS_BACKEND=jax python benchmarks/base.py --save models/base",
    )  # fmt: skip
    Recognizer(network, front_end, train.words, card, memory=memory).save(folder)


def main():
    """Measure, or train."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--save", help="folder for a base that is trained anew")
    options = parser.parse_args()
    if options.save:
        train(options.save)
    base = recognizer.load(options.save or ROOT / "models" / "base")
    header("python benchmarks/base.py")
    rows = [[name, f"{100 * share:.1f}"] for name, share in figures(base.model, base.words).items()]
    table(["the base recognises, %", ""], rows)


if __name__ == "__main__":
    main()
