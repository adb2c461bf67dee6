import pytest

from earshot import files
from earshot.errors import EarshotError


def test_a_full_disk_is_said_and_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(EarshotError, match="free some space"), files.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    for content in ("old", "new"):
        with files.atomic_path(tmp_path / "folder") as temporary:
            temporary.mkdir()
            (temporary / content).touch()
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("word", "name"),
    [("six", "six"), ("either/or", "either%2For"), ("..", "%2E%2E"), ("con", "%63on"),
     ("_private", "%5Fprivate"), ("100%", "100%25"), ("naïve 猫", "naïve 猫")],
)  # fmt: skip
def test_any_word_makes_a_name_that_every_file_system_takes(word, name):
    assert files.safe_name(word) == name


def test_an_empty_word_makes_no_name():
    with pytest.raises(EarshotError, match="at least one letter"):
        files.safe_name("")


def test_clips_are_numbered_after_the_highest_of_their_speaker(tmp_path):
    assert files.next_number("anna", tmp_path, tmp_path / "not there") == 0
    for name in ("anna_0.wav", "anna_7.flac", "anna_b_9.wav", "bob_8.wav", "anna.wav"):
        (tmp_path / name).touch()
    assert files.next_number("anna", tmp_path) == 8
    assert files.clip_name("anna", 8) == "anna_8.wav"
    assert files.clip_name("a/b", 0) == "a%2Fb_0.wav"
