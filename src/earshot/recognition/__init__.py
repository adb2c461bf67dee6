"""A recognizer: front end, network and class names in one folder, and what it hears.

:func:`load` reads a :class:`Recognizer`, which predicts, saves and exports. :func:`learn_words`
teaches it new words, :func:`trade_off` and :func:`with_threshold` say how sure is sure enough for
them. :func:`listen` gives the words of a live stream, :func:`classify` and :func:`follow` what is
heard at every step of it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "recognizer": ["Memory", "Prediction", "Recognizer", "UNKNOWN", "load", "model_card"],
        "prepare": ["loudest_stretch"],
        "new_words": ["features", "learn_words"],
        "thresholds": ["Curve", "trade_off", "with_threshold"],
        "word_detector": ["Heard", "WordDetector"],
        "listening": ["listen"],
        "classification": ["Steps", "classify", "follow"],
    },
)
