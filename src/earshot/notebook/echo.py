"""Your own voice as a recognizer hears it: what is left of a recording in its spectrogram.

>>> import numpy as np
>>> from earshot.synthesis.inverter import network
>>> inverter = Inverter(network(FINE, width=8, blocks=1), FINE)  # not trained
>>> said, heard = as_heard(np.sin(np.arange(32000)), 16000, inverter, n_samples=8000)
>>> said.waveform.shape, heard.name
((8000,), 'as it is heard')
"""

import base64
import io

import ipywidgets
import matplotlib.pyplot as plt

from earshot import audio
from earshot.errors import EarshotError
from earshot.notebook.browser_recorder import BrowserRecorder
from earshot.notebook.players import player
from earshot.notebook.plots import sounds
from earshot.recognition.prepare import loudest_stretch
from earshot.recording.recorder import Recorder, problem
from earshot.recording.takes import Take
from earshot.synthesis.inverter import FINE, Inverter
from earshot.synthesis.rebuilt import Rebuilt, compare
from earshot.types import Array, PathLike

__all__ = ["as_heard", "hear_yourself"]


def as_heard(x: Array, sample_rate: int, inverter: Inverter, n_samples: int) -> list[Rebuilt]:
    """Rebuild a recording, at ``sample_rate`` in Hz, from the spectrogram that a recognizer sees.

    Of what is longer than ``n_samples``, at the inverter's rate, the loudest stretch is taken, as
    a recognizer does. Gives the recording and what is heard of it.
    """
    settings = inverter.front_end
    said = loudest_stretch(audio.resample(x, sample_rate, settings.sample_rate), n_samples)
    return compare(said, {"as it is heard": inverter(settings(said))})


def _shown(rebuilt: list[Rebuilt]) -> ipywidgets.HTML:
    """Show two sounds: a picture of their spectrograms, and players."""
    figure, file = sounds.rebuilt(rebuilt, FINE), io.BytesIO()
    figure.savefig(file, format="png")
    plt.close(figure)  # a notebook would show it once more
    image = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    players = "".join(player(one.waveform, FINE.sample_rate, one.name) for one in rebuilt)
    return ipywidgets.HTML(f'<img src="{image}"><div style="display:flex">{players}</div>')


def hear_yourself(
    folder: PathLike, inverter: Inverter, n_samples: int, *, where: str = "auto",
    recorder: Recorder | None = None,
) -> ipywidgets.Widget:  # fmt: skip
    """Record a word into a folder, and show what :func:`as_heard` leaves of it.

    ``where`` is what it is for :func:`earshot.record_words`: "microphone", with the keys of this
    machine, "browser", or "auto". Gives a widget; in the browser, the recorder, which shows its own
    below it after each take.
    """
    if where not in ("auto", "microphone", "browser"):
        raise EarshotError(f'where is "auto", "microphone" or "browser", not {where!r}.')
    recorder = recorder or Recorder()

    def shown(take: Take) -> ipywidgets.Widget:
        first, *_ = take.words() or [take.read()[0]]
        return _shown(as_heard(first, take.sample_rate, inverter, n_samples))

    reason = "" if where == "browser" else problem(recorder.device)
    if reason and where == "microphone":
        raise EarshotError(reason)
    if where != "browser" and not reason:
        return shown(recorder.record(folder))
    print(f"Recording in the browser. {reason}".strip())
    place = ipywidgets.VBox()

    def taken(take: Take) -> None:
        place.children = (shown(take),)

    return ipywidgets.VBox([BrowserRecorder(folder, on_take=taken), place])
