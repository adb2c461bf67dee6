"""Words said by many synthetic voices.

>>> synthetic(("yes", "no"), n_voices=2, n_takes=3)
WordSet(12 clips, 2 words, 2 speakers, 8,000 Hz)
"""

from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from earshot.datasets import espeak
from earshot.datasets.word_set import DIGITS, WordSet
from earshot.errors import EarshotError

__all__ = ["synthetic"]

ENGLISH = ("en-us", "en", "en-gb-scotland", "en-029", "en-gb-x-rp", "en-us-nyc")
FOREIGN = ("de", "fr", "nl", "es", "it", "el", "pt", "pl", "sv", "ru", "hi", "fi", "da", "tr")
# eSpeak NG crashes with the voice rob; it stays in the draw, so that seeds give the same voices.
INSTEAD = {"rob": "robert"}
# Voices that do not sound like people.
ODD_VARIANTS = frozenset(
    {"whisper", "whisperf", "Demonic", "UniRobot", "Tweaky", "fast", "kaukovalta", "anikaRobot"}
    | {f"robosoft{i}" for i in ("", *range(2, 9))}
)
SOUNDING = 0.01  # a clip begins and ends where it reaches this part of its peak
SHORTEST_S = 0.05  # a clip that sounds for less is no word: the voice has nearly none of its sounds


def synthetic(
    words: str | Sequence[str] = DIGITS, *, n_voices: int = 5, n_takes: int = 20,
    sample_rate: int = 8000, accents: bool = True, seed: int = 0,
) -> WordSet:  # fmt: skip
    """Let many voices of eSpeak NG say English words.

    Each voice, a vocal tract with a pitch, says every word ``n_takes`` times, at different speeds;
    with ``accents``, half of them speak with the sounds of another language.
    """
    words = (words,) if isinstance(words, str) else tuple(words)
    rng = np.random.default_rng(seed)
    plain = {name for name in espeak.variants() if name.isalnum()} - ODD_VARIANTS
    tracts = sorted(plain | INSTEAD.keys())
    rows = []
    for voice_index in tqdm(range(n_voices), desc="speaking", unit="voice", delay=1):
        foreign = accents and voice_index % 2 == 1
        language = str(rng.choice(FOREIGN if foreign else ENGLISH))
        tract = str(rng.choice(tracts))
        voice = f"{language}+{INSTEAD.get(tract, tract)}"
        tone = {"pitch": int(rng.integers(15, 76)), "pitch_range": int(rng.integers(10, 81))}
        speaker = f"{voice.replace('+', '-')}-{voice_index}"
        for take in range(n_takes):
            manner = {"speed_wpm": int(rng.integers(90, 201)), "seed": seed + take, **tone}
            for label, word in enumerate(words):
                x = _said(word, foreign, voice=voice, sample_rate=sample_rate, **manner)
                if x is not None:
                    rows.append((x, label, speaker, f"{word}_{speaker}_{take}.wav"))
    waveforms, labels, speakers, sources = zip(*rows, strict=True) if rows else [()] * 4
    about = "synthetic speech: eSpeak NG voices, not people"
    return WordSet(
        list(waveforms), np.array(labels, np.int64), words, np.array(speakers), np.array(sources),
        sample_rate, about,
    )  # fmt: skip


def _said(word, foreign, *, sample_rate, **manner):
    """Say a word without the silence around it; None when the voice has nearly no such sounds."""
    try:
        text = espeak.phonemes(word) if foreign else word
        x, _ = espeak.say(text, sample_rate=sample_rate, **manner)
    except EarshotError:
        if not foreign:
            raise
        return None
    loud = np.flatnonzero(np.abs(x) > SOUNDING * np.abs(x).max())
    return x[loud[0] : loud[-1] + 1] if len(loud) >= SHORTEST_S * sample_rate else None
