import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import filelock
import pytest
from hypothesis import example, given, strategies as st

from earshot import arrays, audio, files
from earshot.errors import EarshotError


def test_a_full_disk_is_said_and_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(EarshotError, match="free some space"), files.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [TimeoutError, ConnectionResetError])
def test_what_the_network_does_is_not_called_a_fault_of_the_disk(tmp_path, error):
    with pytest.raises(error), files.atomic_path(tmp_path / "a.txt"):
        raise error


def test_folders_are_made_for_a_file_however_deep(tmp_path):
    with files.atomic_path(tmp_path / "a" / "b" / "c.txt") as path:
        path.touch()
    assert (tmp_path / "a" / "b" / "c.txt").is_file()


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("nowhere")])
@pytest.mark.parametrize("name", [files.PLACE, "folder"])
def test_what_is_no_folder_is_an_error_not_waited_for(tmp_path, name, make):
    make(tmp_path / name)
    folder = tmp_path / "folder" if name == "folder" else tmp_path
    with (
        pytest.raises(EarshotError, match=r"a\.txt cannot be written"),
        files.atomic_path(folder / "a.txt"),
    ):
        pass


KILLED = """
import os, signal, sys
from pathlib import Path
from earshot import files

def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)

"""


def killed(code, folder):
    """Run code that kills itself, in another process whose folder is ``folder``."""
    done = subprocess.run([sys.executable, "-c", KILLED + code], cwd=folder)
    assert done.returncode == -signal.SIGKILL


def fill(path, content):
    """Make a folder with one file, ``content``, as a whole."""
    with files.atomic_path(path) as temporary:
        temporary.mkdir()
        (temporary / content).touch()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["all", "no call", "no flags"])
def system(request, monkeypatch):
    """A system that renames in all ways, one without the call, a disk that knows no flags."""
    if request.param == "no call":
        monkeypatch.setattr(files, "RENAME", None)
    elif files.RENAME is None:
        pytest.skip("this system cannot exchange two folders in one step")
    elif request.param == "no flags":
        for flag in ("EXCHANGE", "EXCLUSIVE"):
            monkeypatch.setattr(files, flag, 2**20)
    return request.param


def test_a_folder_is_replaced_as_a_whole(tmp_path, system):
    for content in ("old", "new", "newer"):
        fill(tmp_path / "folder", content)
        assert names(tmp_path / "folder") == [content]
        assert names(tmp_path) == ["folder"]


def test_a_file_never_takes_the_place_of_a_folder_nor_a_folder_that_of_a_file(tmp_path, system):
    fill(tmp_path / "folder", "mine")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(EarshotError), files.atomic_path(tmp_path / "folder") as temporary:
        temporary.touch()
    with pytest.raises(EarshotError):
        fill(tmp_path / "file", "new")
    assert names(tmp_path) == ["file", "folder"]
    assert names(tmp_path / "folder") == ["mine"]
    assert (tmp_path / "file").read_text() == "mine"


def test_what_cannot_be_cleared_away_yet_goes_next_time(tmp_path, monkeypatch):
    fill(tmp_path / "folder", "old")

    def in_use(*args, **options):
        raise OSError(16, "Device or resource busy")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rmdir", in_use)
        fill(tmp_path / "folder", "new")
    assert names(tmp_path / "folder") == ["new"]
    files.tidy(tmp_path)
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("name", ["lock", "previous", "appearing", "é" * 125, "a" * 255])
def test_no_name_is_in_the_way_of_what_is_hidden(tmp_path, system, name):
    for content in ("old", "new"):
        fill(tmp_path / name, content)
        fill(tmp_path / name, "appearing")
    assert names(tmp_path) == [name]


def test_a_relative_name_does_and_so_does_the_folder_that_one_is_in(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path / "folder")
    fill(".", "new")
    assert names(tmp_path / "folder") == ["new"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_what_is_in_the_way_comes_back_when_the_second_rename_fails(tmp_path, monkeypatch, error):
    fill(tmp_path / "folder", "old")
    monkeypatch.setattr(files, "RENAME", None)
    replace = Path.replace

    def broken(self, target):
        if self.parent.name == files.PLACE and not Path(target).exists():
            raise error
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises((KeyboardInterrupt, EarshotError)):
        fill(tmp_path / "folder", "new")
    monkeypatch.undo()
    assert names(tmp_path / "folder") == ["old"]
    assert names(tmp_path) == ["folder"]


def test_with_an_exchange_there_is_a_folder_at_every_moment(tmp_path, monkeypatch):
    if files.RENAME is None:
        pytest.skip("this system cannot exchange two folders in one step")
    fill(tmp_path / "folder", "old")
    seen = []
    for call in ("replace", "rename", "unlink", "rmdir", "mkdir"):
        before = getattr(Path, call)

        def watched(*args, before=before, **options):
            seen.append(names(tmp_path / "folder"))
            return before(*args, **options)

        monkeypatch.setattr(Path, call, watched)
    fill(tmp_path / "folder", "new")
    assert {*map(tuple, seen)} == {("old",), ("new",)}


def test_a_kill_while_writing_leaves_what_was_there_and_is_cleared_away(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    killed("with files.atomic_path('a.txt') as path:\n    path.write_text('half'); die()", tmp_path)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == [files.PLACE, "a.txt"]
    with files.atomic_path(tmp_path / "another.txt") as path:
        path.touch()
    assert names(tmp_path) == ["a.txt", "another.txt"]


def test_a_kill_at_the_very_end_leaves_an_empty_folder_that_goes_next_time(tmp_path):
    (tmp_path / files.PLACE).mkdir()
    files.tidy(tmp_path)
    assert names(tmp_path) == []


def test_a_kill_between_two_renames_is_mended_by_whoever_comes_next(tmp_path):
    fill(tmp_path / "folder", "old")
    killed(
        "files.RENAME = None\n"
        "replace = Path.replace\n"
        "Path.replace = lambda self, to: die() if (self.parent.name, Path(to).exists()) == "
        "(files.PLACE, False) else replace(self, to)\n"
        "with files.atomic_path('folder') as path:\n    path.mkdir()",
        tmp_path,
    )
    assert names(tmp_path) == [files.PLACE]
    files.tidy(tmp_path)
    assert names(tmp_path) == ["folder"]
    assert names(tmp_path / "folder") == ["old"]


def test_what_another_process_is_writing_stays(tmp_path):
    with files.atomic_path(tmp_path / "long.txt") as path:
        path.write_text("half")
        with files.atomic_path(tmp_path / "short.txt") as other:
            other.touch()
        subprocess.run(
            [sys.executable, "-c", "from earshot import files; files.tidy('.')"], cwd=tmp_path
        )
        assert path.read_text() == "half"
    assert names(tmp_path) == ["long.txt", "short.txt"]


def test_what_another_process_writes_inside_what_it_is_writing_stays(tmp_path):
    with files.atomic_path(tmp_path / "folder") as folder:
        folder.mkdir()
        with files.atomic_path(folder / "inside.txt") as path:
            path.write_text("half")
            files.tidy(tmp_path)
            assert path.read_text() == "half"
    assert names(tmp_path / "folder") == ["inside.txt"]


def test_folders_saved_at_once_leave_one_that_is_whole(tmp_path, system):
    def save(n):
        with files.atomic_path(tmp_path / "folder") as temporary:
            temporary.mkdir()
            for part in "abc":
                (temporary / f"{n}{part}").touch()

    with ThreadPoolExecutor(4) as threads:
        saved = [threads.submit(save, n) for n in range(20)]
    assert not any(isinstance(future.exception(), OSError) for future in saved)
    found = names(tmp_path / "folder")
    assert [name[-1] for name in found] == ["a", "b", "c"]
    assert len({name[:-1] for name in found}) == 1
    files.tidy(tmp_path)  # two that left at once may both have seen the other still there
    assert names(tmp_path) == ["folder"]


def test_a_lock_is_for_one_at_a_time_and_ends_with_its_process(tmp_path):
    killed("files.locked('a').__enter__(); die()", tmp_path)
    inside = []

    def work(_):
        with files.locked(tmp_path / "a"):
            inside.append(1)
            assert len(inside) == 1
            inside.pop()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(20)))
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [FileNotFoundError, FileExistsError])
@pytest.mark.parametrize("again", [True, False])
def test_a_place_that_the_last_one_clears_away_meanwhile_is_made_anew(
    tmp_path, monkeypatch, error, again
):
    acquire, calls = filelock.FileLock.acquire, []

    def cleared(self, *args, **options):
        calls.append(self)
        if len(calls) == 1:
            if again:  # by another one who writes
                (tmp_path / files.PLACE).mkdir()
            raise error
        return acquire(self, *args, **options)

    monkeypatch.setattr(filelock.FileLock, "acquire", cleared)
    with files.locked(tmp_path / "a"):
        assert len(calls) == 2
    assert names(tmp_path) == []


def test_without_permission_there_is_one_error(tmp_path, monkeypatch):
    def refused(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    with (
        pytest.raises(EarshotError, match=r"a\.txt cannot be written \(Permission denied\)"),
        files.atomic_path(tmp_path / "a.txt"),
    ):
        pass


def test_what_the_system_does_not_let_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"sound")
    files.check_file(tmp_path / "a")

    def refuse(path, mode):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    for read in (files.check_file, audio.read, arrays.read):
        with pytest.raises(EarshotError, match=r"a cannot be read \(Permission denied\).*right"):
            read(tmp_path / "a")


@pytest.mark.parametrize(
    "name",
    ["anna.wav", "anna.FLAC", "cat.keras", "w.weights.h5", "a.html", "anna.m4a", "film.mp4",
     "memo.amr", "list.csv", "a.pdf", "foto.JPG"],
)  # fmt: skip
def test_no_file_takes_the_name_of_another_kind(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with (
        pytest.raises(EarshotError, match=rf"{name} has the ending of another kind.*let it be \.n"),
        files.atomic_path(tmp_path / name, endings={".npz"}),
    ):
        pass
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("name", ["words.npz", "WORDS.NPZ", "words", "words.packed", "v1.2"])
def test_its_own_ending_none_and_unknown_ones_do(name):
    assert files.check_ending(name, {".npz"}) is None


class TestAppear:
    def drafts(self, start):
        drafts = [start.with_suffix(f".{name}") for name in "ab"]
        for path in drafts:
            path.write_text(f"word {path.suffix}")
        return drafts

    def test_all_files_appear(self, tmp_path):
        with files.scratch(tmp_path) as start:
            files.appear(start, self.drafts(start), ["me_0", "me_1"])
        assert names(tmp_path) == ["me_0", "me_1"]
        assert (tmp_path / "me_1").read_text() == "word .b"

    def test_without_links_too(self, tmp_path, monkeypatch):
        def refused(self, target):
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(Path, "hardlink_to", refused)
        with files.scratch(tmp_path) as start:
            files.appear(start, self.drafts(start), ["me_0", "me_1"])
        assert names(tmp_path) == ["me_0", "me_1"]
        assert (tmp_path / "me_1").read_text() == "word .b"

    def test_none_appears_when_a_name_is_taken(self, tmp_path):
        (tmp_path / "me_1").write_text("mine")
        with (
            pytest.raises(EarshotError, match="me_1 exists already"),
            files.scratch(tmp_path) as start,
        ):
            files.appear(start, self.drafts(start), ["me_0", "me_1"])
        assert names(tmp_path) == ["me_1"]
        assert (tmp_path / "me_1").read_text() == "mine"

    def test_what_a_kill_left_half_goes_again(self, tmp_path):
        killed(
            "link = files._link\n"
            "files._link = lambda source, to: die() if to.name == 'me_1' else link(source, to)\n"
            "with files.scratch('.') as start:\n"
            "    drafts = [start.with_suffix(name) for name in ('.a', '.b')]\n"
            "    for path in drafts: path.write_text(path.suffix)\n"
            "    files.appear(start, drafts, ['me_0', 'me_1'])",
            tmp_path,
        )
        assert (tmp_path / "me_0").is_file()
        files.tidy(tmp_path)
        assert names(tmp_path) == []

    def test_what_has_appeared_stays_after_a_kill(self, tmp_path):
        killed(
            "with files.scratch('.') as start:\n"
            "    start.with_suffix('.a').write_text('word')\n"
            "    files.appear(start, [start.with_suffix('.a')], ['me_0'])\n"
            "    die()",
            tmp_path,
        )
        files.tidy(tmp_path)
        assert names(tmp_path) == ["me_0"]


def test_a_file_is_never_moved_over_another(tmp_path, system):
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    with pytest.raises(EarshotError, match="b exists already and is kept"):
        files.move(tmp_path / "a", tmp_path / "b")
    assert files.move(tmp_path / "a", tmp_path / "c").read_text() == "a"
    assert names(tmp_path) == ["b", "c"]


def test_a_file_that_may_not_replace_comes_too_late(tmp_path):
    with (
        pytest.raises(EarshotError, match="exists already and is kept"),
        files.atomic_path(tmp_path / "a", replace=False) as temporary,
    ):
        temporary.write_text("late")
        (tmp_path / "a").write_text("early")
    assert (tmp_path / "a").read_text() == "early"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("word", "name"),
    [("six", "six"), ("either/or", "either%2For"), ("..", "%2E%2E"), ("con", "%63on"),
     ("_private", "%5Fprivate"), ("100%", "100%25"), ("naïve 猫", "naïve 猫")],
)  # fmt: skip
def test_any_word_makes_a_name_that_every_file_system_takes(word, name):
    assert files.safe_name(word) == name


@given(st.text(min_size=1))
def test_every_word_makes_one_safe_name_and_comes_back(word):
    name = files.safe_name(word)
    assert unquote(name) == word
    assert re.fullmatch(r'(%[0-9A-F]{2}|[^\x00-\x1f<>:"/\\|?*%])+', name)
    assert name[0] not in "._ "
    assert name[-1] not in ". "
    assert not re.match(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|\Z)", name)


@given(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters='<>:"/\\|?*%._ '))
@example("😀")
def test_every_other_character_stays_as_it_is(letter):
    assert files.safe_name(letter) == letter
    assert files.safe_name(f"a{letter}b") == f"a{letter}b"


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
