"""Figures of words as a voice plans and paints them: their sounds, how long each lasts, the pitch.

>>> from earshot.notebook import plots
>>> said = Utterance(("_", "aI", "_"), "ann", np.array([2, 9, 2]), np.zeros((13, 64)), np.ones(13))
>>> [text.get_text() for text in plots.timings([said], ["ann"]).axes[0].texts]
['_', 'aI', '_']
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from earshot.features.log_mel import LogMel
from earshot.notebook.plots import style
from earshot.notebook.plots.training import line_styles
from earshot.synthesis.inverter import FINE
from earshot.synthesis.utterances import Utterance

__all__ = ["timings", "utterances"]

HEIGHTS = (0.98, 0.9)  # of the names of sounds, in turn, so that short ones do not lie on others
INK = {style.SPEECH: "white", style.PALE: "black"}
"""Colours of bars, in turn, with those of the names in them."""


def utterances(
    told: Sequence[Utterance], titles: Sequence[str], front_end: LogMel = FINE, *, columns: int = 5
) -> Figure:  # fmt: skip
    """Draw spectrograms, on one scale of time, with the names of sounds and lines between them."""
    frame_s = front_end.hop_length / front_end.sample_rate
    columns, labels = min(columns, len(told)), ("time (s)", "band · Hz")
    figure, axes = style.grid(titles, columns, height=2.2, labels=labels, sharex=True, sharey=True)
    figure.set_figwidth(9)  # few columns are wide ones
    limits, unit = style.spectrogram_scale(told[0].spectrogram, front_end)
    for axis, one in zip(axes, told, strict=True):
        n = len(one.spectrogram)
        image = style.draw_spectrogram(axis, one.spectrogram, n * frame_s, **limits)
        starts = np.cumsum(one.durations) - one.durations
        for start in starts[1:]:
            axis.axvline(start * frame_s, color="white", linewidth=0.8, alpha=0.8)
        middles = zip(one.symbols, (starts + one.durations / 2) * frame_s, strict=True)
        for i, (name, middle) in enumerate(middles):
            axis.text(
                middle, HEIGHTS[i % 2], style.plain(name), color="white", fontsize=9,
                ha="center", va="top", transform=axis.get_xaxis_transform(),
            )  # fmt: skip
    axes[0].set_xlim(0, frame_s * max(len(one.spectrogram) for one in told))
    for axis in axes[::columns]:
        label = axis.get_ylabel()
        style.label_bands(axis, front_end, n=4)
        axis.set_ylabel(label, fontsize=8)
    style.colour_bar(image, axes, unit)
    return figure


def timings(
    told: Sequence[Utterance], titles: Sequence[str], front_end: LogMel = FINE
) -> Figure:  # fmt: skip
    """Draw how long each sound lasts, a row of bars an utterance; and below, their pitch."""
    frame_s = front_end.hop_length / front_end.sample_rate
    figure, (bars, lines) = plt.subplots(
        2, 1, figsize=(9, 2.6 + 0.4 * len(told)), layout="constrained", sharex=True,
        height_ratios=(0.4 + 0.4 * len(told), 2),
    )  # fmt: skip
    for row, one in enumerate(told):
        starts = np.cumsum(one.durations) - one.durations
        for i, (name, start, n) in enumerate(zip(one.symbols, starts, one.durations, strict=True)):
            colour = list(INK)[i % 2]
            bars.barh(row, n * frame_s, 0.7, start * frame_s, color=colour)
            bars.text(
                (start + n / 2) * frame_s, row, style.plain(name), color=INK[colour], fontsize=9,
                ha="center", va="center",
            )  # fmt: skip
    bars.set_yticks(range(len(told)), map(style.plain, titles))
    bars.invert_yaxis()
    for one, title, line in zip(told, titles, line_styles(), strict=False):
        times_s = np.arange(len(one.pitch_hz)) * frame_s
        lines.plot(times_s, one.pitch_hz, label=style.plain(title), markevery=5, **line)
    lines.set(xlabel="time (s)", ylabel="pitch (Hz)")
    style.add_legend(lines)
    return figure
