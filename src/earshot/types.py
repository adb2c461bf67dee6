"""Names for the types of arguments that many rooms share.

A waveform is float32, 1-D, mono, in [-1, 1]; it travels with its sample rate in Hz.

>>> blocks: Blocks = [(np.zeros(160, np.float32), 16000)]
"""

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["Array", "Blocks", "PathLike", "Sound"]

Array = np.ndarray[Any, Any]
PathLike = str | os.PathLike[str]
Blocks = Iterable[tuple[Array, int]]
"""Parts of a stream, each of shape (samples,), with their sample rate in Hz."""
Sound = PathLike | Array | Blocks  # A file, a waveform, or blocks.
