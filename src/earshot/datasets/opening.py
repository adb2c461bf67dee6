"""Any word set by its name: the spoken digits, a folder of words, or a packed file.

>>> import tempfile
>>> path = Path(tempfile.mkdtemp()) / "beeps.npz"
>>> WordSet([[0.5] * 800, [0.1] * 800], [0, -1], ["beep"], ["ann"] * 2, ["a", "b"], 8000).save(path)
>>> open_set(path)  # what nobody knows the word of stays out
WordSet(1 clips, 1 words, 1 speakers, 8,000 Hz)
"""

from pathlib import Path

from earshot.datasets.digits import spoken_digit
from earshot.datasets.folders import from_folder
from earshot.datasets.packed import load
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError
from earshot.types import PathLike

__all__ = ["SPOKEN_DIGIT", "open_set"]

SPOKEN_DIGIT = "spoken_digit"  # the name of the data set that is downloaded


def open_set(
    name: PathLike, data_dir: PathLike = "data", *, sample_rate: int | None = None
) -> WordSet:
    """Give the word set of a name, without clips of which nobody knows the word.

    ``name`` is "spoken_digit" (kept in ``data_dir``, see :func:`spoken_digit`); a folder with one
    sub-folder per word, such as cut words, own recordings or mini_speech_commands (see
    :func:`from_folder`); or a ``.npz`` (see :func:`load`). What :func:`pack` kept apart for the
    test stays apart. ``sample_rate``, in Hz, is that of the result; None: its own.
    """
    path = Path(name)
    if str(name) == SPOKEN_DIGIT:
        words = spoken_digit(data_dir)
    elif path.suffix == ".npz":
        words = load(path)
        words = words.subset(words.labels >= 0)
    elif path.is_dir():
        words = from_folder(path)
    else:
        choice = f'"{SPOKEN_DIGIT}", a folder with one sub-folder per word, or a packed .npz'
        raise EarshotError(f"There is no word set {name}: name {choice}.")
    return words if sample_rate is None else words.resampled(sample_rate)
