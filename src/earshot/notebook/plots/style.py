"""What all figures share."""

import matplotlib.pyplot as plt

SPEECH, PALE, OTHER = "#1f4e79", "#d9e2ec", "#c8553d"
SPECTROGRAM = {"origin": "lower", "aspect": "auto", "cmap": "magma"}


def grid(n, columns, *, height, **kwargs):
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


def label(axes, columns, x, y):
    for i, axis in enumerate(axes):
        if i % columns == 0:
            axis.set_ylabel(y, fontsize=8)
        if i >= len(axes) - columns:
            axis.set_xlabel(x, fontsize=8)
