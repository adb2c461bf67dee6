"""Label tracks as Audacity reads and writes them: start, end and label of each segment.

Other lists of start, end and label, separated by commas or spaces, are read as well.

A track beside a recording, ``anna.labels.txt`` beside ``anna.wav``, is how corrections by hand are
remembered: made here with :func:`correct`, or in Audacity (File, Import, Labels).

Source of the format: https://manual.audacityteam.org/man/importing_and_exporting_labels.html
"""

import dataclasses
import math
import re
from pathlib import Path

from earshot import files
from earshot.errors import EarshotError
from earshot.segmentation.segments import Segment

__all__ = ["beside", "correct", "read", "write"]


def beside(recording):
    """Give the path of the label track that belongs to a recording."""
    return Path(recording).with_suffix(".labels.txt")


def read(path):
    """Read a label track.

    Parameters
    ----------
    path : str or path
        Text with a line for each label: start and end in seconds, then the label, separated by
        tabs, or else by commas or spaces. Lines that begin with a backslash (frequencies) are
        passed over, and so is a first line that names the columns.

    Returns
    -------
    list of Segment
        In order of their start.

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
    segments, header_allowed = [], True
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("\\"):
            continue
        fields = _fields(line)
        first, header_allowed = header_allowed, False
        if first and not any(character.isdigit() for character in "".join(fields[:2])):
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


def write(path, segments):
    """Write a label track; one that is there already is replaced.

    Parameters
    ----------
    path : str or path
    segments : iterable of Segment
    """
    lines = []
    for segment in segments:
        word = " ".join(segment.word.split())
        lines.append(f"{segment.start_s:.6f}\t{segment.end_s:.6f}\t{word}\n")
    with files.atomic_path(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def correct(segments, *, move=None, drop=(), merge=(), relabel=None):
    """Mend a cut by hand; the numbers are those that :func:`earshot.notebook.plots.data.segments` shows.

    Parameters
    ----------
    segments : list of Segment
    move : dict from int to (float, float), optional
        New start and end in seconds.
    drop : sequence of int
        Segments that are no word.
    merge : sequence of (int, int)
        First and last of some segments that are one word; it takes the first one's name.
    relabel : dict from int to str, optional
        What is really said.

    Returns
    -------
    list of Segment
        In order; those that were touched are certain now (confidence 1).

    Raises
    ------
    EarshotError
        When there is no segment of that number, or an end does not come after its start.
    """
    mended = dict(enumerate(segments))
    merge = [tuple(pair) for pair in merge]
    numbers = [*(move or {}), *drop, *(n for pair in merge for n in pair), *(relabel or {})]
    for number in numbers:
        if number not in mended:
            raise EarshotError(
                f"There is no segment {number}: they are numbered from 0 to {len(mended) - 1}."
            )
    for number, (start_s, end_s) in (move or {}).items():
        if not 0 <= start_s < end_s:
            raise EarshotError(
                f"Segment {number} cannot go from {start_s} to {end_s} s: the end comes after the "
                "start, and both count from the start of the recording."
            )
        mended[number] = dataclasses.replace(
            mended[number], start_s=start_s, end_s=end_s, confidence=1.0
        )
    for number, word in (relabel or {}).items():
        mended[number] = dataclasses.replace(mended[number], word=word, confidence=1.0)
    for first, last in merge:
        mended[first] = dataclasses.replace(mended[first], end_s=mended[last].end_s, confidence=1.0)
        for number in range(first + 1, last + 1):
            mended.pop(number, None)
    for number in drop:
        mended.pop(number, None)
    return sorted(mended.values(), key=lambda segment: segment.start_s)
