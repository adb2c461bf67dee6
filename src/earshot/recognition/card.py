"""Model cards: what a reader of a saved recognizer should know."""

import datetime
import importlib.metadata

import numpy as np

__all__ = ["model_card"]


def model_card(train, *, split, figures, **more):
    """Make the model card of a recognizer.

    Parameters
    ----------
    train : earshot.datasets.WordSet
        What it was trained on.
    split : str
        Which recordings were kept for the test.
    figures : dict
        From a description to a measured figure.
    more : dict
        Whatever else should be known.

    Returns
    -------
    dict
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
