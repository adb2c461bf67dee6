import numpy as np
import pytest

from earshot import audio
from earshot.segmentation import noise_floor
from earshot.segmentation.noise_floor import learn_noise_floor

RATE = 8000


def assert_equal(first, second):
    np.testing.assert_array_equal(first.score, second.score)
    np.testing.assert_array_equal(first.edges, second.edges)
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
def test_there_is_a_score_for_every_frame_of_10_ms(rate, rng):
    noise = 0.01 * rng.standard_normal(2 * rate).astype(np.float32)
    heard = learn_noise_floor(noise, rate)
    assert heard.score.shape == heard.edges.shape == (200,)
    assert heard.duration_s == 2


def test_the_floor_follows_a_room_that_becomes_louder(rng):
    level = np.repeat([0.002, 0.02], 10 * RATE)
    noise = (level * rng.standard_normal(len(level))).astype(np.float32)
    heard = learn_noise_floor(noise, RATE)
    assert np.mean(heard.score > heard.high) < 0.01
