"""Figures of what networks learn and answer."""

import matplotlib.pyplot as plt
import numpy as np

from earshot.notebook.plots.style import OTHER, PALE, SPECTROGRAM, SPEECH

__all__ = [
    "accuracies",
    "answers",
    "confusion",
    "curves",
    "examples",
    "few_labels",
    "probabilities",
    "rounds",
    "trade_off",
]


def curves(histories):
    """Draw loss and accuracy against epochs, one colour a run.

    Parameters
    ----------
    histories : dict
        From the name of a run to what :func:`earshot.networks.fit` returned.
    """
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
    for i, (name, history) in enumerate(histories.items()):
        for axis, figure_name in zip(axes, ("loss", "accuracy"), strict=True):
            epochs = np.arange(1, len(history[figure_name]) + 1)
            tested = f"val_{figure_name}" in history
            label = None if tested else name
            axis.plot(epochs, history[figure_name], f"C{i}.--", alpha=0.6, label=label)
            if tested:
                axis.plot(epochs, history[f"val_{figure_name}"], f"C{i}.-", label=name)
            axis.set(xlabel="epoch", ylabel=figure_name)
    axes[1].legend(title="dashed: training, solid: test", fontsize=8)
    return figure


def confusion(truth, predicted, words):
    """Draw a confusion matrix.

    Parameters
    ----------
    truth, predicted : ndarray of int, shape (n,)
        Labels.
    words : sequence of str
    """
    n = len(words)
    counts = np.zeros((n, n), dtype=int)
    np.add.at(counts, (truth, predicted), 1)
    figure, axis = plt.subplots(figsize=(1.5 + 0.45 * n, 1 + 0.42 * n), layout="constrained")
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i, j in zip(*np.nonzero(counts), strict=True):
        colour = "white" if share[i, j] > 0.5 else "black"
        axis.text(j, i, counts[i, j], ha="center", va="center", color=colour, fontsize=8)
    axis.set_xticks(range(n), words, rotation=45, ha="right")
    axis.set_yticks(range(n), words)
    axis.set(xlabel="recognized", ylabel="said")
    return figure


def probabilities(prediction, spectrogram, front_end, title=""):
    """Draw the spectrogram of a clip beside the probabilities of all words."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 2.4), layout="constrained")
    duration_s = len(spectrogram) * front_end.hop_length / front_end.sample_rate
    axes[0].imshow(spectrogram.T, extent=(0, duration_s, 0, spectrogram.shape[1]), **SPECTROGRAM)
    axes[0].set(title=title, xlabel="time (s)", ylabel="mel band")
    words = list(prediction.probabilities)
    colours = [SPEECH if word == prediction.word else PALE for word in words]
    axes[1].barh(words, list(prediction.probabilities.values()), color=colours)
    axes[1].invert_yaxis()
    axes[1].set(title=str(prediction), xlabel="probability", xlim=(0, 1))
    return figure


def accuracies(results):
    """Draw the accuracy of several tests, a bar each and a line for every training.

    Parameters
    ----------
    results : dict
        From the name of a test to a list of accuracies (0 to 1), one a seed.
    """
    figure, axis = plt.subplots(figsize=(7, 2.6), layout="constrained")
    for i, (name, accuracies) in enumerate(results.items()):
        colour = OTHER if name == "official split" else SPEECH
        axis.bar(name, 100 * np.mean(accuracies), color=colour, alpha=0.85)
        axis.plot([i] * len(accuracies), 100 * np.asarray(accuracies), "k_", markersize=14)
    axis.set(ylabel="accuracy (%)", ylim=(50, 100))
    axis.tick_params(axis="x", rotation=20)
    return figure


def rounds(errors):
    """Draw the error of an iteration against its rounds, a line each.

    Parameters
    ----------
    errors : dict
        From the name of a run to its errors in dB, as from :mod:`earshot.synthesis.griffin_lim`.
    """
    figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
    for name, values in errors.items():
        axis.plot(values, label=name)
    axis.set(xlabel="rounds", ylabel="error of the magnitudes (dB)")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return figure


def examples(results):
    """Draw accuracy against the number of recordings of a word, a line a method.

    Parameters
    ----------
    results : dict
        From the name of a method to a dict from the number of recordings to the accuracy, 0 to 1.
    """
    figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for i, (name, accuracies) in enumerate(results.items()):
        axis.plot(list(accuracies), [100 * a for a in accuracies.values()], f"C{i}.-", label=name)
        axis.set_xticks(list(accuracies))
    axis.set(xlabel="recordings of each word", ylabel="recognized (%)", ylim=(None, 102))
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def answers(rows, titles, words, *, label):
    """Draw what a network answers to clips as a heat map: a row a clip, a column a word.

    Parameters
    ----------
    rows : ndarray, shape (n, n_words)
        Probabilities or logits.
    titles : sequence of str
        Of the clips; neighbours with the same one share it.
    words : sequence of str
    label : str
        What the numbers are.
    """
    figure, axis = plt.subplots(
        figsize=(2.2 + 0.4 * len(words), 1.2 + 0.14 * len(rows)), layout="constrained"
    )
    image = axis.imshow(rows, cmap="magma", aspect="auto", interpolation="nearest")
    begins = [i for i, title in enumerate(titles) if i == 0 or title != titles[i - 1]]
    ends = [*begins[1:], len(titles)]
    middles = [(a + b - 1) / 2 for a, b in zip(begins, ends, strict=True)]
    axis.set_yticks(middles, [titles[i] for i in begins])
    axis.set_xticks(range(len(words)), words, rotation=45, ha="right")
    for begin in begins[1:]:
        axis.axhline(begin - 0.5, color="white", linewidth=0.8)
    axis.set(xlabel="the network's word", ylabel="said")
    figure.colorbar(image, ax=axis, label=label)
    return figure


def trade_off(curves):
    """Draw how many known words are lost for how few unknown ones are accepted.

    Parameters
    ----------
    curves : dict
        From a name to a :class:`earshot.recognition.Curve`.
    """
    figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
    lowest = []
    for i, (name, curve) in enumerate(curves.items()):
        axis.plot(100 * curve.unknown_accepted, 100 * curve.known_accepted, f"C{i}", label=name)
        now = np.searchsorted(curve.thresholds, 0.0)
        known, unknown = 100 * curve.known_accepted[now], 100 * curve.unknown_accepted[now]
        axis.plot(unknown, known, f"C{i}o", clip_on=False, zorder=3, alpha=0.8)
        lowest.append(known)
    axis.set(
        xscale="symlog", xlim=(0, 100), ylim=(max(min(lowest) - 15, 0), 101),
        xlabel="other words accepted (%), logarithmic", ylabel="known words accepted (%)",
    )  # fmt: skip
    axis.set_xticks((0, 1, 2, 5, 10, 20, 50, 100), ("0", "1", "2", "5", "10", "20", "50", "100"))
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, title="dot: as it is set")
    return figure


def few_labels(shares):
    """Draw accuracies against the seconds that were labelled.

    Parameters
    ----------
    shares : dict
        From a network's name to a dict from seconds to a list of accuracies (0 to 1).
    """
    figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for i, (name, by_seconds) in enumerate(shares.items()):
        seconds = sorted(by_seconds)
        axis.plot(
            seconds, [100 * np.mean(by_seconds[s]) for s in seconds], f"C{i}o-", label=name,
        )  # fmt: skip
        for s in seconds:
            axis.plot([s] * len(by_seconds[s]), 100 * np.asarray(by_seconds[s]), f"C{i}_")
    axis.set_xscale("log")
    axis.set_xticks(seconds, [str(s) for s in seconds])
    axis.minorticks_off()
    axis.set(xlabel="labelled seconds", ylabel="balanced accuracy (%)")
    axis.legend(fontsize=8)
    return figure
