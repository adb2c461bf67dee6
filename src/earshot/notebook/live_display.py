"""A display of live recognition that changes in place: what is heard, with the words on it.

>>> import numpy as np
>>> from earshot import networks, recognition
>>> r = recognition.Recognizer(networks.cnn((101, 40), 2), LogMel(), ("yes", "no"))  # not trained
>>> sound = [(np.sin(0.3 * np.arange(8000)), 8000)]
>>> shown = []
>>> heard = list(show_live(r, sound, threshold=1.0, show=lambda data: shown.append(data)))
>>> len(shown), heard
(2, [])
"""

import base64
import collections
import contextlib
import dataclasses
import html
import time
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from earshot import audio
from earshot.features.log_mel import LogMel
from earshot.notebook.pictures import as_png
from earshot.notebook.plots import style
from earshot.recognition.listening import listen
from earshot.recognition.recognizer import Recognizer
from earshot.recognition.spotter import Heard, log_mel_of
from earshot.types import Array, Blocks

__all__ = ["show_live"]

SHOWN_S = 10.0  # of the stream: longer, words are too narrow to read
REFRESH_S = 0.5  # between two drawings, at least
SHARE = 0.1  # of the time that drawing may take: on a busy machine, listening would fall behind
RANGE_DB = 60.0  # of the colours, below the loudest point that is shown
LOGGED = 8  # of the last words below the picture: a longer log would push it out of the window
QUIETEST = 1e-4  # mel power that counts as loudest at least: a silent room stays dark
Show = Callable[[dict[str, str]], Any]


def show_live(
    recognizer: Recognizer, blocks: Blocks, *, threshold: float | None = None,
    show: Show | None = None,
) -> Iterator[Heard]:  # fmt: skip
    """Listen, as :func:`earshot.listen` does, and show the last ten seconds while they go by.

    The picture is drawn anew in its place: a spectrogram, over which each word stands where it was
    heard, and below it the last eight words, the newest on top. When the stream ends, or the kernel
    is interrupted, the picture stays without them, to print all words that were given below it.
    ``show`` gets the MIME bundle of each picture; by default, a notebook's cell.
    """
    screen = _Screen(log_mel_of(recognizer), show or _cell())
    try:
        with contextlib.suppress(KeyboardInterrupt):
            for heard in listen(recognizer, screen.watched(blocks), threshold=threshold):
                screen.add(heard)
                yield heard
        screen.is_over = True
    finally:
        screen.draw()


def _cell() -> Show:
    """Give a place in the cell that runs, for a picture that is replaced."""
    from IPython.display import display

    handle = display({"text/plain": "Listening ..."}, raw=True, display_id=True)
    return lambda data: handle.update(data, raw=True)


class _Screen:
    """The end of a stream, as it is heard, and the words in it."""

    def __init__(self, front_end: LogMel, show: Show) -> None:
        self.front_end = dataclasses.replace(front_end, n_samples=None, bits=None, top_db=RANGE_DB)
        self.words: collections.deque[Heard] = collections.deque(maxlen=50)
        self.is_over = False
        self._show, self._due, self._image = show, 0.0, ""
        self._x, self._end = np.zeros(0, np.float32), 0  # sound that is shown, samples that came
        self._resampler: Any = None

    def watched(self, blocks: Blocks) -> Blocks:
        """Let blocks pass, and draw now and then."""
        rate = self.front_end.sample_rate
        for block, given in blocks:
            self._resampler = self._resampler or audio.Resampler(given, rate)
            x = self._resampler.push(np.asarray(block, np.float32))
            self._x = np.concatenate([self._x, x])[-round(SHOWN_S * rate) :]
            self._end += len(x)
            yield block, given
            if (began := time.monotonic()) >= self._due:
                self.draw()
                now = time.monotonic()
                self._due = now + max(REFRESH_S, (now - began) / SHARE)

    def add(self, heard: Heard) -> None:
        """Write a word into the log at once; the next picture frames it."""
        self.words.append(heard)
        if self._image:
            self._put()

    def draw(self) -> None:
        """Show what was heard last."""
        if len(self._x):
            self._image = base64.b64encode(as_png(self._figure())).decode()
            self._put()

    def _put(self) -> None:
        """Show the picture, and below it, while it goes on, a log that is always as high."""
        words = ", ".join(heard.word for heard in self.words) or "no word yet"
        shown = {"image/png": self._image, "text/plain": f"heard: {words}"}
        if not self.is_over:
            newest = [html.escape(str(heard)) for heard in reversed(self.words)][:LOGGED]
            log = "\n".join([*newest, *[" "] * (LOGGED - len(newest))])
            shown["text/html"] = (
                f'<img src="data:image/png;base64,{self._image}" style="max-width:100%">'
                f"<pre>{log}</pre>"
            )
        self._show(shown)

    def _figure(self) -> Figure:
        end_s = self._end / self.front_end.sample_rate
        start_s = end_s - len(self._x) / self.front_end.sample_rate
        figure, axis = plt.subplots(figsize=(9, 2.8), layout="constrained")
        image = style.draw_spectrogram(axis, self._db(), end_s, vmin=-RANGE_DB, vmax=0)
        image.set_extent((start_s, end_s, 0, self.front_end.n_mels))
        style.label_bands(axis, self.front_end)
        style.colour_bar(image, axis, "dB below the loudest")
        axis.set(xlim=(start_s, max(end_s, start_s + SHOWN_S)), xlabel="time (s)")
        axis.set_facecolor("black")
        for heard in self.words:
            if heard.end_s > start_s:
                _name(axis, heard, self.front_end.n_mels)
        axis.set_title("what is heard, and the words in it", pad=30, fontsize=10)
        return figure

    def _db(self) -> Array:
        power = self.front_end.mel_power(self._x)
        loudest = max(float(power.max()), QUIETEST)
        return 10 * np.log10(np.maximum(power / loudest, 10 ** (-RANGE_DB / 10)))


def _name(axis: Any, heard: Heard, top: int) -> None:
    """Frame a word where it was heard, and write it above."""
    for at_s in (heard.start_s, heard.end_s):
        axis.axvline(at_s, color="white", linewidth=1)
    axis.annotate(
        f"{style.plain(heard.word)}\n{heard.probability:.0%}",
        ((heard.start_s + heard.end_s) / 2, top), xytext=(0, 3), textcoords="offset points",
        ha="center", va="bottom", fontsize=9, color=style.SPEECH, annotation_clip=True,
    )  # fmt: skip
