import dataclasses

import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.features import images
from earshot.features.log_mel import LogMel

FRONT_END = LogMel(n_samples=None)


@pytest.fixture
def spectrogram(rng):
    return FRONT_END(rng.standard_normal(3000).astype(np.float32))


def test_numbers_come_back_as_they_were_with_their_settings(spectrogram, tmp_path):
    images.write(tmp_path / "a.npz", spectrogram, FRONT_END)
    again, front_end = images.read(tmp_path / "a.npz")
    np.testing.assert_array_equal(again, spectrogram)
    assert front_end == FRONT_END


def test_an_image_comes_back_as_a_stamp_with_its_settings(spectrogram, tmp_path):
    images.write(tmp_path / "a.png", spectrogram, FRONT_END)
    stamp, front_end = images.read(tmp_path / "a.png")
    assert front_end == dataclasses.replace(FRONT_END, bits=8)
    assert stamp.dtype == np.uint8
    assert np.abs((stamp / 255.0 - 1) * 45 - spectrogram).max() < 0.1


def test_an_image_from_elsewhere_needs_settings(spectrogram, tmp_path):
    from PIL import Image

    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((40, 7), np.uint8) + 9).save(path)
    with pytest.raises(EarshotError, match="give front_end"):
        images.read(path)
    stamp, front_end = images.read(path, FRONT_END)
    assert stamp.shape == (7, 40)
    assert front_end.bits == 8


def test_a_wrong_spectrogram_leaves_no_file(spectrogram, tmp_path):
    with pytest.raises(EarshotError, match="NaN"):
        images.write(tmp_path / "a.npz", spectrogram * np.nan, FRONT_END)
    with pytest.raises(EarshotError, match="one spectrogram"):
        images.write(tmp_path / "a.npz", spectrogram[None], FRONT_END)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_or_missing_file_is_named(tmp_path):
    with pytest.raises(EarshotError, match="no file .*a.npz"):
        images.read(tmp_path / "a.npz")
    for name in ("b.npz", "b.png"):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(EarshotError, match=f"{name}.*damaged"):
            images.read(tmp_path / name)
    with pytest.raises(EarshotError, match=r"neither \.npz nor \.png"):
        images.write(tmp_path / "c.txt", np.zeros((3, 40)), FRONT_END)


def test_a_coarser_spectrogram_keeps_its_size_and_its_loudest_point(spectrogram):
    rough = images.coarser(spectrogram, 4)
    assert rough.shape == spectrogram.shape
    assert abs(rough.max()) < 1e-6
    assert (rough[0:4, 0:4] == rough[0, 0]).all()
    np.testing.assert_allclose(images.coarser(spectrogram, 1), spectrogram, atol=1e-5)
