import io
import json
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from earshot import files
from earshot.errors import EarshotError
from earshot.networks import saving

READERS = {"notes.json": saving.read_settings, saving.NETWORK: saving.read_network}


@pytest.fixture
def network():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


@pytest.fixture
def folder(network, tmp_path):
    saving.write(tmp_path / "net", network, {"notes.json": {"format": 1, "word": "één"}})
    return tmp_path / "net"


def test_settings_can_be_read_by_people(folder):
    text = (folder / "notes.json").read_text(encoding="utf-8")
    assert text == '{\n  "format": 1,\n  "word": "één"\n}\n'


def test_a_network_is_read_for_use_not_for_training_on(folder, network):
    network.compile("adam", "mse")
    saving.write(folder, network, {"notes.json": {"format": 1}})
    assert not saving.read(folder, READERS, "network")[1].compiled


@pytest.mark.parametrize("claimed", [saving.LARGEST, saving.LARGEST + 1])
def test_an_archive_that_unpacks_to_more_than_256_mib_is_not_read(folder, claimed):
    path = folder / saving.NETWORK
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more", b"")
        others = sum(member.file_size for member in archive.infolist())
        archive.getinfo("more").file_size = claimed - others
    if claimed == 2**28:
        saving.read_network(path)
    else:
        with pytest.raises(ValueError, match="it would unpack to 256 MiB"):
            saving.read_network(path)


@pytest.mark.parametrize("n", [2**24, 2**24 + 1])
def test_weights_that_claim_more_than_64_mib_are_refused(n):
    file = io.BytesIO()
    with h5py.File(file, "w") as weights:
        weights.create_dataset("a/b/c/d/e/f/g/vars", (n,), "f4", chunks=True, compression="gzip")
    if n == 2**24:
        saving.check_weights(file)
    else:
        with pytest.raises(ValueError, match="its weights claim 64 MiB"):
            saving.check_weights(file)


def test_what_was_written_is_read(folder, network):
    notes, again = saving.read(folder, READERS, "network")
    assert notes == {"format": 1, "word": "één"}
    x = np.ones((1, 3), np.float32)
    np.testing.assert_allclose(again(x), network(x))


def test_a_network_is_replaced_as_a_whole(folder, network):
    other = {"other.bin": lambda path: path.write_bytes(b"x")}
    saving.write(folder, network, other, optional=["notes.json"])
    assert sorted(path.name for path in folder.iterdir()) == ["network.keras", "other.bin"]


def test_a_folder_that_holds_something_else_is_never_replaced(network, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(EarshotError, match="holds something else"):
        saving.write(tmp_path, network, {})
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_what_was_put_beside_a_network_is_never_replaced(folder, network):
    (folder / "cat").mkdir()
    (folder / "cat" / "anna_0.wav").write_bytes(b"a recording")
    with pytest.raises(EarshotError, match=r"holds something else \(cat\).*another folder"):
        saving.write(folder, network, {"notes.json": {}})
    assert (folder / "cat" / "anna_0.wav").is_file()


def test_another_kind_of_network_is_never_replaced(folder, network):
    with pytest.raises(EarshotError, match=r"something else \(notes\.json\)"):
        saving.write(folder, network, {"recognizer.json": {}})
    assert (folder / "notes.json").is_file()


def test_weights_that_claim_more_than_their_file_has_are_not_read(folder, monkeypatch):
    packed = io.BytesIO()
    with h5py.File(packed, "w") as file:
        file.create_dataset(
            "layers/dense/vars/0", (3, 10**8), "f4", chunks=True, compression="gzip"
        )
    assert packed.tell() < 10_000
    with zipfile.ZipFile(folder / saving.NETWORK, "w") as archive:
        archive.writestr("model.weights.h5", packed.getvalue())
    monkeypatch.setattr(keras.models, "load_model", lambda *a, **k: pytest.fail("loaded"))
    with pytest.raises(
        EarshotError, match=r"network\.keras is damaged \(its weights claim 1,144 MiB"
    ):
        saving.read(folder, READERS, "network")


def test_half_letters_are_one_error(network, tmp_path):
    with pytest.raises(EarshotError, match=r"net cannot hold '\\ud83d', which is no letter"):
        saving.write(tmp_path / "net", network, {"notes.json": {"word": "\ud83d"}})
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_may_be_filled(network, tmp_path):
    saving.write(tmp_path, network, {})
    assert (tmp_path / saving.NETWORK).is_file()


def test_what_fails_on_the_way_leaves_the_folder_as_it_was(folder, network):
    def broken(path):
        raise OSError("the disk is full")

    before = sorted((path.name, path.read_bytes()) for path in folder.iterdir())
    with pytest.raises(EarshotError, match="disk is full"):
        saving.write(folder, network, {"notes.json": {}, "more.bin": broken})
    assert sorted((path.name, path.read_bytes()) for path in folder.iterdir()) == before


def test_a_network_that_is_saved_anew_while_it_is_read_is_read_anew(folder, network):
    first = {"notes.json": {"format": 1, "word": "first"}, "more.json": {"of": "first"}}
    second = {"notes.json": {"format": 1, "word": "second"}, "more.json": {"of": "second"}}
    saving.write(folder, network, first)
    saved = []

    def slow(path):
        notes = saving.read_settings(path)
        if not saved:
            saved.append(True)
            saving.write(folder, network, second)
        return notes

    readers = {"notes.json": slow, "more.json": saving.read_json}
    notes, more = saving.read(folder, readers, "network")
    assert (notes["word"], more["of"]) == ("second", "second")


def test_a_network_without_a_file_that_the_one_before_had_is_read_anew(folder, network):
    saving.write(folder, network, {"notes.json": {"format": 1}, "more.json": {}})

    def slow(path):
        saving.write(folder, network, {"notes.json": {"format": 1}}, optional=["more.json"])
        return saving.read_settings(path)

    with pytest.raises(EarshotError, match="is no network, its more.json is missing"):
        saving.read(folder, {"notes.json": slow, "more.json": saving.read_json}, "network")


def test_a_save_that_was_killed_gives_the_network_back_to_whoever_reads_it(folder):
    hidden = folder.parent / files.PLACE / ("0" * files.NAME_LENGTH + files.PREVIOUS)
    hidden.mkdir(parents=True)
    folder.rename(hidden / folder.name)
    assert saving.read(folder, READERS, "network")[0]["word"] == "één"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("act", ["read", "write"])
def test_without_permission_there_is_one_error(folder, network, monkeypatch, act):
    def refused(path, *args, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text" if act == "read" else "iterdir", refused)
    with pytest.raises(EarshotError, match=r"net cannot be (read|written) \(Permission denied\)"):
        if act == "read":
            saving.read(folder, READERS, "network")
        else:
            saving.write(folder, network, {})


class TestDamage:
    def test_a_missing_folder_is_named(self, tmp_path):
        with pytest.raises(EarshotError, match="no network .*nowhere"):
            saving.read(tmp_path / "nowhere", READERS, "network")

    @pytest.mark.parametrize("name", READERS)
    def test_a_missing_file_is_named(self, folder, name):
        (folder / name).unlink()
        with pytest.raises(EarshotError, match=f"its {name} is missing"):
            saving.read(folder, READERS, "network")

    @pytest.mark.parametrize("name", READERS)
    def test_a_damaged_file_is_named(self, folder, name):
        (folder / name).write_bytes(b"PK")
        with pytest.raises(EarshotError, match=f"{name} is damaged"):
            saving.read(folder, READERS, "network")

    def test_a_later_format_is_named(self, folder):
        (folder / "notes.json").write_text(json.dumps({"format": 9}))
        with pytest.raises(EarshotError, match="format 9, this version reads 1") as caught:
            saving.read(folder, READERS, "network")
        assert "damaged" not in str(caught.value)
