import librosa
import numpy as np

from earshot.features.mel import MelBands, mel_filter_bank


def test_the_filter_bank_is_librosas():
    expected = librosa.filters.mel(sr=16000, n_fft=512, n_mels=40, fmin=100, fmax=7000)
    np.testing.assert_allclose(
        mel_filter_bank(16000, 512, 40, 100, 7000), expected.T, rtol=1e-4, atol=1e-9
    )


def test_centres_of_bands_are_where_the_filters_peak():
    bands = MelBands(sample_rate=16000, n_fft=2**14, n_mels=20)
    bank = mel_filter_bank(16000, 2**14, 20, bands.fmin_hz, bands.top_hz)
    np.testing.assert_allclose(bands.centres_hz, bank.argmax(axis=0) * 16000 / 2**14, atol=1)
