"""Files and folders: written whole or not at all, and names that every file system takes.

>>> safe_name("either/or"), clip_name("anna", 3)
('either%2For', 'anna_3.wav')
"""

import contextlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from earshot.errors import EarshotError
from earshot.types import PathLike

__all__ = ["atomic_path", "clip_name", "next_number", "safe_name", "unwritable"]


@contextlib.contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its name only if the block succeeds.

    For files and folders; parent folders are made. Raises :class:`EarshotError` where writing
    fails; what was there before stays then.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=path.parent) as folder:
            temporary, previous = (Path(folder, name) for name in (path.name, f"old {path.name}"))
            yield temporary
            if temporary.is_dir() and path.is_dir():
                path.replace(previous)
            try:
                temporary.replace(path)
            except OSError:
                if previous.exists():
                    previous.replace(path)
                raise
    except (TimeoutError, ConnectionError):
        raise  # the network's fault, not the disk's
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: PathLike, error: OSError) -> EarshotError:
    """Make the error about a file or folder that the system does not let be written."""
    way_out = "free some space or choose another folder."
    return EarshotError(f"{path} cannot be written ({error.strerror or error}): {way_out}")


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
