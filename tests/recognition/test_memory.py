"""What a recognizer remembers lies in a file that may be damaged, or of another network."""

import dataclasses
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
    labels = np.array([0, 0, 1, -1, -3, -2])
    return {"features": x, "labels": labels, "held_out": labels == -1, "layer": LAYER,
            "dropped": ("cat", "dog")}  # fmt: skip


@pytest.fixture
def remembering(network, arrays):
    return Recognizer(network, LogMel(), ("a", "b"), memory=Memory(**arrays))


def test_it_is_saved_with_the_words_that_were_dropped(remembering, tmp_path):
    remembering.save(tmp_path / "a")
    again = recognizer.load(tmp_path / "a").memory
    assert again.words(("a", "b")) == ["a", "a", "b", "", "dog", "cat"]
    np.testing.assert_array_equal(again.features, remembering.memory.features)


def test_streams_are_remembered(network, arrays, rng, tmp_path):
    x = rng.uniform(-0.5, 0.5, (50, 40))
    along = Memory.compressed(x)
    memory = Memory(**arrays, along=along, along_hours=0.005)
    Recognizer(network, LogMel(), ("a", "b"), memory=memory).save(tmp_path / "a")
    again = recognizer.load(tmp_path / "a").memory
    np.testing.assert_array_equal(again.along, along)
    kernel, bias = rng.standard_normal((40, 3)), np.array([0.0, 1.0, -2.0])
    logits = x @ kernel + bias
    best = (logits[:, :2] - logits[:, 2:]).max(axis=1)
    seconds = [part.max() for part in np.array_split(best, 18)]
    np.testing.assert_allclose(again.best_along(kernel, bias), seconds, atol=0.1)


@pytest.mark.parametrize(("windows", "seconds"), [(2, 2), (50, 45), (3600, 3600)])
def test_streams_have_a_window_at_least_in_each_of_their_seconds(arrays, windows, seconds):
    along = np.zeros((windows, 40), np.int8)
    memory = Memory(**arrays, along=along, along_hours=seconds / 3600)
    assert memory.best_along(np.zeros((40, 2)), np.zeros(2)).shape == (seconds,)


def test_features_are_compressed_to_steps_of_one_in_254(arrays):
    x = np.array([-1.0, -0.5, 0.0, 0.45, 0.5, 1.0])
    compressed = Memory(**arrays).compressed(x)
    assert compressed.tolist() == [-127, -127, 0, 114, 127, 127]
    assert compressed.dtype == np.int8


def test_clips_lie_in_16_bits_beside_the_streams_of_another_memory(arrays):
    along = np.ones((5, 40), np.int8)
    old = Memory(**arrays, along=along, along_hours=5 / 3600)
    new = Memory(np.ones((1, 40)), np.array([0]), np.array([True]), LAYER).beside(old)
    assert (new.features.dtype, new.along_hours) == (np.float16, 5 / 3600)
    np.testing.assert_array_equal(new.along, along)


def test_a_memory_cannot_be_changed_and_equals_no_other(arrays):
    memory = Memory(**arrays)
    with pytest.raises(dataclasses.FrozenInstanceError):
        memory.layer = "another"
    assert memory != Memory(**arrays)
    assert len({memory, memory}) == 1


def test_an_empty_one_belongs_to_any_network_with_its_layer(network):
    empty = Memory.empty(40, LAYER)
    empty.check(network, 1)
    assert (len(empty.features), empty.words(("a",)), empty.along_hours) == (0, [], 0)
    with pytest.raises(EarshotError, match="does not have"):
        Memory.empty(40, "nowhere").check(network, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"along": np.zeros((5, 39), np.int8)}, {"along": np.zeros(5, np.int8)},
        {"along": np.zeros((5, 40))}, {"along_hours": -1.0}, {"along_hours": np.nan},
        {"along_hours": 0.0}, {"along_hours": 1e-9}, {"along_hours": 1e308},
        {"along_hours": 1 / 3600}, {"along_hours": 6 / 3600},
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
        lambda a: {"labels": a["labels"] + 5}, lambda a: {"labels": a["labels"] + 1},
        lambda a: {"labels": a["labels"] - 1}, lambda a: {"layer": "nowhere"},
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
