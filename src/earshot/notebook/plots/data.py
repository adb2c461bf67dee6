"""Figures of recordings: waveforms, spectrograms, counts, cuts.

>>> import numpy as np
>>> from earshot.notebook import plots
>>> len(plots.waveforms([np.ones(800), np.ones(400)], 8000, ["one", "two"]).axes)
5
"""

import itertools
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from earshot.datasets.word_set import WordSet
from earshot.features.log_mel import LogMel
from earshot.features.short_time import stft
from earshot.notebook.plots import style
from earshot.segmentation.segments import Segment
from earshot.types import Array

__all__ = ["durations", "mel_and_linear", "segments", "spectrograms", "waveforms", "word_counts"]

TIME = "time (s)"
LETTER_IN = 0.09  # width in inches of a letter over a segment


def waveforms(
    clips: Sequence[Array], sample_rate: int, titles: Sequence[str], *, columns: int = 5
) -> Figure:
    """Draw waveforms, each of shape (samples,), in a grid."""
    labels = (TIME, "amplitude")
    figure, axes = style.grid(titles[: len(clips)], columns, height=1.3, labels=labels, sharey=True)
    for axis, clip in zip(axes, clips, strict=True):
        style.draw_waveform(axis, clip, sample_rate)
    return figure


def spectrograms(
    log_mels: Sequence[Array], front_end: LogMel, titles: Sequence[str], *, columns: int = 5,
    colours: Sequence[str] | None = None,
) -> Figure:  # fmt: skip
    """Draw log-mel spectrograms, each of shape (frames, n_mels), in a grid; titles have colours.

    All have the same colours, which one bar explains: dB, or 0 to 255 where they are quantized.
    """
    titles, columns = list(titles[: len(log_mels)]), min(columns, len(log_mels))
    labels = (TIME, "band · Hz")
    figure, axes = style.grid(titles, columns, height=1.6, labels=labels)
    frame_s = front_end.hop_length / front_end.sample_rate
    limits, unit = style.spectrogram_scale(log_mels[0], front_end)
    for i, (axis, log_mel) in enumerate(zip(axes, log_mels, strict=True)):
        image = style.draw_spectrogram(axis, log_mel, len(log_mel) * frame_s, **limits)
        style.label_bands(axis, front_end, n=4)
        if i % columns:
            axis.set(ylabel="", yticklabels=[])
    style.colour_bar(image, axes, unit)
    for axis, colour in zip(axes, colours or (), strict=False):
        axis.title.set_color(colour)
    return figure


def mel_and_linear(x: Array, front_end: LogMel) -> Figure:
    """Draw a waveform, its linear spectrogram and its log-mel spectrogram, side by side."""
    x = front_end.pad_or_trim(x)
    rate, duration_s = front_end.sample_rate, len(x) / front_end.sample_rate
    magnitude = np.abs(stft(x, front_end.n_fft, front_end.hop_length))
    db = 20 * np.log10(np.maximum(magnitude / magnitude.max(), 1e-9))
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained")
    style.draw_waveform(axes[0], x, rate)
    axes[0].set(title="waveform", xlabel=TIME, ylabel="amplitude", xlim=(0, duration_s))
    log_mel = front_end(x)
    limits, unit = style.spectrogram_scale(log_mel, front_end)
    style.draw_spectrogram(axes[1], db, duration_s, rate / 2, vmin=-front_end.top_db, vmax=0)
    axes[1].set(title="even frequencies", xlabel=TIME, ylabel="frequency (Hz)")
    image = style.draw_spectrogram(axes[2], log_mel, duration_s, **limits)
    style.label_bands(axes[2], front_end)
    axes[2].set(title="mel bands", xlabel=TIME)
    style.colour_bar(image, axes[1:], unit)
    return figure


def durations(words: WordSet) -> Figure:
    """Draw a histogram of the durations of a word set, with the 99th percentile marked."""
    limit = np.percentile(words.durations_s, 99)
    figure, axis = style.one_axis(6, 2.4, xlabel="duration (s)", ylabel="clips")
    axis.hist(words.durations_s, bins=60, color=style.SPEECH)
    axis.axvline(limit, color=style.OTHER)
    side = "right" if limit > np.mean(axis.get_xlim()) else "left"
    text = f" 99 % are shorter than {limit:.2f} s "
    axis.annotate(
        text, (limit, 0.9), xycoords=("data", "axes fraction"), ha=side, color=style.OTHER
    )
    return figure


def word_counts(words: WordSet) -> Figure:
    """Draw how many clips there are of each word, a stripe per speaker."""
    speakers = np.unique(words.speakers)
    figure, axis = style.one_axis(7, 2.4, xlabel="word", ylabel="clips")
    names = [style.plain(name) for name in words.class_names]
    bottom = np.zeros(len(names))
    colours = plt.colormaps["viridis"](np.linspace(0.1, 0.9, len(speakers)))
    for speaker, colour in zip(speakers, colours, strict=True):
        n = np.bincount(words.labels[words.speakers == speaker], minlength=len(bottom))
        axis.bar(names, n, bottom=bottom, color=colour, label=style.plain(speaker))
        bottom += n
    axis.tick_params(axis="x", rotation=30 if len(words.class_names) > 6 else 0)
    if len(speakers) <= 8:
        axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def segments(x: Array, sample_rate: int, found: Sequence[Segment], *, title: str = "") -> Figure:
    """Draw a recording with its segments; the doubtful ones are orange, dotted, with a mark.

    Their numbers, from 0, are those that :func:`earshot.segmentation.label_tracks.correct` takes.
    """
    duration_s = len(x) / sample_rate
    hop = max(round(sample_rate * duration_s / 4000), round(0.01 * sample_rate))
    front_end = LogMel(
        sample_rate=sample_rate, n_fft=2 * round(0.016 * sample_rate), hop_length=hop,
        n_samples=None,
    )  # fmt: skip
    size = (max(9, min(0.6 * duration_s, 16)), 3.8)
    figure, axes = plt.subplots(2, 1, figsize=size, sharex=True, layout="constrained")
    style.draw_waveform(axes[0], x, sample_rate)
    axes[0].set(ylabel="amplitude", xlim=(0, duration_s))
    figure.suptitle(style.plain(title), fontsize=11)
    log_mel = front_end(x)
    limits, unit = style.spectrogram_scale(log_mel, front_end)
    style.colour_bar(style.draw_spectrogram(axes[1], log_mel, duration_s, **limits), axes, unit)
    style.label_bands(axes[1], front_end)
    axes[1].set(xlabel=TIME)
    flat = _have_room(found, size[0] / duration_s)
    for i, segment in enumerate(found):
        colour = style.OTHER if segment.doubtful else style.FOUND
        style.draw_segments(axes[0], [segment], colour, alpha=0.25)
        for axis in axes:
            for at_s in (segment.start_s, segment.end_s):
                axis.axvline(at_s, color=colour, linewidth=1, linestyle="-:"[segment.doubtful])
        axes[0].annotate(
            f"{i} {style.plain(segment.word)}{'?' if segment.doubtful else ''}",
            ((segment.start_s + segment.end_s) / 2, 1.03), xycoords=("data", "axes fraction"),
            ha="center" if flat else "left", va="bottom", rotation=0 if flat else 40,
            fontsize=9, color=colour,
        )  # fmt: skip
    return figure


def _have_room(found, inches_per_s):
    """Whether the labels of segments that follow each other do not lie on each other."""
    room = [LETTER_IN * (len(segment.word) + 4) for segment in found]
    middles = [inches_per_s * (segment.start_s + segment.end_s) / 2 for segment in found]
    gaps, needed = np.diff(middles), [(a + b) / 2 for a, b in itertools.pairwise(room)]
    return bool(np.all(gaps >= needed))
