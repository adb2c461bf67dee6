"""Sequences whose entries are read when they are asked for, so that a set may exceed the memory.

>>> numbers = Lazy([range(3), range(10, 13)])
>>> numbers[4], numbers[1:3], list(numbers.subset(np.array([5, 0])))
(11, [1, 2], [12, 0])
>>> list(numbers.mapped(str))[-1]
'12'
"""

import bisect
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from earshot.types import Array

__all__ = ["Lazy", "digest", "joined", "mapped", "subset"]


class Lazy(Sequence[Any]):
    """Entries of some sequences, laid end to end; ``rows``: which of them, in order, else all.

    A number gives an entry, a slice a list, an array of indices or booleans what :meth:`subset`
    gives. Compared with one value, it answers for every entry, as an array does.
    """

    def __init__(self, parts: Sequence[Sequence[Any]], rows: Array | None = None) -> None:
        self._parts = tuple(parts)
        self._ends = np.cumsum([len(part) for part in self._parts], dtype=np.int64).tolist()
        self._rows = np.arange(self._ends[-1] if self._ends else 0) if rows is None else rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, np.ndarray):
            return self.subset(key)
        if isinstance(key, slice):
            return [self._at(row) for row in self._rows[key].tolist()]
        return self._at(int(self._rows[key]))

    def _at(self, row: int) -> Any:
        i = bisect.bisect_right(self._ends, row)
        return self._parts[i][row - (self._ends[i - 1] if i else 0)]

    def __eq__(self, other: Any) -> Any:
        return np.asarray(self) == other

    __hash__ = None  # type: ignore[assignment]

    def subset(self, chosen: Array) -> "Lazy":
        """Keep the entries with some indices, in their order."""
        return Lazy(self._parts, self._rows[chosen])

    def joined(self, other: "Lazy") -> "Lazy":
        """Lay others behind these: parts behind parts, however often sets are joined."""
        n = sum(map(len, self._parts))
        return Lazy([*self._parts, *other._parts], np.append(self._rows, other._rows + n))

    def digest(self, chosen: Array | slice = slice(None)) -> bytes:
        """Give a SHA-256 that tells these arrays from others, and their order; see :func:`digest`.

        Two sequences with the same one are equal; equal ones of other parts have another one.
        """
        rows = self._rows[chosen]
        found, ordered = hashlib.sha256(rows.tobytes()), np.unique(rows)
        begins = [0, *self._ends]
        places = np.searchsorted(ordered, begins)
        for i, part in enumerate(self._parts):
            found.update(digest(part, ordered[places[i] : places[i + 1]] - begins[i]))
        return found.digest()

    def mapped(self, change: Callable[[Any], Any]) -> "Lazy":
        """Give the same entries, each changed when it is asked for."""
        return Lazy([_Mapped(self, change)])


class _Mapped(Sequence[Any]):
    def __init__(self, entries: Sequence[Any], change: Callable[[Any], Any]) -> None:
        self._entries, self._change = entries, change

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, key: Any) -> Any:
        return self._change(self._entries[key])


def digest(arrays: Sequence[Array], rows: Array) -> bytes:
    """Give a SHA-256 that tells some of a sequence's arrays from others: its own, if it has one."""
    if own := getattr(arrays, "digest", None):
        return own(rows)
    found = hashlib.sha256()
    for row in rows.tolist():
        x = arrays[row]
        found.update(len(x).to_bytes(8, "little") + x.tobytes())
    return found.digest()


def subset(entries: Sequence[Any], chosen: Array) -> Any:
    """Keep the entries with some indices: of an array or a list such a one, else a lazy one."""
    if isinstance(entries, Lazy):
        return entries.subset(chosen)
    return entries[chosen] if isinstance(entries, np.ndarray) else [entries[i] for i in chosen]


def mapped(entries: Sequence[Any], change: Callable[[Any], Any]) -> Any:
    """Change all entries: at once in a list, else when they are asked for."""
    return entries.mapped(change) if isinstance(entries, Lazy) else [change(x) for x in entries]


def joined(first: Sequence[Any], second: Sequence[Any]) -> Any:
    """Lay two sequences end to end: two lists or arrays as such a one, else lazily."""
    if isinstance(first, Lazy) or isinstance(second, Lazy):
        return _lazy(first).joined(_lazy(second))
    return np.append(first, second) if isinstance(first, np.ndarray) else [*first, *second]


def _lazy(entries: Sequence[Any]) -> Lazy:
    return entries if isinstance(entries, Lazy) else Lazy([entries])
