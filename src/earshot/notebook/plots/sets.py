"""Figures of word sets in the making: what was cut, how it was normalized, kinds of spectrogram.

>>> from earshot.notebook import plots
>>> len(plots.normalized([np.ones(800) / 4], [np.ones(800)], 8000, ["one"]).axes)
1
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from earshot import audio
from earshot.features.log_mel import LogMel
from earshot.notebook.plots import style
from earshot.types import Array

__all__ = ["front_ends", "normalized"]


def normalized(
    recorded: Sequence[Array], clips: Sequence[Array], sample_rate: int, titles: Sequence[str], *,
    columns: int = 5,
) -> Figure:  # fmt: skip
    """Draw each clip, shape (samples,), and before it, in orange, what it was cut from.

    Both are on one scale; the dashed lines are at 1 and -1, where a sound would be clipped.
    """
    columns = min(columns, len(clips))
    labels = ("time (s)", "amplitude")
    figure, axes = style.grid(titles, columns, height=1.5, labels=labels, sharex=True, sharey=True)
    for i, (axis, before, after) in enumerate(zip(axes, recorded, clips, strict=True)):
        for x, colour, label in ((after, style.SPEECH, "clip"), (before, style.OTHER, "recorded")):
            t = np.arange(len(x)) / sample_rate
            axis.plot(t, x, color=colour, linewidth=0.5, label=label if i == 0 else None)
        for edge in (-1, 1):
            axis.axhline(edge, color="0.5", linewidth=0.8, linestyle="--")
        axis.set_ylim(-1.1, 1.1)
    legend = figure.legend(fontsize=8, loc="outside lower right", ncols=2)
    for line in legend.get_lines():
        line.set_linewidth(3)
    return figure


def front_ends(x: Array, sample_rate: int, kinds: Mapping[str, LogMel]) -> Figure:
    """Draw what several front ends, by name, make of one waveform, shape (samples,).

    Each has its own bands and its own scale, so its own bar.
    """
    figure, axes = plt.subplots(
        1, len(kinds), figsize=(3 * len(kinds), 2.8), layout="constrained", squeeze=False
    )
    for axis, (name, front_end) in zip(axes[0], kinds.items(), strict=True):
        rows = front_end(audio.resample(x, sample_rate, front_end.sample_rate))
        limits, unit = style.spectrogram_scale(rows, front_end)
        seconds = len(rows) * front_end.hop_length / front_end.sample_rate
        style.colour_bar(style.draw_spectrogram(axis, rows, seconds, **limits), axis, unit)
        style.label_bands(axis, front_end, n=4)
        axis.tick_params(labelsize=8)
        axis.set_title(f"{style.plain(name)}\n{front_end.sample_rate:,} Hz", fontsize=9)
        axis.set_xlabel("time (s)", fontsize=8)
        axis.set_ylabel(axis.get_ylabel(), fontsize=8)
    return figure
