import numpy as np
import pytest

from earshot.datasets import noises
from earshot.datasets.noises import made_up_noise
from earshot.errors import EarshotError


def test_all_recordings_of_a_folder_are_read(tones):
    found = noises.backgrounds(tones("a.wav"), 16000)
    assert list(found) == ["a.wav"] and len(found["a.wav"]) == 8000


def test_an_empty_folder_is_pointed_out(tmp_path):
    with pytest.raises(EarshotError, match="There is no recording in"):
        noises.backgrounds(tmp_path)


@pytest.mark.parametrize("seed", range(6))
def test_made_up_noise_differs_by_seed_and_repeats(seed):
    x = made_up_noise(2.0, 8000, seed=seed)
    assert x.shape == (16_000,) and abs(x).max() == pytest.approx(0.9)
    assert np.array_equal(x, made_up_noise(2.0, 8000, seed=seed))
    assert not np.array_equal(x, made_up_noise(2.0, 8000, seed=seed + 1))
