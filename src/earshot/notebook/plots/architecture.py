"""Networks as pictures: a box a layer, as high as it has steps and as wide as it has channels.

>>> import keras
>>> from earshot.notebook import plots
>>> layers = [keras.layers.Conv1D(8, 3, name="first"), keras.layers.Dense(2)]
>>> figure = plots.architectures({"tiny": keras.Sequential([keras.Input((20, 4)), *layers])})
>>> [text.get_text() for text in figure.axes[0].texts][:2]
['Input\\n20 x 4', 'Conv1D\\n18 x 8']
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from earshot.notebook.plots import style

__all__ = ["architectures"]

LEARNED = "#0072b2"
FROZEN = "#e69f00"
PLAIN = "#c9d1d9"  # without weights
LEGEND = {"learned": LEARNED, "frozen": FROZEN, "no weights": PLAIN}
HIGHEST = 0.72  # Height of the highest box of a row, of which texts take the rest.
LOWEST = 0.04
WIDEST = 0.86  # The same of the widest, between the middles of two boxes.
NARROWEST = 0.06
CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=\dD)(?=[A-Z])|(?<=ing)(?=\d)")
"""Where the name of a kind of layer is broken, such as Conv1D/Transpose and Cropping/1D."""

Box = tuple[str, tuple[int, int], str]
"""Kind, shape (steps, values) and colour of a layer."""


def architectures(models: Mapping[str, Any]) -> Figure:
    """Draw Keras networks by name, a row each, from the input on the left to the answer.

    A box is as high as a layer's answer has steps, and as wide as each has values; both stand above
    it, with its kind. What neither changes the shape nor learns is left out (dropout,
    activations), and so is normalization. The boxes of a network with branches stand in the order
    in which they are computed, without arrows.
    """
    rows = {name: _boxes(model) for name, model in models.items()}
    columns = max(map(len, rows.values()))
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(9, 1.85 * len(rows) + 0.2), layout="constrained", squeeze=False
    )
    for axis, (name, boxes), model in zip(axes[:, 0], rows.items(), models.values(), strict=True):
        chained = not any(isinstance(layer.input, list) for layer in model.layers)
        _draw(axis, boxes, columns, chained)
        title = f"{style.plain(name)}: {model.count_params():,} weights"
        axis.set_title(title, fontsize=10, loc="left")
    figure.supxlabel(
        "from what goes in to what comes out; height: steps, width: values", fontsize=8
    )
    handles = [Patch(color=colour, label=label) for label, colour in LEGEND.items()]
    figure.legend(handles=handles, fontsize=8, loc="outside upper right", ncols=len(LEGEND))
    return figure


def _boxes(model: Any) -> list[Box]:
    """Give what is drawn of a model: inputs, and layers that learn or change the shape."""
    boxes: list[Box] = []
    for x in model.inputs:
        samples = len(x.shape) == 2  # a waveform has steps, of one value
        boxes.append(("Input", (x.shape[1], 1) if samples else _size(x.shape), PLAIN))
    for layer in model.layers:
        kind = re.sub("Layer$", "", type(layer).__name__)
        size = _size(layer.output.shape) if not isinstance(layer.output, list) else (1, 1)
        learns = bool(layer.count_params()) and "Normalization" not in kind
        if kind == "Input" or not (learns or size != boxes[-1][1]):
            continue
        colour = PLAIN if not learns else LEARNED if layer.trainable_weights else FROZEN
        boxes.append((kind, size, colour))
    return boxes


def _size(shape: Any) -> tuple[int, int]:
    """Give steps and values of a tensor without its batch; further axes join the values."""
    sizes = [n or 1 for n in shape[1:]]
    steps = sizes[0] if len(sizes) > 1 else 1
    return steps, math.prod(sizes) // steps


def _draw(axis: Axes, boxes: list[Box], columns: int, chained: bool) -> None:
    """Draw the boxes of a row, and what leads from one to the next; inputs are no larger."""
    most = [max(size[k] for kind, size, _ in boxes if kind != "Input") for k in (0, 1)]
    for i, (kind, (steps, values), colour) in enumerate(boxes):
        high = max(HIGHEST * min(steps / most[0], 1), LOWEST)
        wide = max(WIDEST * min(values / most[1], 1), NARROWEST)
        corner = (i - wide / 2, HIGHEST / 2 - high / 2)
        axis.add_patch(Rectangle(corner, wide, high, facecolor=colour, edgecolor="black", lw=0.5))
        text = f"{CAPITAL.sub(chr(10), kind)}\n{steps:,} x {values:,}"
        axis.text(i, HIGHEST / 2 + high / 2 + 0.03, text, ha="center", va="bottom", fontsize=7)
        if i and chained:
            axis.plot([i - 0.5, i - 0.5], [HIGHEST / 2] * 2, ">", color="black", markersize=2)
    axis.set(xlim=(-0.6, columns - 0.4), ylim=(-0.03, 1.25))
    axis.axis("off")
