import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.synthesis import rebuilt
from earshot.synthesis.inverter import FINE

T = np.arange(4000) / 8000
X = (np.sin(2 * np.pi * 600 * T) * np.hanning(len(T))).astype(np.float32)


def test_the_original_is_first_and_nothing_off():
    first, same = rebuilt.compare(X, {"same": X})
    assert (first.name, first.distance_db, same.distance_db) == ("original", 0.0, 0.0)
    assert first.spectrogram.shape == first.difference.shape == FINE(X).shape


def test_how_loud_a_sound_is_does_not_matter():
    _, quiet = rebuilt.compare(X, {"quiet": 0.01 * X})
    assert quiet.distance_db == pytest.approx(0, abs=0.01)


def test_more_noise_is_farther_off_and_louder():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(len(X)).astype(np.float32)
    _, little, much = rebuilt.compare(X, {"little": X + 0.003 * noise, "much": X + 0.1 * noise})
    assert 0 < little.distance_db < much.distance_db
    assert much.difference.mean() > 0


def test_what_cannot_be_heard_does_not_count():
    noise = 1e-5 * np.random.default_rng(0).standard_normal(len(X))
    _, faint = rebuilt.compare(X, {"faint": X + noise.astype(np.float32)})
    assert faint.distance_db < 0.5


def test_the_distance_is_the_mean_over_frames_of_the_root_mean_square_over_bands():
    one = rebuilt.Rebuilt("one", X, np.zeros((2, 2)), np.array([[3.0, 4.0], [0.0, 0.0]]))
    assert one.distance_db == pytest.approx(np.sqrt(12.5) / 2)


def test_sounds_of_other_lengths_are_compared_as_far_as_both_go():
    _, short = rebuilt.compare(X, {"short": X[:2000]})
    assert short.spectrogram.shape == FINE(X[:2000]).shape
    assert short.waveform.shape == (2000,)


def test_a_sound_of_no_length_is_an_error():
    with pytest.raises(EarshotError, match="nothing has 10 samples"):
        rebuilt.compare(X, {"nothing": X[:10]})


def test_every_way_gets_the_spectrogram_and_is_timed():
    seen = []

    def way(db):
        seen.append(db)
        return X

    original, other = rebuilt.rebuild(X, FINE, {"way": way})
    np.testing.assert_array_equal(seen[0], FINE(X))
    assert original.times_real_time is None
    assert other.times_real_time > 0
