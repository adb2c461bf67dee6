"""earshot: teach a small network your own words.

The names here are those that people use most, each from the room that it lives in; nothing is
imported before it is needed, TensorFlow least of all.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
