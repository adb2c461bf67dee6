import datetime

import ipywidgets
import pytest

from earshot.errors import EarshotError
from earshot.notebook import uploads


def choose(box, *chosen):
    """What the browser does when files are chosen."""
    about = {"type": "audio/wav", "last_modified": datetime.datetime.now(datetime.UTC)}
    box.children[0].value = tuple(
        {"name": name, "content": memoryview(x), "size": len(x), **about} for name, x in chosen
    )


@pytest.fixture
def box(tmp_path):
    return uploads.upload(tmp_path / "mine", lambda paths: ipywidgets.Label(f"{len(paths)} came"))


def test_chosen_files_are_kept_and_shown(box, tmp_path):
    choose(box, ("cat.wav", b"1"), ("dog.MP3", b"2"))
    assert (tmp_path / "mine" / "dog.MP3").read_bytes() == b"2"
    assert box.children[1].children[0].value == "2 came"


def test_no_file_is_ever_replaced(tmp_path):
    paths = [uploads.keep(tmp_path, "cat.wav", x) for x in (b"1", b"2", b"3")]
    assert [path.read_bytes() for path in paths] == [b"1", b"2", b"3"]


def test_what_is_no_recording_is_refused_in_a_sentence(box, tmp_path):
    choose(box, ("letter.pdf", b"1"))
    assert "letter.pdf is no recording" in box.children[1].children[0].value
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("name", ["../../cat.wav", "..\\cat.wav", "/etc/cat.wav", "C:\\cat.wav"])
def test_a_name_leads_nowhere_else(name, tmp_path):
    assert uploads.keep(tmp_path / "mine", name, b"1") == tmp_path / "mine" / "cat.wav"


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "mine").touch()
    with pytest.raises(EarshotError, match="mine"):
        uploads.keep(tmp_path / "mine", "cat.wav", b"1")


def test_of_several_folders_one_is_chosen(tmp_path):
    box = uploads.upload({"cat": tmp_path / "cat", "dog": tmp_path / "dog"})
    choice, button, place = box.children
    choice.value = "dog"
    choose(ipywidgets.VBox([button]), ("a.wav", b"1"))
    assert (tmp_path / "dog" / "a.wav").is_file()
    assert place.children[0].value.startswith("1 files are kept in")
