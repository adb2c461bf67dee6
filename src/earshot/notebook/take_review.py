"""The words of a take: hear them, sort out bad ones, see how many examples there are.

>>> import numpy as np, pathlib, tempfile
>>> from earshot import audio
>>> folder = pathlib.Path(tempfile.mkdtemp())
>>> audio.write(folder / "cat" / "me_0.wav", np.ones(800), 8000)
>>> review([folder / "cat" / "me_0.wav"], folder).children[0].value
'1 words were cut. Listen, and drop those that are no good.'
"""

import html
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from earshot import audio
from earshot.notebook.pictures import PicturedBox, as_png
from earshot.notebook.players import player
from earshot.notebook.plots import data, style
from earshot.recording import takes
from earshot.types import PathLike

__all__ = ["review"]

MOST_SHOWN = 100  # a browser has trouble with many more players
MOST_HEARD = 25  # players below the picture that stands in for the widget: half a megabyte
DRAWN_HZ = 8000  # rate of the waveforms in it


def review(
    paths: Sequence[Path], folder: PathLike, needed: Mapping[str, int] | None = None
) -> ipywidgets.VBox:  # fmt: skip
    """Show words, as :func:`earshot.recording.takes.cut` wrote them, with players.

    A button drops each, which moves its file; the examples of every word in the folder are counted.
    ``needed``: how many examples words should have; then these are counted alone, and it is said
    which have too few, and what to do. Where no widget runs, a picture of all waveforms stands in
    for it, with players of the first.
    """
    counts = ipywidgets.HTML()

    def count() -> None:
        there = takes.counts(folder)
        counted = there if needed is None else {word: there.get(word, 0) for word in needed}
        counts.value = _table(counted) + html.escape(_missing(counted, needed or {}))

    count()
    text = f"{len(paths)} words were cut. Listen, and drop those that are no good."
    if not paths:
        text = "No word was found in this take: speak nearer to the microphone, with pauses."
    elif len(paths) > MOST_SHOWN:
        text += f" The last {MOST_SHOWN} are shown; the others are in {paths[0].parent}."
    titles = _titles(paths[-MOST_SHOWN:])
    players = {path: player(*audio.read(path), title) for path, title in titles.items()}
    shown = ipywidgets.Box(
        [_word(path, sound, count) for path, sound in players.items()],
        layout={"flex_flow": "row wrap"},
    )
    return PicturedBox(
        [ipywidgets.HTML(html.escape(text)), shown, counts],
        lambda: as_png(_picture(titles, text)),
        sounds="".join(list(players.values())[:MOST_HEARD]),
    )


def _table(counts: Mapping[str, int]) -> str:
    head = "".join(f'<th style="text-align:left">{name}</th>' for name in ("word", "examples"))
    rows = "".join(
        f"<tr><td>{html.escape(word)}</td><td>{n}</td></tr>" for word, n in counts.items()
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _missing(counts: Mapping[str, int], needed: Mapping[str, int]) -> str:
    """Say which words have too few examples, and what to do; nothing where all have enough."""
    few = [
        f"“{word}” needs {n - counts[word]} more" for word, n in needed.items() if counts[word] < n
    ]
    again = "Record more: what is there stays."
    return f"{', '.join(few)}. {again}" if few else ""


def _titles(paths: Sequence[Path]) -> dict[Path, str]:
    """Name clips by their words and files."""
    return {path: f"{urllib.parse.unquote(path.parent.name)} {path.stem}" for path in paths}


def _word(path: Path, shown: str, changed: Callable[[], None]) -> ipywidgets.VBox:
    dropped = ipywidgets.ToggleButton(description="drop", layout={"width": "150px"})
    places = {False: path}

    def move(change: Any) -> None:
        if change.new:
            places[True] = takes.drop(places[False])
        else:
            places[False] = takes.restore(places[True])
        dropped.description = "dropped: take back" if change.new else "drop"
        changed()

    dropped.observe(move, "value")
    return ipywidgets.VBox([ipywidgets.HTML(shown), dropped], layout={"align_items": "center"})


def _picture(titles: Mapping[Path, str], text: str) -> Figure:
    """Draw the waveforms of words that are still there, or the text alone."""
    there = [path for path in titles if path.is_file()]
    if not there:
        return style.note(text)
    clips = [audio.read(path, DRAWN_HZ)[0] for path in there]
    figure = data.waveforms(clips, DRAWN_HZ, [titles[path] for path in there])
    figure.suptitle(style.plain(text), fontsize=10)
    return figure
