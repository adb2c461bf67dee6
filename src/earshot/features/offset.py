"""The offset of a sound card, taken off: at the edge of a padded clip it would be a loud click.

>>> centred(np.array([0, 0, 3, 5, 0], np.float32))
array([ 0.,  0., -1.,  1.,  0.], dtype=float32)
"""

import numpy as np

from earshot.types import Array

__all__ = ["centred"]


def centred(x: Array) -> Array:
    """Subtract its mean from each waveform, (..., samples), as float32; zeros around it stay zero.

    The Keras form is in ``networks/front_end_layers.py``: who changes one changes the other.
    """
    x = np.asarray(x, np.float32)
    sounding = x != 0
    n = x.shape[-1]
    if not n:
        return x
    first = sounding.argmax(axis=-1)[..., None]
    last = n - sounding[..., ::-1].argmax(axis=-1)[..., None]
    mean = x.sum(axis=-1, dtype=np.float64, keepdims=True) / np.maximum(last - first, 1)
    y = np.subtract(x, mean, dtype=np.float64).astype(np.float32)
    if (first > 0).any() or (last < n).any():
        place = np.arange(n)
        y = np.where((place >= first) & (place < last), y, np.float32(0))
    return y
