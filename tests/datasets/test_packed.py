import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.datasets import packed
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel


def test_what_is_packed_comes_back(beeps, tmp_path):
    beeps.save(tmp_path / "beeps.npz")
    again = packed.load(tmp_path / "beeps.npz")
    for x, y in zip(beeps.waveforms, again.waveforms, strict=True):
        np.testing.assert_array_equal(x, y)
    for field in ("labels", "speakers", "sources"):
        np.testing.assert_array_equal(getattr(beeps, field), getattr(again, field))
    assert (again.class_names, again.sample_rate) == (beeps.class_names, beeps.sample_rate)


@given(st.lists(st.text(min_size=1).filter(lambda w: "\0" not in w), min_size=1, unique=True))
def test_any_word_survives(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("pack") / "a.npz"
    n = len(words)
    WordSet([np.zeros(3)] * n, range(n), words, ["x"] * n, ["y"] * n, 8000).save(path)
    assert packed.load(path).class_names == tuple(words)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EarshotError, match=r"a\.npz"):
        packed.load(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"no zip at all", "half"])
def test_a_damaged_file_is_named(beeps, tmp_path, content):
    path = tmp_path / "a.npz"
    beeps.save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if content == "half" else content)
    with pytest.raises(EarshotError, match=r"a\.npz is not a packed WordSet or is damaged"):
        packed.load(path)


def test_a_pickle_is_not_opened(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, waveforms=np.array([{"run": "me"}], dtype=object), lengths=np.array([1]))
    with pytest.raises(EarshotError, match="not a packed WordSet"):
        packed.load(path)


def test_spectrograms_are_packed_with_their_settings(beeps, tmp_path):
    front_end = LogMel()
    some = beeps.subset([0, 1])
    some.save(tmp_path / "a.npz", front_end=front_end)
    with np.load(tmp_path / "a.npz") as arrays:
        np.testing.assert_array_equal(arrays["spectrograms"], front_end(some.waveforms))
        assert arrays["quantized"].dtype == np.uint8
        assert LogMel(**json.loads(str(arrays["front_end"]))) == front_end
    assert len(packed.load(tmp_path / "a.npz")) == 2
