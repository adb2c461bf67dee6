"""Label tracks as Audacity reads and writes them: start, end and label of each segment.

A track beside a recording, ``anna.labels.txt`` beside ``anna.wav``, remembers corrections by hand:
made with :func:`correct`, or in Audacity (File, Import, Labels). The format:
https://manual.audacityteam.org/man/importing_and_exporting_labels.html

>>> cut = [Segment(0.5, 1.0, "cat"), Segment(1.5, 2.0, "dog"), Segment(2.2, 2.5, "dog")]
>>> [(s.start_s, s.end_s, s.word) for s in correct(cut, drop=[0], merge=[(1, 2)])]
[(1.5, 2.5, 'dog')]
"""

import dataclasses
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from earshot import files
from earshot.errors import EarshotError
from earshot.segmentation.segments import Segment
from earshot.types import PathLike

__all__ = ["beside", "correct", "read", "write"]


def beside(recording: PathLike) -> Path:
    """Give the path of the label track that belongs to a recording."""
    return Path(recording).with_suffix(".labels.txt")


def read(path: PathLike) -> list[Segment]:
    """Read a label track; gives its segments in order of their start.

    A text with a line for each label: start and end in seconds, then the label, separated by tabs,
    or else by commas or spaces. Lines that begin with a backslash (frequencies) are passed over,
    and so is a first line that names the columns. Another line raises :class:`EarshotError`.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        way_out = "check the name, or export it as UTF-8."
        raise EarshotError(f"There is no label track {path} ({error}): {way_out}") from error
    rows = [(i, line) for i, line in enumerate(lines, start=1) if line.strip() and line[0] != "\\"]
    has_header = bool(rows) and not re.search(r"\d", "".join(_fields(rows[0][1])[:2]))
    segments = []
    for number, line in rows[has_header:]:
        fields = _fields(line)
        try:
            start_s, end_s = map(float, fields[:2])
        except ValueError:
            start_s = end_s = math.nan
        if not 0 <= start_s <= end_s < math.inf:
            needed = "start and end in seconds, in this order, and the label, separated by tabs"
            bad = f"{path}, line {number}, is no label ({line[:60]!r})"
            raise EarshotError(f"{bad}: give {needed}.")
        segments.append(Segment(start_s, end_s, "".join(fields[2:])))
    return sorted(segments, key=lambda segment: segment.start_s)


def _fields(line):
    """Split a line into start, end and label; a comma between digits may be a decimal point."""
    separator = "\t" if "\t" in line else ";"
    if separator in line:
        fields = line.split(separator, 2)
    elif decimal := re.match(r"\s*(\d+,\d+)\s+(\d+,\d+)(?:\s+(.*))?$", line):
        fields = list(decimal.groups(""))
    else:
        fields = re.split(r"\s*,\s*|\s+", line.strip(), maxsplit=2)
    quotes = "" if separator == "\t" else '"'  # Audacity's tabs: quotes are part of a label
    fields = [field.strip().strip(quotes) for field in fields]
    return [*(number.replace(",", ".") for number in fields[:2]), *fields[2:]]


def write(path: PathLike, segments: Iterable[Segment]) -> None:
    """Write a label track; one that is there already is replaced. Every time must be one."""
    segments = list(segments)
    for s in segments:
        if not 0 <= s.start_s <= s.end_s < math.inf:
            raise _impossible(repr(s.word), s)
    lines = [f"{s.start_s:.6f}\t{s.end_s:.6f}\t{' '.join(s.word.split())}\n" for s in segments]
    with files.atomic_path(path, endings={".txt"}) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def _impossible(name, segment):
    wrong = f"Segment {name} cannot go from {segment.start_s} to {segment.end_s} s"
    return EarshotError(f"{wrong}: the end comes after the start, and no time is below 0.")


def correct(
    segments: Sequence[Segment], *, move: dict[int, tuple[float, float]] | None = None,
    drop: Sequence[int] = (), merge: Sequence[tuple[int, int]] = (),
    relabel: dict[int, str] | None = None,
) -> list[Segment]:  # fmt: skip
    """Mend a cut by hand; the numbers are those that :func:`earshot.notebook.plots.segments` shows.

    Segments get a new start and end in seconds, are dropped, merged (from a first to a last one,
    under the first one's name) or relabelled. What was touched is certain (confidence 1). A number
    that does not exist, or an end before its start, raises :class:`EarshotError`.
    """
    mended, move, relabel = dict(enumerate(segments)), move or {}, relabel or {}
    for number in [*move, *drop, *(n for pair in merge for n in pair), *relabel]:
        if number not in mended:
            last = len(mended) - 1
            raise EarshotError(f"There is no segment {number}: they are numbered from 0 to {last}.")

    def change(number, **changes):
        mended[number] = dataclasses.replace(mended[number], confidence=1.0, **changes)

    for number, (start_s, end_s) in move.items():
        change(number, start_s=start_s, end_s=end_s)
    for number, word in relabel.items():
        change(number, word=word)
    for first, last in merge:
        change(first, end_s=mended[last].end_s)
        drop = [*drop, *range(first + 1, last + 1)]
    for number in {*move, *(first for first, _ in merge)}:
        if not 0 <= mended[number].start_s < mended[number].end_s < math.inf:
            raise _impossible(number, mended[number])
    kept = [segment for number, segment in mended.items() if number not in drop]
    return sorted(kept, key=lambda segment: segment.start_s)
