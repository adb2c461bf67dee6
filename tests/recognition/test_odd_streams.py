"""Streams as they come from real rooms and faulty cables."""

import tracemalloc

import numpy as np
import pytest

import earshot
from earshot.datasets import espeak
from earshot.recognition import Recognizer

pytestmark = pytest.mark.skipif(not espeak.is_available(), reason="needs espeakng-loader")
RATE = 8000


def heard(recognizer, x):
    """What is heard in a waveform that comes in blocks of 0.1 s."""
    return [*earshot.listen(recognizer, [(part, RATE) for part in np.split(x, len(x) // 800)])]


def whole(*parts):
    """Put sounds together, with silence at the end, to whole tenths of a second."""
    x = np.concatenate([np.asarray(part, np.float32) for part in parts])
    return np.pad(x, (0, 2 * RATE - len(x) % 800))


@pytest.fixture(scope="module")
def digits():
    """One voice that says every digit."""
    return earshot.synthetic(n_voices=1, n_takes=1, accents=False)


@pytest.fixture(scope="module")
def said(digits):
    """The digits with pauses between them, and their words in order."""
    pause = np.zeros(RATE // 2, np.float32)
    parts = [part for x in digits.waveforms for part in (x, pause)]
    return whole(*parts), [digits.class_names[label] for label in digits.labels]


def share_found(recognizer, x, words):
    found = [one.word for one in heard(recognizer, x)]
    return sum(word in found for word in words) / len(words)


def test_nothing_is_heard_in_a_minute_of_silence(digit_recognizer):
    assert heard(digit_recognizer, np.zeros(60 * RATE, np.float32)) == []


def test_a_word_said_on_and_on_is_counted(digit_recognizer, digits):
    six = digits.waveforms[digits.class_names.index("six")]
    x = whole(*[part for _ in range(8) for part in (six, np.zeros(RATE // 3))])
    words = [one.word for one in heard(digit_recognizer, x)]
    assert 7 <= words.count("six") <= 9


def test_words_are_found_in_a_clipped_recording(digit_recognizer, said):
    x, words = said
    assert share_found(digit_recognizer, np.clip(8 * x, -0.5, 0.5), words) >= 0.8


def test_a_gap_costs_only_the_word_that_it_cuts(digit_recognizer, said):
    x, words = said
    holed = x.copy()
    middle = len(x) // 2
    holed[middle : middle + RATE // 4] = 0
    assert share_found(digit_recognizer, holed, words) >= share_found(
        digit_recognizer, x, words
    ) - 1.5 / len(words)


def test_thirty_learned_words_are_told_apart(base):
    names = [name for name in base.class_names[10:400] if name.isalpha()][:60:2]
    clips = earshot.synthetic(names, n_voices=6, n_takes=1, seed=5, accents=False)
    first = np.isin(clips.speakers, np.unique(clips.speakers)[:5])
    learned = earshot.learn_words(base, clips.subset(first))
    test = clips.subset(~first)
    x = whole(*[part for clip in test.waveforms for part in (clip, np.zeros(RATE // 2))])
    assert len(learned.class_names) == 31
    assert share_found(learned, x, names) >= 0.8


@pytest.mark.parametrize("seconds", [0.12, 2.5])
def test_very_short_and_very_long_words_are_learned_and_heard(base, seconds):
    n, rng = int(seconds * RATE), np.random.default_rng(3)
    time = np.arange(n) / RATE
    clips = [
        np.sin(2 * np.pi * (start + 150 * (k + 1) * time / seconds) * time).astype(np.float32)
        * np.hanning(n) + 1e-3 * rng.standard_normal(n)
        for k in range(2) for start in rng.uniform(380, 420, 5)
    ]  # fmt: skip
    words = earshot.WordSet(
        clips, np.repeat([0, 1], 5), ("rise", "leap"), ["me"] * 10, [*"abcdefghij"], RATE
    )
    learned = earshot.learn_words(base, words, false_acceptance=0.02)
    pause = np.zeros(RATE)
    found = [one.word for one in heard(learned, whole(pause, clips[0], pause, clips[9], pause))]
    assert set(found) <= {"rise", "leap"}
    assert found


def test_no_more_is_kept_after_four_minutes_than_after_one():
    import keras

    simple = keras.Sequential(
        [keras.Input((101, 40)), keras.layers.GlobalMaxPooling1D(), keras.layers.Dense(2)]
    )
    recognizer = Recognizer(simple, earshot.LogMel(), ("yes", "no"))
    rng, kept = np.random.default_rng(0), []

    def minutes():
        for _ in range(4):
            x, start = 0.1 * rng.standard_normal(60 * 16000).astype(np.float32), 0
            while start < len(x):
                n = int(16000 * rng.uniform(0.01, 10))
                yield x[start : start + n], 16000
                start += n
            kept.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        for _ in earshot.listen(recognizer, minutes()):
            pass
    finally:
        tracemalloc.stop()
    assert kept[-1] - kept[0] < 4 * 16000 * 20  # bytes of twenty seconds of sound
