import dataclasses

import keras
import numpy as np
import pytest
from support.processes import needs_tensorflow

from earshot.errors import EarshotError
from earshot.features.log_mel import LOG_MEL_64X32, LOG_MEL_64X35, LOG_MEL_64X64, LogMel
from earshot.features.raw import RawWaveform
from earshot.features.stream import StreamSpectrogram
from earshot.networks.front_end_layers import as_layer

SETTINGS = {
    "own": LogMel(),
    "64x64": LOG_MEL_64X64,
    "64x35": LOG_MEL_64X35,
    "any length": LogMel(n_samples=None),
}


def numbers(x):
    return keras.ops.convert_to_numpy(x)


@pytest.mark.parametrize("front_end", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("length", [3001, 8000, 20000])
def test_the_numbers_are_those_of_numpy(front_end, length, beeps):
    x = np.resize(np.concatenate(beeps.waveforms), (3, length))
    np.testing.assert_allclose(numbers(as_layer(front_end)(x)), front_end(x), atol=1e-3)


def test_bands_so_narrow_that_they_hold_no_bin_give_the_numbers_of_numpy(beeps):
    front_end = LogMel(n_mels=1, fmin_hz=40.0, fmax_hz=60.0)  # bins are 31.25 Hz apart
    x = np.stack([clip[:2000] for clip in beeps.waveforms[:2]])
    np.testing.assert_allclose(numbers(as_layer(front_end)(x)), front_end(x), atol=1e-3)


@needs_tensorflow
def test_runtimes_without_a_fourier_transform_can_run_it():
    import tensorflow as tf

    layer = as_layer(LogMel())
    graph = tf.function(layer).get_concrete_function(tf.TensorSpec([1, 8000])).graph
    assert not [op.type for op in graph.get_operations() if "FFT" in op.type]


def test_a_window_whose_waves_would_fill_the_memory_is_refused():
    with pytest.raises(EarshotError, match=r"n_fft of 65,536 .*: train with 4,096 at most"):
        as_layer(LogMel(n_fft=65536))


def test_quantized_values_are_those_of_numpy_but_for_rounding(beeps):
    x = np.stack([clip[:2000] for clip in beeps.waveforms[:4]])
    difference = np.abs(numbers(as_layer(LOG_MEL_64X32)(x)) - LOG_MEL_64X32(x))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3


@pytest.mark.parametrize("length", [4000, 6400, 9000])
def test_samples_and_masks_are_those_of_numpy(length, rng):
    front_end = RawWaveform(8000, 6400)
    clip = rng.uniform(-0.5, 0.5, length).astype(np.float32)
    x, mask = front_end([clip])
    layer_x, layer_mask = as_layer(front_end)(clip[None])
    np.testing.assert_allclose(numbers(layer_x), x, atol=1e-4)
    assert np.array_equal(numbers(layer_mask), mask)


def test_a_layer_of_its_own_settings_comes_back():
    layer = as_layer(dataclasses.replace(LogMel(), n_mels=20))
    again = type(layer).from_config(layer.get_config())
    assert again.front_end == layer.front_end


def test_streams_have_no_layer():
    with pytest.raises(EarshotError, match="streams has no export"):
        as_layer(StreamSpectrogram())
