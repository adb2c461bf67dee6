"""What a recognizer remembers lies in a file that may be damaged, or of another network."""

import io
import zipfile

import keras
import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.recognition import recognizer
from earshot.recognition.memory import Memory
from earshot.recognition.recognizer import Recognizer

LAYER = "features"


@pytest.fixture
def network():
    inputs = keras.Input((101, 40))
    x = keras.layers.GlobalAveragePooling1D(name=LAYER)(inputs)
    return keras.Model(inputs, keras.layers.Dense(2)(x))


@pytest.fixture
def arrays(rng):
    x = rng.standard_normal((6, 40)).astype(np.float16)
    labels = np.array([0, 0, 1, -1, -1, -2])
    return {"features": x, "labels": labels, "held_out": labels == -1, "layer": LAYER,
            "dropped": ("cat",)}  # fmt: skip


@pytest.fixture
def remembering(network, arrays):
    return Recognizer(network, LogMel(), ("a", "b"), memory=Memory(**arrays))


def test_it_is_saved_with_the_words_that_were_dropped(remembering, tmp_path):
    remembering.save(tmp_path / "a")
    again = recognizer.load(tmp_path / "a").memory
    assert again.words(("a", "b")) == ["a", "a", "b", "", "", "cat"]
    np.testing.assert_array_equal(again.features, remembering.memory.features)


def test_streams_are_remembered(network, arrays, rng, tmp_path):
    x = rng.uniform(-0.5, 0.5, (50, 40))
    along = Memory.compressed(x)
    memory = Memory(**arrays, along=along, along_hours=0.005)
    Recognizer(network, LogMel(), ("a", "b"), memory=memory).save(tmp_path / "a")
    again = recognizer.load(tmp_path / "a").memory
    np.testing.assert_array_equal(again.along, along)
    kernel, bias = rng.standard_normal((40, 3)), np.zeros(3)
    logits = x @ kernel
    best = (logits[:, :2] - logits[:, 2:]).max(axis=1)
    found = again.best_along(kernel, bias)
    assert found.shape == (18,)  # seconds
    assert found.max() == pytest.approx(best.max(), abs=0.1)


@pytest.mark.parametrize(
    "change",
    [
        {"along": np.zeros((5, 39), np.int8)}, {"along": np.zeros(5, np.int8)},
        {"along": np.zeros((5, 40))}, {"along_hours": -1.0}, {"along_hours": np.nan},
        {"along_hours": 0.0}, {"along_hours": 1e-9}, {"along_hours": 1e308},
        {"along": np.zeros((0, 40), np.int8)}, {"along": np.zeros((0, 0), np.int8)},
    ],
)  # fmt: skip
def test_streams_that_do_not_belong_are_refused(arrays, change):
    given = {"along": np.zeros((5, 40), np.int8), "along_hours": 5 / 3600, **change}
    with pytest.raises(EarshotError, match="A memory of streams is of 40 features"):
        Memory(**arrays, **given)


def test_one_without_dropped_words_is_read(remembering, arrays, tmp_path):
    remembering.save(tmp_path / "a")
    del arrays["dropped"]
    arrays["labels"] = np.maximum(arrays["labels"], -1)
    np.savez_compressed(tmp_path / "a" / "memory.npz", **arrays)
    assert recognizer.load(tmp_path / "a").memory.dropped == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda a: {"features": a["labels"], "labels": a["features"]},
        lambda a: {"labels": a["held_out"], "held_out": a["labels"]},
        lambda a: {"features": a["features"].T}, lambda a: {"features": a["features"][:3]},
        lambda a: {"features": a["features"].astype(str)}, lambda a: {"labels": a["labels"][0]},
        lambda a: {"features": a["features"] * np.float16(np.nan)},
        lambda a: {"labels": a["labels"].astype(float)}, lambda a: {"labels": a["labels"] - 5},
        lambda a: {"labels": a["labels"] + 5}, lambda a: {"layer": "nowhere"},
        lambda a: {"features": a["features"][:, :7]}, lambda a: {"labels": np.zeros(0, int)},
    ],
)  # fmt: skip
def test_arrays_that_do_not_belong_together_are_refused_when_they_are_read(
    remembering, arrays, tmp_path, change
):
    remembering.save(tmp_path / "a")
    np.savez_compressed(tmp_path / "a" / "memory.npz", **{**arrays, **change(arrays)})
    with pytest.raises(EarshotError, match=r"memory\.npz is damaged|a do not belong together"):
        recognizer.load(tmp_path / "a")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_damaged_bytes_name_the_file(remembering, tmp_path, share, rng):
    remembering.save(tmp_path / "a")
    path = tmp_path / "a" / "memory.npz"
    data = bytearray(path.read_bytes())
    at = int(share * len(data))
    data[at : at + 40] = rng.bytes(40)
    path.write_bytes(data)
    with pytest.raises(EarshotError, match=r"memory\.npz is damaged|a do not belong together"):
        recognizer.load(tmp_path / "a")


def test_a_small_file_that_asks_for_gigabytes_is_refused(remembering, tmp_path):
    remembering.save(tmp_path / "a")
    path = tmp_path / "a" / "memory.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("features.npy", bytes(300 * 2**20))
    assert path.stat().st_size < 2**21
    with pytest.raises(EarshotError, match=r"memory\.npz is damaged, or too large when unpacked"):
        recognizer.load(tmp_path / "a")


def test_a_header_that_asks_for_gigabytes_is_refused(remembering, tmp_path):
    remembering.save(tmp_path / "a")
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**5)}
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, header)
    with zipfile.ZipFile(tmp_path / "a" / "memory.npz", "w") as archive:
        archive.writestr("features.npy", member.getvalue())
    with pytest.raises(EarshotError, match=r"memory\.npz is damaged .*features\.npy claims"):
        recognizer.load(tmp_path / "a")
