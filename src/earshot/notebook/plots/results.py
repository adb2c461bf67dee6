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
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

from earshot.features.log_mel import LogMel
from earshot.notebook.plots import style
from earshot.recognition.false_alarms import SpottingCurve
from earshot.recognition.recognizer import Prediction
from earshot.recognition.thresholds import RocCurve
from earshot.types import Array

__all__ = ["accuracies", "answers", "confusion", "examples", "probabilities", "spotting",
           "trade_off"]  # fmt: skip

MOST_BARS = 12  # classes beside a spectrogram: as many as can be read


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
    predictions: Prediction | Sequence[Prediction], spectrograms: Array | Sequence[Array],
    front_end: LogMel, titles: str | Sequence[str] = "",
) -> Figure:  # fmt: skip
    """Draw spectrograms, each of shape (frames, n_mels), beside the probabilities of the classes.

    One answer or several, a row each; of many classes, the ``MOST_BARS`` most probable.
    """
    if isinstance(predictions, Prediction):
        predictions, titles = [predictions], [str(titles)]
        spectrograms = [np.asarray(spectrograms)]
    n, scale = len(predictions), style.spectrogram_scale(spectrograms[0], front_end)
    figure, axes = plt.subplots(
        n, 2, figsize=(9, 0.3 + 2.1 * n), layout="constrained", squeeze=False
    )
    frame_s = front_end.hop_length / front_end.sample_rate
    for i, (title, seen) in enumerate(zip(titles, spectrograms, strict=True)):
        image = style.draw_spectrogram(axes[i, 0], seen, len(seen) * frame_s, **scale[0])
        style.label_bands(axes[i, 0], front_end)
        axes[i, 0].set(title=style.plain(title), xlabel="time (s)" if i == n - 1 else "")
        _bars(axes[i, 1], predictions[i])
        axes[i, 1].set_xlabel("probability" if i == n - 1 else "")
    style.colour_bar(image, axes[:, 0], scale[1])
    return figure


def _bars(axis: Axes, answer: Prediction) -> None:
    """Draw the probabilities of the likeliest classes, in the order of the classes."""
    likely = sorted(answer.probabilities, key=answer.probabilities.__getitem__)[-MOST_BARS:]
    shown = {name: p for name, p in answer.probabilities.items() if name in likely}
    colours = [style.SPEECH if name == answer.word else style.PALE for name in shown]
    axis.barh([*map(style.plain, shown)], list(shown.values()), color=colours)
    axis.invert_yaxis()
    axis.tick_params(labelsize=8)
    axis.set(title=style.plain(answer), xlim=(0, 1))


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
    _mark(axis, (0, 1, 2, 5, 10, 20, 50, 100))
    return figure


def spotting(curves: Mapping[str, SpottingCurve]) -> Figure:
    """Draw the words found along a stream against other words named an hour, by name."""
    figure, axis = style.one_axis(
        7, xscale="symlog", ylim=(0, 101), xlabel="false alarms an hour, logarithmic",
        ylabel="words found (%)",
    )  # fmt: skip
    for i, (name, curve) in enumerate(curves.items()):
        false, found = curve.false_alarms_per_hour, 100 * curve.found
        axis.plot(false, found, f"C{i}.-", label=style.plain(name))
        own = curve.as_set
        axis.plot(false[own], found[own], f"C{i}o", markersize=11, clip_on=False, alpha=0.8)
    axis.set_xlim(left=0)
    most = axis.get_xlim()[1]
    _mark(axis, [x for x in (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if x < most])
    return figure


def _mark(axis: Axes, marks: Sequence[int]) -> None:
    """Number a logarithmic axis, and say in the legend what the dots are."""
    axis.set_xticks(marks, [str(mark) for mark in marks])
    style.add_legend(axis, title="dot: as it is set")
