"""Live recognition: the words of a stream, each as soon as it is over."""

import dataclasses

import numpy as np

from earshot.recognition.recognizer import UNKNOWN
from earshot.recognition.word_detector import WordDetector

__all__ = ["listen"]


def listen(recognizer, blocks, *, threshold=None, **options):
    """Recognize the words of a stream, each as soon as it is over.

    Parameters
    ----------
    recognizer : earshot.recognition.Recognizer
    blocks : iterable of (ndarray of shape (samples,), int)
        Sound and its rate in Hz, as :meth:`earshot.recording.Recorder.blocks` gives it live and
        :func:`earshot.audio.blocks` from a file.
    threshold : float, optional
        A word of lower probability is "?". Default: 0.6, or, of a recognizer that knows "unknown",
        none but its own.
    options
        Those of :class:`WordDetector`.

    Yields
    ------
    Heard
    """
    if threshold is None:
        threshold = 0.0 if UNKNOWN in recognizer.class_names else 0.6
    recognizer.probabilities([np.zeros(1, np.float32)])  # the first answer takes longer
    detector = None
    for block, sample_rate in blocks:
        detector = detector or WordDetector(sample_rate, **options)
        for word in detector.push(block):
            yield _named(recognizer, word, sample_rate, threshold)
    if detector:
        for word in detector.flush():
            yield _named(recognizer, word, sample_rate, threshold)


def _named(recognizer, heard, sample_rate, threshold):
    prediction = recognizer.predict(heard.waveform, sample_rate)
    sure = prediction.probability >= threshold and prediction.word != UNKNOWN
    word = prediction.word if sure else "?"
    return dataclasses.replace(heard, word=word, probability=prediction.probability)
