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
    begun = np.logical_or.accumulate(sounding, axis=-1)
    inside = begun & np.logical_or.accumulate(sounding[..., ::-1], axis=-1)[..., ::-1]
    total = x.sum(axis=-1, dtype=np.float64, keepdims=True)
    mean = total / np.maximum(inside.sum(axis=-1, keepdims=True), 1)
    return np.where(inside, x - mean, 0).astype(np.float32)
