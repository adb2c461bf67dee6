"""The words of a take: hear them, sort out bad ones, see how many examples there are.

>>> import numpy as np, pathlib, tempfile
>>> from earshot import audio
>>> folder = pathlib.Path(tempfile.mkdtemp())
>>> audio.write(folder / "cat" / "me_0.wav", np.ones(800), 8000)
>>> review([folder / "cat" / "me_0.wav"], folder).children[0].value
'1 words were cut. Listen, and drop those that are no good.'
"""

import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets

from earshot import audio
from earshot.notebook.players import player
from earshot.recording import takes
from earshot.types import PathLike

__all__ = ["review"]

MOST_SHOWN = 100  # a browser has trouble with many more players


def review(paths: Sequence[Path], folder: PathLike) -> ipywidgets.VBox:
    """Show words, as :func:`earshot.recording.takes.cut` wrote them, with players.

    A button drops each, which moves its file; the examples of every word in the folder are counted.
    """
    counts = ipywidgets.HTML()

    def count() -> None:
        rows = "".join(
            f"<tr><td>{html.escape(word)}</td><td>{n}</td></tr>"
            for word, n in takes.counts(folder).items()
        )
        counts.value = f"<table><tr><th>word</th><th>examples</th></tr>{rows}</table>"

    count()
    text = f"{len(paths)} words were cut. Listen, and drop those that are no good."
    if not paths:
        text = "No word was found in this take: speak nearer to the microphone, with pauses."
    elif len(paths) > MOST_SHOWN:
        text += f" The last {MOST_SHOWN} are shown; the others are in {paths[0].parent}."
    shown = [_word(path, count) for path in paths[-MOST_SHOWN:]]
    words = ipywidgets.Box(shown, layout={"flex_flow": "row wrap"})
    return ipywidgets.VBox([ipywidgets.HTML(html.escape(text)), words, counts])


def _word(path: Path, changed: Callable[[], None]) -> ipywidgets.VBox:
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
    x, sample_rate = audio.read(path)
    shown = ipywidgets.HTML(player(x, sample_rate, path.stem))
    return ipywidgets.VBox([shown, dropped], layout={"align_items": "center"})
