"""Label tracks as Audacity reads and writes them: start, end and label of each segment.

Other lists of start, end and label, separated by commas or spaces, are read as well.

A track beside a recording, ``anna.labels.txt`` beside ``anna.wav``, is how corrections by hand are
remembered: made here with :func:`correct`, or in Audacity (File, Import, Labels).

Source of the format: https://manual.audacityteam.org/man/importing_and_exporting_labels.html

>>> cut = [Segment(0.5, 1.0, "cat"), Segment(1.5, 2.0, "dog"), Segment(2.2, 2.5, "dog")]
>>> [(s.start_s, s.end_s, s.word) for s in correct(cut, drop=[0], merge=[(1, 2)])]
[(1.5, 2.5, 'dog')]
>>> beside("anna.wav").name
'anna.labels.txt'
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
    and so is a first line that names the columns.

    Raises
    ------
    EarshotError
        When the file is missing, or a line is none of a label track; it names the line.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError as error:
        raise EarshotError(f"There is no label track {path}: check the name.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise EarshotError(f"{path} is no label track ({error}): export it as UTF-8.") from error
    segments, is_first = [], True
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("\\"):
            continue
        fields = _fields(line)
        is_header = is_first and not re.search(r"\d", "".join(fields[:2]))
        is_first = False
        if is_header:
            continue
        try:
            start_s, end_s = map(float, fields[:2])
        except ValueError:
            start_s = end_s = math.nan
        if not 0 <= start_s <= end_s < math.inf:
            raise EarshotError(
                f"{path}, line {number}, is no label ({line[:60]!r}): it needs start and end in "
                "seconds, the end not before the start, and the label, separated by tabs."
            )
        segments.append(Segment(start_s, end_s, fields[2].strip() if len(fields) > 2 else ""))
    return sorted(segments, key=lambda segment: segment.start_s)


def _fields(line):
    """Split a line into start, end and label; a comma between digits may be a decimal point."""
    if "\t" in line:  # as Audacity writes it, where quotes are part of a label
        start, end, *rest = [*line.split("\t", 2), ""][:3]
        return [start.replace(",", "."), end.replace(",", "."), *(part.strip() for part in rest)]
    if ";" in line:
        start, *rest = line.split(";", 2)
        fields = [*(number.replace(",", ".") for number in (start, *rest[:1])), *rest[1:]]
    elif decimal := re.match(r"\s*(\d+,\d+)\s+(\d+,\d+)(?:\s+(.*))?$", line):
        fields = [decimal[1].replace(",", "."), decimal[2].replace(",", "."), decimal[3] or ""]
    else:
        fields = re.split(r"\s*,\s*|\s+", line.strip(), maxsplit=2)
    return [field.strip().strip('"') for field in fields]


def write(path: PathLike, segments: Iterable[Segment]) -> None:
    """Write a label track; one that is there already is replaced."""
    lines = []
    for segment in segments:
        word = " ".join(segment.word.split())
        lines.append(f"{segment.start_s:.6f}\t{segment.end_s:.6f}\t{word}\n")
    with files.atomic_path(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def correct(
    segments: Sequence[Segment], *, move: dict[int, tuple[float, float]] | None = None,
    drop: Sequence[int] = (), merge: Sequence[tuple[int, int]] = (),
    relabel: dict[int, str] | None = None,
) -> list[Segment]:  # fmt: skip
    """Mend a cut by hand; the numbers are those that :func:`earshot.notebook.plots.segments` shows.

    Parameters
    ----------
    move : new start and end, in seconds
    drop : segments that are no word
    merge : first and last of some segments that are one word; it takes the first one's name
    relabel : what is really said

    Returns
    -------
    list of Segment
        In order; those that were touched are certain now (confidence 1).

    Raises
    ------
    EarshotError
        When there is no segment of that number, or an end does not come after its start.
    """
    mended, move, relabel = dict(enumerate(segments)), move or {}, relabel or {}
    for number in [*move, *drop, *(n for pair in merge for n in pair), *relabel]:
        if number not in mended:
            raise EarshotError(
                f"There is no segment {number}: they are numbered from 0 to {len(mended) - 1}."
            )

    def change(number, **changes):
        mended[number] = dataclasses.replace(mended[number], confidence=1.0, **changes)

    for number, (start_s, end_s) in move.items():
        if not 0 <= start_s < end_s:
            raise EarshotError(
                f"Segment {number} cannot go from {start_s} to {end_s} s: the end comes after the "
                "start, and both count from the start of the recording."
            )
        change(number, start_s=start_s, end_s=end_s)
    for number, word in relabel.items():
        change(number, word=word)
    for first, last in merge:
        change(first, end_s=mended[last].end_s)
        drop = [*drop, *range(first + 1, last + 1)]
    kept = [segment for number, segment in mended.items() if number not in drop]
    return sorted(kept, key=lambda segment: segment.start_s)
