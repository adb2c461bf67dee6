"""A recognizer: front end, network and class names in one folder, and what it hears.

:func:`load` reads a :class:`Recognizer`, which predicts, saves and exports. :func:`learn_words`
teaches it new words; :func:`trade_off` measures its threshold, :func:`shift_threshold` moves it.

- ``Recognizer.predict``: the word of one clip
- :func:`listen`: the words of a live stream, each as soon as it is over
- :func:`classify`: what is heard at every step of a whole sound
- :func:`follow`: the same, live
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
