"""Live recognition: the words of a stream, each as soon as it is over.

>>> import numpy as np
>>> from earshot import LogMel, listen, networks, recognition
>>> r = recognition.Recognizer(networks.cnn((101, 40), 2), LogMel(), ("yes", "no"))  # not trained
>>> x = np.sin(0.3 * np.arange(16000)) * np.repeat([1e-4, 0.5, 1e-4, 1e-4], 4000)
>>> [heard.word in r.class_names for heard in listen(r, [(x, 8000)], threshold=0)]
[True]
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from earshot.audio import blocks_of
from earshot.recognition.recognizer import UNKNOWN, Recognizer
from earshot.recognition.word_detector import Heard, detect
from earshot.types import Blocks

__all__ = ["listen"]

LEAST_SURE = 0.6  # probability from which a recognizer without "unknown" names a word


def listen(
    recognizer: Recognizer, blocks: Blocks, *, threshold: float | None = None, **options: Any
) -> Iterator[Heard]:
    """Recognize the words of a stream, each as soon as it is over.

    The blocks are as for :func:`follow`, the options those of :class:`WordDetector`. ``threshold``
    is the least probability, 0 to 1, of a word: below it, and for "unknown", "?" is given. By
    default 0.6; 0 for a recognizer with "unknown", whose threshold is in its bias.
    """
    if threshold is None:
        threshold = 0.0 if UNKNOWN in recognizer.class_names else LEAST_SURE
    recognizer.probabilities([np.zeros(1, np.float32)])  # the first answer takes longer
    for words, _ in detect(blocks_of(blocks, recognizer.front_end.sample_rate), **options):
        for heard in words:
            answer = recognizer.predict(heard.waveform, heard.sample_rate)
            sure = answer.probability >= threshold and answer.word != UNKNOWN
            word = answer.word if sure else "?"
            yield dataclasses.replace(heard, word=word, probability=answer.probability)
