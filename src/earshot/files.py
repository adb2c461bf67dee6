"""Files and folders: written whole or not at all, and names that every file system takes.

What is being written lies in a hidden folder beside its target, under a lock. What a killed process
left there is cleared away by the next one that writes beside it, or loads a network from there.

>>> safe_name("either/or"), clip_name("anna", 3)
('either%2For', 'anna_3.wav')
"""

import contextlib
import ctypes
import errno
import mimetypes
import os
import re
import shutil
import sys
import uuid
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from earshot.errors import EarshotError
from earshot.types import PathLike

__all__ = ["RECORDINGS", "TYPES", "appear", "atomic_path", "check_ending", "check_file",
           "clip_name", "explained", "locked", "move", "next_number", "safe_name", "scratch",
           "tidy", "unwritable"]  # fmt: skip

RECORDINGS = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".au", ".w64"})
"""File endings of recordings."""
OTHERS = frozenset({".keras", ".h5", ".npz", ".npy", ".png", ".html", ".txt", ".json", ".ipynb"})
"""Other endings that must not be replaced by mistake, beside those of ``TYPES``."""
TYPES = mimetypes.MimeTypes()
"""Kinds of files by their endings, the same on every machine: Python's list, and more sound."""
for _ending in (".m4a", ".amr", ".caf", ".wma"):  # of telephones, of Apple, of Windows
    TYPES.add_type("audio/other", _ending)
PLACE = ".partial-writes"  # the hidden folder; in it each name begins with that of its lock
NAME_LENGTH = 32  # of a lock's name: the hexadecimal digits of a UUID
LOCK = ".lock"  # ending of the file that is locked
PREVIOUS = ".previous"  # folder for what had the target's name, where nothing can be exchanged
APPEARING = ".appearing"  # folder for files of which all are to appear, or none
DONE = ".done"  # the same, when all of them have appeared
RENAME = {"linux": "renameat2", "darwin": "renameatx_np"}.get(sys.platform)  # of the C library
EXCLUSIVE = 4 if sys.platform == "darwin" else 1  # flag for it: replace nothing
EXCHANGE = 2  # flag for it: let two files or folders change their names
NO_FOLDER = 0  # in the place of an open folder, which is not looked at: our paths are absolute
CANNOT = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}  # some file systems (NFS) know no flags
TAIL = 50  # so many characters of a name are in that of its temporary file, with the ending


@contextlib.contextmanager
def atomic_path(
    path: PathLike, *, endings: Collection[str] = (), replace: bool = True
) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its name only if the block succeeds.

    For files and folders; parent folders are made. Whatever happens, a kill included, ``path`` is
    what it was or the whole new one. ``endings``: see :func:`check_ending`. Raises
    :class:`EarshotError` where writing fails, or, without ``replace``, something is there already.
    """
    check_ending(path, endings)
    target = Path(path).absolute()
    with explained(path), scratch(target.parent) as start:
        temporary = start.with_name(f"{start.name}-{target.name[-TAIL:]}")
        yield temporary
        if replace:
            _take_place(temporary, target, start.with_suffix(PREVIOUS))
        else:
            move(temporary, target)


def check_ending(path: PathLike, endings: Collection[str]) -> None:
    """Refuse the name of another kind of file: a known ending that is none of ``endings``.

    So no recording or network is replaced by mistake. Unknown endings do, and all without any.
    """
    ending = Path(path).suffix.lower()
    is_known = ending in RECORDINGS | OTHERS or TYPES.guess_type(f"x{ending}")[0] is not None
    if endings and ending not in endings and is_known:
        wanted = " or ".join(sorted(endings))
        raise EarshotError(f"{path} has the ending of another kind of file: let it be {wanted}.")


@contextlib.contextmanager
def explained(path: PathLike) -> Iterator[None]:
    """Turn errors of the disk, and of half letters, into one: that ``path`` cannot be written."""
    try:
        yield
    except (TimeoutError, ConnectionError):
        raise  # the network's fault, not the disk's
    except OSError as error:
        raise unwritable(path, error) from error
    except UnicodeEncodeError as error:
        half = ascii(error.object[error.start : error.end])
        raise EarshotError(
            f"{path} cannot hold {half}, which is no letter: leave it out."
        ) from error


def check_file(path: PathLike) -> None:
    """Refuse what is no file, or one that the system does not let be read."""
    if not os.path.isfile(path):  # noqa: PTH113  (False, too, for names that no system takes)
        raise EarshotError(f"There is no file {path}: check the name and the folder.")
    try:
        Path(path).open("rb").close()
    except OSError as error:
        way_out = "get the right to read it, or copy it again."
        raise EarshotError(f"{path} cannot be read ({error.strerror}): {way_out}") from error


def unwritable(path: PathLike, error: OSError) -> EarshotError:
    """Make the error about a file or folder that the system does not let be written."""
    way_out = "free some space or choose another folder."
    return EarshotError(f"{path} cannot be written ({error.strerror or error}): {way_out}")


@contextlib.contextmanager
def locked(path: PathLike, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock that belongs to ``path``; other processes and threads wait for it.

    It ends with its process, however that ends. Without ``wait``, a lock that somebody holds raises
    TimeoutError.
    """
    path = Path(path).absolute()
    with _held(path.parent / PLACE / uuid.uuid5(uuid.NAMESPACE_URL, path.name).hex, wait=wait):
        yield


@contextlib.contextmanager
def _held(start: Path, *, wait: bool = True) -> Iterator[None]:
    import filelock  # a tenth of a second

    place = start.parent
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(start.with_suffix(LOCK))
    try:
        while not lock.is_locked:
            try:
                lock.acquire(blocking=wait)
            except (FileNotFoundError, FileExistsError):
                if os.path.lexists(place) and not place.is_dir():
                    raise
                # Otherwise somebody was the last one there, and has just cleared the place away.
        yield
    finally:
        if lock.is_locked:
            with contextlib.suppress(OSError):
                Path(lock.lock_file).unlink()  # while it is held: whoever waits makes a new one
            lock.release()
            with contextlib.suppress(OSError):  # others are at work
                place.rmdir()


@contextlib.contextmanager
def scratch(beside: PathLike) -> Iterator[Path]:
    """Give the start of paths for temporary files and folders, hidden in the folder ``beside``.

    What has a path that begins with it is gone after the block; after a kill, with :func:`tidy`.
    Nothing but :func:`atomic_path` writes beside it: make a folder of that name, and write inside.
    """
    beside = Path(beside).absolute()
    tidy(beside)
    start = beside / PLACE / uuid.uuid4().hex
    with _held(start):
        try:
            yield start
        finally:
            _clear(start)


def tidy(beside: PathLike) -> None:
    """Clear away what killed processes left while they wrote; what is being written stays."""
    place = Path(beside).absolute() / PLACE
    for name in {path.name[:NAME_LENGTH] for path in place.glob("*")}:
        with contextlib.suppress(OSError), _held(place / name, wait=False):
            _clear(place / name)
    with contextlib.suppress(OSError):  # others are at work, or there is nothing
        place.rmdir()


def _clear(start: Path) -> None:
    """Take back what was half done, and delete all paths of a :func:`scratch`."""
    beside = start.parent.parent
    for file in start.with_suffix(APPEARING).glob("*"):
        shown = beside / file.name
        if shown.is_file() and file.read_bytes().startswith(shown.read_bytes()):
            shown.unlink()
    for old in start.with_suffix(PREVIOUS).glob("*"):
        if not os.path.lexists(beside / old.name):
            old.replace(beside / old.name)
    for path in start.parent.glob(f"{start.name}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path != start.with_suffix(LOCK):
            path.unlink()


def appear(start: Path, drafts: Sequence[Path], names: Sequence[str]) -> None:
    """Let files appear, under names that nothing has, where :func:`scratch` hides them.

    All appear or none: where it breaks off, those that did go again. ``start``: of the scratch.
    """
    appearing = start.with_suffix(APPEARING)
    appearing.mkdir()
    for draft, name in zip(drafts, names, strict=True):
        draft.replace(appearing / name)
    for name in names:
        _link(appearing / name, start.parent.parent / name)
    appearing.replace(start.with_suffix(DONE))


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, which must be free; where there are no links, make a copy."""
    with _kept(target):
        try:
            target.hardlink_to(source)
        except OSError:
            with source.open("rb") as file, target.open("xb") as copy:
                shutil.copyfileobj(file, copy)


@contextlib.contextmanager
def _kept(target: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        way_out = "rename it, or choose another name."
        raise EarshotError(f"{target} exists already and is kept: {way_out}") from error


def move(source: PathLike, target: PathLike) -> Path:
    """Rename a file or folder, and refuse when the new name is taken; gives the new path."""
    source, target = Path(source), Path(target)
    with explained(target), _kept(target):
        if not _rename(source.absolute(), target.absolute(), EXCLUSIVE):
            if os.path.lexists(target):
                raise FileExistsError
            source.rename(target)
    return target


def _take_place(temporary: Path, target: Path, previous: Path) -> None:
    """Rename a file or folder; what had the name goes to the scratch folder."""
    try:
        temporary.replace(target)
    except OSError:
        if not (temporary.is_dir() and target.is_dir()):
            raise
        if not _rename(temporary, target, EXCHANGE):
            previous.mkdir()
            with locked(target):  # until it ends there is nothing at the target
                target.replace(previous / target.name)
                temporary.replace(target)


def _rename(source: Path, target: Path, flag: int) -> bool:
    """Rename in a way that Python does not offer; False where the system does not offer it."""
    rename = RENAME and getattr(ctypes.CDLL(None, use_errno=True), RENAME, None)
    if not rename:
        return False
    paths = (NO_FOLDER, os.fsencode(source), NO_FOLDER, os.fsencode(target))
    if not rename(*paths, ctypes.c_uint(flag)):
        return True
    if (code := ctypes.get_errno()) in CANNOT:
        return False
    raise OSError(code, os.strerror(code), str(source), None, str(target))


def safe_name(word: str) -> str:
    """Make a folder name of any word; :func:`earshot.datasets.from_folder` turns it back.

    What some file system refuses (slashes, colons, control characters, dots or spaces at the ends,
    a leading underscore, names that Windows keeps for itself) becomes %XX as in a URL.
    """
    if not word:
        raise EarshotError("An empty word makes no folder: give every word at least one letter.")
    unwanted = r'[\x00-\x1f<>:"/\\|?*%]|^[. _]|[. ]\Z'
    kept_by_windows = r"^(?=(?i:con|prn|aux|nul|com\d|lpt\d)(\.(?!\Z)|\Z))."
    return re.sub(f"{unwanted}|{kept_by_windows}", lambda match: f"%{ord(match[0]):02X}", word)


def clip_name(speaker: str, number: int) -> str:
    """Name the file of a word that somebody said: ``anna_0.wav``, ``anna_1.wav`` and so on."""
    return f"{safe_name(speaker)}_{number}.wav"


def next_number(speaker: str, *folders: Path) -> int:
    """Give the number for the next clip of a speaker: one more than the highest in the folders."""
    form = re.compile(re.escape(safe_name(speaker)) + r"_(\d+)\.\w+")
    names = [path.name for folder in folders if folder.is_dir() for path in folder.iterdir()]
    return 1 + max((int(match[1]) for name in names if (match := form.fullmatch(name))), default=-1)
