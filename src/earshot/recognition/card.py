"""Model cards: what a reader of a saved recognizer should know.

>>> from earshot import WordSet, recognition
>>> words = WordSet([[0.1, 0.2]], [0], ("yes",), ["anna"], ["yes.wav"], 8000)
>>> recognition.model_card(words, split="none", figures={})["clips"]
1
"""

import datetime
import importlib.metadata
from collections.abc import Mapping
from typing import Any

import numpy as np

from earshot.datasets.word_set import WordSet

__all__ = ["model_card"]


def model_card(
    train: WordSet, *, split: str, figures: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    """Make the model card of a recognizer.

    ``split`` says which recordings were kept for the test, ``figures`` what was measured on them,
    and ``more`` whatever else should be known.
    """
    packages = ("earshot", "keras", "tensorflow", "numpy")
    return {
        "data": train.about,
        "clips": len(train),
        "speakers": len(np.unique(train.speakers)),
        "split": split,
        "figures": figures,
        "date": datetime.date.today().isoformat(),
        "versions": {name: importlib.metadata.version(name) for name in packages},
        **more,
    }
