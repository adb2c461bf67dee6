"""A recorder that runs in the browser, for kernels without a microphone.

>>> import tempfile
>>> BrowserRecorder(tempfile.mkdtemp(), start_key="r").start_key
'r'
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import traitlets

from earshot.errors import EarshotError
from earshot.notebook.pictures import Pictured, PicturedBox, as_png
from earshot.notebook.plots import style
from earshot.recording import takes
from earshot.recording.recorder import Recorder, problem
from earshot.types import PathLike

__all__ = ["BrowserRecorder", "in_browser"]

HERE = Path(__file__).parent


class BrowserRecorder(Pictured, anywidget.AnyWidget):
    """Records with the browser's microphone, from one key to another, while it has the focus.

    The sound goes to disk while it comes, as ``<folder>/<name>_<date>-<time>.wav``. The settings
    are those of :class:`earshot.recording.Recorder`. ``on_take`` gets each
    :class:`earshot.recording.Take`; what it returns is shown below the recorder. ``take`` is the
    latest one, or None.
    """

    _esm = HERE / "browser_recorder.js"
    _css = HERE / "browser_recorder.css"
    start_key = traitlets.Unicode("s").tag(sync=True)
    stop_key = traitlets.Unicode("q").tag(sync=True)
    pre_roll_s = traitlets.Float(0.3).tag(sync=True)
    longest_s = traitlets.Float(1800.0).tag(sync=True)

    def __init__(
        self, folder: PathLike, *, name: str = "take",
        on_take: Callable[[takes.Take], Any] | None = None, **settings: Any,
    ) -> None:  # fmt: skip
        super().__init__(**settings)
        self.folder, self.name, self.on_take = folder, name, on_take
        self.take: takes.Take | None = None
        self._writer: takes.Writer | None = None
        self._n_chunks = 0
        self.on_msg(self._hear)

    def picture(self) -> bytes:
        """Give what a page says where no recorder runs, as a PNG image."""
        keys = f"press {self.start_key}, speak, press {self.stop_key}."
        told = f"A recorder appears here when the notebook runs in Jupyter: click on it,\n{keys}"
        return as_png(style.note(told))

    def _hear(self, _: Any, message: dict[str, Any], buffers: list[bytes]) -> None:
        """Answer a message of the browser; what goes wrong is shown there."""
        try:
            match message["kind"]:
                case "start":
                    self._finish("It broke off: the page was closed or loaded again.")
                    self._writer = takes.Writer(self.folder, self.name, message["sample_rate"])
                    self._n_chunks = 0
                case "sound" if self._writer:
                    self._writer.write(np.frombuffer(buffers[0], "<i2"))
                    self._n_chunks += 1
                case "stop" if self._writer:
                    lost = message["n_chunks"] - self._n_chunks
                    gaps = f"Sound was lost on the way ({lost} times half a second): record again."
                    self._finish(message["reason"], gaps if lost else "")
        except EarshotError as error:
            self.send({"kind": "stop"})
            if self._writer:
                self._finish(str(error))
            else:
                self._say(error)

    def _finish(self, *notes: str) -> None:
        """Close the take that is being written, if any, and hand it on."""
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        self.take = writer.close(note for note in notes if note)
        try:
            answer = self.on_take(self.take) if self.on_take else None
        except EarshotError as error:
            answer = error
        self._say(f"Recorded {self.take.duration_s:.1f} s.", *self.take.notes, answer or "")

    def _say(self, *sentences: object) -> None:
        self.send({"kind": "said", "text": " ".join(map(str, sentences)).strip()})


def in_browser(
    where: str, microphone: Recorder, folders: Mapping[str, PathLike],
    show: Callable[[str, takes.Take], ipywidgets.Widget], name: str = "take",
) -> ipywidgets.VBox | None:  # fmt: skip
    """Give a :class:`BrowserRecorder`, and below it the widget that ``show`` makes of each take.

    None when this machine is to record: ``where`` is "microphone" (of this machine), "browser", or
    "auto", which is the browser only if this machine has none; why is said. ``microphone`` holds
    keys and times. ``folders`` are those for the takes, by word; of several words, one is chosen
    above it, and ``show`` gets the word for which a take began. Raises :class:`EarshotError` for
    another ``where``, and when the microphone is asked for, or named, and something is missing.
    """
    if where not in ("auto", "microphone", "browser"):
        raise EarshotError(f'where is "auto", "microphone" or "browser", not {where!r}.')
    reason = "" if where == "browser" else problem(microphone.device)
    if reason and (where == "microphone" or microphone.device is not None):
        raise EarshotError(reason)
    if where != "browser" and not reason:
        return None
    print(f"Recording in the browser. {reason}".strip())
    place, words = ipywidgets.VBox(), {Path(path): word for word, path in folders.items()}

    def taken(take: takes.Take) -> None:
        place.children = (show(words[take.path.parent], take),)

    recorder = BrowserRecorder(
        next(iter(words)), name=name, on_take=taken,
        start_key=microphone.start_key, stop_key=microphone.stop_key,
        pre_roll_s=microphone.pre_roll_s, longest_s=microphone.longest_s,
    )  # fmt: skip
    choice = ipywidgets.Dropdown(options=list(folders), description="word")

    def choose(change: Any) -> None:
        recorder.folder = folders[change.new]

    choice.observe(choose, "value")
    shown = [choice, recorder, place] if len(folders) > 1 else [recorder, place]
    return PicturedBox(shown, recorder.picture)
