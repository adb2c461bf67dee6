"""What a notebook shows: figures, players, recorders.

:mod:`~earshot.notebook.plots` draws every figure, :func:`players` plays clips, :class:`Player` a stream
with what was heard in it. :func:`record_words` records, cuts and shows words, in the browser with
:func:`browser_recorder`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["plots"],
    submod_attrs={
        "players": ["player"],
        "stream_player": ["Player"],
        "browser_recorder": ["BrowserRecorder"],
        "take_review": ["review"],
        "record": ["record_words"],
    },
)
