import dataclasses
import json
import subprocess
import sys

import keras
import librosa
import numpy as np
import pytest
from hypothesis import given, strategies as st

from earshot.errors import EarshotError
from earshot.features.log_mel import LOG_MEL_64X32, LOG_MEL_64X35, LOG_MEL_64X64, LogMel
from earshot.networks.front_end_layers import as_layer

ALL = {"default": LogMel(), "64x64": LOG_MEL_64X64, "64x35": LOG_MEL_64X35, "64x32": LOG_MEL_64X32}
each_front_end = pytest.mark.parametrize("front_end", ALL.values(), ids=ALL)


def librosa_mel_power(x, front_end):
    return librosa.feature.melspectrogram(
        y=front_end.pad_or_trim(x), sr=front_end.sample_rate, n_fft=front_end.n_fft,
        hop_length=front_end.hop_length, n_mels=front_end.n_mels, fmin=front_end.fmin_hz,
        fmax=front_end.fmax_hz,
    ).T  # fmt: skip


@each_front_end
def test_mel_power_agrees_with_librosa(front_end, rng):
    x = rng.standard_normal(front_end.n_samples).astype(np.float32)
    expected = librosa_mel_power(x, front_end)
    np.testing.assert_allclose(front_end.mel_power(x), expected, rtol=1e-5)


@each_front_end
def test_decibels_agree_with_librosa(front_end, rng):
    front_end = dataclasses.replace(front_end, bits=None)
    x = 0.1 * rng.standard_normal(front_end.n_samples)
    expected = librosa.power_to_db(
        librosa_mel_power(x, front_end), ref=np.max, top_db=front_end.top_db
    )
    np.testing.assert_allclose(front_end(x), expected, atol=1e-3)


@each_front_end
def test_the_keras_layer_gives_the_same_numbers(front_end, rng):
    x = rng.standard_normal((3, front_end.n_samples)).astype(np.float32)
    x *= np.linspace(1, 0.001, front_end.n_samples, dtype=np.float32)
    difference = np.abs(keras.ops.convert_to_numpy(as_layer(front_end)(x)) - front_end(x))
    assert difference.max() < (1e-3 if front_end.bits is None else 1.01)


def test_the_keras_layer_agrees_on_speech(speech):
    front_end = LogMel()
    x = front_end.pad_or_trim(speech.waveforms)
    layer = keras.ops.convert_to_numpy(as_layer(front_end)(x))
    assert np.abs(layer - front_end(speech.waveforms)).max() < 1e-3


@pytest.mark.parametrize("length", [500, 8000, 9999])
@pytest.mark.parametrize("pad", ["center", "end"])
def test_numpy_and_keras_pad_and_cut_alike(length, pad, rng):
    front_end = LogMel(pad=pad)
    x = rng.standard_normal((2, length)).astype(np.float32)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(as_layer(front_end)(x)), front_end(x), atol=1e-3
    )
    np.testing.assert_array_equal(front_end(x), front_end(list(x)))


@pytest.mark.parametrize(
    ("front_end", "shape"),
    [(LOG_MEL_64X64, (64, 64)), (LOG_MEL_64X35, (35, 64)), (LOG_MEL_64X32, (32, 64))],
)
def test_the_classic_spectrograms_have_their_sizes(front_end, shape, rng):
    spectrogram = front_end(rng.standard_normal(5000))
    assert spectrogram.shape == shape == front_end.output_shape


def test_quantized_values_have_8_bits_and_use_the_whole_range(rng):
    quantized = LOG_MEL_64X32(rng.standard_normal(5000))
    assert quantized.dtype == np.uint8
    assert (quantized.min(), quantized.max()) == (0, 255)


@given(st.integers(1, 3), st.integers(1, 30000), st.sampled_from([None, 8000]))
def test_every_size_of_batch_gives_the_spectrograms_of_its_clips(n, length, n_samples):
    front_end = LogMel(n_samples=n_samples)
    x = np.random.default_rng(length).standard_normal((n, length)).astype(np.float32)
    spectrograms = front_end(x)
    assert spectrograms.shape == (n, 1 + (n_samples or length) // 80, 40)
    np.testing.assert_allclose(spectrograms[-1], front_end(x[-1]), atol=1e-4)


def test_loudness_does_not_change_the_spectrogram(rng):
    x = rng.standard_normal(8000)
    np.testing.assert_allclose(LogMel()(0.01 * x), LogMel()(x), atol=1e-3)


def test_silence_gives_a_finite_spectrogram():
    assert np.isfinite(LogMel()(np.zeros(8000))).all()


def test_settings_survive_json():
    for front_end in ALL.values():
        assert LogMel(**json.loads(json.dumps(front_end.to_dict()))) == front_end


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample_rate": 0}, {"n_fft": 255}, {"hop_length": -1}, {"n_mels": 0}, {"n_samples": 0},
        {"fmax_hz": 5000}, {"fmin_hz": 4000}, {"pad": "left"}, {"bits": 16}, {"top_db": 0},
        {"sample_rate": 10**9}, {"sample_rate": np.nan}, {"n_fft": 10**9}, {"n_fft": 0},
        {"hop_length": 0}, {"hop_length": 10**9}, {"n_mels": 10**9}, {"n_samples": 10**12},
        {"n_samples": np.inf}, {"top_db": np.inf}, {"top_db": np.nan}, {"top_db": 1000},
        {"fmin_hz": np.nan}, {"fmin_hz": "60"}, {"hop_length": True}, {"n_mels": True},
    ],
)  # fmt: skip
def test_settings_that_make_no_spectrogram_are_named(wrong):
    with pytest.raises(EarshotError, match=next(iter(wrong))):
        LogMel(**wrong)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 5000, "high"])
def test_an_impossible_highest_frequency_is_named(wrong):
    with pytest.raises(EarshotError, match="fmax_hz|top_hz"):
        LogMel(fmax_hz=wrong)


@pytest.mark.parametrize("top_db", [1e-6, 300])
def test_every_range_that_is_allowed_gives_finite_values(top_db, rng):
    assert np.isfinite(LogMel(top_db=top_db)(rng.standard_normal(500))).all()


def test_a_waveform_without_samples_is_refused():
    with pytest.raises(EarshotError, match="without samples"):
        LogMel(n_samples=None)(np.zeros(0))


def test_clips_of_different_lengths_need_n_samples():
    with pytest.raises(EarshotError, match="n_samples"):
        LogMel(n_samples=None)([np.zeros(10), np.zeros(11)])


def test_the_light_modules_import_no_tensorflow():
    code = (
        "import sys, earshot.audio, earshot.features.front_end; "
        "sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras', 'librosa')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
