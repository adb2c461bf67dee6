"""Recognizers are kept, and what was kept before is not lost when its words are others.

>>> import tempfile
>>> from earshot import networks
>>> from earshot.features.log_mel import LogMel
>>> network, folder = networks.cnn((101, 40), 2), Path(tempfile.mkdtemp()) / "mine"
>>> keep(Recognizer(network, LogMel(), ("yes", "no")), folder) == f"Kept in {folder}."
True
>>> print(keep(Recognizer(network, LogMel(), ("on", "off")), folder).replace(str(folder), "mine"))
Kept in mine; the recognizer of yes, no that was there is mine_1 now.
"""

import itertools
import os
from pathlib import Path

from earshot import files
from earshot.errors import EarshotError, some
from earshot.recognition.recognizer import SETTINGS, UNKNOWN, Recognizer, load
from earshot.types import PathLike

__all__ = ["keep"]

MOST_NAMED = 5  # words in the sentence: enough to see which recognizer it is


def keep(recognizer: Recognizer, folder: PathLike) -> str:
    """Save a recognizer, and give a sentence that says where.

    One that is there already is replaced where the new one knows all its words. Else, and where it
    cannot be read, it is first moved to the first free of ``<folder>_1``, ``<folder>_2`` ..., and
    the sentence names it. Raises :class:`EarshotError` as :meth:`Recognizer.save` does; then it is
    where it was.
    """
    folder = Path(folder)
    lost = _words(folder)
    if lost is not None and set(lost) <= set(recognizer.class_names):
        recognizer.save(folder)
        return f"Kept in {folder}."
    names = (folder.with_name(f"{folder.name}_{n}") for n in itertools.count(1))
    aside = files.move(folder, next(path for path in names if not os.path.lexists(path)))
    try:
        recognizer.save(folder)
    except BaseException:
        files.move(aside, folder)
        raise
    what = f"the recognizer of {some(lost, MOST_NAMED)} that" if lost else "what"
    return f"Kept in {folder}; {what} was there is {aside} now."


def _words(folder: Path) -> list[str] | None:
    """Give the words of the recognizer in a folder, if there is one; None if it is unreadable."""
    if not (folder / SETTINGS).is_file():
        return []
    try:
        return [word for word in load(folder).class_names if word != UNKNOWN]
    except EarshotError:
        return None
