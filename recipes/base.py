"""Make models/base: a network that tells many words apart, so that its features serve for new ones.

    python recipes/base.py [--into models/base] [--only-streams]

Reads the Free Spoken Digit Dataset, recordings 5 to 49 (data/spoken_digit.npz, else the archive in
EARSHOT_DOWNLOADS, else the internet), and needs flite ("apt install flite",
https://github.com/festvox/flite). Trains on these recordings, on what synthetic voices say, and on
made-up noises: about an hour on two cores; an interrupted training goes on from reports/base. With
--only-streams, the base that is there remembers anew what it says along an hour of speech.
Writes network.keras, memory.npz, recognizer.json and card.json into the folder.

The synthetic voices, those of eSpeak NG and of flite, say the words below, phrases with them, and
words that mean nothing, three of which differ in a sound or two each time.
"""

import argparse
import dataclasses
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

import earshot
from earshot import audio, datasets, networks, recognition
from earshot.datasets import espeak, voices
from earshot.datasets.augmentation import coloured_noise
from earshot.datasets.context import InContext
from earshot.networks.layers import WordPooling
from earshot.recognition import spotter

ROOT = Path(__file__).resolve().parents[1]
CONFIG = networks.TrainingConfig(epochs=36, batch_size=128, augment=earshot.Augmentation())
RATE = 8000
NOISE, SPEECH = "(noise)", "(speech)"
WORD_CLIPS, DIGIT_CLIPS, OTHER_CLIPS = 2, 60, 300
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
soldier, captain, president, king, princess, wizard, monster, ghost, pirate, zombie, apple,
banana, cherry, lemon, potato, tomato, onion, carrot, cabbage, cheese, bread, sugar, pepper,
coffee, water, juice, chocolate, biscuit, chicken, sausage, breakfast, dinner, horse, monkey,
tiger, lion, elephant, rabbit, spider, butterfly, penguin, giraffe, dolphin, crocodile, mouse,
snake, sheep, turtle, eagle, camel, river, mountain, forest, ocean, island, desert, valley,
village, city, country, street, bridge, station, airport, hospital, library, museum, church,
castle, market, sun, moon, star, planet, earth, fire, ice, thunder, lightning, rainbow, cloud,
storm, shadow, heart, hand, finger, shoulder, stomach, elbow, mouth, nose, happy, angry, hungry,
thirsty, beautiful, terrible, dangerous, simple, difficult, expensive, paper, pencil, letter,
picture, question, answer, problem, secret, jump, swim, climb, dance, whistle, laugh, remember,
believe, discover, alexander, barbara, charlotte, dominic, elizabeth, frederick, gabriel,
isabella, jonathan, margaret, olivia, patricia, sebastian, victoria, william, marvin, sheila,
visual, bravo, charlie, delta, foxtrot, golf, hotel, india, juliet, kilo, november, quebec, romeo,
sierra, tango, uniform, victor, whiskey, yankee, zulu, turn it on, turn it off, lights out, volume
up, volume down, thank you, open the door, come here, go away, hello there, well done, wake up,
shut down, what time is it, against, almost, animal, another, arrow, artist, attention, bacon,
balcony, balloon, bamboo, basement, bicycle, blanket, border, brilliant, bucket, button, cactus,
calendar, candle, canyon, carnival, centre, champion, circle, clever, coconut, collar, comedy,
concert, copper, corner, cotton, cousin, cricket, crystal, cushion, damage, diamond, donkey,
double, dragon, drawer, dusty, eleven, energy, engineer, envelope, evening, everything, example,
family, famous, fashion, festival, fiction, flower, fountain, freedom, frozen, future, gallery,
gentle, ginger, glasses, gorilla, guitar, handle, helmet, history, honey, hurricane, iguana,
insect, jacket, jelly, journey, jungle, kettle, kingdom, ladybird, language, laundry, leather,
legend, lizard, lobster, machine, magic, marble, meadow, medicine, melody, method, mineral,
mistake, moment, muscle, mushroom, mystery, napkin, narrow, nature, needle, nothing, object,
octopus, office, opera, oyster, package, panda, parrot, passport, peanut, people, perfect, piano,
pigeon, pocket, police, popcorn, possible, powder, present, promise, puzzle, rapid, raspberry,
record, rescue, ribbon, salad, sandwich, scissors, season, shower, silence, singer, skeleton,
sofa, spinach, squirrel, stadium, strawberry, sunset, supper, sweater, symbol, system, tablet,
teapot, temple, theatre, thousand, ticket, towel, traffic, treasure, triangle, trumpet, twenty,
universe, vacuum, vanilla, vegetable, vinegar, volcano, waffle, walnut, weather, wedding, whisper,
wooden, yoghurt, zebra
"""
CONSONANTS = "b d f g h k l m n p r s t v w y z sh ch th br dr fl gr kl pl sk sp st tr"
VOWELS = "a e i o u ee oo ay oy ow ar er or"
ENDINGS = ("", "", "", "n", "s", "t", "k", "l", "m", "x", "nd", "st")
BEFORE = ("hey", "okay", "my", "the", "big", "new", "no", "one")
AFTER = ("now", "on", "off", "please", "more", "it", "me", "two")
SMALL_WORDS = """
and but the a of to in for with that this was were is are be been have has had not they we you he
she it would could should their our your his her there then because when while after before under
over between through about around into from onto some many few much very quite rather just only even
still also often once twice said went came took gave found thought knew looked asked told seemed
felt became left kept held brought wrote stood heard met ran paid sat led grew lost fell sent built
spent cut rose drove bought wore chose walked talked worked moved lived believed
"""
FLITE_HZ = {"kal16": 105, "awb": 130, "rms": 100, "slt": 180}
"""Voices of flite and their usual pitch."""


def spoken_digit():
    """The real data set; synthetic speech does not do for it."""
    return earshot.spoken_digit(ROOT / "data", fallback=False)


def real_words():
    """The words above, as a list."""
    return [word.strip() for word in WORDS.replace("\n", " ").split(",")]


def phrases(words, seed=7):
    """Put another word before or after each, so that a word is learned not to be its phrase."""
    rng = np.random.default_rng(seed)
    return [
        f"{rng.choice(BEFORE)} {word}" if rng.random() < 0.5 else f"{word} {rng.choice(AFTER)}"
        for word in words if " " not in word
    ]  # fmt: skip


def meaningless_words(n, seed=3):
    """Make up n words of one to three syllables, and two neighbours of each: a sound apart."""
    rng = np.random.default_rng(seed)
    consonants, vowels, found = CONSONANTS.split(), VOWELS.split(), set()
    for _ in range(n):
        n_syllables = rng.choice([1, 2, 2, 3])
        sounds = [rng.choice(kind) for _ in range(n_syllables) for kind in (consonants, vowels)]
        other, k = list(sounds), rng.integers(len(sounds))
        other[k] = rng.choice(vowels if k % 2 else consonants)
        end, syllable = rng.choice(ENDINGS), [rng.choice(consonants), rng.choice(vowels)]
        neighbours = (
            [*sounds, rng.choice(ENDINGS)],
            [*syllable, *sounds, end],
            [*sounds, end, rng.choice(vowels)],
        )
        for word in ([*sounds, end], [*other, end], neighbours[rng.integers(3)]):
            found.add("".join(word))
    return sorted(found)


def espeak_says(words, n_voices, seed):
    """Let other voices of eSpeak NG say every dozen of the words, so that there are many in all."""
    words = list(words)
    parts = [
        earshot.synthetic(words[i : i + 12], n_voices=n_voices, n_takes=1, seed=seed + i)
        for i in range(0, len(words), 12)
    ]
    labels = [12 * i + part.labels for i, part in enumerate(parts)]
    return earshot.WordSet(
        [x for part in parts for x in part.waveforms], np.concatenate(labels), words,
        np.concatenate([part.speakers for part in parts]),
        np.concatenate([part.sources for part in parts]), RATE, parts[0].about,
    )  # fmt: skip


def flite_says(words, n_takes, seed):
    """Let each voice of flite say the words, at other speeds and pitches."""
    rng = np.random.default_rng(seed)
    jobs = [
        (label, voice, np.exp(rng.uniform(-0.3, 0.3)), pitch_hz * np.exp(rng.normal(0, 0.12)))
        for label in range(len(words)) for voice, pitch_hz in FLITE_HZ.items()
        for _ in range(n_takes)
    ]  # fmt: skip
    with ThreadPoolExecutor() as threads:
        waveforms = list(threads.map(lambda job: _flite(words[job[0]], *job[1:]), jobs))
    labels, voices, _, _ = zip(*jobs, strict=True)
    return earshot.WordSet(
        waveforms, np.array(labels), words, [f"flite-{voice}" for voice in voices],
        [f"{words[label]}_{voice}_{i}" for i, (label, voice, _, _) in enumerate(jobs)], RATE,
        "synthetic speech: flite voices, not people",
    )  # fmt: skip


def _flite(text, voice, stretch, pitch_hz):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "word.wav"
        subprocess.run(
            ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.2f}",
             "--setf", f"int_f0_target_mean={pitch_hz:.0f}", "-t", text, "-o", path],
            check=True, capture_output=True,
        )  # fmt: skip
        x, _ = audio.read(path, RATE)
    loud = np.flatnonzero(np.abs(x) > 0.01 * np.abs(x).max())
    return x[loud[0] : loud[-1] + 1]


def noises(n, seed=0):
    """What is no speech: hisses, rumbles and gusts, hums, clicks, and voices without words."""
    rng = np.random.default_rng(seed)
    clips = list(coloured_noise(n, RATE, rng))
    time = np.arange(RATE) / RATE
    for i, x in enumerate(clips):
        kind = i % 8
        if kind == 1:  # gusts
            x *= np.exp(np.interp(time, np.linspace(0, 1, 12), rng.normal(0, 1.5, 12)))
        elif kind == 2:  # hums, sirens
            pitch_hz = rng.uniform(50, 900) * np.exp(rng.normal(0, 0.3) * time)
            phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE
            x *= rng.uniform(0.02, 0.3)
            x += sum(rng.uniform(0, 1) * np.sin(k * phase) / k for k in range(1, 8))
        elif kind == 3:  # clicks
            x *= 0.01
            for start in rng.integers(0, 7000, rng.integers(1, 6)):
                length = int(rng.integers(20, 900))
                x[start : start + length] += rng.standard_normal(length) * np.exp(
                    -5 * np.arange(length) / length
                )
        elif kind > 3:
            clips[i] = x = _call(rng)
        x /= np.abs(x).max()
    return _nameless(clips, NOISE, "made-up noise")


def _call(rng):
    """Make a cry, a howl, a hum or a laugh: a voice whose pitch and vowel glide."""
    n = int(rng.integers(0.2 * RATE, RATE + 1))
    time = np.linspace(0, 1, n)

    def glide(low, high, width):
        steps = np.interp(time, np.linspace(0, 1, 4), rng.normal(0, width, 4))
        return np.exp(rng.uniform(np.log(low), np.log(high)) + steps)

    seconds = n / RATE * time
    vibrato = 1 + rng.uniform(0, 0.03) * np.sin(2 * np.pi * rng.uniform(4, 8) * seconds)
    pitch_hz = np.clip(glide(80, 700, 0.25) * vibrato, 50, 1500)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE
    formants = [
        (glide(*range_hz), rng.uniform(60, 250) * (1 + k / 4))
        for k, range_hz in enumerate([(280, 900, 0.3), (800, 2500, 0.3), (2300, 3300, 0.08)])
    ]
    x = np.zeros(n)
    for k in range(1, min(int(3900 / pitch_hz.min()), 40) + 1):
        f_hz = k * pitch_hz
        level = 0.02 + sum(
            1 / (1 + ((f_hz - middle) / width) ** 2) / (j + 1)
            for j, (middle, width) in enumerate(formants)
        )
        x += np.where(f_hz < 3900, level / np.sqrt(k), 0) * np.sin(k * phase)
    x += rng.uniform(0, 0.3) * x.std() * rng.standard_normal(n)  # breath
    if rng.random() < 1 / 3:  # in bursts, as one laughs
        x *= 0.03 + np.clip(np.sin(2 * np.pi * (rng.uniform(2, 6) * seconds + rng.random())), 0, 1)
    x *= np.minimum(1, np.minimum(time, 1 - time) * rng.uniform(4, 20))
    x *= np.exp(np.interp(time, np.linspace(0, 1, 5), rng.normal(0, 0.6, 5)))
    return x.astype(np.float32)


def running_speech(words, n, seed=0):
    """Cut a second out of what somebody says without a pause; a word set."""
    rng = np.random.default_rng(seed)
    clips = []
    for _ in range(n):
        speaker = words.speakers[rng.integers(len(words))]
        said = rng.choice(np.flatnonzero(words.speakers == speaker), 5)
        x = np.concatenate([words.waveforms[i] for i in said])
        start = rng.integers(max(len(x) - RATE, 1))
        clips.append(x[start : start + RATE])
    return _nameless(clips, SPEECH, "words one after the other")


def sentences(minutes, seed):
    """Let voices of eSpeak NG speak on and on, half in small words, half in meaningless ones."""
    rng, meaningless = np.random.default_rng(seed), meaningless_words(1500, seed=seed + 100)
    tracts = sorted({name for name in espeak.variants() if name.isalnum()} - voices.ODD_VARIANTS)
    found, n = [], 0
    while n < minutes * 60 * RATE:
        known = voices.ENGLISH if rng.random() < 0.5 else voices.FOREIGN
        text = " ".join(
            str(rng.choice(SMALL_WORDS.split() if rng.random() < 0.45 else meaningless))
            for _ in range(rng.integers(4, 11))
        )
        try:
            x, _ = espeak.say(
                text, voice=f"{rng.choice(known)}+{rng.choice(tracts)}", sample_rate=RATE,
                speed_wpm=int(rng.integers(110, 230)), pitch=int(rng.integers(15, 80)),
                pitch_range=int(rng.integers(10, 90)), seed=int(rng.integers(1e6)),
            )  # fmt: skip
        except earshot.EarshotError:
            continue  # a voice that says nothing of this
        found.append(x.astype(np.float32))
        n += len(x)
    return found


def stretches(speech, n, seed, kind=SPEECH, seconds=1.5):
    """Cut n stretches out of running speech; a word set."""
    rng, size, clips = np.random.default_rng(seed), int(seconds * RATE), []
    long = [x for x in speech if len(x) > size]
    for _ in range(n):
        x = long[rng.integers(len(long))]
        start = rng.integers(len(x) - size + 1)
        clips.append(x[start : start + size])
    return _nameless(clips, kind, "running synthetic speech")


def _nameless(clips, kind, about):
    n = len(clips)
    sources = [f"{kind} {i}" for i in range(n)]
    return earshot.WordSet(clips, np.zeros(n, np.int64), (kind,), [kind] * n, sources, RATE, about)


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


def discriminants(x, labels, *, size=256, shrink=0.3):
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


def unit_means(x, labels, n):
    """Give the mean of each word's features, each of length one."""
    means = np.stack([x[labels == label].mean(axis=0) for label in range(n)])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def with_final_layers(model, train, unseen, front_end, *, seed=0):
    """Put a last part that knows how voices differ, and keep features of every word.

    What the network says of the parts of a word is brought to its :func:`discriminants`; each word
    is then the mean of its clips.

    Returns
    -------
    keras.Model, Memory
    """
    rng = np.random.default_rng(seed)
    source = keras.Model(model.input, model.get_layer("pooled").output)
    trunk = keras.models.clone_model(source)  # without the state of its training
    trunk.set_weights(source.get_weights())
    x = _through(trunk, train, front_end, rng)
    kernel, bias = discriminants(x, train.labels)
    x = x @ kernel + bias
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    dense = layers.Dense(kernel.shape[1], name="discriminants")
    y = layers.UnitNormalization(name="embedding")(dense(trunk.output))
    dense.set_weights([kernel, bias])
    embed = keras.Model(trunk.input, y)
    network = with_words(embed, unit_means(x, train.labels, len(train.class_names)))
    return network, memory_of(embed, x, train, unseen, front_end, rng)


def with_words(trunk, means):
    """Put the answer on top: how near each word's mean is."""
    words = layers.Dense(len(means), use_bias=False, name="logits")
    network = keras.Model(trunk.input, words(trunk.output), name="base")
    words.set_weights([16 * means.T])
    return network


def _through(trunk, words, front_end, rng):
    """What a network gives for the clips of a word set; every second clip is augmented."""
    rows = []
    for k in range(0, len(words), 256):
        clips = words.waveforms[k : k + 256]
        spectrograms = front_end(clips)
        spectrograms[1::2] = earshot.Augmentation()(clips[1::2], front_end, rng)
        rows.append(trunk.predict_on_batch(spectrograms))
    return np.concatenate(rows)


def memory_of(embed, x, train, unseen, front_end, rng):
    """Remember some clips of every word, more of digits by people; and what is none of the words.

    Held out are words that the network was not trained on, other noises, and running speech.
    """
    people = np.isin(train.speakers, spoken_digit().speakers)
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
        rows.append(_through(embed, words, front_end, rng))
        labels.append(np.full(len(words), -1))
    labels = np.concatenate(labels)
    held_out = np.arange(len(labels)) >= len(chosen) + OTHER_CLIPS
    return recognition.Memory(
        np.concatenate(rows).astype(np.float16), labels, held_out, "embedding"
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
    parser.add_argument("--only-streams", action="store_true", help="of the base that is there")
    options = parser.parse_args()
    folder = options.into
    if options.only_streams:
        with_streams(earshot.load(folder)).save(folder)
        return
    train, front_end = training_set(), earshot.LogMel()
    unseen = unseen_words(train)
    print(train, unseen, sep="\n", flush=True)
    keras.utils.set_random_seed(0)
    model = build(len(train.class_names))
    networks.fit(
        model, train, front_end, CONFIG, checkpoint=ROOT / "reports" / "base", progress="base"
    )
    network, memory = with_final_layers(model, train, unseen, front_end)
    n_meaningless = len(meaningless_words(150))
    card = recognition.model_card(
        train, split="digits: recordings 0 to 4 of every speaker were kept for the test",
        figures=figures(network, train.class_names), epochs=CONFIG.epochs,
        made_of=f"spoken digits of five people; {len(train.class_names) - 11} words and phrases of "
        f"synthetic voices, {n_meaningless} of them meaningless; {train.counts()[NOISE]} made-up "
        "noises",
        made_by="python recipes/base.py",
    )  # fmt: skip
    made = recognition.Recognizer(network, front_end, train.class_names, card, memory=memory)
    with_streams(made).save(folder)
    print(f"saved in {folder}: {card['figures']}")


if __name__ == "__main__":
    main()
