"""Your own voice as a recognizer hears it: what is left of a recording in its spectrogram.

>>> import numpy as np
>>> from earshot.synthesis.inverter import network
>>> inverter = Inverter(network(FINE, width=8, blocks=1), FINE)  # not trained
>>> said, heard = as_heard(np.sin(np.arange(32000)), 16000, inverter, n_samples=8000)
>>> said.waveform.shape, heard.name
((8000,), 'as it is heard')
"""

import dataclasses
from typing import Any

import ipywidgets

from earshot import audio
from earshot.notebook.browser_recorder import in_browser
from earshot.notebook.pictures import PicturedBox, as_png
from earshot.notebook.players import player
from earshot.notebook.plots import sounds
from earshot.recording.recorder import Recorder
from earshot.recording.takes import Take
from earshot.segmentation.stretches import word_stretch
from earshot.synthesis.inverter import FINE, Inverter
from earshot.synthesis.rebuilt import Rebuilt, compare
from earshot.types import Array, PathLike

__all__ = ["as_heard", "hear_yourself"]


def as_heard(x: Array, sample_rate: int, inverter: Inverter, n_samples: int) -> list[Rebuilt]:
    """Rebuild a recording, at ``sample_rate`` in Hz, from the spectrogram that a recognizer sees.

    Of what is longer than ``n_samples``, at the inverter's rate, the stretch with the word is
    taken, as a recognizer does. Gives the recording and what is heard of it.
    """
    settings = inverter.front_end
    x = audio.resample(x, sample_rate, settings.sample_rate)
    said = word_stretch(x, dataclasses.replace(settings, n_samples=n_samples))
    return compare(said, {"as it is heard": inverter(settings(said))})


def hear_yourself(
    folder: PathLike, inverter: Inverter, n_samples: int, *, where: str = "auto",
    recorder: Recorder | None = None,
) -> Any:  # fmt: skip
    """Record a word into a folder, and show what :func:`as_heard` leaves of it.

    ``where`` and ``recorder`` are as for :func:`earshot.record_words`. In the browser the recorder
    is given, which shows it after each take.
    """
    recorder = recorder or Recorder()

    def shown(take: Take) -> PicturedBox:
        first, *_ = take.words() or [take.read()[0]]
        return _shown(as_heard(first, take.sample_rate, inverter, n_samples))

    box = in_browser(where, recorder, {"": folder}, lambda _, take: shown(take))
    return shown(recorder.record(folder)) if box is None else box


def _shown(rebuilt: list[Rebuilt]) -> PicturedBox:
    """Show sounds: their spectrograms, and players."""
    image = as_png(sounds.rebuilt(rebuilt, FINE))
    players = "".join(player(one.waveform, FINE.sample_rate, one.name) for one in rebuilt)
    picture = ipywidgets.Image(value=image, format="png", layout={"max_width": "900px"})
    html = f'<div style="display:flex">{players}</div>'
    return PicturedBox([picture, ipywidgets.HTML(html)], lambda: image, sounds=html)
