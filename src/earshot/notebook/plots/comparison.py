"""Figures that compare networks.

>>> from earshot.notebook import plots
>>> figure = plots.tested({"small": {"ann": [0.8], "bob": [0.9]}, "large": {"ann": [0.9, 0.7]}})
>>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
['small', 'large']
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from earshot.notebook.plots import style

__all__ = ["tested"]

MARKERS = "osD^vPX<>*"  # tests are told apart by their form, not by their colour alone


def tested(shares: Mapping[str, Mapping[str, Sequence[float]]], *, rest: str = "") -> Figure:
    """Draw accuracies (0 to 1), by network and test: a row a network, a mark for each training.

    A bar is at the mean of the tests. The test ``rest``, such as an easier one, is grey and not in
    the mean.
    """
    tests = list(dict.fromkeys(test for row in shares.values() for test in row))
    figure, axis = style.one_axis(9, 1.2 + 0.6 * len(shares), xlabel="accuracy (%)")
    for y, row in enumerate(shares.values()):
        for i, test in enumerate(tests):
            values = 100 * np.asarray(row.get(test, ()), float)
            place = np.full(len(values), y + 0.24 * (i / max(len(tests) - 1, 1) - 0.5))
            colour = "0.6" if test == rest else f"C{i % 10}"
            label = style.plain(test) if y == 0 else None
            axis.plot(values, place, MARKERS[i % len(MARKERS)], color=colour, label=label)
        means = [np.mean(values) for test, values in row.items() if test != rest]
        if means:
            axis.plot([100 * np.mean(means)] * 2, [y - 0.35, y + 0.35], "k", linewidth=2.5)
    axis.set_yticks(range(len(shares)), [style.plain(name) for name in shares])
    axis.set_ylim(len(shares) - 0.5, -0.5)
    title = "black: mean" + (f", without {style.plain(rest)}" if rest else "")
    style.add_legend(axis, loc="center left", bbox_to_anchor=(1, 0.5), title=title)
    return figure
