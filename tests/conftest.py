"""What several tests share: real recordings when they are at hand, small made-up ones otherwise."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")

import tempfile

import numpy as np
import pytest
from support import hardware
from support.beeps import make_beeps

from earshot import audio
from earshot.datasets import digits, streams
from earshot.datasets.digits import ARCHIVE

ROOT = Path(__file__).resolve().parents[1]
DEVICES = {"microphone", "screen", "lab", "open_page"}


def pytest_collection_modifyitems(items):
    """Mark what waits for real sound, keys and browsers: it wants the machine for itself."""
    for item in items:
        if DEVICES.intersection(item.fixturenames):
            item.add_marker("devices")


@pytest.fixture(scope="session")
def downloads():
    """The folder that holds the real spoken_digit archive."""
    places = [os.environ.get("EARSHOT_DOWNLOADS"), "data/downloads"]
    for folder in [Path(place) for place in places if place]:
        if (folder / ARCHIVE).is_file():
            return folder
    pytest.skip(f"{ARCHIVE} is in no known folder: name its folder in EARSHOT_DOWNLOADS")


@pytest.fixture(scope="session")
def spoken_digit(downloads, pytestconfig):
    """The real data set, prepared by TFDS once and kept in pytest's cache."""
    return digits.spoken_digit(
        pytestconfig.cache.mkdir("earshot"), downloads=downloads, fallback=False
    )


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


@pytest.fixture(scope="session")
def spoken(spoken_digit, tmp_path_factory):
    """A file in which six digits are spoken, and what is in it."""
    chosen = [
        i for i, source in enumerate(spoken_digit.sources) if source.endswith("_jackson_3.wav")
    ]
    stream = streams.make_stream(
        spoken_digit.subset(chosen[:6]), snr_db=35, pauses_s=(0.4, 0.6), sample_rate=16000
    )
    path = tmp_path_factory.mktemp("spoken") / "digits.wav"
    audio.write(path, stream.waveform, stream.sample_rate)
    return path, stream
