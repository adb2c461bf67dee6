import numpy as np
import pytest

from earshot.features.log_mel import LogMel
from earshot.features.raw import RawWaveform
from earshot.segmentation.stretches import word_stretch

RATE = 8000


@pytest.fixture
def clip(rng):
    """Three seconds of faint noise, in which a word of half a second is said after 1.2 s."""
    x = 1e-3 * rng.standard_normal(3 * RATE)
    at, time = slice(9600, 13600), np.arange(4000) / RATE
    pitch = 150 + 40 * np.sin(9 * time)
    voice = sum(np.sin(2 * np.pi * k * np.cumsum(pitch) / RATE) / k for k in range(1, 20))
    x[at] += 0.05 * voice * np.hanning(4000)
    return x.astype(np.float32)


def start_of(stretch, x):
    """Say where a stretch was cut out, in samples."""
    return (stretch.__array_interface__["data"][0] - x.__array_interface__["data"][0]) // x.itemsize


def holds_the_word(x):
    start = start_of(word_stretch(x, LogMel()), x)
    return start <= 9600 + 400 and start + RATE >= 13600 - 400


def test_a_word_comes_into_the_middle(clip):
    assert start_of(word_stretch(clip, LogMel()), clip) == pytest.approx(7600, abs=800)


def test_a_knock_is_no_word(clip):
    clip[20000:20080] += 0.9
    assert holds_the_word(clip)


def test_rumble_is_no_word(clip, rng):
    time = np.arange(6000) / RATE
    clip[16000:22000] += 0.5 * np.sin(2 * np.pi * 45 * time) * np.hanning(6000)
    assert holds_the_word(clip)


def test_a_word_in_digital_silence_is_found(clip):
    clip[:9600] = clip[13600:] = 0
    assert holds_the_word(clip)


@pytest.mark.parametrize("n", [1, 4000, 8000])
def test_what_is_no_longer_than_the_window_stays_whole(clip, n):
    np.testing.assert_array_equal(word_stretch(clip[:n], LogMel()), clip[:n])


@pytest.mark.parametrize("n", [8001, 8079, 8080, 23999])
def test_a_stretch_has_the_length_of_the_window(clip, n):
    assert len(word_stretch(clip[:n], LogMel())) == RATE


def test_samples_are_cut_as_spectrograms_are(clip):
    clip[20000:20080] += 0.9
    start = start_of(word_stretch(clip, RawWaveform(RATE, n_samples=RATE)), clip)
    assert start == start_of(word_stretch(clip, LogMel()), clip)


@pytest.mark.parametrize("front_end", [LogMel(n_samples=60), RawWaveform(RATE, n_samples=50)])
def test_a_window_may_be_shorter_than_a_step(clip, front_end):
    assert len(word_stretch(clip, front_end)) == front_end.n_samples
