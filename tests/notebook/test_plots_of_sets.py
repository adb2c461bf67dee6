import matplotlib.pyplot as plt
import numpy as np
import pytest

from earshot import features
from earshot.notebook import plots

X = np.sin(0.3 * np.arange(8000)).astype(np.float32)
TABLE = {"small": {"official": [0.99], "ann": [0.8], "bob": [0.9]}, "$\\x$": {"ann": [0.9, 0.7]}}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_what_was_recorded_and_what_became_of_it_are_on_one_scale():
    figure = plots.normalized([X / 4, X / 2], [X, X], 8000, ["one", "two"])
    first, second = figure.axes
    assert first.get_ylim() == second.get_ylim()
    clip, recorded = (np.abs(line.get_ydata()).max() for line in first.lines[:2])
    assert clip / recorded == pytest.approx(4)


def test_each_front_end_has_its_own_bands_and_bar():
    kinds = {"64 x 64": features.LOG_MEL_64X64, "8 bits": features.LOG_MEL_64X32}
    decibels, bits, *bars = plots.front_ends(X, 8000, kinds).axes
    assert decibels.images[0].get_clim() == (-80, 0)
    assert bits.images[0].get_clim() == (0, 255)
    assert len(bars) == 2
    tops = [axis.get_yticklabels()[-1].get_text() for axis in (decibels, bits)]
    assert tops[0] != tops[1]


def test_networks_are_compared_with_a_mark_a_training_and_a_bar_at_the_mean():
    figure = plots.tested(TABLE, rest="official")
    axis = figure.axes[0]
    figure.canvas.draw()
    bars = [line.get_xdata()[0] for line in axis.lines if line.get_linewidth() == 2.5]
    assert bars == pytest.approx([85, 80])
    assert [label.get_text() for label in axis.get_yticklabels()] == ["small", r"\$\x\$"]
    assert {text.get_text() for text in axis.get_legend().texts} == {"official", "ann", "bob"}
