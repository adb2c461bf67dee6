import warnings

import numpy as np
import pytest
from hypothesis import given, strategies as st

from earshot.errors import EarshotError, EarshotWarning
from earshot.features import log_mel, mel, short_time
from earshot.features.log_mel import LogMel
from earshot.synthesis import griffin_lim

FINE = LogMel(hop_length=64, n_mels=64, fmin_hz=0.0, top_db=80.0, n_samples=None)


def glide(n=6000, sample_rate=8000):
    """A voice-like sound: ten harmonics of a tone that rises."""
    turn = 2 * np.pi * np.cumsum(np.linspace(110, 180, n)) / sample_rate
    x = sum(np.sin(k * turn) / k for k in range(1, 11)) * np.hanning(n)
    return (0.2 * x).astype(np.float32)


def spectral_error_db(x, y):
    a, b = (np.abs(short_time.stft(signal, 256, 64)) for signal in (x, y))
    return 20 * np.log10(np.linalg.norm(a - b) / np.linalg.norm(a))


@given(
    n_frames=st.integers(1, 30), hop=st.integers(32, 128), batch=st.sampled_from([(), (1,), (3,)])
)
def test_a_sound_comes_back_from_its_complex_spectra(n_frames, hop, batch):
    rng = np.random.default_rng(n_frames)
    x = rng.standard_normal((*batch, (n_frames - 1) * hop)).astype(np.float32)
    y = short_time.istft(short_time.stft(x, 256, hop), hop)
    assert y.shape == x.shape
    np.testing.assert_allclose(y, x, atol=1e-4)


def test_a_sound_comes_back_from_its_magnitudes():
    x = glide()[: 93 * 64]
    y = griffin_lim.from_magnitude(np.abs(short_time.stft(x, 256, 64)), hop_length=64)
    assert spectral_error_db(x, y) < -20


def test_the_error_falls_and_the_first_phases_save_rounds():
    magnitude = np.abs(short_time.stft(glide(), 256, 64))
    guessed, drawn = [], []
    griffin_lim.from_magnitude(magnitude, hop_length=64, rounds=30, errors=guessed)
    griffin_lim.from_magnitude(magnitude, hop_length=64, rounds=30, errors=drawn, seed=0)
    assert len(guessed) == len(drawn) == 31
    assert guessed[-1] < guessed[0] - 5
    assert guessed[3] < drawn[3] - 3


def test_momentum_helps():
    errors = {}
    for momentum in (0.0, 0.99):
        errors[momentum] = []
        griffin_lim.from_log_mel(
            FINE(glide()), FINE, momentum=momentum, seed=1, errors=errors[momentum]
        )
    assert errors[0.99][-1] < errors[0.0][-1] - 0.5


def test_one_seed_gives_one_sound():
    magnitude = np.abs(short_time.stft(glide(1000), 256, 64))
    a, b, c = (
        griffin_lim.from_magnitude(magnitude, hop_length=64, rounds=2, seed=s) for s in (3, 3, 4)
    )
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-3


def test_bands_are_spread_so_that_the_same_bands_come_out():
    db = FINE(glide())
    power = np.square(griffin_lim.linear_magnitude(db, FINE))
    bank, _, _ = mel.mel_matrices(FINE)
    assert (power >= 0).all()
    again = 10 * np.log10(power @ bank)
    loud = db > -50
    assert np.abs(again - db)[loud].mean() < 0.5


def test_a_batch_gives_what_each_spectrogram_gives():
    spectrograms = np.stack([FINE(glide()), FINE(glide()[::-1])])
    together = griffin_lim.from_log_mel(spectrograms, FINE, rounds=3)
    for spectrogram, sound in zip(spectrograms, together, strict=True):
        alone = griffin_lim.from_log_mel(spectrogram, FINE, rounds=3)
        np.testing.assert_allclose(alone, sound, atol=1e-5)


def test_a_quantized_one_gives_nearly_what_the_spectrogram_gives():
    x = glide()
    quantized = LogMel(**{**FINE.to_dict(), "bits": 8})
    y = griffin_lim.from_log_mel(quantized(x), quantized)
    z = griffin_lim.from_log_mel(FINE(x), FINE)
    assert spectral_error_db(z, y) < -8


@pytest.mark.parametrize("level", [-12, 7])
def test_a_spectrogram_of_another_level_is_moved_and_that_is_said(level):
    spectrogram = FINE(glide())
    with pytest.warns(EarshotWarning, match=f"{level} dB"):
        moved = log_mel.check_log_mel(np.maximum(spectrogram + level, -80), FINE)
    assert moved.max() == 0
    assert moved.min() >= -80


def bad(change):
    spectrogram = FINE(glide(2000)).astype(np.float32)
    return change(spectrogram)


def with_value(value):
    def change(spectrogram):
        spectrogram[3, 4] = value
        return spectrogram

    return change


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda p: p.T, "turned over"),
        (lambda p: p[:, :40], r"\(32, 40\)"),
        (lambda p: p[0], r"\(64,\)"),
        (lambda p: p[:0], r"\(0, 64\)"),
        (with_value(np.nan), "NaN"),
        (with_value(np.inf), "infinity"),
        (with_value(-96), "-96 dB"),
        (lambda p: 10 ** (p / 10), "power"),
        (lambda p: p.astype(complex), "no numbers"),
    ],
)
def test_a_spectrogram_that_the_settings_cannot_give_is_refused(change, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(EarshotError, match=message):
            griffin_lim.from_log_mel(bad(change), FINE)


@pytest.mark.parametrize(
    "magnitude, message",
    [
        (np.full((5, 129), -3.0), r"in dB.*10 \*\* \(db / 20\)"),
        (np.full((5, 129), np.nan), "NaN"),
        (np.zeros((0, 129)), "shape"),
        (np.zeros(129), "shape"),
        (np.zeros((5, 129), complex), "np.abs"),
    ],
)
def test_what_is_no_magnitude_is_refused(magnitude, message):
    with pytest.raises(EarshotError, match=message):
        griffin_lim.from_magnitude(magnitude, hop_length=64)


def test_silence_gives_silence():
    assert not griffin_lim.from_magnitude(np.zeros((5, 129)), hop_length=64).any()


def test_phases_are_found_again_after_silence():
    magnitude = np.abs(short_time.stft(glide(), 256, 64))
    magnitude[20:30] = 0
    phase = griffin_lim.first_phase(magnitude, 64)
    np.testing.assert_allclose(np.abs(phase), 1, atol=1e-5)
