"""Figures of streams.

>>> import numpy as np
>>> from earshot import Segment
>>> from earshot.notebook import plots
>>> plots.along(np.zeros(100), 100.0, [Segment(0.2, 0.4)], "a unit").axes[0].get_title()
'a unit'
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from earshot.features.stream import StreamSpectrogram
from earshot.notebook.plots import style
from earshot.recognition.classification import Steps
from earshot.segmentation.segments import Segment
from earshot.types import Array

__all__ = ["along", "stream"]


def stream(
    spectrogram: Array, settings: StreamSpectrogram, rows: Mapping[str, Sequence[Segment] | Steps],
    *, unit: str = "dB above the floor",
) -> Figure:  # fmt: skip
    """Draw the complete spectrogram of a stream, shape (steps, bands), with ribbons below it.

    ``rows`` lead from a title to segments, such as the truth, or to what was heard, of which the
    probability is drawn, too, that there is something; ``unit`` says what the colours mean.
    """
    heights = [3, *([0.8] * len(rows))]
    figure, axes = plt.subplots(
        len(heights), figsize=(11, sum(heights)), sharex=True, layout="constrained",
        height_ratios=heights, squeeze=False,
    )  # fmt: skip
    above, *ribbons = axes[:, 0]
    duration_s = len(spectrogram) / settings.steps_per_s
    image = style.draw_spectrogram(above, spectrogram, duration_s)
    style.colour_bar(image, axes[:, 0], unit)
    style.label_bands(above, settings)
    above.set(xlim=(0, duration_s))
    for axis, (title, row) in zip(ribbons, rows.items(), strict=True):
        if isinstance(row, Steps):
            axis.plot(row.times_s, 1 - row.probabilities[:, 0], color="black", linewidth=0.8)
        found = row.segments() if isinstance(row, Steps) else row
        axis.axvspan(0, duration_s, color=style.OTHER, alpha=0.35, linewidth=0)
        style.draw_segments(axis, found, "white")
        style.draw_segments(axis, found, alpha=0.6)
        for segment in found if len({segment.word for segment in found}) > 1 else ():
            middle_s = (segment.start_s + segment.end_s) / 2
            axis.text(middle_s, 0.5, style.plain(segment.word), ha="center", va="center",
                      fontsize=7, clip_on=True)  # fmt: skip
        axis.set(ylim=(0, 1), yticks=[])
        axis.set_ylabel(style.plain(title), rotation=0, ha="right", va="center", fontsize=9)
    axes[-1, 0].set(xlabel="time (s)")
    return figure


def along(values: Array, steps_per_s: float, found: Sequence[Segment], title: str) -> Figure:
    """Draw one value along a stream, shape (steps,), such as that of a unit, over the segments."""
    end_s = len(values) / steps_per_s
    figure, axis = style.one_axis(
        11, 1.8, title=style.plain(title), xlabel="time (s)", ylabel="value", xlim=(0, end_s)
    )
    style.draw_segments(axis, found, alpha=0.3)
    axis.plot(np.arange(len(values)) / steps_per_s, values, color=style.SPEECH, linewidth=0.8)
    return figure
