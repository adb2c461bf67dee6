"""A sound becomes what a network sees.

Every front end keeps the contract of :class:`FrontEnd`: :class:`LogMel` (log-mel spectrograms of
clips), :class:`RawWaveform` (samples and their mask) and :class:`StreamSpectrogram` (a whole
stream, and windows on it); :func:`kind_of` and :func:`from_settings` bring them into saved folders
and back. :func:`stft` is the transform in NumPy; :mod:`.images` is for files.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
