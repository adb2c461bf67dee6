"""What to try a recognizer on: words that it knows, in recordings that it has not learned from.

>>> import tempfile
>>> import numpy as np
>>> from earshot import networks
>>> from earshot.features.log_mel import LogMel
>>> path = f"{tempfile.mkdtemp()}/own.npz"
>>> WordSet(np.ones((2, 80)), [0, 1], ["yes", "no"], ["a", "a"], ["y.wav", "n.wav"], 80).save(path)
>>> r = Recognizer(networks.cnn((101, 40), 2), LogMel(), ("yes", "no"), {"sources": ["y.wav"]})
>>> clips, says = words_to_try(r, path)
>>> clips.class_names, says
(('no',), 'It has learned from none of these 1 clips.')
"""

import numpy as np

from earshot.datasets.digits import DIGITS
from earshot.datasets.opening import SPOKEN_DIGIT, open_set
from earshot.datasets.splits import honest_splits
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, some
from earshot.recognition.recognizer import Recognizer
from earshot.types import PathLike

__all__ = ["words_to_try"]

MOST_NAMED = 5  # words in an error: enough to see which recognizer it is
SAY = {
    "new": "It has learned from none of these {n} clips.",
    "learned": "It has learned from all of these {n} clips: their figures say that it works, and "
    "nothing of how good it is. Record ten of each word in notebook 07 and learn again: five of "
    "each are then kept for the test.",
    "unsaid": "Its card does not name the clips that it has learned from: if these {n} are among "
    "them, their figures are too good.",
    "kept": "Of the set, {n} clips are the test; its card says of the training: {split}.",
}
"""What the figures of the clips can say and what they cannot."""


def words_to_try(
    recognizer: Recognizer, name: PathLike, data_dir: PathLike = "data"
) -> tuple[WordSet, str]:
    """Give clips of the words that a recognizer knows, and a sentence on what they can tell of it.

    ``name`` and ``data_dir`` are as for :func:`earshot.datasets.open_set`. Where the recognizer's
    card names its ``"sources"``, all others of the set are given; if there are none, those that it
    has learned from. Else the test of :func:`earshot.datasets.honest_splits`. Raises
    :class:`EarshotError` where it knows no word of the set, of the spoken digits before they are
    fetched.
    """
    if str(name) == SPOKEN_DIGIT:
        _check(recognizer, DIGITS, name)
    words = open_set(name, data_dir)
    _check(recognizer, words.class_names, name)
    words = words.only([word for word in words.class_names if word in recognizer.class_names])
    card = recognizer.card  # of words that were kept, nobody knows the clips
    learned = None if card.get("kept") else card.get("sources")
    split = str(card.get("split", "none"))
    if learned is None:
        words, kind = honest_splits(words).test, "unsaid" if split.startswith("none") else "kept"
    else:
        new = ~np.isin(words.sources, learned)
        words, kind = (words.subset(new), "new") if new.any() else (words, "learned")
    words = words.only([words.class_names[label] for label in np.unique(words.labels)])
    return words, SAY[kind].format(n=f"{len(words):,}", split=split.rstrip("."))


def _check(recognizer, class_names, name):
    if not set(class_names) & set(recognizer.class_names):
        knows, offers = (some(words, MOST_NAMED) for words in (recognizer.class_names, class_names))
        raise EarshotError(
            f"The recognizer knows {knows}, and {name} has other words ({offers}): name a set with "
            "words of the recognizer."
        )
