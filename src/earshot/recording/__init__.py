"""The microphone with start and stop keys, and what it gave, on disk.

:class:`Recorder` records from one key to another; :func:`devices` lists the microphones and
:func:`problem` says why none can be used. :mod:`~earshot.recording.takes` keeps whole takes and the
words that are cut from them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
