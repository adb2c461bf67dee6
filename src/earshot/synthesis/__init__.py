"""Spectrograms back to sound, and text to speech.

:func:`from_magnitude` and :func:`from_log_mel` iterate (Griffin-Lim); an :class:`Inverter`, which
:func:`load_inverter` reads, :func:`train_inverter` makes and :func:`refine_inverter` betters, has
learned it. A :class:`Voice`, which :func:`load_voice` reads and :func:`train_voice` makes, speaks
as the people in its recordings do; :func:`add_speaker` teaches it one more. :func:`say` speaks
words into files by gTTS or eSpeak NG, :func:`say_spectrogram` reads a spectrogram aloud.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
