"""Data that the tests of the notebooks share."""

import dataclasses
import threading

import pytest
from support import hardware

import earshot


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder with 300 digits by synthetic voices, whose takes 0 and 1 are the test."""
    folder = tmp_path_factory.mktemp("data")
    digits = earshot.synthetic(n_voices=5, n_takes=6, accents=False)
    numbers = {f"_{i}.wav": f"_{number}.wav" for i, number in enumerate((0, 1, 10, 20, 30, 40))}
    sources = [source[:-6] + numbers[source[-6:]] for source in digits.sources]
    dataclasses.replace(digits, sources=sources).save(folder / "spoken_digit.npz")
    return folder


@pytest.fixture
def speaker(microphone, screen, spoken):
    """Give a thread that presses s until a take is in a folder, speaks, and presses q."""
    path, stream = spoken

    def start(folder, and_then=lambda: None):
        def speak():
            hardware.wait_for(lambda: screen.press("s") or [*folder.glob("*.wav")], "a take", 90)
            microphone.speak(path)
            screen.press("q")
            and_then()

        threading.Thread(target=speak, daemon=True).start()
        return [segment.word for segment in stream.segments]

    return start
