"""A recognizer for elsewhere: in files that need neither earshot nor, most of them, TensorFlow.

:meth:`earshot.recognition.Recognizer.export` is the one call; each format has a file of its own.
:class:`Comparison` says how an export answers, beside the recognizer itself.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
