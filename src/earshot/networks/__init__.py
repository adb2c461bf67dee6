"""Networks: their layers, what builds them, what trains them, and how good they are.

:func:`cnn`, :func:`temporal_cnn`, :func:`raw_lstm` and :func:`spectrogram_lstm` tell words apart;
:func:`vanilla_conv`, :func:`autoencoder` and :func:`next_frame_lstm` hear streams, and
:func:`linear_probe` reads what the last two have learned. :func:`fit`, :func:`fit_streams` and
:func:`fit_linear_probe` train, :func:`accuracy` and :func:`cross_validate` measure.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
