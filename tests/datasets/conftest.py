"""Recordings that the tests of data sets share."""

import numpy as np
import pytest
import soundfile


def write_tone(path, sample_rate=8000, channels=1, pitch_hz=300, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(sample_rate // 2) / sample_rate
    x = 0.3 * np.sin(2 * np.pi * pitch_hz * t)
    soundfile.write(path, np.repeat(x[:, None], channels, axis=1), sample_rate, **kwargs)


@pytest.fixture
def tones(tmp_path):
    """Write half a second of a tone into each of some files; gives their folder."""

    def make(*names):
        for i, name in enumerate(names):
            write_tone(tmp_path / name, pitch_hz=300 + 10 * i)
        return tmp_path

    return make


@pytest.fixture
def folder(tmp_path):
    """Two words in mixed formats, rates and channels."""
    write_tone(tmp_path / "cat" / "anna_1.wav", 16000)
    write_tone(tmp_path / "cat" / "anna_2.flac", 16000, channels=2)
    write_tone(tmp_path / "cat" / "cat_bob_3.mp3", 44100)
    write_tone(tmp_path / "dog" / "anna_1.ogg", 16000)
    write_tone(tmp_path / "dog" / "eve.wav", 48000, channels=8, subtype="FLOAT")
    return tmp_path
