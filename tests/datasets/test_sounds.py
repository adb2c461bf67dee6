import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from earshot.datasets import sounds
from earshot.errors import EarshotError


@given(arrays(np.int16, st.integers(1, 50)))
def test_samples_of_16_bits_come_back_as_they_are(samples):
    data = sounds.encoded(samples, 16000)
    np.testing.assert_array_equal(sounds.plain(data, 16000), samples / np.float32(32768))
    np.testing.assert_array_equal(soundfile.read(io.BytesIO(data), dtype="int16")[0], samples)


@given(arrays(np.float32, st.integers(1, 50), elements=st.floats(-2, 2, width=32)))
def test_finer_samples_come_back_as_they_are(x):
    np.testing.assert_array_equal(sounds.decoded(sounds.encoded(x, 16000), 16000, "x"), x)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_any_sound_comes_at_the_rate_that_is_asked_for(kind):
    file = io.BytesIO()
    soundfile.write(file, np.zeros((24000, 2)), 24000, format=kind)
    assert len(sounds.decoded(file.getvalue(), 16000, "x")) == 16000


@pytest.mark.parametrize("data", [b"", b"RIFF", b"\0" * 1000])
def test_what_is_no_sound_is_named(data):
    with pytest.raises(EarshotError, match=r"yes/a\.wav cannot be read as sound"):
        sounds.decoded(data, 16000, "yes/a.wav")


def test_a_day_is_not_decoded():
    file = io.BytesIO()
    soundfile.write(file, np.zeros(700 * 1000), 1000, format="FLAC")
    with pytest.raises(EarshotError, match=r"longer than 600 s: cut it"):
        sounds.sound_of(file.getvalue(), "a.flac")
