"""Every figure of the notebooks: functions that draw and return a matplotlib figure."""

from earshot.notebook.plots.data import (
    durations,
    mel_and_linear,
    segments,
    spectrograms,
    waveforms,
    word_counts,
)
from earshot.notebook.plots.results import (
    accuracies,
    answers,
    confusion,
    curves,
    examples,
    few_labels,
    probabilities,
    rounds,
    trade_off,
)
from earshot.notebook.plots.streams import along, stream

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
    "probabilities",
    "rounds",
    "segments",
    "spectrograms",
    "stream",
    "trade_off",
    "waveforms",
    "word_counts",
]
