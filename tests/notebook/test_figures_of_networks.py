"""Figures of networks: their architecture, what they get, how they learn, what they leave."""

import itertools

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import cbook
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from earshot import networks
from earshot.notebook import plots
from earshot.notebook.plots import training
from earshot.recognition import Steps
from earshot.segmentation import Segment
from earshot.synthesis import FINE, compare

X = np.sin(0.3 * np.arange(4000)).astype(np.float32)
HISTORY = {"loss": [1.0, 0.5], "accuracy": [0.5, 0.9], "macro_f1": [0.4, 0.8],
           "val_loss": [1.1, 0.6], "val_accuracy": [0.4, 0.8]}  # fmt: skip
BINS = np.array([[-2.0, 0.0, 10.0], [0.0, 2.0, 30.0]])


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def steps():
    return Steps(("noise", "speech"), np.tile(np.float32([0.2, 0.8]), (101, 1)), 100.0)


def small():
    return keras.Sequential([
        keras.Input((20, 4)), keras.layers.Conv1D(8, 3), keras.layers.ReLU(),
        keras.layers.Dropout(0.5), keras.layers.BatchNormalization(), keras.layers.Dense(2),
    ])  # fmt: skip


def drawn(name):
    """One figure of every kind, with a name in it."""
    mask = np.arange(4000)[None] < 3000
    return {
        "architectures": lambda: plots.architectures({name: small()}),
        "masked": lambda: plots.masked(X[None], mask, 8000, [name]),
        "gradients": lambda: plots.gradients({name: [BINS, BINS]}, title="gradients"),
        "compared": lambda: plots.compared({name: {"test": 0.9}}, n={"test": 9}),
        "rebuilt": lambda: plots.rebuilt(compare(X, {name: 0.5 * X}), FINE),
        "rounds": lambda: plots.rounds({name: [-5.0, -20.0]}),
        "code": lambda: plots.code(np.eye(101)[:, :8], 100.0, {"heard": steps()}, title=name),
        "curves": lambda: plots.curves({name: HISTORY}),
        "few_labels": lambda: plots.few_labels({name: {1: [0.6, 0.7], 10: [0.9]}}),
    }  # fmt: skip


@pytest.mark.parametrize("figure", drawn(""))
def test_a_name_is_drawn_as_it_is_and_its_axes_have_labels(figure):
    drawing = drawn(r"$\nonsense$")[figure]()
    drawing.canvas.draw()
    texts = [text.get_text() for text in drawing.findobj(Text)]
    assert not [text for text in texts if "$" in text and cbook.is_math_text(text)]
    assert any(r"\$\nonsense\$" in text for text in texts)
    labelled = [axis for axis in drawing.axes if axis.get_xlabel() or axis.get_ylabel()]
    assert labelled or drawing.get_supxlabel()


@pytest.mark.parametrize("figure", drawn(""))
def test_a_figure_fits_900_pixels(figure):
    assert drawn("a name")[figure]().get_figwidth() <= 9


class TestArchitectures:
    def texts(self, model):
        return [text.get_text() for text in plots.architectures({"it": model}).axes[0].texts]

    def test_what_learns_or_changes_the_shape_is_drawn(self):
        assert self.texts(small()) == ["Input\n20 x 4", "Conv1D\n18 x 8", "Dense\n18 x 2"]

    def test_boxes_are_as_high_as_steps_and_as_wide_as_values(self):
        narrowing = [keras.layers.Conv1D(8, 3), keras.layers.Conv1D(4, 10)]
        model = keras.Sequential([keras.Input((20, 4)), *narrowing])
        figure = plots.architectures({"it": model})
        boxes = [box for box in figure.axes[0].patches if isinstance(box, Rectangle)]
        heights = [box.get_height() / boxes[1].get_height() for box in boxes]
        widths = [box.get_width() / boxes[1].get_width() for box in boxes]
        assert heights == pytest.approx([1, 1, 0.5])  # an input is not drawn larger than all others
        assert widths == pytest.approx([0.5, 1, 0.5])

    def test_branches_have_no_arrows(self):
        inputs = keras.Input((20, 4))
        sides = keras.layers.Concatenate()([keras.layers.Conv1D(2, 1)(inputs), inputs])
        for model, arrows in ((keras.Model(inputs, sides), 0), (small(), 2)):
            assert len(plots.architectures({"it": model}).axes[0].lines) == arrows

    def test_what_is_frozen_has_another_colour(self):
        probe = networks.linear_probe(networks.autoencoder((15, 4), width=4))
        boxes = plots.architectures({"probe": probe}).axes[0].patches
        colours = [box.get_facecolor() for box in boxes if isinstance(box, Rectangle)]
        assert colours[1] == colours[-2] != colours[-1]

    @pytest.mark.parametrize(
        "model", [lambda: networks.raw_lstm(800, 3, frame=100, units=4),
                  lambda: networks.temporal_cnn((35, 16), 3, widths=(4,), width=4),
                  lambda: networks.next_frame_lstm((15, 4), units=4)],
    )  # fmt: skip
    def test_every_kind_of_network_can_be_drawn(self, model):
        assert len(self.texts(model())) >= 4


class TestCurves:
    def test_only_what_was_measured_has_an_axis(self):
        labels = [axis.get_ylabel() for axis in plots.curves({"a": HISTORY}).axes]
        assert labels == ["loss", "accuracy", "macro-F1"]
        (axis,) = plots.curves({"a": {"loss": [1.0]}}).axes
        assert axis.get_ylabel() == "loss"

    def test_a_test_is_solid_and_a_training_dashed(self):
        tested, trained = plots.curves({"a": HISTORY}).axes[0].lines
        assert (tested.get_linestyle(), trained.get_linestyle()) == ("-", "--")
        assert list(tested.get_ydata()) == HISTORY["val_loss"]


class TestGradients:
    def test_counts_are_kept_in_other_bins(self):
        edges = np.linspace(-2, 2, 9)
        assert training._rebinned(BINS, edges).tolist() == [2.5] * 4 + [7.5] * 4

    def test_the_axis_holds_nearly_all_of_them(self):
        bins = np.array([[-100.0, -1.0, 1.0], [-1.0, 1.0, 998.0], [1.0, 100.0, 1.0]])
        assert training._within(bins) == 1.0

    def test_a_column_is_an_epoch(self):
        image = plots.gradients({"a": [BINS, 2 * BINS, BINS]}).axes[0].images[0]
        assert image.get_array().shape[1] == 3


def test_intervals_are_wilsons():
    low, high = training._wilson(np.array([0.9, 1.0]), 50)
    assert low == pytest.approx([0.786, 0.929], abs=0.001)
    assert high == pytest.approx([0.957, 1.0], abs=0.001)


def test_a_rebuilt_sound_has_its_distance_above_the_difference():
    rng = np.random.default_rng(0)
    sounds = compare(X, {"noisy": X + 0.1 * rng.standard_normal(len(X)).astype(np.float32)})
    titles = [axis.get_title() for axis in plots.rebuilt(sounds, FINE).axes[:4]]
    assert titles == ["original", "noisy", "nothing off", f"{sounds[1].distance_db:.1f} dB off"]


def test_a_stream_has_a_ribbon_for_everything_that_is_said_of_it():
    rows = {"truth": [Segment(0.1, 0.3, "speech")], "heard": steps()}
    figure = plots.code(np.eye(101)[:, :8], 100.0, rows)
    assert [axis.get_ylabel() for axis in figure.axes[1:3]] == ["truth", "heard"]


def test_names_below_bars_do_not_touch():
    names = ("1 raw", "2 spectrogram", "2 spectrogram, mean", "4 spectrogram, varied", "a CNN", "b")
    figure = plots.compared(
        {name: {"test": 0.5, "a new voice, never heard": 0.4} for name in names}
    )
    figure.draw_without_rendering()
    places = [text.get_window_extent() for text in figure.axes[0].get_xticklabels()]
    for left, right in itertools.pairwise(places):
        assert left.x1 + 3 < right.x0
