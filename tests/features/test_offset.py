import keras
import numpy as np
import pytest

from earshot.features.log_mel import LogMel
from earshot.features.offset import centred
from earshot.features.raw import RawWaveform
from earshot.features.stream import StreamSpectrogram
from earshot.networks import front_end_layers


@pytest.fixture
def clips(rng):
    """Noise, of which the first has zeros around it."""
    x = 0.1 * rng.standard_normal((2, 8000)).astype(np.float32)
    x[0, :2000] = x[0, 6000:] = 0
    return x


def test_the_mean_of_what_sounds_is_taken_off_and_zeros_around_it_stay(clips):
    moved = np.where(clips != 0, clips + np.float32(0.3), 0)
    taken = centred(moved)
    np.testing.assert_allclose(taken, centred(clips), atol=1e-6)
    assert not taken[0, :2000].any() and not taken[0, 6000:].any()


def test_silence_stays_silence():
    assert not centred(np.zeros((2, 9))).any()


def test_the_keras_form_gives_the_same(clips):
    moved = clips + np.float32(0.1)
    for x in (clips, moved, np.zeros_like(clips)):
        same = keras.ops.convert_to_numpy(front_end_layers.centred(keras.ops.convert_to_tensor(x)))
        np.testing.assert_allclose(same, centred(x), atol=1e-6)


@pytest.mark.parametrize("pad", ["center", "end"])
@pytest.mark.parametrize("length", [500, 4000, 8000, 9000])
def test_an_offset_does_not_change_a_spectrogram(rng, pad, length):
    x = (0.1 * rng.standard_normal(length)).astype(np.float32)
    front_end = LogMel(pad=pad)
    np.testing.assert_allclose(front_end(x + np.float32(0.2)), front_end(x), atol=0.01)
    layer = front_end_layers.as_layer(front_end)
    shifted = keras.ops.convert_to_numpy(layer(x[None] + np.float32(0.2)))[0]
    np.testing.assert_allclose(shifted, front_end(x), atol=0.01)


def test_an_offset_does_not_change_raw_samples(rng):
    x = (0.1 * rng.standard_normal(3000)).astype(np.float32)
    front_end = RawWaveform(8000, 4000)
    for a, b in zip(front_end([x + np.float32(0.2)]), front_end([x]), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_a_stream_needs_none_of_it(rng):
    """Its bands begin above 0 Hz; its first steps differ, and the floor that looks back on them."""
    x = (0.1 * rng.standard_normal(16000)).astype(np.float32)
    settings = StreamSpectrogram(floor_s=0.5)
    moved, plain = (settings.spectrogram(one) for one in (x + np.float32(0.2), x))
    assert np.abs(moved - plain)[80:-2].max() < 0.1
