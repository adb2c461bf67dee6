"""Figures of training: curves, gradients, few labels, and the networks themselves.

>>> from earshot.notebook import plots
>>> figure = plots.curves({"cnn": {"loss": [1.2, 0.6], "accuracy": [0.5, 0.9]}})
>>> [axis.get_ylabel() for axis in figure.axes]
['loss', 'accuracy']
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from earshot.notebook.plots import style
from earshot.types import Array

__all__ = ["compared", "curves", "few_labels", "gradients", "line_styles"]

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#000000")
"""Told apart with every kind of colour vision: Okabe and Ito (2008), "Color universal design"."""
MARKS = "os^Dv*P"
"""A mark of its own for each of them: prints are grey."""

DRAWN = {"loss": "loss", "accuracy": "accuracy", "macro_f1": "macro-F1"}
"""Figures of a history that are drawn, with their names."""
OFFSET = 0.06
"""How far the marks of several lines stand apart, as a share of their place along x."""
SHOWN = 0.99
"""Share of all gradients of a weight between the ends of the axis: single ones lie far away."""
LETTERS = 84  # in 8 points, below all groups of bars together: the legend takes the rest
BINS = 60  # along the axis of a histogram's values


def line_styles() -> list[dict[str, Any]]:
    """Give the colours and marks of several lines, as options of matplotlib's ``plot``."""
    return [
        {"color": colour, "marker": mark, "markersize": 4}
        for colour, mark in zip(COLOURS, MARKS, strict=True)
    ]


def curves(histories: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Draw loss, accuracy and F1 against epochs: by name, what :func:`earshot.networks.fit` gave.

    What no history has is left out.
    """
    kinds = [kind for kind in DRAWN if any(kind in history for history in histories.values())]
    size = (4.5 if len(kinds) == 1 else 9, 3.2)
    figure, axes = plt.subplots(1, len(kinds), figsize=size, layout="constrained", squeeze=False)
    for axis, kind in zip(axes[0], kinds, strict=True):
        axis.set(xlabel="epoch", ylabel=DRAWN[kind])
        axis.grid(alpha=0.3)
        for (name, history), line in zip(histories.items(), line_styles(), strict=False):
            if kind in history:
                _curve(axis, history, kind, line | {"label": style.plain(name)})
    tested = any(f"val_{kind}" in history for history in histories.values() for kind in kinds)
    title = "dashed: training, solid: test" if tested else None
    axes[0, -1].legend(title=title, title_fontsize=8, fontsize=8)
    return figure


def _curve(
    axis: Axes, history: Mapping[str, Sequence[float]], kind: str, line: dict[str, Any]
) -> None:
    """Draw a figure of every epoch, and of the test if there was one."""
    epochs = np.arange(1, len(history[kind]) + 1)
    if f"val_{kind}" in history:
        axis.plot(epochs, history[f"val_{kind}"], **line)
        line = line | {"alpha": 0.6, "label": None, "linestyle": "--", "marker": ""}
    axis.plot(epochs, history[kind], **line)


def gradients(
    histograms: Mapping[str, Sequence[Array]], *, columns: int = 3, title: str = ""
) -> Figure:
    """Draw histograms of gradients over the epochs, as TensorBoard does: a column an epoch.

    By weight, those of :func:`earshot.networks.gradient_histograms`: of every epoch the left and
    right ends of its bins, and how many gradients lie between, shape (n_bins, 3). The darkest place
    of each column is where most of them lie.
    """
    labels = ("epoch", "gradient")
    figure, axes = style.grid(histograms, columns, height=1.5, labels=labels)
    figure.set_figwidth(9)
    for axis, epochs in zip(axes, histograms.values(), strict=True):
        end = max(_within(bins) for bins in epochs) or 1e-12
        edges = np.linspace(-end, end, BINS + 1)
        shares = np.stack([_rebinned(bins, edges) for bins in epochs], axis=1)
        shares = shares / np.maximum(shares.max(axis=0), 1e-12)
        extent = (0.5, len(epochs) + 0.5, -end, end)
        image = axis.imshow(
            shares, origin="lower", aspect="auto", cmap="Blues", extent=extent, vmin=0, vmax=1,
            interpolation="nearest",
        )  # fmt: skip
        axis.ticklabel_format(axis="y", scilimits=(-2, 2), useMathText=False)
    style.colour_bar(image, axes, "how many, against the most")
    figure.suptitle(style.plain(title), fontsize=11)
    return figure


def _within(bins: Array) -> float:
    """Give the value that nearly all of a histogram lies within, either side of zero."""
    left, right, counts = np.asarray(bins).T
    farthest = np.maximum(np.abs(left), np.abs(right))
    order = np.argsort(farthest)
    enough = np.searchsorted(np.cumsum(counts[order]), SHOWN * counts.sum())
    return float(farthest[order][min(enough, len(order) - 1)])


def _rebinned(bins: Array, edges: Array) -> Array:
    """Spread the counts of a histogram over other bins, evenly within each of its own."""
    left, right, counts = np.asarray(bins).T
    ends = np.append(left, right[-1])
    below = np.interp(edges, ends, np.append(0, np.cumsum(counts)))
    return np.diff(below)


def compared(
    shares: Mapping[str, Mapping[str, float]], *, ylabel: str = "accuracy (%)", floor: float = 0.0,
    n: Mapping[str, int] | None = None,
) -> Figure:  # fmt: skip
    """Draw shares (0 to 1), by row and by kind: groups of bars, one bar a kind, with its figure.

    ``n``, of every kind, is of how many clips a share is: a line through the bar shows then where
    19 of 20 repetitions with other clips would end (Wilson, 1927). The axis begins at ``floor``.
    """
    kinds = list(next(iter(shares.values())))
    figure, axis = style.one_axis(9, 3.4, ylabel=ylabel)
    wide = 0.8 / len(kinds)
    for k, (kind, line) in enumerate(zip(kinds, line_styles(), strict=False)):
        at = np.arange(len(shares)) + (k - (len(kinds) - 1) / 2) * wide
        values = 100 * np.array([row[kind] for row in shares.values()])
        axis.bar(at, values, 0.92 * wide, color=line["color"], label=style.plain(kind))
        ends = values
        if n:
            low, high = 100 * _wilson(values / 100, n[kind])
            axis.vlines(at, low, high, color="black", linewidth=1)
            ends = high
        for x, end, value in zip(at, ends, values, strict=True):
            axis.annotate(f"{value:.0f}", (x, end), ha="center", va="bottom", fontsize=8)
    letters = max(LETTERS // len(shares), 1)
    lines = [[textwrap.fill(part, letters) for part in name.split(", ")] for name in shares]
    names = [style.plain("\n".join(parts)) for parts in lines]
    axis.set_xticks(range(len(shares)), names, fontsize=8)
    axis.set_ylim(100 * floor, None)
    axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _wilson(p: Array, n: int, z: float = 1.96) -> Array:
    """Give the ends of the 95 % confidence intervals of shares of n, shape (2, ...)."""
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return np.stack([middle - half, middle + half])


def few_labels(shares: Mapping[str, Mapping[float, Sequence[float]]]) -> Figure:
    """Draw accuracies (0 to 1), by network and seconds that were labelled, a mark each draw.

    What :func:`earshot.networks.few_labels` gives; the line goes through the means.
    """
    figure, axis = style.one_axis(
        9, 3.4, xlabel="labelled seconds", ylabel="balanced accuracy (%)", xscale="log"
    )
    seconds = sorted({s for by_seconds in shares.values() for s in by_seconds})
    middle = (len(shares) - 1) / 2
    for i, ((name, by_seconds), line) in enumerate(
        zip(shares.items(), line_styles(), strict=False)
    ):
        at = np.array(sorted(by_seconds))
        beside = at * (1 + OFFSET * (i - middle))
        means = [100 * np.mean(by_seconds[s]) for s in at]
        axis.plot(beside, means, label=style.plain(name), **line)
        for x, s in zip(beside, at, strict=True):
            values = 100 * np.asarray(by_seconds[s])
            axis.plot([x] * len(values), values, "_", color=line["color"], markersize=9)
    axis.set_xticks(seconds, [str(s) for s in seconds])
    axis.minorticks_off()
    style.add_legend(axis, title="a dash: one draw")
    return figure
