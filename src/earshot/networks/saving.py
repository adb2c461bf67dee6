"""A network and what belongs to it in one folder: written as a whole, read with clear errors.

>>> import keras, tempfile
>>> folder = Path(tempfile.mkdtemp()) / "network"
>>> network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
>>> write(folder, network, {"notes.json": {"format": FORMAT}})
>>> read(folder, {"notes.json": read_settings}, "network")
[{'format': 1}]
"""

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from earshot import files
from earshot.errors import EarshotError, reason_of, some
from earshot.types import PathLike

if TYPE_CHECKING:
    import keras

__all__ = ["FORMAT", "LIGHT", "NETWORK", "Beside", "check_replaceable", "check_weights", "read",
           "read_json", "read_network", "read_settings", "write"]  # fmt: skip

NETWORK = "network.keras"  # The file of every folder that holds the network.
LIGHT = "network.tflite"  # The same network for LiteRT, beside it or in its place.
WEIGHTS = "model.weights.h5"  # The member of it that Keras keeps the weights in.
FORMAT = 1  # Of the settings' files; raised when older versions could not read them.
DAMAGE = (ValueError, TypeError, KeyError, OSError, EOFError, OverflowError,
          RecursionError, EarshotError)  # fmt: skip
"""What goes wrong where a file is cut off or changed."""
LARGEST = 2**28
"""Bytes that a network's archive may unpack to, fifty times as many as the largest one of ours."""
MOST_WEIGHTS = 2**26  # bytes that weights may take in memory, if their file is smaller
WAY_OUT = "copy the folder again, or train and save it anew."


def write(
    folder: PathLike, network: "keras.Model | None", writers: dict[str, Any], *,
    optional: Collection[str] = (),
) -> None:  # fmt: skip
    """Write a folder; one that was there before is replaced as a whole.

    ``writers``: by file name, content for JSON, or a function that is given the path to write to.
    ``optional``: names of files that an older folder may have, which go with it. Without a
    ``network``, one of the files is :data:`LIGHT`.
    """
    check_replaceable(folder, (NETWORK, LIGHT), {*writers, *optional})
    with files.atomic_path(folder) as temporary:
        temporary.mkdir()
        for name, content in writers.items():
            if callable(content):
                content(temporary / name)
            else:
                text = json.dumps(content, indent=2, ensure_ascii=False)
                (temporary / name).write_text(text + "\n", encoding="utf-8")
        if network is not None:
            network.save(temporary / NETWORK)


def check_replaceable(folder: PathLike, marks: Collection[str], others: Collection[str]) -> None:
    """Refuse to replace a folder without a file of ``marks``, or with more than the ``others``."""
    folder = Path(folder)
    with files.explained(folder):
        names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    strange = sorted(names.difference(others, marks))
    if strange or (names and names.isdisjoint(marks)):
        problem = f"{folder} holds something else ({some(strange) or f'no {next(iter(marks))}'})"
        raise EarshotError(f"{problem}, which would be lost: name another folder.")


def read(folder: PathLike, readers: Mapping[str, Callable[[Path], Any]], kind: str) -> list[Any]:
    """Read the files of a folder, which should hold a ``kind``, and give what the readers give.

    ``readers``: by file name, functions that are given the path. Raises :class:`EarshotError`,
    which names it, when the folder or a file in it is missing or damaged. One that is saved anew
    meanwhile is read anew, so that all of it is of one network.
    """
    folder, found, problem = Path(folder), list[Any](), None
    files.tidy(folder.parent)  # a save that was killed may have the folder still
    before = _state(folder)
    try:
        found = _read_files(folder, readers, kind)
    except EarshotError as error:
        problem = error
    except PermissionError as error:
        way_out = "change its permissions, or copy it to a folder of your own."
        problem = EarshotError(f"{folder} cannot be read ({error.strerror}): {way_out}")
    if _state(folder) != before:
        return read(folder, readers, kind)
    if problem:
        raise problem
    return found


class Beside:
    """A file in a folder that was read, to be read later, if it is still the same folder's."""

    def __init__(self, path: Path) -> None:
        self._path, self._state = path, _state(path.parent)

    def path(self) -> Path:
        """Give its path; raises :class:`EarshotError` when the folder was saved anew since."""
        if _state(self._path.parent) != self._state:
            raise EarshotError(f"{self._path.parent} was saved anew since: load it again.")
        return self._path


def _state(folder: Path) -> tuple[int, int] | None:
    """Tell folders of one name apart."""
    with contextlib.suppress(OSError):
        state = folder.stat()
        return state.st_ino, state.st_mtime_ns
    return None


def _read_files(folder: Path, readers: Mapping[str, Callable[[Path], Any]], kind: str) -> list[Any]:
    if not folder.is_dir():
        raise EarshotError(f"There is no {kind} {folder}: train one and save it there.")
    for name in readers:
        if not (folder / name).is_file():
            raise EarshotError(f"{folder} is no {kind}, its {name} is missing: {WAY_OUT}")
    found = []
    for name, reader in readers.items():
        try:
            found.append(reader(folder / name))
        except PermissionError:
            raise
        except DAMAGE as error:
            if isinstance(error, EarshotError) and str(folder / name) in str(error):
                raise  # a sentence that names the file
            reason = reason_of(error)
            raise EarshotError(f"{folder / name} is damaged ({reason}): {WAY_OUT}") from error
    return found


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_settings(path: Path) -> dict[str, Any]:
    """Read a JSON file that names its format, which must be this version's."""
    settings: dict[str, Any] = read_json(path)
    if settings["format"] != FORMAT:
        problem = f"{path} has the format {settings['format']}, this version reads {FORMAT}"
        raise EarshotError(f"{problem}: install the version of earshot that wrote it.")
    return settings


def check_weights(file: BinaryIO) -> None:
    """Refuse weights, an HDF5 file, that claim far more than it has: it packs zeros into nothing.

    Raises ValueError, and whatever h5py raises.
    """
    import h5py

    most, sizes = max(MOST_WEIGHTS, file.seek(0, os.SEEK_END)), list[int]()
    with h5py.File(file) as weights:
        weights.visititems(lambda _, item: sizes.append(getattr(item, "nbytes", 0)))
    if sum(sizes) > most:
        raise ValueError(f"its weights claim {sum(sizes) / 2**20:,.0f} MiB")


def read_network(path: Path) -> "keras.Model":
    """Read a Keras network, for use, not for training on."""
    try:
        import keras

        from earshot.networks import layers  # noqa: F401  (so that they can be loaded)
    except ImportError as error:
        raise EarshotError(
            f"{path} needs TensorFlow, which is not installed: "
            'pip install "earshot[train]", or save the recognizer with light=True where it is.'
        ) from error
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size > LARGEST:
                raise ValueError(f"it would unpack to {size / 2**20:,.0f} MiB")
            check_weights(io.BytesIO(archive.read(WEIGHTS)))
        network = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # of damaged bytes, zip, HDF5 and Keras raise nearly anything
        reason = reason_of(error)
        raise ValueError(reason) from error
    if not isinstance(network, keras.Model):
        raise TypeError(f"it holds a {type(network).__name__}")
    return network
