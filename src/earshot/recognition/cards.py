"""Model cards: what a reader should know of a recognizer, kept in a file beside it.

>>> plain_card({"accuracy": np.float32(0.5)})
{'accuracy': 0.5}
"""

import datetime
import importlib.metadata
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError

__all__ = ["model_card", "plain_card"]


def model_card(
    train: WordSet, *, split: str, figures: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    """Make a recognizer's model card, with whatever ``more`` a reader should know.

    ``split`` says which recordings were kept for the test, ``figures`` what was measured on them.
    """
    packages = ("earshot", "keras", "tensorflow", "numpy")
    installed = {name: version for name in packages if (version := _version_of(name))}
    return {
        "data": train.about, "clips": len(train), "speakers": len(np.unique(train.speakers)),
        "split": split, "figures": figures, "date": datetime.date.today().isoformat(),
        "versions": installed, **more,
    }  # fmt: skip


def _version_of(package: str) -> str:
    """Give the version of a package, "" where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def plain_card(card: Mapping[str, Any]) -> Any:
    """Give a card as JSON holds it: NumPy's numbers as plain ones."""

    def plain(value):
        if isinstance(value, np.generic | np.ndarray):
            return value.tolist()
        raise TypeError(f"{value!r:.60} is no text, number, list or dict")

    try:
        return json.loads(json.dumps(card, default=plain))
    except (TypeError, ValueError) as error:
        raise EarshotError(f"The card cannot be saved ({error}): leave that out.") from error
