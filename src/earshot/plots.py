"""Every figure of the notebooks: functions that draw and return a matplotlib figure."""

import matplotlib.pyplot as plt
import numpy as np

__all__ = [
    "accuracies",
    "along",
    "answers",
    "confusion",
    "curves",
    "durations",
    "examples",
    "few_labels",
    "mel_and_linear",
    "pictures",
    "probabilities",
    "rounds",
    "segments",
    "stream",
    "trade_off",
    "waveforms",
    "word_counts",
]  # fmt: skip

SPEECH, PALE, OTHER = "#1f4e79", "#d9e2ec", "#c8553d"
PICTURE = {"origin": "lower", "aspect": "auto", "cmap": "magma"}


def waveforms(clips, sample_rate, titles, *, columns=5):
    """Draw waveforms in a grid.

    Parameters
    ----------
    clips : list of ndarray, each of shape (samples,)
    sample_rate : int
        In Hz.
    titles : sequence of str
    columns : int
    """
    figure, axes = _grid(len(clips), columns, height=1.3, sharey=True)
    for axis, clip, title in zip(axes, clips, titles, strict=False):
        axis.plot(np.arange(len(clip)) / sample_rate, clip, color=SPEECH, linewidth=0.5)
        axis.set_title(title, fontsize=9)
    _label(axes, columns, "time (s)", "amplitude")
    return figure


def pictures(log_mels, front_end, titles, *, columns=5, colours=None):
    """Draw log-mel pictures in a grid, time to the right and frequency upwards.

    Parameters
    ----------
    log_mels : sequence of ndarray, each of shape (frames, n_mels)
    front_end : earshot.spectrogram.LogMel
    titles : sequence of str
    columns : int
    colours : sequence of str, optional
        Of the titles.
    """
    figure, axes = _grid(len(log_mels), columns, height=1.6)
    for i, (axis, picture) in enumerate(zip(axes, log_mels, strict=False)):
        duration_s = len(picture) * front_end.hop_length / front_end.sample_rate
        axis.imshow(picture.T, extent=(0, duration_s, 0, picture.shape[1]), **PICTURE)
        axis.set_title(titles[i], fontsize=9, color=colours[i] if colours else "black")
    _label(axes, columns, "time (s)", "mel band")
    return figure


def mel_and_linear(x, front_end):
    """Draw one waveform, its linear spectrogram and its log-mel picture, side by side.

    Parameters
    ----------
    x : ndarray, shape (samples,)
    front_end : earshot.spectrogram.LogMel
    """
    from scipy.signal import stft

    x = front_end.fit(x)
    rate, n_fft = front_end.sample_rate, front_end.n_fft
    overlap = n_fft - front_end.hop_length
    _, _, spectrum = stft(x, rate, nperseg=n_fft, noverlap=overlap)
    db = 20 * np.log10(np.maximum(np.abs(spectrum) / np.abs(spectrum).max(), 1e-9))
    duration_s = len(x) / rate
    figure, axes = plt.subplots(1, 3, figsize=(11, 2.8), layout="constrained")
    axes[0].plot(np.arange(len(x)) / rate, x, color=SPEECH, linewidth=0.5)
    axes[0].set(title="waveform", xlabel="time (s)", ylabel="amplitude", xlim=(0, duration_s))
    extent = (0, duration_s, 0, rate / 2000)
    axes[1].imshow(db, extent=extent, vmin=-front_end.top_db, **PICTURE)
    axes[1].set(title="linear spectrogram", xlabel="time (s)", ylabel="frequency (kHz)")
    picture = front_end(x).T
    image = axes[2].imshow(picture, extent=(0, duration_s, 0, len(picture)), **PICTURE)
    axes[2].set(title="log-mel picture", xlabel="time (s)", ylabel="mel band")
    figure.colorbar(image, ax=axes[2], label="dB below the loudest point")
    return figure


def durations(words):
    """Draw a histogram of the durations of a word set, with the 99th percentile marked."""
    seconds = words.durations_s
    limit = np.percentile(seconds, 99)
    figure, axis = plt.subplots(figsize=(6, 2.4), layout="constrained")
    axis.hist(seconds, bins=60, color=SPEECH)
    axis.axvline(limit, color=OTHER)
    axis.annotate(
        f" 99 % are shorter than {limit:.2f} s", (limit, 0.9), xycoords=("data", "axes fraction"),
        color=OTHER,
    )  # fmt: skip
    axis.set(xlabel="duration (s)", ylabel="clips")
    return figure


def word_counts(words):
    """Draw how many clips there are of each word, a stripe per speaker."""
    speakers = np.unique(words.speakers)
    figure, axis = plt.subplots(figsize=(7, 2.4), layout="constrained")
    bottom = np.zeros(len(words.words))
    colours = plt.colormaps["viridis"](np.linspace(0.1, 0.9, len(speakers)))
    for speaker, colour in zip(speakers, colours, strict=True):
        n = np.bincount(words.labels[words.speakers == speaker], minlength=len(bottom))
        axis.bar(words.words, n, bottom=bottom, color=colour, label=speaker)
        bottom += n
    axis.set(ylabel="clips")
    axis.tick_params(axis="x", rotation=30 if len(words.words) > 6 else 0)
    if len(speakers) <= 8:
        axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def curves(histories):
    """Draw loss and accuracy against epochs, one colour a run.

    Parameters
    ----------
    histories : dict
        From the name of a run to what :func:`earshot.training.fit` returned.
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
    axis.set(xlabel="recognised", ylabel="said")
    return figure


def probabilities(prediction, picture, front_end, title=""):
    """Draw the picture of a clip beside the probabilities of all words."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 2.4), layout="constrained")
    duration_s = len(picture) * front_end.hop_length / front_end.sample_rate
    axes[0].imshow(picture.T, extent=(0, duration_s, 0, picture.shape[1]), **PICTURE)
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
        From the name of a run to its errors in dB, as from :mod:`earshot.griffin_lim`.
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
    axis.set(xlabel="recordings of each word", ylabel="recognised (%)", ylim=(None, 102))
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
        From a name to a :class:`earshot.transfer.Curve`.
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


def segments(x, sample_rate, found, *, title=""):
    """Draw a recording as waveform and spectrogram with its segments; the doubtful ones are red.

    Parameters
    ----------
    x : ndarray, shape (samples,)
    sample_rate : int
        In Hz.
    found : list of earshot.segmentation.Segment
        Their numbers, from 0, are those that :func:`earshot.labels.correct` takes.
    title : str
    """
    from earshot.spectrogram import LogMel

    duration_s = len(x) / sample_rate
    hop = max(round(sample_rate * duration_s / 4000), round(0.01 * sample_rate))
    front_end = LogMel(
        sample_rate=sample_rate, n_fft=2 * round(0.016 * sample_rate), hop_length=hop,
        n_samples=None, top_db=60,
    )  # fmt: skip
    figure, axes = plt.subplots(
        2, 1, figsize=(max(8, min(0.6 * duration_s, 16)), 3.8), sharex=True, layout="constrained"
    )
    step = max(1, len(x) // 200_000)
    axes[0].plot(np.arange(len(x))[::step] / sample_rate, x[::step], color=SPEECH, linewidth=0.4)
    axes[0].set(title=title, ylabel="amplitude", xlim=(0, duration_s))
    picture = front_end(x).T
    axes[1].imshow(picture, extent=(0, duration_s, 0, len(picture)), **PICTURE)
    axes[1].set(xlabel="time (s)", ylabel="mel band")
    for i, segment in enumerate(found):
        colour = OTHER if segment.doubtful else "#2a9d5c"
        for axis in axes:
            axis.axvspan(segment.start_s, segment.end_s, color=colour, alpha=0.25, linewidth=0)
            axis.axvline(segment.start_s, color=colour, linewidth=0.8)
            axis.axvline(segment.end_s, color=colour, linewidth=0.8)
        text = f"{i}\n{segment.word}{'?' if segment.doubtful else ''}"
        middle = (segment.start_s + segment.end_s) / 2
        axes[0].annotate(
            text, (middle, 1), xycoords=("data", "axes fraction"), ha="center", va="top",
            fontsize=7, color=colour,
        )  # fmt: skip
    return figure


def stream(spectrogram, settings, rows, *, unit="dB above the floor"):
    """Draw the complete spectrogram of a stream, with ribbons of what was heard below it.

    Parameters
    ----------
    spectrogram : ndarray, shape (steps, bands)
    settings : earshot.windows.Windows
    rows : dict
        From a title to a list of segments, such as the truth, or to
        :class:`earshot.streaming.Steps`, of which the probability is drawn, too, that there is
        something.
    unit : str
        What the colours mean.
    """
    from earshot.streaming import Steps

    heights = [3, *([0.8] * len(rows))]
    figure, axes = plt.subplots(
        len(heights), 1, figsize=(11, 1.0 * sum(heights)), sharex=True, layout="constrained",
        height_ratios=heights, squeeze=False,
    )  # fmt: skip
    axes = axes[:, 0]
    duration_s = len(spectrogram) / settings.steps_per_s
    image = axes[0].imshow(
        spectrogram.T, extent=(0, duration_s, 0, spectrogram.shape[1]), **PICTURE
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


def _grid(n, columns, *, height, **kwargs):
    rows = -(-n // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(2.1 * columns, 0.4 + height * rows), layout="constrained",
        squeeze=False, **kwargs,
    )  # fmt: skip
    axes = axes.ravel()
    for axis in axes[n:]:
        axis.set_visible(False)
    for axis in axes:
        axis.tick_params(labelsize=7)
    return figure, axes[:n]


def _label(axes, columns, x, y):
    for i, axis in enumerate(axes):
        if i % columns == 0:
            axis.set_ylabel(y, fontsize=8)
        if i >= len(axes) - columns:
            axis.set_xlabel(x, fontsize=8)
