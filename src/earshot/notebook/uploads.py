"""Recordings that are chosen in the browser, for kernels that run somewhere else.

>>> import pathlib, tempfile
>>> folder = pathlib.Path(tempfile.mkdtemp())
>>> [keep(folder, "my cat.wav", sound).name for sound in (b"one", b"two", b"one")]
['my cat.wav', 'my cat-2.wav', 'my cat.wav']
"""

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ipywidgets

from earshot import files
from earshot.errors import EarshotError
from earshot.notebook.pictures import PicturedBox, as_png
from earshot.notebook.plots import style
from earshot.types import PathLike

__all__ = ["keep", "upload"]

TOLD = "Files can be chosen here when the notebook runs in Jupyter; they go to\n{}."


def upload(
    folder: PathLike | Mapping[str, PathLike],
    show: Callable[[list[Path]], ipywidgets.Widget] | None = None,
) -> ipywidgets.VBox:
    """Give a button that takes sound files from the browser's machine into a folder.

    Of several folders, by name, one is chosen above it. ``show`` gets the paths of what was chosen,
    and makes the widget that appears below. Jupyter takes about 10 MB at a time: put longer
    recordings into the folder by hand.
    """
    folders = folder if isinstance(folder, Mapping) else {"": folder}
    choice = ipywidgets.Dropdown(options=list(folders), description="for")
    button = ipywidgets.FileUpload(
        accept=",".join(sorted(files.RECORDINGS)), multiple=True, description="Choose files"
    )
    place = ipywidgets.VBox()

    def chosen(change: Any) -> None:
        try:
            into = folders[choice.value]
            paths = [keep(into, one["name"], bytes(one["content"])) for one in change.new]
            told = ipywidgets.Label(f"{len(paths)} files are kept in {into}.")
            place.children = (show(paths) if show else told,)
        except EarshotError as error:
            place.children = (ipywidgets.Label(str(error)),)

    button.observe(chosen, "value")
    shown = [choice, button, place] if len(folders) > 1 else [button, place]
    where = TOLD.format(" or ".join(map(str, folders.values())))
    return PicturedBox(shown, lambda: as_png(style.note(where)))


def keep(folder: PathLike, name: str, content: bytes) -> Path:
    """Write a file under its name, or with a number where that is another file's; give its path.

    Raises :class:`EarshotError` for what is no kind of recording that can be read.
    """
    plain = Path(name.replace("\\", "/")).name
    stem, ending = Path(plain).stem, Path(plain).suffix
    if ending.lower() not in files.RECORDINGS:
        kinds = ", ".join(sorted(files.RECORDINGS))
        raise EarshotError(f"{plain} is no recording that can be read: choose {kinds}.")
    with files.explained(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
    names = (f"{stem}{f'-{n}' * (n > 1)}{ending}" for n in itertools.count(1))
    paths = (Path(folder) / files.safe_name(name) for name in names)
    with files.locked(Path(folder) / plain):
        path = next(p for p in paths if not p.exists() or p.read_bytes() == content)
        if not path.exists():
            with files.atomic_path(path, replace=False) as temporary:
                temporary.write_bytes(content)
    return path
