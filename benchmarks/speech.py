"""A voice that says words: are they understood, and is it the speaker who says them?

    python benchmarks/speech.py [--only voice] [--only missing --seeds 0 1] [--only people]

- voice: the committed models/voice. Digits in five voices at five speeds, recognized by
  models/spoken_digit, and given to their speakers by a classifier of recordings; words that no
  voice said in training (recipes/voice.py leaves out one in five), recognized by models/base; how
  far a digit is from a recording of it that the voice was not trained on; times real time.
- missing: voices trained with two digits left out of each speaker's recordings, other ones for
  each seed: these digits.
- people: a voice that was trained without theo learns him from 1, 5 and 20 recordings of each
  digit. recipes/voice.py --without theo --epochs 20 --into models/voice_theo makes it.
- augmentation: what a voice says as training clips for models of digits, tested on a speaker of
  whom neither voice nor model has heard anything.

Peers: eSpeak NG, and flite ("apt install flite"), where they can do the same.

Mel-cepstral distance: 13 cepstra of the 64 bands without the first, dynamic time warping, in dB as
Kubichek (1993), "Mel-cepstral distance measure for objective speech quality assessment".
"""

import argparse
import multiprocessing
import os
import shutil
import sys
import time
import warnings

import numpy as np
from report import ROOT, header, spoken_digit, table

import earshot
from earshot import networks, synthesis
from earshot.datasets import DIGITS, espeak
from earshot.synthesis.utterances import cepstra

sys.path[:0] = [str(ROOT), str(ROOT / "recipes")]
from recipes import made_up, voice as recipe

SPEEDS = (0.8, 0.9, 1.0, 1.1, 1.2)
WPM = (130, 145, 160, 175, 190)  # of eSpeak NG
RATE = 8000
TAKES = (1, 5, 20)
LEFT_OUT = "theo"
EPOCHS = 20  # of voices that are trained here; the committed one has 30


def share(values):
    """A share as per cent."""
    return f"{np.mean(values):.1%}"


def right(recognizer, waveforms, words):
    """Say of each waveform whether its word is the first answer."""
    heard = recognizer.predict(list(waveforms), RATE)
    return [answer.word == word for answer, word in zip(heard, words, strict=True)]


class SpeakerClassifier:
    """Logistic regression on mean and spread of each band: trained on recordings only."""

    def __init__(self, recordings):
        from sklearn.linear_model import LogisticRegression

        self.front_end = earshot.LogMel()
        self.model = LogisticRegression(max_iter=2000)
        self.model.fit(self._features(recordings.waveforms), recordings.speakers)

    def _features(self, waveforms):
        spectrograms = [self.front_end(x) for x in waveforms]
        return np.array([[*s.mean(axis=0), *s.std(axis=0)] for s in spectrograms]) / 10

    def right(self, waveforms, speakers):
        """Say of each waveform whether its speaker is recognized."""
        return self.model.predict(self._features(waveforms)) == np.asarray(speakers)


def distance_db(x, y):
    """Mel-cepstral distance of two waveforms."""
    import librosa

    # From dB, by an orthonormal transform, to cepstra of the natural logarithm of amplitudes.
    scale = np.log(10) / 20 / np.sqrt(2 * synthesis.FINE.n_mels)
    a, b = (scale * cepstra(synthesis.FINE(each))[1:] for each in (x, y))
    _, path = librosa.sequence.dtw(a, b)
    apart = np.linalg.norm(a[:, path[:, 0]] - b[:, path[:, 1]], axis=0)
    return float(10 / np.log(10) * np.sqrt(2) * apart.mean())


def espeak_says(words, voice="en-us"):
    """Let eSpeak NG say words."""
    return [espeak.say(word, voice=voice, sample_rate=RATE)[0] for word in words]


def of_word(words, label, speaker):
    """Recordings of a word by a speaker."""
    return [
        words.waveforms[i]
        for i in np.flatnonzero((words.labels == label) & (words.speakers == speaker))
    ]


def measure_voice(people):
    """Measure the committed voice."""
    voice = synthesis.load_voice(ROOT / "models" / "voice")
    _, test = people.official_split()
    names = sorted(set(people.speakers.tolist()))
    made = {name: [voice.say(DIGITS, speaker=name, speed=s) for s in SPEEDS] for name in names}
    measure_digits(made, people, names)
    measure_words(voice)
    measure_distances(made, test, names)
    measure_speed()


def measure_digits(made, people, names):
    """Have digits and speakers recognized: what was made, recorded, and said by eSpeak NG."""
    digits, (train, test) = earshot.load(ROOT / "models" / "spoken_digit"), people.official_split()
    classifier = SpeakerClassifier(train)
    said = [x for name in names for takes in made[name] for x in takes]
    peer = [
        espeak.say(word, speed_wpm=speed, sample_rate=RATE)[0] for speed in WPM for word in DIGITS
    ]
    kinds = {
        "made, in five voices": (said, DIGITS * 25, np.repeat(names, 50)),
        "recordings, test part": (
            test.waveforms, [DIGITS[i] for i in test.labels], test.speakers
        ),
        "eSpeak NG": (peer, DIGITS * len(WPM), None),
    }  # fmt: skip
    rows = []
    for kind, (clips, words, who) in kinds.items():
        speakers = "" if who is None else share(classifier.right(clips, who))
        rows.append((kind, len(clips), share(right(digits, clips, words)), speakers))
    table(("digits", "clips", "word recognized", "speaker recognized"), rows)


def measure_words(voice):
    """Have words recognized that no voice said in training."""
    base, words = earshot.load(ROOT / "models" / "base"), recipe.words_left_out()
    rows = [
        (who, share(right(base, voice.say(words, speaker=who), words))) for who in voice.speakers
    ]
    rows.append(("eSpeak NG itself", share(right(base, espeak_says(words), words))))
    if shutil.which("flite"):
        flite = made_up.flite_says(words, 1, 0)
        well = right(base, flite.waveforms, [words[label] for label in flite.labels])
        rows.append(("flite itself, four voices", share(well)))
    table((f"{len(words)} words in no recording, said by", "recognized"), rows)


def measure_distances(made, test, names):
    """Compare distances from test recordings: made ones, other recordings, eSpeak NG."""
    found = {"made": [], "another recording": [], "eSpeak NG": []}
    for name in names:
        for label, word in enumerate(DIGITS):
            recording, *others = of_word(test, label, name)
            found["made"].append(distance_db(recording, made[name][2][label]))
            found["another recording"] += [distance_db(recording, other) for other in others]
            found["eSpeak NG"].append(distance_db(recording, espeak_says([word])[0]))
    rows = [(name, f"{np.mean(values):.2f} dB") for name, values in found.items()]
    table(("mel-cepstral distance to a recording of word and speaker", ""), rows)


def one_core():
    """Keep this process on one core; what TensorFlow starts later stays there, too."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def speeds():
    """Say words one by one; gives seconds of sound in a second, and numbers of weights."""
    voice, words, found = (
        synthesis.load_voice(ROOT / "models" / "voice"),
        recipe.words_left_out(),
        {},
    )
    engines = {"earshot": voice.say, "eSpeak NG": lambda word: espeak_says([word])[0]}
    for name, say in engines.items():
        for word in words[:5]:
            say(word)
        started = time.perf_counter()
        seconds = sum(len(say(word)) for word in words) / RATE
        found[name] = seconds / (time.perf_counter() - started)
    return found, [model.count_params() for model in (voice.model, voice.inverter.model)]


def measure_speed():
    """Say words in a process of its own, which has one core from its start."""
    with multiprocessing.get_context("spawn").Pool(1, one_core) as pool:
        found, sizes = pool.apply(speeds)
    rows = [(name, f"{times:.0f}") for name, times in found.items()]
    table(("one word after the other, sound included, one core", "times real time"), rows)
    print(f"Parameters: {sizes[0]:,}, and {sizes[1]:,} of the inverter.\n")


def measure_missing(people, seeds):
    """Leave two digits out of each speaker's recordings, others for each seed."""
    digits, rows = earshot.load(ROOT / "models" / "spoken_digit"), []
    train, _ = people.official_split()
    names = sorted(set(people.speakers.tolist()))
    texts, told = recipe.by_espeak()
    for seed in seeds:
        missing = {
            (name, (2 * i + j + 4 * seed) % 10) for i, name in enumerate(names) for j in (0, 1)
        }
        kept = [
            pair not in missing
            for pair in zip(train.speakers.tolist(), train.labels.tolist(), strict=True)
        ]
        people_left = train.subset(np.array(kept))
        voice = recipe.made(people_left, texts, told, epochs=EPOCHS, seed=seed)
        found = [(name, label, speed) for name, label in sorted(missing) for speed in SPEEDS]
        said = [voice.say(DIGITS[label], speaker=name, speed=speed) for name, label, speed in found]
        well = right(digits, said, [DIGITS[label] for _, label, _ in found])
        wrong = sorted(
            {
                f"{name} {DIGITS[label]}"
                for (name, label, _), good in zip(found, well, strict=True)
                if not good
            }
        )
        rows.append((seed, len(said), share(well), ", ".join(wrong)))
    table(("seed", "digits that their speaker never said", "recognized", "not always"), rows)


def without_him():
    """Load the voice that has never heard LEFT_OUT, if it was made."""
    folder = ROOT / "models" / f"voice_{LEFT_OUT}"
    if folder.is_dir():
        return synthesis.load_voice(folder)
    command = f"recipes/voice.py --without {LEFT_OUT} --epochs {EPOCHS} --into {folder}"
    print(f"Not measured, for want of a voice without {LEFT_OUT}: python {command}\n")
    return None


def measure_people(people):
    """Add a speaker from few recordings."""
    voice = without_him()
    if voice is None:
        return
    digits, base = (earshot.load(ROOT / "models" / name) for name in ("spoken_digit", "base"))
    train, _ = people.official_split()
    classifier, words = SpeakerClassifier(train), recipe.words_left_out()
    own, rows = train.subset(train.speakers == LEFT_OUT), []
    for n in TAKES:
        few = earshot.recognition.few(own, n, seed=0)
        started = time.perf_counter()
        taught = synthesis.add_speaker(voice, synthesis.from_recordings(few))
        minutes = (time.perf_counter() - started) / 60
        said = [x for s in SPEEDS for x in taught.say(DIGITS, speaker=LEFT_OUT, speed=s)]
        rows.append((
            n, f"{minutes:.1f}", share(right(digits, said, DIGITS * len(SPEEDS))),
            share(classifier.right(said, [LEFT_OUT] * len(said))),
            share(right(base, taught.say(words, speaker=LEFT_OUT), words)),
        ))  # fmt: skip
    head = (
        "recordings of each digit",
        "minutes",
        "digits recognized",
        "as this speaker",
        "words he never said",
    )
    table(head, rows)


def made_clips(voice, n_takes):
    """Let a voice say digits as mixtures of two of its speakers, at any speed."""
    rng, waveforms = np.random.default_rng(0), []
    for _ in range(n_takes):
        one, other = rng.choice(voice.speakers, 2, replace=False)
        part, speed = float(rng.uniform()), float(rng.uniform(0.75, 1.3))
        waveforms += voice.say(DIGITS, speaker={one: part, other: 1 - part}, speed=speed)
    n = len(waveforms)
    return earshot.WordSet(
        waveforms, np.arange(n) % len(DIGITS), DIGITS, np.repeat("made", n),
        np.array([f"made_{i}.wav" for i in range(n)]), RATE, "made by a voice",
    )  # fmt: skip


def measure_augmentation(people, seeds):
    """Train digits without a speaker: on recordings, and with clips of voices beside them."""
    voice, front_end = without_him(), earshot.LogMel()
    if voice is None:
        return
    (split,) = [one for one in people.leave_one_speaker_out() if one[0] == LEFT_OUT]
    config = networks.TrainingConfig(epochs=12, augment=earshot.datasets.Augmentation())
    extras = {
        "recordings of four speakers": None,
        "and 1,000 clips made by the voice": made_clips(voice, 100),
        "and 1,000 clips of eSpeak NG": earshot.datasets.synthetic(n_voices=10, n_takes=10),
    }
    rows = []
    for name, extra in extras.items():
        trained = networks.cross_validate(
            lambda: networks.temporal_cnn(front_end.output_shape, len(DIGITS)), [split], front_end,
            config, extra=extra, seeds=seeds,
        )  # fmt: skip
        found = [networks.accuracy(model, held, front_end) for _, _, model, held in trained]
        rows.append((name, share(found), ", ".join(share(one) for one in found)))
    head = f"{LEFT_OUT}'s digits, by a network trained on", "mean", f"seeds {seeds}"
    table(head, rows)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=("voice", "missing", "people", "augmentation"))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    people = spoken_digit()
    header(" ".join(["python benchmarks/speech.py", *sys.argv[1:]]))
    if options.only in (None, "voice"):
        measure_voice(people)
    if options.only in (None, "missing"):
        measure_missing(people, options.seeds)
    if options.only in (None, "people"):
        measure_people(people)
    if options.only in (None, "augmentation"):
        measure_augmentation(people, options.seeds)


if __name__ == "__main__":
    main()
