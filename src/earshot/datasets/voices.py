"""Words said by many synthetic voices."""

import numpy as np
from tqdm import tqdm

from earshot.datasets import espeak
from earshot.datasets.word_set import DIGITS, WordSet
from earshot.errors import EarshotError

__all__ = ["synthetic"]


def synthetic(
    words=DIGITS, *, n_voices=5, n_takes=20, sample_rate=8000, accents=True, seed=0
):  # fmt: skip
    """Let many voices of eSpeak NG say words.

    Parameters
    ----------
    words : sequence of str
        English words.
    n_voices, n_takes : int
        Each voice, a vocal tract with a pitch and perhaps a foreign accent, says every word
        ``n_takes`` times, at different speeds.
    sample_rate : int
        In Hz.
    accents : bool
        Whether half of the voices speak with the sounds of another language.
    seed : int

    Returns
    -------
    WordSet
    """
    words = (words,) if isinstance(words, str) else words
    rng = np.random.default_rng(seed)
    tracts = {v for v in espeak.variants() if v.isalnum() and v not in _ODD_VARIANTS}
    tracts = sorted(tracts | _INSTEAD.keys())
    waveforms, labels, speakers, sources = [], [], [], []
    for voice_index in tqdm(range(n_voices), desc="speaking", unit="voice", delay=1):
        foreign = accents and voice_index % 2 == 1
        language = str(rng.choice(_FOREIGN if foreign else _ENGLISH))
        tract = str(rng.choice(tracts))
        voice = f"{language}+{_INSTEAD.get(tract, tract)}"
        pitch, pitch_range = int(rng.integers(15, 76)), int(rng.integers(10, 81))
        speaker = f"{voice.replace('+', '-')}-{voice_index}"
        for take in range(n_takes):
            speed_wpm = int(rng.integers(90, 201))
            for label, word in enumerate(words):
                try:
                    x, _ = espeak.say(
                        espeak.phonemes(word) if foreign else word, voice=voice,
                        speed_wpm=speed_wpm, pitch=pitch, pitch_range=pitch_range,
                        sample_rate=sample_rate, seed=seed + take,
                    )  # fmt: skip
                except EarshotError:
                    if not foreign:
                        raise
                    continue  # this voice has no such sounds
                loud = np.flatnonzero(np.abs(x) > 0.01 * np.abs(x).max(initial=0))
                if len(loud) < 0.05 * sample_rate:
                    continue  # or nearly none
                waveforms.append(x[loud[0] : loud[-1] + 1])
                labels.append(label)
                speakers.append(speaker)
                sources.append(f"{word}_{speaker}_{take}.wav")
    about = "synthetic speech: eSpeak NG voices, not people"
    return WordSet(waveforms, np.array(labels), words, speakers, sources, sample_rate, about)


_ENGLISH = ("en-us", "en", "en-gb-scotland", "en-029", "en-gb-x-rp", "en-us-nyc")
_FOREIGN = ("de", "fr", "nl", "es", "it", "el", "pt", "pl", "sv", "ru", "hi", "fi", "da", "tr")
_INSTEAD = {"rob": "robert"}
"""Of a voice that crashes: so that a seed goes on giving the voices that it gave before."""
_ODD_VARIANTS = frozenset(
    {"whisper", "whisperf", "Demonic", "UniRobot", "Tweaky", "fast", "kaukovalta", "anikaRobot"}
    | {f"robosoft{i}" for i in ("", *range(2, 9))}
)
