"""Figures of streams.

>>> import numpy as np
>>> from earshot import Segment
>>> from earshot.notebook import plots
>>> plots.along(np.zeros(100), 100.0, [Segment(0.2, 0.4)], "a unit").axes[0].get_title()
'a unit'
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from earshot.features.stream import StreamSpectrogram
from earshot.notebook.plots import style
from earshot.recognition.classification import Steps
from earshot.segmentation.segments import Segment
from earshot.types import Array

__all__ = ["along", "code", "over_ribbons", "stream"]

SMALLEST = 1e-6  # A value that moves less than this stands still.
MOST_NAMED = 60  # More words would lie on each other.
FARTHEST = 3.0  # Standard deviations at the ends of the colours.

Rows = Mapping[str, Sequence[Segment] | Steps]
"""By title, what is drawn below a stream: segments such as the truth, or what was heard."""


def stream(
    spectrogram: Array, settings: StreamSpectrogram, rows: Rows, *,
    unit: str = "dB above the floor", title: str = "",
) -> Figure:  # fmt: skip
    """Draw the complete spectrogram of a stream, shape (steps, bands), with ribbons below it.

    ``rows`` lead from a title to segments, such as the truth, or to what was heard, of which the
    probability is drawn, too, that there is something; ``unit`` says what the colours mean.
    """
    figure, above = over_ribbons(
        spectrogram, len(spectrogram) / settings.steps_per_s, rows, unit=unit, title=title
    )
    style.label_bands(above, settings)
    return figure


def code(
    values: Array, steps_per_s: float, rows: Rows, *, unit: str = "value", title: str = ""
) -> Figure:
    """Draw the values of a network's layer along a stream, shape (steps, n_values), over ribbons.

    Each value is brought to mean 0 and variance 1, as a linear probe reads it.
    """
    values = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), SMALLEST)
    limits = {"cmap": "PuOr_r", "vmin": -FARTHEST, "vmax": FARTHEST}
    figure, above = over_ribbons(
        values, len(values) / steps_per_s, rows, unit=unit, title=title, **limits
    )
    above.set_ylabel("number of the value")
    return figure


def over_ribbons(
    columns: Array, duration_s: float, rows: Rows, *, unit: str, title: str, **options: Any
) -> tuple[Figure, Axes]:  # fmt: skip
    """Draw values along a stream, shape (steps, n), over its ribbons; gives the upper axis, too."""
    heights = [2.6, *([0.55] * len(rows))]
    figure, axes = plt.subplots(
        len(heights), figsize=(9, 0.6 + sum(heights)), sharex=True, layout="constrained",
        height_ratios=heights, squeeze=False,
    )  # fmt: skip
    above, *ribbons = axes[:, 0]
    cmap = options.pop("cmap", "magma")
    image = style.draw_spectrogram(above, columns, duration_s, **options)
    image.set_cmap(cmap)
    style.colour_bar(image, axes[:, 0], unit)
    above.set(xlim=(0, duration_s))
    above.set_title(style.plain(title), fontsize=10)
    for axis, (name, row) in zip(ribbons, rows.items(), strict=True):
        _ribbon(axis, name, row, duration_s)
    axes[-1, 0].set(xlabel="time (s)")
    return figure, above


def _ribbon(axis: Axes, title: str, row: Sequence[Segment] | Steps, duration_s: float) -> None:
    """Draw segments, with their words where there are several, and how probable they are."""
    if isinstance(row, Steps):
        axis.plot(row.times_s, 1 - row.probabilities[:, 0], color="black", linewidth=0.8)
    found = row.segments() if isinstance(row, Steps) else row
    axis.axvspan(0, duration_s, color=style.OTHER, alpha=0.35, linewidth=0)
    spans = [(segment.start_s, segment.end_s - segment.start_s) for segment in found]
    for colour, alpha in (("white", 1.0), (style.FOUND, 0.6)):
        axis.broken_barh(spans, (0, 1), color=colour, alpha=alpha, linewidth=0)
    several = len({segment.word for segment in found}) > 1
    for segment in found if several and len(found) <= MOST_NAMED else ():
        middle_s = (segment.start_s + segment.end_s) / 2
        axis.text(middle_s, 0.5, style.plain(segment.word), ha="center", va="center",
                  fontsize=8, clip_on=True)  # fmt: skip
    axis.set(ylim=(0, 1), yticks=[])
    axis.set_ylabel(style.plain(title), rotation=0, ha="right", va="center", fontsize=9)


def along(values: Array, steps_per_s: float, found: Sequence[Segment], title: str) -> Figure:
    """Draw one value along a stream, shape (steps,), such as that of a unit, over the segments."""
    end_s = len(values) / steps_per_s
    figure, axis = style.one_axis(
        9, 1.8, title=style.plain(title), xlabel="time (s)", ylabel="value", xlim=(0, end_s)
    )
    style.draw_segments(axis, found, alpha=0.3)
    axis.plot(np.arange(len(values)) / steps_per_s, values, color=style.SPEECH, linewidth=0.8)
    return figure
