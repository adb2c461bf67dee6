"""The words of a take: hear them, sort out bad ones, see how many examples there are."""

import html

import ipywidgets

from earshot import audio
from earshot.notebook.players import player
from earshot.recording import takes

__all__ = ["review"]

MOST_SHOWN = 100
"""A browser has trouble with many more players."""


def review(paths, folder):
    """Show words with players and a button to drop each, and the examples of every word.

    Parameters
    ----------
    paths : list of Path
        What :func:`earshot.recording.takes.cut` wrote. Dropping moves a file; nothing is deleted.
    folder : str or path
        With one sub-folder per word; its recordings are counted.

    Returns
    -------
    ipywidgets.VBox
    """
    counts = ipywidgets.HTML()

    def count():
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
    words = ipywidgets.Box(
        [_word(path, count) for path in paths[-MOST_SHOWN:]],
        layout=ipywidgets.Layout(flex_flow="row wrap"),
    )
    return ipywidgets.VBox([ipywidgets.HTML(html.escape(text)), words, counts])


def _word(path, changed):
    dropped = ipywidgets.ToggleButton(description="drop", layout={"width": "150px"})
    places = {False: path}

    def move(change):
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
