import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, strategies as st
from matplotlib import cbook
from matplotlib.text import Text

import earshot
from earshot.datasets import WordSet
from earshot.features import StreamSpectrogram
from earshot.notebook import plots
from earshot.notebook.plots import style
from earshot.recognition import Prediction, SpottingCurve, Steps
from earshot.recognition.thresholds import curve_of
from earshot.segmentation import Segment

FOUND = [Segment(0.1, 0.2, "one", 0.9), Segment(0.3, 0.4, "two", 0.2)]
X = np.sin(0.3 * np.arange(8000)).astype(np.float32)
LOG_MEL = earshot.LogMel()


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def steps():
    p = np.tile(np.float32([0.9, 0.1]), (101, 1))
    p[20:60] = [0.2, 0.8]
    return Steps(("noise", "speech"), p, 100.0)


def drawn(name="one", other="two"):
    """One figure of every kind, by its name; the names in it are given."""
    history = {"loss": [1.0, 0.5], "accuracy": [0.5, 0.9], "val_loss": [1.1, 0.6],
               "val_accuracy": [0.4, 0.8]}  # fmt: skip
    answer = Prediction(other, 0.7, {name: 0.3, other: 0.7})
    curve = curve_of(np.array([1.0, 2.0]), np.array([-1.0, 1.5]))
    found_along = SpottingCurve(np.arange(3.0), np.ones(3), np.arange(3.0), 1, 0.1)
    found = [Segment(0.1, 0.2, name, 0.9), Segment(0.3, 0.4, other, 0.2)]
    words = WordSet([X, X], [0, 1], (name, other), [name, other], [name, other], 8000)
    return {
        "waveforms": lambda: plots.waveforms([X, X], 8000, [name, other, "three"]),
        "spectrograms": lambda: plots.spectrograms(
            LOG_MEL([X, X]), LOG_MEL, [name, other], colours=["red", "black"]
        ),
        "mel_and_linear": lambda: plots.mel_and_linear(X, LOG_MEL),
        "durations": lambda: plots.durations(words),
        "word_counts": lambda: plots.word_counts(words),
        "segments": lambda: plots.segments(X, 8000, found, title=name),
        "curves": lambda: plots.curves({name: history, other: dict([*history.items()][:2])}),
        "probabilities": lambda: plots.probabilities(answer, LOG_MEL(X), LOG_MEL, name),
        "accuracies": lambda: plots.accuracies({"official split": [0.9], name: [0.8]}),
        "rounds": lambda: plots.rounds({name: [-5.0, -20.0]}),
        "examples": lambda: plots.examples({name: {1: 0.5, 5: 0.9}}),
        "answers": lambda: plots.answers(
            np.eye(3), [name, name, other], [name, other, "z"], label=name
        ),
        "spotting": lambda: plots.spotting({name: found_along}),
        "trade_off": lambda: plots.trade_off({name: curve}),
        "few_labels": lambda: plots.few_labels({name: {1: [0.6, 0.7], 10: [0.9]}}),
        "confusion": lambda: plots.confusion([0, 1], [1, 1], [name, other]),
        "along": lambda: plots.along(np.zeros(101), 100.0, found, name),
        "stream": lambda: plots.stream(
            np.zeros((101, 40)), StreamSpectrogram(), {name: found, other: steps()}, unit=name
        ),
    }


@pytest.mark.parametrize("figure", drawn())
def test_a_name_is_drawn_as_it_is_and_never_as_a_formula(figure):
    drawing = drawn(r"$\nonsense$", "$$")[figure]()
    drawing.canvas.draw()
    texts = [text.get_text() for text in drawing.findobj(Text)]
    assert not [text for text in texts if "$" in text and cbook.is_math_text(text)]
    if figure not in ("mel_and_linear", "durations"):
        assert any(style.plain(r"$\nonsense$") in text for text in texts)


@given(st.text("$\\a^_{}", max_size=8))
def test_any_text_is_plain(text):
    assert not cbook.is_math_text(style.plain(text))
    assert style.plain(text).replace(r"\$", "$") == text


@pytest.mark.parametrize("name", drawn())
def test_every_figure_has_axes_with_labels(name):
    figure = drawn()[name]()
    figure.canvas.draw()
    labelled = [axis for axis in figure.axes if axis.get_xlabel() or axis.get_ylabel()]
    assert labelled
    assert any(axis.get_xlabel() for axis in labelled)


def test_figures_of_word_sets(beeps):
    assert plots.durations(beeps).axes[0].get_xlabel() == "duration (s)"
    bars = plots.word_counts(beeps).axes[0].patches
    assert sum(bar.get_height() for bar in bars) == len(beeps)


def test_a_confusion_shows_counts_and_leaves_zeros_out():
    (axis,) = plots.confusion([0, 0, 0, 1], [0, 0, 1, 1], ["yes", "no"]).axes
    assert [text.get_text() for text in axis.texts] == ["2", "1", "", "1"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("recognized", "said")
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["yes", "no"]


def test_doubtful_segments_have_another_colour():
    figure = plots.segments(X, 8000, FOUND)
    texts = figure.axes[0].texts
    assert [text.get_text() for text in texts] == ["0 one", "1 two?"]
    assert texts[0].get_color() != texts[1].get_color()


def test_labels_of_segments_that_would_lie_on_each_other_are_turned():
    many = [Segment(0.05 * i, 0.05 * i + 0.04, "kangaroo") for i in range(20)]
    turned = {text.get_rotation() for text in plots.segments(X, 8000, many).axes[0].texts}
    assert turned == {40.0}
    assert {text.get_rotation() for text in plots.segments(X, 8000, FOUND).axes[0].texts} == {0.0}


@pytest.mark.parametrize("settings", [LOG_MEL, StreamSpectrogram(n_mels=None)])
def test_bands_are_numbered_with_their_frequencies(settings):
    _, axis = style.one_axis()
    style.label_bands(axis, settings, n=3)
    bands, hz = zip(*(t.get_text().split(" · ") for t in axis.get_yticklabels()), strict=True)
    middles = settings.centres_hz[[int(band) for band in bands]]
    assert len(bands) == 3
    np.testing.assert_allclose([float(f.replace(",", "")) for f in hz], middles, rtol=0.05)


@pytest.mark.parametrize("scale", [np.float32, np.uint8])
def test_a_grid_of_spectrograms_has_one_scale_and_one_bar(scale):
    rows = [np.full((101, 40), value).astype(scale) for value in (0, 0, 0)]
    rows[1][50] = 100 if scale is np.uint8 else -30
    *axes, bar = plots.spectrograms(rows, LOG_MEL, ["a", "b", "c"], columns=2).axes
    drawn = {axis.images[0].get_clim() for axis in axes if axis.images}
    assert drawn == {(0, 255) if scale is np.uint8 else (-45, 0)}
    assert bar.get_ylabel() in ("dB below the loudest", "loudness, 8 bits")


def test_every_name_of_the_room_is_there():
    assert all(callable(getattr(plots, name)) for name in plots.__all__ if name[0] != "_")
