"""Figures of recordings: waveforms, spectrograms, counts, cuts."""

import matplotlib.pyplot as plt
import numpy as np

from earshot.features.log_mel import LogMel
from earshot.notebook.plots.style import OTHER, SPECTROGRAM, SPEECH, grid, label

__all__ = ["durations", "mel_and_linear", "segments", "spectrograms", "waveforms", "word_counts"]


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
    figure, axes = grid(len(clips), columns, height=1.3, sharey=True)
    for axis, clip, title in zip(axes, clips, titles, strict=False):
        axis.plot(np.arange(len(clip)) / sample_rate, clip, color=SPEECH, linewidth=0.5)
        axis.set_title(title, fontsize=9)
    label(axes, columns, "time (s)", "amplitude")
    return figure


def spectrograms(log_mels, front_end, titles, *, columns=5, colours=None):
    """Draw log-mel spectrograms in a grid, time to the right and frequency upwards.

    Parameters
    ----------
    log_mels : sequence of ndarray, each of shape (frames, n_mels)
    front_end : earshot.features.LogMel
    titles : sequence of str
    columns : int
    colours : sequence of str, optional
        Of the titles.
    """
    figure, axes = grid(len(log_mels), columns, height=1.6)
    for i, (axis, spectrogram) in enumerate(zip(axes, log_mels, strict=False)):
        duration_s = len(spectrogram) * front_end.hop_length / front_end.sample_rate
        axis.imshow(spectrogram.T, extent=(0, duration_s, 0, spectrogram.shape[1]), **SPECTROGRAM)
        axis.set_title(titles[i], fontsize=9, color=colours[i] if colours else "black")
    label(axes, columns, "time (s)", "mel band")
    return figure


def mel_and_linear(x, front_end):
    """Draw one waveform, its linear spectrogram and its log-mel spectrogram, side by side.

    Parameters
    ----------
    x : ndarray, shape (samples,)
    front_end : earshot.features.LogMel
    """
    from scipy.signal import stft

    x = front_end.pad_or_trim(x)
    rate, n_fft = front_end.sample_rate, front_end.n_fft
    overlap = n_fft - front_end.hop_length
    _, _, spectrum = stft(x, rate, nperseg=n_fft, noverlap=overlap)
    db = 20 * np.log10(np.maximum(np.abs(spectrum) / np.abs(spectrum).max(), 1e-9))
    duration_s = len(x) / rate
    figure, axes = plt.subplots(1, 3, figsize=(11, 2.8), layout="constrained")
    axes[0].plot(np.arange(len(x)) / rate, x, color=SPEECH, linewidth=0.5)
    axes[0].set(title="waveform", xlabel="time (s)", ylabel="amplitude", xlim=(0, duration_s))
    extent = (0, duration_s, 0, rate / 2000)
    axes[1].imshow(db, extent=extent, vmin=-front_end.top_db, **SPECTROGRAM)
    axes[1].set(title="linear spectrogram", xlabel="time (s)", ylabel="frequency (kHz)")
    spectrogram = front_end(x).T
    image = axes[2].imshow(spectrogram, extent=(0, duration_s, 0, len(spectrogram)), **SPECTROGRAM)
    axes[2].set(title="log-mel spectrogram", xlabel="time (s)", ylabel="mel band")
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
    bottom = np.zeros(len(words.class_names))
    colours = plt.colormaps["viridis"](np.linspace(0.1, 0.9, len(speakers)))
    for speaker, colour in zip(speakers, colours, strict=True):
        n = np.bincount(words.labels[words.speakers == speaker], minlength=len(bottom))
        axis.bar(words.class_names, n, bottom=bottom, color=colour, label=speaker)
        bottom += n
    axis.set(ylabel="clips")
    axis.tick_params(axis="x", rotation=30 if len(words.class_names) > 6 else 0)
    if len(speakers) <= 8:
        axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def segments(x, sample_rate, found, *, title=""):
    """Draw a recording as waveform and spectrogram with its segments; the doubtful ones are red.

    Parameters
    ----------
    x : ndarray, shape (samples,)
    sample_rate : int
        In Hz.
    found : list of earshot.segmentation.Segment
        Their numbers, from 0, are those that :func:`earshot.segmentation.label_tracks.correct` takes.
    title : str
    """
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
    spectrogram = front_end(x).T
    axes[1].imshow(spectrogram, extent=(0, duration_s, 0, len(spectrogram)), **SPECTROGRAM)
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
