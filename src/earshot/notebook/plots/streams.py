"""Figures of streams."""

import matplotlib.pyplot as plt
import numpy as np

from earshot.notebook.plots.style import OTHER, SPECTROGRAM, SPEECH
from earshot.recognition.classification import Steps

__all__ = ["along", "stream"]


def stream(spectrogram, settings, rows, *, unit="dB above the floor"):
    """Draw the complete spectrogram of a stream, with ribbons of what was heard below it.

    Parameters
    ----------
    spectrogram : ndarray, shape (steps, bands)
    settings : earshot.features.StreamSpectrogram
    rows : dict
        From a title to a list of segments, such as the truth, or to
        :class:`earshot.recognition.Steps`, of which the probability is drawn, too, that there is
        something.
    unit : str
        What the colours mean.
    """
    heights = [3, *([0.8] * len(rows))]
    figure, axes = plt.subplots(
        len(heights), 1, figsize=(11, 1.0 * sum(heights)), sharex=True, layout="constrained",
        height_ratios=heights, squeeze=False,
    )  # fmt: skip
    axes = axes[:, 0]
    duration_s = len(spectrogram) / settings.steps_per_s
    image = axes[0].imshow(
        spectrogram.T, extent=(0, duration_s, 0, spectrogram.shape[1]), **SPECTROGRAM
    )
    figure.colorbar(image, ax=axes[0], label=unit, pad=0.01)
    axes[0].set(ylabel="band", xlim=(0, duration_s))
    for axis, (title, row) in zip(axes[1:], rows.items(), strict=True):
        found = row
        if isinstance(row, Steps):
            axis.plot(row.times_s, 1 - row.probabilities[:, 0], color="black", linewidth=0.8)
            found = row.segments()
        axis.axvspan(0, duration_s, color=OTHER, alpha=0.35, linewidth=0)
        several = len({segment.word for segment in found}) > 1
        for segment in found:
            axis.axvspan(segment.start_s, segment.end_s, color="white", linewidth=0)
            axis.axvspan(segment.start_s, segment.end_s, color="#2a9d5c", alpha=0.6, linewidth=0)
            if several:
                axis.text((segment.start_s + segment.end_s) / 2, 0.5, segment.word, ha="center",
                          va="center", fontsize=7, clip_on=True)  # fmt: skip
        axis.set(ylim=(0, 1), yticks=[])
        axis.set_ylabel(title, rotation=0, ha="right", va="center", fontsize=9)
    axes[-1].set(xlabel="time (s)")
    return figure


def along(values, steps_per_s, found, title):
    """Draw one value along a stream, such as that of a unit, over the segments.

    Parameters
    ----------
    values : ndarray, shape (steps,)
    steps_per_s : float
    found : list of earshot.segmentation.Segment
    title : str
    """
    figure, axis = plt.subplots(figsize=(11, 1.8), layout="constrained")
    for segment in found:
        axis.axvspan(segment.start_s, segment.end_s, color="#2a9d5c", alpha=0.3, linewidth=0)
    axis.plot(np.arange(len(values)) / steps_per_s, values, color=SPEECH, linewidth=0.8)
    axis.set(title=title, xlabel="time (s)", xlim=(0, len(values) / steps_per_s))
    return figure
