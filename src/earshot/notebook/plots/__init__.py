"""Every figure of the notebooks: functions that draw and return a matplotlib figure.

What they draw: recordings (``data``), word sets in the making (``sets``), networks
(``architecture``), what they get (``inputs``), how they learn (``training``), what they answer
(``results``), how they compare (``comparison``), streams, sounds rebuilt from spectrograms
(``sounds``), and what a voice plans to say (``voices``).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
