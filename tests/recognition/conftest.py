"""What the tests of this room share: the committed recognizers, voices, and a stream of digits."""

import numpy as np
import pytest
from support import MODELS
from support.beeps import make_beeps

import earshot
from earshot import datasets
from earshot.datasets import espeak

if not espeak.is_available():
    collect_ignore = ["test_new_words.py", "test_thresholds.py"]


@pytest.fixture(scope="session")
def base():
    """The recognizer that new words are learned with."""
    return earshot.load(MODELS / "base")


@pytest.fixture(scope="session")
def digit_recognizer():
    return earshot.load(MODELS / "spoken_digit")


@pytest.fixture(scope="session")
def few_beeps():
    """Five low and five high beeps to learn from, and as many again as a test."""
    words = make_beeps(np.random.default_rng(2), n=20)
    return words.subset(np.arange(10)), words.subset(np.arange(10, 20))


@pytest.fixture(scope="session")
def animals():
    """Four words that no recognizer here was trained on, in voices; eight to learn from."""
    words = earshot.synthetic(("cat", "dog", "fox", "bird"), n_voices=16, n_takes=1, seed=99)
    first = np.isin(words.speakers, np.unique(words.speakers)[::2])
    return words.subset(first), words.subset(~first)


@pytest.fixture(scope="session")
def learned(base, animals):
    """A recognizer of the four animals."""
    return earshot.learn_words(base, animals[0])


@pytest.fixture(scope="session")
def stream():
    """Thirty digits in a quiet room."""
    if not espeak.is_available():
        pytest.skip("needs espeakng-loader")
    words = earshot.synthetic(n_voices=3, n_takes=1, accents=False)
    return datasets.make_stream(words, snr_db=40, pauses_s=(0.35, 0.8))
