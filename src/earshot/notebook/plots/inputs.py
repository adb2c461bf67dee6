"""Figures of what networks get beside spectrograms: samples with their mask.

>>> import numpy as np
>>> from earshot.notebook import plots
>>> figure = plots.masked(np.ones((1, 800)), np.ones((1, 800), bool), 8000, ["one"])
>>> [axis.get_ylabel() for axis in figure.axes]
['amplitude', 'mask']
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from earshot.notebook.plots import style
from earshot.types import Array

__all__ = ["masked"]


def masked(x: Array, mask: Array, sample_rate: int, titles: Sequence[str]) -> Figure:
    """Draw samples, shape (n, samples), each above its mask, which says which of them are real."""
    figure, axes = plt.subplots(
        2, len(x), figsize=(9, 2.6), layout="constrained", squeeze=False, sharex=True,
        sharey="row", height_ratios=(2.2, 1),
    )  # fmt: skip
    time_s = np.arange(x.shape[1]) / sample_rate
    for column, clip, real, title in zip(axes.T, x, mask, titles, strict=True):
        style.draw_waveform(column[0], clip, sample_rate)
        column[0].set_title(style.plain(title), fontsize=9)
        column[1].fill_between(time_s, real, step="post", color=style.SPEECH, linewidth=0)
        column[1].set(ylim=(-0.1, 1.1), yticks=(0, 1), yticklabels=("padding", "real"))
        column[1].set_xlabel("time (s)", fontsize=8)
    axes[0, 0].set_ylabel("amplitude", fontsize=8)
    axes[1, 0].set_ylabel("mask", fontsize=8)
    return figure
