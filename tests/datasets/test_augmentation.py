import dataclasses

import numpy as np
import pytest
from hypothesis import given, strategies as st

from earshot.datasets.augmentation import (
    Augmentation,
    add_noise,
    change_speed,
    coloured_noise,
    reverberate,
)
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.features.short_time import stft

NOTHING = Augmentation(
    speed=0, shift_s=0, reverb=0, noise=0, tilt_db=0, warp=0, tempo=0, mask_bands=0, mask_frames=0
)


def pitch_hz(x, sample_rate=8000):
    return np.argmax(np.abs(np.fft.rfft(x))) * sample_rate / len(x)


def tone(hz, n=8000):
    return np.sin(2 * np.pi * hz * np.arange(n) / 8000).astype(np.float32)


def test_with_everything_off_the_plain_spectrograms_come_out(beeps, rng):
    front_end = LogMel()
    spectrograms = NOTHING(beeps.waveforms, front_end, rng)
    np.testing.assert_allclose(spectrograms, front_end(beeps.waveforms), atol=1e-4)


def test_one_seed_gives_one_result(beeps):
    first, again = (
        Augmentation()(beeps.waveforms, LogMel(), np.random.default_rng(7)) for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


def test_the_clips_themselves_stay_as_they_are(beeps, rng):
    before = [x.copy() for x in beeps.waveforms]
    Augmentation()(beeps.waveforms, LogMel(), rng)
    for x, y in zip(before, beeps.waveforms, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    "kind", ["speed", "shift_s", "reverb", "noise", "tilt_db", "warp", "tempo", "mask_bands",
             "mask_frames"],
)  # fmt: skip
def test_every_kind_changes_the_spectrogram_within_its_range(beeps, rng, kind):
    front_end = LogMel()
    on = dataclasses.replace(NOTHING, **{kind: getattr(Augmentation(), kind)})
    spectrograms = on(beeps.waveforms, front_end, rng)
    assert not np.allclose(spectrograms, front_end(beeps.waveforms))
    assert spectrograms.min() >= -front_end.top_db - 1e-3
    assert spectrograms.max() <= 1e-3


def test_speed_moves_pitch_and_length_together():
    x = change_speed(tone(400), 1.25)
    assert len(x) == 6400
    assert abs(pitch_hz(x) - 500) < 3


@given(st.integers(1, 300), st.floats(0.5, 2))
def test_speed_reads_between_the_samples(n, factor):
    x = np.random.default_rng(n).uniform(-1, 1, n).astype(np.float32)
    times = np.arange(max(int(n / factor), 1)) * factor
    expected = np.interp(times, np.arange(n), x)
    np.testing.assert_allclose(change_speed(x, factor), expected, atol=1e-6)


def test_noise_is_as_normal_as_what_nature_makes(rng):
    power = np.abs(stft(coloured_noise(20, 8000, rng), 256, 80)[:, 3:-3, 5:]) ** 2
    mean = power.mean(axis=1, keepdims=True)  # of each colour, at each frequency
    assert np.mean((power / mean) ** 2) == pytest.approx(2, abs=0.06)  # 2 for normal samples


def test_noise_is_of_every_colour_from_white_to_brown(rng):
    power = (np.abs(np.fft.rfft(coloured_noise(200, 8000, rng))) ** 2)[:, 100:3200]
    octaves = np.log2(np.arange(100, 3200))
    slopes_db = [np.polyfit(octaves, 10 * np.log10(p), 1)[0] for p in power]
    assert -8.2 < min(slopes_db) < -6.3  # 1.2 times 6 dB an octave
    assert -0.9 < max(slopes_db) < 0.9


def test_noise_has_the_asked_level(rng):
    x = np.tile(tone(440), (4, 1))
    snr_db = np.array([[0.0], [10.0], [20.0], [40.0]])
    added = add_noise(x, coloured_noise(4, 8000, rng), snr_db) - x
    measured = 10 * np.log10(np.mean(x**2, axis=1) / np.mean(added**2, axis=1))
    np.testing.assert_allclose(measured, snr_db[:, 0], atol=0.1)


def test_a_room_keeps_the_direct_sound_and_adds_a_tail(rng):
    x = np.zeros((1, 8000), np.float32)
    x[0, 1000] = 1
    y = reverberate(x, 8000, rng)
    assert abs(y[0, 1000] - 1) < 1e-3
    assert np.abs(y[0, :1000]).max() < 1e-4
    assert np.abs(y[0, 1001:2000]).max() > 1e-3


def test_spectrograms_of_any_length_cannot_be_varied(rng):
    with pytest.raises(EarshotError, match="n_samples"):
        Augmentation()([np.zeros(10)], LogMel(n_samples=None), rng)
