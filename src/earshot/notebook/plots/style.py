"""What all figures share: colours, and how a waveform, a spectrogram and segments are drawn.

>>> import numpy as np
>>> figure, axis = one_axis(xlabel="time (s)")
>>> draw_spectrogram(axis, np.zeros((101, 40)), 1.0).get_array().shape
(40, 101)
"""

import textwrap
from collections.abc import Iterable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from earshot.features.mel import MelBands
from earshot.features.stream import StreamSpectrogram
from earshot.segmentation.segments import Segment
from earshot.types import Array

__all__ = ["add_legend", "colour_bar", "draw_segments", "draw_spectrogram", "draw_waveform", "grid",
           "label_bands", "note", "one_axis", "plain", "spectrogram_scale"]  # fmt: skip

SPEECH = "#1f4e79"  # dark blue: waveforms, bars, and the answer among others
PALE = "#d9e2ec"  # the other answers
OTHER = "#c8553d"  # orange red: what is doubtful, what is set apart, noise
FOUND = "#0072b2"  # blue, which nobody takes for orange red: segments that are sure
SHARP = 1000  # frames that are drawn as they are: their PNG image is a quarter as large
LETTERS_PER_IN = 10.5  # of a text in 10 points, a little room left
COLUMN_IN = 1.8  # width of a small axis in inches: five of them fill 900 pixels


def plain(text: object) -> str:
    """Give a text that is drawn as it is: between two dollar signs, matplotlib looks for formulas.

    >>> print(plain("$100 or 100$"))
    \\$100 or 100\\$
    """
    return str(text).replace("$", r"\$")


def one_axis(width: float = 7, height: float = 3.2, **labels: Any) -> tuple[Figure, Axes]:
    """Make a figure of this size, in inches, with one axis of these labels and limits."""
    figure, axis = plt.subplots(figsize=(width, height), layout="constrained")
    axis.set(**labels)
    return figure, axis


def note(text: str, width: float = 7) -> Figure:
    """Make a figure of a text in a frame, its lines broken where they would leave it."""
    letters = round(width * LETTERS_PER_IN)
    text = "\n".join(textwrap.fill(line, letters) for line in text.splitlines())
    figure = plt.figure(figsize=(width, 0.5 + 0.22 * (1 + text.count("\n"))))
    figure.text(0.03, 0.5, plain(text), va="center", fontsize=10, linespacing=1.5)
    figure.patch.set(edgecolor=SPEECH, linewidth=3)
    return figure


def grid(
    titles: Iterable[str], columns: int, *, height: float, labels: tuple[str, str], **options: Any
) -> tuple[Figure, Array]:
    """Make a figure of many small axes with titles; the outer ones have the labels of x and y."""
    titles = list(titles)
    rows = -(-len(titles) // columns)
    options |= {"figsize": (COLUMN_IN * columns, 0.4 + height * rows), "layout": "constrained"}
    figure, axes = plt.subplots(rows, columns, squeeze=False, **options)
    for axis in axes.flat[len(titles) :]:
        axis.set_visible(False)
    for i, (axis, title) in enumerate(zip(axes.flat, titles, strict=False)):
        axis.tick_params(labelsize=8)
        axis.set_title(plain(title), fontsize=9)
        axis.set_xlabel(labels[0] if i >= len(titles) - columns else "", fontsize=8)
        axis.set_ylabel("" if i % columns else labels[1], fontsize=8)
    return figure, axes.flat[: len(titles)]


def add_legend(axis: Axes, **options: Any) -> None:
    """Add a pale grid and a small legend."""
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, **options)


def draw_waveform(axis: Axes, x: Array, sample_rate: int) -> None:
    """Draw a waveform against seconds; of a long one, as many samples as can be seen."""
    step = max(1, len(x) // 200_000)
    axis.plot(np.arange(len(x))[::step] / sample_rate, x[::step], color=SPEECH, linewidth=0.5)


def draw_spectrogram(
    axis: Axes, rows: Array, duration_s: float, top: float | None = None, **options: Any
) -> AxesImage:
    """Draw a spectrogram, shape (frames, bands), time to the right; y goes to its bands, or top."""
    options |= {"extent": (0, duration_s, 0, rows.shape[1] if top is None else top)}
    options |= {"interpolation": "nearest" if len(rows) <= SHARP else "antialiased"}
    return axis.imshow(rows.T, origin="lower", aspect="auto", cmap="magma", **options)


def label_bands(axis: Axes, settings: MelBands, *, n: int = 5) -> None:
    """Number ``n`` bands of a spectrogram along y, and put beside each its middle in Hz."""
    hz = settings.centres_hz
    bands = np.unique(np.rint(np.linspace(0, len(hz) - 1, n)).astype(int))
    axis.set_yticks(bands + 0.5, [f"{band} · {float(f'{hz[band]:.2g}'):,.0f}" for band in bands])
    axis.set_ylabel("band · Hz")


def spectrogram_scale(rows: Array, settings: Any) -> tuple[dict[str, float], str]:
    """Give the limits of the colours that many log-mel spectrograms share, and what they mean.

    Settings have a ``top_db``; what is quantized to 8 bits (uint8) goes from 0 to 255, the windows
    of a stream from 0 up.
    """
    if np.asarray(rows).dtype == np.uint8:
        return {"vmin": 0, "vmax": 255}, "loudness, 8 bits"
    if isinstance(settings, StreamSpectrogram):
        return {"vmin": 0, "vmax": settings.top_db}, "dB above the floor"
    return {"vmin": -settings.top_db, "vmax": 0}, "dB below the loudest"


def colour_bar(image: AxesImage, axes: Any, label: str) -> None:
    """Add the one colour bar of a figure, or of a row of axes that share their scale."""
    bar = image.figure.colorbar(image, ax=axes, pad=0.01, aspect=25)
    bar.set_label(plain(label), fontsize=8)
    bar.ax.tick_params(labelsize=8)


def draw_segments(
    axis: Axes, found: Iterable[Segment], colour: str = FOUND, **options: Any
) -> None:
    """Colour the stretches of segments."""
    for segment in found:
        axis.axvspan(segment.start_s, segment.end_s, color=colour, linewidth=0, **options)
