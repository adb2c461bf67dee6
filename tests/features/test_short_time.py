import librosa
import numpy as np
import pytest

from earshot.features import short_time

each_size = pytest.mark.parametrize(("n_fft", "hop_length"), [(256, 64), (256, 80), (2048, 512)])


@each_size
def test_the_transform_agrees_with_librosa(n_fft, hop_length, rng):
    x = rng.standard_normal((2, 8000)).astype(np.float32)
    expected = librosa.stft(x, n_fft=n_fft, hop_length=hop_length, pad_mode="constant")
    spectra = short_time.stft(x, n_fft, hop_length)
    assert spectra.dtype == np.complex64
    np.testing.assert_allclose(spectra, expected.swapaxes(1, 2), atol=1e-3)


@each_size
@pytest.mark.parametrize("shape", [(9, 3000), (2, 40_000)], ids=["short", "long"])
def test_power_in_blocks_is_that_of_the_transform(n_fft, hop_length, shape, rng):
    x = rng.standard_normal(shape).astype(np.float32)
    power = np.concatenate(list(short_time.power_blocks(x, n_fft, hop_length)))
    expected = np.square(np.abs(short_time.stft(x, n_fft, hop_length))).reshape(power.shape)
    np.testing.assert_allclose(power, expected, rtol=1e-5, atol=1e-6)


@each_size
def test_the_inverse_gives_the_waveform_back(n_fft, hop_length, rng):
    x = rng.standard_normal((2, 3, 20 * hop_length)).astype(np.float32)
    back = short_time.istft(short_time.stft(x, n_fft, hop_length), hop_length)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, x, atol=1e-4)
