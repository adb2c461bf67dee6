"""Sets of clips larger than the memory: folders of shards, and Hugging Face data sets.

>>> import tempfile
>>> folder = Path(tempfile.mkdtemp()) / "beeps"
>>> WordSet([np.ones(800)], [0], ["beep"], ["anna"], ["beep/anna_0.wav"], 8000).write(folder)
>>> words = from_shards(folder)
>>> words, words.waveforms[0][:2], words.sources[0]
(WordSet(1 clips, 1 words, 1 speakers, 8,000 Hz), array([1., 1.], dtype=float32), 'beep/anna_0.wav')
"""

import dataclasses
import functools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from earshot.datasets import arrow
from earshot.datasets.lazy import Lazy
from earshot.datasets.speakers import UNKNOWN
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, reason_of, some
from earshot.types import Array, PathLike

__all__ = ["from_shards"]

SPLITS = "dataset_dict.json"  # names the folders of a data set in several parts
WORDS = ("label", "word", "keyword", "text", "sentence", "transcription", "command")
"""Columns in which the word of a clip is looked for, in this order."""
SPEAKERS = ("speaker", "speaker_id", "client_id")  # likewise, who says it


def from_shards(
    folder: PathLike, *, word_column: str | None = None, speaker_column: str | None = None
) -> WordSet:
    """Open a folder of shards as a set whose clips are decoded when they are asked for.

    Parameters
    ----------
    folder : written by :meth:`WordSet.write`, or by ``save_to_disk`` of Hugging Face ``datasets``
        (of a ``Dataset`` with a column of sounds, or of a ``DatasetDict``, whose splits become
        ``parts``)
    word_column : that of the words, text or class; by default the first class, else the first of
        ``WORDS``
    speaker_column : that of the speakers; by default the first of ``SPEAKERS``, if there is one

    A million clips open in a second, and take 100 bytes of memory each. Raises
    :class:`EarshotError` when a file is missing, cut off or of another set, and when there is no
    column of sounds or of words.
    """
    if not isinstance(folder, str | os.PathLike):
        way_out = "save a Dataset by its save_to_disk first."
        raise EarshotError(f"from_shards opens a folder, not a {type(folder).__name__}: {way_out}")
    folder = Path(folder)
    if not (folder / SPLITS).is_file():
        return _opened(folder, word_column, speaker_column)
    try:
        names = json.loads((folder / SPLITS).read_text(encoding="utf-8"))["splits"]
        places = {str(name): folder / Path(name).name for name in names}
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = f"{folder / SPLITS} is damaged ({reason_of(error)})"
        raise EarshotError(f"{reason}: copy it again.") from error
    sets = [_opened(place, word_column, speaker_column) for place in places.values()]
    sets = [
        dataclasses.replace(words, parts=np.full(len(words), name))
        for name, words in zip(places, sets, strict=True)
    ]
    if not sets:
        raise EarshotError(f"{folder / SPLITS} names no parts: copy it again.")
    return functools.reduce(WordSet.joined, sets)


def _opened(folder: Path, word_column: str | None, speaker_column: str | None) -> WordSet:
    """Open a folder that is one part."""
    shards, table = arrow.opened(folder)
    features = shards[0].features
    known = [key for key, kind in features.items() if kind.get("_type") == "ClassLabel"]
    words = _column(features, word_column, [*known, *WORDS], folder)
    if words is None:
        way_out = f"name it as word_column, one of {some([*features])}."
        raise EarshotError(f"{folder} has no column of words that is known: {way_out}")
    if words in known:
        labels, class_names = _numbers(table.column(words)), features[words]["names"]
    else:
        labels, class_names = _coded(table.column(words))
    speakers = _texts(table, _column(features, speaker_column, SPEAKERS, folder), UNKNOWN)
    parts = _texts(table, _column(features, None, ["part"], folder), "")
    sources: Any = Lazy([_Names(shard) for shard in shards])
    rate = shards[0].sample_rate
    try:
        about = json.loads((folder / arrow.INFO).read_text(encoding="utf-8"))["description"]
    except (OSError, ValueError, TypeError, KeyError):  # it is not needed
        about = ""
    return WordSet(
        Lazy(shards), labels, class_names, speakers, sources, rate, str(about), parts
    )  # fmt: skip


class _Names(Sequence[str]):
    """The names of the sounds in a shard; of those without one, their number."""

    def __init__(self, shard: arrow.Shard) -> None:
        self._names = shard.names

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, key: Any) -> Any:
        return self._names[key].as_py() or f"clip {key}"


def _column(
    features: dict[str, Any], wanted: str | None, known: Sequence[str], folder: Path
) -> str | None:
    """Find a column: the one that is wanted, else the first that is known, else none."""
    if wanted is not None and wanted not in features:
        choice = some([*features])
        raise EarshotError(f"{folder} has no column {wanted!r}: choose one of {choice}.")
    return wanted or next((key for key in known if key in features), None)


def _numbers(values: Any) -> Array:
    """Give a column as whole numbers, -1 where there is none.

    From its buffers: pyarrow's own ways to NumPy import pandas, which takes a second.
    """
    pa, n = arrow.pyarrow(), len(values)
    valid, data = (whole := values.cast(pa.int64()).combine_chunks()).buffers()
    numbers = np.frombuffer(data, np.int64)[whole.offset :][:n]
    if valid is None:
        return numbers
    there = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")[whole.offset :][:n]
    return np.where(there, numbers, -1)


def _coded(values: Any) -> tuple[Array, list[str]]:
    """Give a column of texts as numbers, -1 where there is none, and its different texts."""
    pa = arrow.pyarrow()
    values = values.cast(pa.string())
    different = pa.compute.unique(values).drop_null().sort()
    codes = pa.compute.index_in(values, value_set=different)
    return _numbers(codes), different.to_pylist()


def _texts(table: Any, column: str | None, otherwise: str) -> Array:
    """Give a column as texts, each different one made once."""
    if column is None:
        return np.full(len(table), otherwise)
    codes, different = _coded(table.column(column))
    return np.array([*different, otherwise], np.str_)[codes]
