"""models/voice: a network that speaks, in the voices of five people and of twelve synthetic ones.

    python recipes/voice.py [--into models/voice] [--without theo] [--seed 0]

Reads the training part of the Free Spoken Digit Dataset (data/spoken_digit.npz, else the archive in
EARSHOT_DOWNLOADS, else the internet), and lets eSpeak NG say the words of made_up.py in twelve
voices of American English. Of the words, one in five is left out, so that benchmarks/speech.py can
ask for words that were in no recording. Trains twice: the first voice, of fewer steps, only tells
where sounds begin in the recordings of people, which eSpeak NG says less well. It is heard through
the inverter of models/inversion/fine_adversary. The committed voice took 19 minutes on two cores,
beside other work, with KERAS_BACKEND=jax.
"""

import argparse
import dataclasses
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from made_up import phrases, real_words
from tqdm import tqdm

import earshot
from earshot import synthesis
from earshot.synthesis.voice_training import VOICE

ROOT = Path(__file__).resolve().parents[1]
INVERTER = ROOT / "models" / "inversion" / "fine_adversary"
VARIANTS = ("", "+f2", "+f3", "+f5", "+m3", "+m7", "+klatt2", "+Andy", "+steph", "+iven",
            "+belinda", "+edward")  # fmt: skip
"""Of eSpeak NG's American English."""
VOICES_A_TEXT = 4  # so many of them say each text, drawn by chance
EVERY = 5  # one word of so many is left out
LONGEST_FRAMES = 112  # 0.9 s: longer ones are few, and each step would take longer for them
FIRST = 6  # epochs of the training that only aligns
PEOPLE = 2.0  # people are heard so many times as often as synthetic voices


def words_left_out():
    """Give the words that no voice says in training."""
    words = [
        word for word in real_words() if " " not in word and word not in earshot.datasets.DIGITS
    ]
    return words[2::EVERY]


def by_espeak(seed=0):
    """Let eSpeak NG say digits, words and phrases; gives the texts and their utterances."""
    rng, kept = np.random.default_rng(seed), set(words_left_out())
    texts = [*earshot.datasets.DIGITS, *real_words(), *phrases(real_words())]
    texts = [text for text in dict.fromkeys(texts) if kept.isdisjoint(text.split())]
    told = []
    for text in tqdm(texts, desc="eSpeak NG speaks", unit="text"):
        for variant in rng.choice(VARIANTS, VOICES_A_TEXT, replace=False):
            manner = {"speed_wpm": int(rng.integers(120, 190)), "seed": int(rng.integers(1000))}
            told.append(synthesis.from_espeak(text, f"en-us{variant}", **manner))
    return texts, told


def made(people, texts, told, *, epochs=VOICE.epochs, seed=0):
    """Train a voice on recordings of people and on what eSpeak NG told."""
    inverter, started = synthesis.load_inverter(INVERTER), time.perf_counter()
    shares = dict.fromkeys(people.speakers.tolist(), PEOPLE)
    voice = None
    for n in (FIRST, epochs):
        said = [*told, *synthesis.from_recordings(people, voice=voice)]
        said = [one for one in said if len(one.spectrogram) <= LONGEST_FRAMES]
        config = dataclasses.replace(VOICE, epochs=n, seed=seed)
        voice = synthesis.train_voice(said, inverter, config, texts=texts, shares=shares)
    voice.card = {
        "data": [people.about, "eSpeak NG, 12 voices"], "utterances": len(said), "seed": seed,
        "epochs": epochs,
        "minutes": round((time.perf_counter() - started) / 60, 1),
    }  # fmt: skip
    return voice


def main():
    """Train a voice and keep it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--into", type=Path, default=ROOT / "models" / "voice")
    parser.add_argument("--without", metavar="SPEAKER", help="who is left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=VOICE.epochs, help="of 100 batches")
    options = parser.parse_args()
    people, _ = earshot.spoken_digit(ROOT / "data", fallback=False).official_split()
    people = people.subset(people.speakers != options.without)
    voice = made(people, *by_espeak(options.seed), epochs=options.epochs, seed=options.seed)
    voice.save(options.into)
    print(f"{options.into}: {voice}, {voice.card['minutes']} minutes")


if __name__ == "__main__":
    main()
