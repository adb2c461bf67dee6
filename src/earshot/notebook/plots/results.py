"""Figures of what networks answer.

>>> from earshot.notebook import plots
>>> figure = plots.confusion([0, 0, 1], [0, 1, 1], ["yes", "no"])
>>> [text.get_text() for text in figure.axes[0].texts]
['1', '1', '', '1']
"""

import itertools
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

from earshot.features.log_mel import LogMel
from earshot.notebook.plots import style
from earshot.recognition.recognizer import Prediction
from earshot.recognition.thresholds import RocCurve
from earshot.types import Array

__all__ = ["accuracies", "answers", "confusion", "examples", "probabilities", "trade_off"]


def confusion(truth: Sequence[int], predicted: Sequence[int], class_names: Sequence[str]) -> Figure:
    """Draw a confusion matrix of labels: counts, coloured by their share of what was said."""
    names, n = [style.plain(name) for name in class_names], len(class_names)
    counts = confusion_matrix(truth, predicted, labels=range(n))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axis = style.one_axis(1.5 + 0.45 * n, 1 + 0.42 * n)
    drawn = ConfusionMatrixDisplay(share, display_labels=names).plot(
        ax=axis, cmap="Blues", colorbar=False, im_kw={"vmin": 0, "vmax": 1},
        text_kw={"fontsize": 8},
    )  # fmt: skip
    for text, count in zip(drawn.text_.flat, counts.flat, strict=True):
        text.set_text(count or "")
    axis.set_xticks(range(n), names, rotation=45, ha="right")
    axis.set(xlabel="recognized", ylabel="said")
    return figure


def probabilities(
    prediction: Prediction, spectrogram: Array, front_end: LogMel, title: str = ""
) -> Figure:
    """Draw a spectrogram, shape (frames, n_mels), beside the probabilities of all classes."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 2.4), layout="constrained")
    duration_s = len(spectrogram) * front_end.hop_length / front_end.sample_rate
    limits, unit = style.spectrogram_scale(spectrogram, front_end)
    image = style.draw_spectrogram(axes[0], spectrogram, duration_s, **limits)
    style.label_bands(axes[0], front_end)
    style.colour_bar(image, axes[0], unit)
    axes[0].set(title=style.plain(title), xlabel="time (s)")
    names = list(prediction.probabilities)
    colours = [style.SPEECH if name == prediction.word else style.PALE for name in names]
    axes[1].barh([*map(style.plain, names)], list(prediction.probabilities.values()), color=colours)
    axes[1].invert_yaxis()
    axes[1].set(title=style.plain(prediction), xlabel="probability", xlim=(0, 1))
    return figure


def accuracies(results: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the accuracies (0 to 1) of several tests by name, a line for every training."""
    figure, axis = style.one_axis(7, 2.6, xlabel="test", ylabel="accuracy (%)", ylim=(50, 100))
    for i, (name, shares) in enumerate(results.items()):
        colour = style.OTHER if name == "official split" else style.SPEECH
        axis.bar(style.plain(name), 100 * np.mean(shares), color=colour, alpha=0.85)
        axis.plot([i] * len(shares), 100 * np.asarray(shares), "k_", markersize=14)
    axis.tick_params(axis="x", rotation=20)
    return figure


def examples(results: Mapping[str, Mapping[int, float]]) -> Figure:
    """Draw accuracies (0 to 1), by method and number of recordings of a word, a line a method."""
    figure, axis = style.one_axis(
        xlabel="recordings of each word", ylabel="recognized (%)", ylim=(None, 102)
    )
    for i, (name, shares) in enumerate(results.items()):
        axis.plot(
            list(shares), [100 * a for a in shares.values()], f"C{i}.-", label=style.plain(name)
        )
        axis.set_xticks(list(shares))
    style.add_legend(axis, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def answers(
    rows: Array, titles: Sequence[str], class_names: Sequence[str], *, label: str
) -> Figure:
    """Draw what a network answers to clips as a heat map: a row a clip, a column a class.

    ``label`` says what the rows, shape (n, n_classes), are; neighbours share an equal title.
    """
    n = len(class_names)
    figure, axis = style.one_axis(
        2.2 + 0.4 * n, 1.2 + 0.14 * len(rows), xlabel="the network's word", ylabel="said"
    )
    image = axis.imshow(rows, cmap="magma", aspect="auto", interpolation="nearest")
    begins = [i for i, title in enumerate(titles) if i == 0 or title != titles[i - 1]]
    middles = [(a + b - 1) / 2 for a, b in itertools.pairwise([*begins, len(titles)])]
    axis.set_yticks(middles, [style.plain(titles[i]) for i in begins])
    axis.set_xticks(range(n), map(style.plain, class_names), rotation=45, ha="right")
    for begin in begins[1:]:
        axis.axhline(begin - 0.5, color="white", linewidth=0.8)
    figure.colorbar(image, ax=axis, label=style.plain(label))
    return figure


def trade_off(curves: Mapping[str, RocCurve]) -> Figure:
    """Draw the share of known words accepted against the share of other words accepted, by name."""
    figure, axis = style.one_axis(
        6, xscale="symlog", xlim=(0, 100), xlabel="other words accepted (%), logarithmic",
        ylabel="known words accepted (%)",
    )  # fmt: skip
    lowest = []
    for i, (name, curve) in enumerate(curves.items()):
        axis.plot(
            100 * curve.unknown_accepted,
            100 * curve.known_accepted,
            f"C{i}",
            label=style.plain(name),
        )
        now = np.searchsorted(curve.thresholds, 0.0)
        known, unknown = 100 * curve.known_accepted[now], 100 * curve.unknown_accepted[now]
        axis.plot(unknown, known, f"C{i}o", clip_on=False, zorder=3, alpha=0.8)
        lowest.append(known)
    axis.set_ylim(max(min(lowest) - 15, 0), 101)
    marks = (0, 1, 2, 5, 10, 20, 50, 100)
    axis.set_xticks(marks, [str(mark) for mark in marks])
    style.add_legend(axis, title="dot: as it is set")
    return figure
