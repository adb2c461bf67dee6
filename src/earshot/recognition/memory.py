"""What a recognizer remembers of the clips that it was made from, so that it can learn more words.

>>> labels, held_out = np.array([0, -1, -2]), np.zeros(3, bool)
>>> remembered = Memory(np.ones((3, 8)), labels, held_out, "features", ("cat",))
>>> remembered.words(["yes", "no"])
['yes', '', 'cat']
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from earshot import arrays
from earshot.errors import EarshotError
from earshot.exports.light import LightNetwork
from earshot.types import Array

if TYPE_CHECKING:
    import keras

__all__ = ["SYNTHETIC", "Memory"]

SCALE = 254.0  # from a feature to 8 bits: few of them are beyond a half
SYNTHETIC = 2.0
"""Logits by which people who say none of the words come nearer to one than the synthetic voices of
the memory do: measured on read sentences in six languages, see ``docs/benchmarks.md``."""


@dataclasses.dataclass(frozen=True, eq=False)
class Memory:
    """What a layer of a network gave for clips, so that more words can be learned beside them.

    Features have the shape (n, n_features), labels are indices into the recognizer's class names,
    -1 for what is none of them, and from -2 downwards into ``dropped``: words that it knew once,
    which may be learned again. The held-out clips are never used for fitting, only to set the
    threshold of "unknown". ``along`` are ``along_hours`` of speech and noise with none of the words
    as :func:`spot` sees a stream, int8 of shape (windows, n_features): see :meth:`compressed`.
    """

    features: Array
    labels: Array
    held_out: Array
    layer: str
    dropped: tuple[str, ...] = ()
    along: Array = dataclasses.field(default_factory=lambda: np.zeros((0, 0), np.int8))
    along_hours: float = 0.0

    def __post_init__(self) -> None:
        rows = {np.shape(self.features)[:1], np.shape(self.labels), np.shape(self.held_out)}
        kinds = [np.asarray(x).dtype.kind for x in (self.features, self.labels, self.held_out)]
        if len(rows) > 1 or np.ndim(self.features) != 2 or "".join(kinds) not in ("fib", "fub"):
            raise EarshotError(
                "A memory is of features, shape (n, n_features), whole labels and whether they are "
                f"held out, both of shape (n,), not of {', '.join(map(str, rows))}, {kinds}."
            )
        if not np.isfinite(self.features).all():
            raise EarshotError("The memory holds NaN or infinity: save the recognizer anew.")
        n_features, shape = np.shape(self.features)[1], np.shape(self.along)
        fits = shape == (0, 0) and self.along_hours == 0
        if shape[1:] == (n_features,):
            fits = 2 <= 3600 * self.along_hours <= shape[0]  # a window in each second
        if not fits or self.along.dtype != np.int8:
            raise EarshotError(
                f"A memory of streams is of {n_features} features, int8 of shape (windows, "
                f"{n_features}), and hours of them, not {shape} and {self.along_hours!r:.20}."
            )
        if len(self.labels) and self.labels.min() < -1 - len(self.dropped):
            raise EarshotError(f"The memory's labels begin at {self.labels.min()}, which is none.")

    def beside(self, old: "Memory") -> "Memory":
        """Give these clips, in 16 bits, with the streams that another one remembers."""
        x = self.features.astype(np.float16)
        return dataclasses.replace(self, features=x, along=old.along, along_hours=old.along_hours)

    @staticmethod
    def compressed(features: Array) -> Array:
        """Bring features of length one to int8, a step of them 1 / 254."""
        return np.rint(np.clip(features * SCALE, -127, 127)).astype(np.int8)

    def best_along(self, kernel: Array, bias: Array) -> Array:
        """Say how far the best word of a last layer is above its last class in each second."""
        seconds = round(3600 * self.along_hours)
        logits = self.along @ (kernel / SCALE).astype(np.float32) + bias.astype(np.float32)
        best = (logits[:, :-1] - logits[:, -1:]).max(axis=1)
        return np.array([part.max() for part in np.array_split(best, seconds)])

    def words(self, class_names: Sequence[str]) -> list[str]:
        """Give the word of each clip, "" for what is none, by the recognizer's class names."""
        names = [*class_names, *self.dropped[::-1], ""]
        return [names[label] for label in self.labels]

    @classmethod
    def empty(cls, n_features: int, layer: str) -> Self:
        """Remember nothing: features of another layer or of other weights cannot be compared."""
        return cls(np.zeros((0, n_features)), np.zeros(0, int), np.zeros(0, bool), layer)

    def check(self, model: "keras.Model | LightNetwork", n_classes: int) -> None:
        """Refuse to belong to a network of another layer, or to other words."""
        if isinstance(model, LightNetwork):
            gives = [(model.n_features,)] if model.layer == self.layer else []
        else:
            gives = [layer.output.shape[1:] for layer in model.layers if layer.name == self.layer]
        n_features = self.features.shape[1]
        if gives != [(n_features,)] or (self.labels >= n_classes).any():
            raise EarshotError(
                f"The memory is of {n_features} features of the layer {self.layer}, or of words, "
                f"which this network of {n_classes} words does not have."
            )

    def write(self, path: Path) -> None:
        """Write it as an ``.npz`` file."""
        np.savez_compressed(path, **{**vars(self), "dropped": np.array(self.dropped, np.str_)})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what :meth:`write` wrote."""
        kept = arrays.read(path)
        dropped = tuple(kept["dropped"].tolist()) if "dropped" in kept else ()  # not in older ones
        layer = str(kept["layer"])
        more: dict[str, Any] = {}
        if "along" in kept:
            more = {"along": kept["along"], "along_hours": float(kept["along_hours"])}
        return cls(kept["features"], kept["labels"], kept["held_out"], layer, dropped, **more)
