"""What recipes train on beside recordings: words and sentences of synthetic voices, noises.

Words, phrases with them, and words that mean nothing, of which a few differ in a sound or two each
time. eSpeak NG says them in its many voices, and flite ("apt install flite",
https://github.com/festvox/flite) in four.
"""

import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import earshot
from earshot import audio
from earshot.datasets import espeak, voices
from earshot.datasets.augmentation import coloured_noise

RATE = 8000
NOISE, SPEECH = "(noise)", "(speech)"
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


def neighbours(n, seed=5):
    """Make up n words of two or three syllables; a rhyme of each, and one with another vowel."""
    rng, found = np.random.default_rng(seed), set()
    consonants, vowels = CONSONANTS.split(), VOWELS.split()
    for _ in range(n):
        n_syllables = rng.choice([2, 3, 3])
        sounds = [rng.choice(kind) for _ in range(n_syllables) for kind in (consonants, vowels)]
        end, rhyme, other = rng.choice(ENDINGS), list(sounds), list(sounds)
        rhyme[0] = rng.choice(consonants)
        other[2 * rng.integers(len(sounds) // 2) + 1] = rng.choice(vowels)
        found |= {"".join(word) + end for word in (sounds, rhyme, other)}
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
            clips[i] = x = call(rng)
        x /= np.abs(x).max()
    return nameless(clips, NOISE, "made-up noise")


def call(rng):
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
    return nameless(clips, SPEECH, "words one after the other")


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
    return nameless(clips, kind, "running synthetic speech")


def nameless(clips, kind, about):
    n = len(clips)
    sources = [f"{kind} {i}" for i in range(n)]
    return earshot.WordSet(clips, np.zeros(n, np.int64), (kind,), [kind] * n, sources, RATE, about)
