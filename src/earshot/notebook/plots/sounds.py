"""Figures of sounds that were rebuilt from their spectrograms.

>>> from earshot.notebook import plots
>>> plots.rounds({"momentum": [-5.0, -20.0]}).axes[0].get_xlabel()
'rounds'
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from earshot.features.log_mel import LogMel
from earshot.notebook.plots import style
from earshot.notebook.plots.training import line_styles
from earshot.synthesis.rebuilt import Rebuilt

__all__ = ["rebuilt", "rounds"]

MOST_DB = 16.5  # Difference at the ends of the colours: what is more is plainly wrong.
LEVELS = 64
"""Colours of a spectrogram: few enough that both kinds fit the 256 of a notebook's images."""
DIFFERENT = 11  # Colours from violet to orange, told apart with every kind of colour vision.


def rounds(errors: Mapping[str, Sequence[float]]) -> Figure:
    """Draw errors in dB, by name, of :mod:`earshot.synthesis.griffin_lim` against its rounds."""
    figure, axis = style.one_axis(9, 3, xlabel="rounds", ylabel="error of the magnitudes (dB)")
    for (name, values), line in zip(errors.items(), line_styles(), strict=False):
        axis.plot(values, label=style.plain(name), **line | {"markevery": 5})
    style.add_legend(axis)
    return figure


def rebuilt(sounds: Sequence[Rebuilt], settings: LogMel) -> Figure:
    """Draw what :func:`earshot.synthesis.rebuild` gave, with the settings of its spectrograms.

    Above, each spectrogram; below, how much louder it is than the original's, with its distance.
    """
    figure, axes = plt.subplots(
        2, len(sounds), figsize=(9, 3.8), layout="constrained", squeeze=False, sharey=True
    )
    step_s = settings.hop_length / settings.sample_rate
    limits, unit = style.spectrogram_scale(sounds[0].spectrogram, settings)
    different = {"vmin": -MOST_DB, "vmax": MOST_DB}
    for column, one in zip(axes.T, sounds, strict=True):
        duration_s = len(one.spectrogram) * step_s
        image = style.draw_spectrogram(column[0], one.spectrogram, duration_s, **limits)
        other = style.draw_spectrogram(column[1], one.difference, duration_s, **different)
        image.set_cmap(plt.get_cmap("magma", LEVELS))
        other.set_cmap(plt.get_cmap("PuOr_r", DIFFERENT))
        column[0].set_title(style.plain(one.name), fontsize=9)
        column[0].set_xticklabels([])
        off = f"{one.distance_db:.1f} dB off" if one.difference.any() else "nothing off"
        column[1].set_title(off, fontsize=9)
        column[1].set_xlabel("time (s)", fontsize=8)
        for axis in column:
            axis.tick_params(labelsize=8)
    for row in axes:
        style.label_bands(row[0], settings, n=4)
    style.colour_bar(image, axes[0], unit)
    style.colour_bar(other, axes[1], "dB louder than the original")
    return figure
