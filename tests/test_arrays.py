import io
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest

from earshot import arrays
from earshot.errors import EarshotError

X = np.arange(12.0).reshape(3, 4)


@pytest.fixture
def path(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=X, words=["cat", "dög"], empty=np.zeros((0, 4)))
    return tmp_path / "a.npz"


def packed(path, members):
    """Write an archive of files that may lie."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def npy(shape, n_bytes, kind="<f8"):
    """Make an array the header of which claims a shape of its own."""
    file = io.BytesIO()
    header = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + bytes(n_bytes)


def test_arrays_come_back_by_name(path):
    found = arrays.read(path, ["x", "words", "empty"])
    np.testing.assert_array_equal(found["x"], X)
    assert found["words"].tolist() == ["cat", "dög"]
    assert found["empty"].shape == (0, 4)
    assert list(arrays.read(path, ["x"])) == ["x"]


def test_what_is_missing_is_named(path, tmp_path):
    with pytest.raises(EarshotError, match=r"a\.npz is damaged or another file .*'?y\.npy"):
        arrays.read(path, ["x", "y"])
    with pytest.raises(EarshotError, match=r"no file .*b\.npz"):
        arrays.read(tmp_path / "b.npz", ["x"])


@pytest.mark.parametrize("shape", [(2**40,), (4, -1), (3,), (-2, -1)])
def test_a_header_that_claims_what_is_not_there_is_refused(tmp_path, shape):
    packed(tmp_path / "a.npz", {"x.npy": npy(shape, 16)})
    with pytest.raises(EarshotError, match=r"a\.npz is damaged or another file .x\.npy claims"):
        arrays.read(tmp_path / "a.npz", ["x"])


def test_a_small_file_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "MOST_BYTES", 2**20)
    packed(tmp_path / "a.npz", {"x.npy": npy((2**21,), 2**24)})
    assert (tmp_path / "a.npz").stat().st_size < 20_000
    tracemalloc.start()
    try:
        with pytest.raises(EarshotError, match=r"a\.npz is damaged, or too large when unpacked"):
            arrays.read(tmp_path / "a.npz", ["x"])
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_no_pickle_is_opened(tmp_path):
    content = pickle.dumps(Touch(tmp_path / "opened"))
    n = -(-len(content) // 8)  # as many pointers as a header of objects may claim
    array = npy((n,), 0, "|O") + content.ljust(8 * n, b".")
    packed(tmp_path / "a.npz", {"x.npy": array})
    with pytest.raises(EarshotError, match=r"a\.npz is damaged"):
        arrays.read(tmp_path / "a.npz", ["x"])
    assert not (tmp_path / "opened").exists()


def test_every_damage_is_one_error(path, rng):
    data = path.read_bytes()
    for _ in range(300):
        changed = bytearray(data[: rng.integers(1, len(data) + 1)])
        for at in rng.integers(0, len(changed), rng.integers(1, 4)):
            changed[at] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        try:
            arrays.read(path, ["x", "words"])
        except EarshotError as error:
            assert path.name in str(error)
