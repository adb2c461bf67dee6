import numpy as np
import pytest

from earshot import audio
from earshot.segmentation import noise_floor
from earshot.segmentation.noise_floor import N_BANDS, learn_noise_floor

RATE = 8000


def assert_equal(first, second):
    np.testing.assert_array_equal(first.bands, second.bands)
    np.testing.assert_array_equal(first.floor, second.floor)
    assert first.duration_s == second.duration_s


def test_a_file_gives_the_same_as_its_waveform_in_one_piece(stream, tmp_path):
    long = np.tile(stream.waveform, 8)
    assert len(long) > 2 * audio.BLOCK_S * RATE
    audio.write(tmp_path / "long.wav", long, RATE, subtype="FLOAT")
    from_file = learn_noise_floor(tmp_path / "long.wav", None)
    assert_equal(from_file, learn_noise_floor(long, RATE))
    assert from_file.name == str(tmp_path / "long.wav")


def test_block_borders_leave_no_trace(stream, monkeypatch):
    whole = learn_noise_floor(stream.waveform, RATE)
    monkeypatch.setattr(audio, "BLOCK_S", 3.0)
    monkeypatch.setattr(noise_floor, "BLOCK_FRAMES", 300)
    assert_equal(learn_noise_floor(stream.waveform, RATE), whole)


@pytest.mark.parametrize("rate", [8000, 44100])
def test_there_are_levels_for_every_frame_of_10_ms(rate, rng):
    noise = 0.01 * rng.standard_normal(2 * rate).astype(np.float32)
    sound = learn_noise_floor(noise, rate)
    assert sound.bands.shape == (200, N_BANDS)
    assert sound.above_db(190, 300).shape == (10, N_BANDS)
    assert sound.duration_s == 2


@pytest.mark.parametrize("rate", [8000, 48000])
def test_a_band_is_the_same_at_every_rate(rate):
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * rate) / rate).astype(np.float32)
    loudest = learn_noise_floor(tone, rate).bands[50:150].argmax(axis=1)
    assert set(loudest) == {7}


def test_bands_that_a_recording_cannot_hold_never_stand_out(rng):
    noise = rng.standard_normal(4 * RATE).astype(np.float32)
    above = learn_noise_floor(noise, RATE).above_db(0, 400)
    assert above[:, 21:].max() <= 0 < above[:, :20].max(axis=0).min()


def test_the_floor_follows_a_room_that_becomes_louder(rng):
    level = np.repeat([0.002, 0.02], 10 * RATE)
    noise = (level * rng.standard_normal(len(level))).astype(np.float32)
    above = learn_noise_floor(noise, RATE).above_db(0, 2000)[:, :18].mean(axis=1)
    assert np.mean(above > 3) < 0.01
    assert above[-900:].mean() > -1
