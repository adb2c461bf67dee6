"""Spectrograms back to sound, and text to speech.

:func:`from_magnitude` and :func:`from_log_mel` iterate (Griffin-Lim); an :class:`Inverter`, which
:func:`load_inverter` reads, :func:`train_inverter` makes and :func:`refine_inverter` betters, has
learned it. :func:`say` speaks words into files, :func:`say_spectrogram` reads a spectrogram aloud.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
