"""Live recognition: the words of a stream, each as soon as it is over.

>>> import numpy as np
>>> from earshot import LogMel, listen, networks, recognition
>>> r = recognition.Recognizer(networks.cnn((101, 40), 2), LogMel(), ("yes", "no"))  # not trained
>>> x = np.sin(0.3 * np.arange(16000)) * np.repeat([1e-4, 0.5, 1e-4, 1e-4], 4000)
>>> {heard.word for heard in listen(r, [(x, 8000)])} <= {"yes", "no"}
True
"""

from collections.abc import Iterator

from earshot.recognition.recognizer import Recognizer
from earshot.recognition.spotter import Heard, least_sure, spot
from earshot.types import Blocks

__all__ = ["listen"]


def listen(
    recognizer: Recognizer, blocks: Blocks, *, threshold: float | None = None
) -> Iterator[Heard]:
    """Recognize the words of a stream, each as soon as it is over, however it is surrounded.

    The blocks are as for :func:`follow`. ``threshold`` is the least probability, 0 to 1, of a word,
    as the mean of three windows of the stream: by default 0.6; 0 for a recognizer with "unknown",
    whose threshold is that of :func:`learn_words`.
    """
    if threshold is None:
        threshold = least_sure(recognizer)
    for words, _ in spot(recognizer, blocks, threshold=threshold):
        yield from words
