"""What several tests share: real recordings when they are at hand, small made-up ones otherwise."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")

import tempfile

import hypothesis
import numpy as np
import pytest
from support import ROOT, firefox, hardware
from support.beeps import make_beep, make_beeps, make_recognizer

from earshot import audio
from earshot.datasets import digits, espeak, streams, voices
from earshot.datasets.digits import ARCHIVE
from earshot.errors import EarshotError

if hypothesis.settings.default.deadline:  # a busy machine is no failure; mutants have their own
    hypothesis.settings.register_profile("earshot", deadline=None)
    hypothesis.settings.load_profile("earshot")
DEVICES = {"microphone", "screen", "lab", "open_page", "in_firefox"}


def pytest_collection_modifyitems(items):
    """Mark what waits for real sound, keys and browsers: it wants the machine for itself."""
    for item in items:
        if DEVICES.intersection(item.fixturenames):
            item.add_marker("devices")


def or_skip():
    """Skip what is TensorFlow's own on another backend, which says so in one sentence."""
    try:
        return (yield)
    except (EarshotError, AssertionError) as error:  # or a test that expected another sentence
        if "needs the TensorFlow backend" in str(error):
            pytest.skip("This needs the TensorFlow backend.")
        raise


pytest_pyfunc_call = pytest_fixture_setup = pytest.hookimpl(wrapper=True)(or_skip)
pytest_runtest_setup = pytest_pyfunc_call  # a fixture of a module fails anew for each of its tests


def folder_of_archive():
    """Give the folder that holds the real spoken_digit archive, or None."""
    places = [os.environ.get("EARSHOT_DOWNLOADS"), ROOT / "data" / "downloads"]
    folders = [Path(place) for place in places if place]
    return next((folder for folder in folders if (folder / ARCHIVE).is_file()), None)


@pytest.fixture(scope="session")
def downloads():
    """The folder that holds the real spoken_digit archive; skips when there is none."""
    folder = folder_of_archive()
    if folder is None:
        pytest.skip(f"{ARCHIVE} is in no known folder: name its folder in EARSHOT_DOWNLOADS")
    return folder


@pytest.fixture(scope="session")
def spoken_digit(downloads, pytestconfig):
    """The real data set, prepared by TFDS once and kept in pytest's cache.

    For what is about real people; where some speech will do, take ``speech``.
    """
    return digits.spoken_digit(
        pytestconfig.cache.mkdir("earshot"), downloads=downloads, fallback=False
    )


@pytest.fixture(scope="session")
def speech(request):
    """Digits at 8 kHz by five speakers, each a ``digit_speaker_take.wav``.

    The real data set when its archive is there, else synthetic voices, six takes of each digit.
    """
    if folder_of_archive() is not None:
        return request.getfixturevalue("spoken_digit")
    if not espeak.is_available():
        pytest.skip("neither spoken_digit nor the offline voice (espeakng-loader) is here")
    return voices.synthetic(n_voices=5, n_takes=6, sample_rate=8000, seed=1)


@pytest.fixture
def rng():
    """Random numbers, the same in every run."""
    return np.random.default_rng(0)


@pytest.fixture
def beeps(rng):
    """Two "words" that are easy to tell apart, low and high beeps, by three "speakers"."""
    return make_beeps(rng)


@pytest.fixture(scope="session")
def short_folder():
    """Make folders with short paths, which sockets need."""
    with tempfile.TemporaryDirectory(prefix="ear-", dir="/tmp") as folder:
        yield lambda: Path(tempfile.mkdtemp(dir=folder))


@pytest.fixture(scope="session")
def microphone(short_folder):
    """A virtual microphone, the default one of this process and its children."""
    microphone = hardware.Microphone(short_folder())
    with hardware.environment(**microphone.env):
        yield microphone
    microphone.close()


@pytest.fixture(scope="session")
def screen():
    """A virtual screen and keyboard, those of this process and its children."""
    screen = hardware.Screen()
    with hardware.environment(
        **screen.env, WAYLAND_DISPLAY=None, XDG_SESSION_TYPE=None, SSH_CONNECTION=None
    ):
        yield screen
    screen.close()


@pytest.fixture
def in_firefox(short_folder):
    """Open a page in Firefox, from the disk; gives it when it is in a state."""
    opened = []

    def open_(path, state="ready"):
        opened.append(firefox.Page(short_folder(), path))
        opened[-1].wait_for(f"document.body.dataset.state === '{state}'")
        return opened[-1]

    yield open_
    for page in opened:
        page.close()


@pytest.fixture(scope="session")
def spoken(speech, tmp_path_factory):
    """A file in which six digits are spoken by one person, and what is in it."""
    speaker = "jackson" if "jackson" in speech.speakers else speech.speakers[0]
    chosen = np.flatnonzero([source.endswith(f"_{speaker}_3.wav") for source in speech.sources])
    stream = streams.make_stream(
        speech.subset(chosen[:6]), snr_db=35, pauses_s=(0.4, 0.6), sample_rate=16000
    )
    path = tmp_path_factory.mktemp("spoken") / "digits.wav"
    audio.write(path, stream.waveform, stream.sample_rate)
    return path, stream


@pytest.fixture(scope="session")
def trained():
    """A recognizer of low and high beeps; its clips take half a second at 8 kHz."""
    return make_recognizer()


@pytest.fixture(scope="session")
def beep():
    """Make beeps: of 300 Hz for "low", of 1,500 Hz for "high"."""
    return make_beep
