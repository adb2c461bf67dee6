"""Sounds to listen to in a notebook, side by side.

>>> import numpy as np
>>> players([np.ones(800), np.ones(400)], 8000, ["one", "two"]).data.count("<audio")
2
"""

import base64
import html
import io
from collections.abc import Iterable
from typing import Any

import numpy as np

from earshot.types import Array

__all__ = ["player", "players"]


def players(clips: Iterable[Array], sample_rate: int, titles: Iterable[str]) -> Any:
    """Show a player for each clip, shape (samples,), all brought to their full range.

    The sounds are inside the ``IPython.display.HTML`` that is given: a saved notebook still plays.
    """
    from IPython.display import HTML

    cells = [player(x, sample_rate, title) for x, title in zip(clips, titles, strict=True)]
    return HTML(f'<div style="display:flex;flex-wrap:wrap">{"".join(cells)}</div>')


def player(clip: Array, sample_rate: int, title: str) -> str:
    """Give the HTML of one player; its sound is FLAC, which loses nothing and halves notebooks."""
    import soundfile

    file = io.BytesIO()
    loudest = max(np.abs(clip).max(), 1e-9)
    soundfile.write(file, 0.9 / loudest * clip, sample_rate, format="FLAC", subtype="PCM_16")
    sound = base64.b64encode(file.getvalue()).decode()
    return (
        f'<figure style="margin:4px;text-align:center"><figcaption>{html.escape(title)}'
        '</figcaption><audio controls style="width:150px;height:32px" '
        f'src="data:audio/flac;base64,{sound}"></audio></figure>'
    )
