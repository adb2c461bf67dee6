"""A word between two voices: one slider for how much of each, one for how fast.

>>> mixed("ann", "bob", 0.25)
{'ann': 0.75, 'bob': 0.25}
"""

from typing import Any

import ipywidgets

from earshot.notebook.pictures import PicturedBox, as_png
from earshot.notebook.players import player
from earshot.notebook.plots import voices
from earshot.synthesis.voice import Voice

__all__ = ["mixed", "speak_between"]

STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)  # parts of the second voice, where no slider runs
SLOW = 0.5  # ends of the slider for the speed
FAST = 2.0


def mixed(first: str, second: str, share: float) -> dict[str, float]:
    """Give so much of the second voice, from 0 to 1, and of the first what is left."""
    return {first: 1 - share, second: share}


def speak_between(voice: Voice, text: str, first: str, second: str) -> PicturedBox:
    """Show sliders between two speakers of a voice, with what it says there.

    Pages that run no widgets show five steps from one to the other.
    """
    how: dict[str, Any] = {"continuous_update": False, "readout_format": ".2f"}
    share = ipywidgets.FloatSlider(0.5, min=0, max=1, step=0.05, description=second, **how)
    speed = ipywidgets.FloatSlider(1.0, min=SLOW, max=FAST, step=0.1, description="speed", **how)
    picture = ipywidgets.Image(format="png", layout={"max_width": "900px"})
    sound = ipywidgets.HTML()

    def say(_: Any = None) -> None:
        picture.value, sound.value = _said(voice, text, first, second, [share.value], speed.value)

    for slider in (share, speed):
        slider.observe(say, "value")
    say()
    image, sounds = _said(voice, text, first, second, STEPS)
    return PicturedBox([share, speed, picture, sound], lambda: image, sounds=sounds)


def _said(voice, text, first, second, shares, speed=1.0):
    """Picture and players of a word, for each part of the second voice."""
    told = [voice.utterances([text], mixed(first, second, one), speed)[0] for one in shares]
    titles = [one.speaker.replace(" + ", "\n") for one in told]
    image = as_png(voices.utterances(told, titles, voice.front_end))
    rate = voice.front_end.sample_rate
    sounds = [player(voice.inverter(one.spectrogram), rate, one.speaker) for one in told]
    return image, f'<div style="display:flex;flex-wrap:wrap">{"".join(sounds)}</div>'
