"""What a notebook shows: figures, players, recorders.

:mod:`~earshot.notebook.plots` draws every figure, :func:`players.players` plays clips,
:class:`Player` a stream with what was heard in it. :func:`record_words` records words, cuts them
and shows them with :func:`review`; :class:`BrowserRecorder` records with the browser's microphone.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
