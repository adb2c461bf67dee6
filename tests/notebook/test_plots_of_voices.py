import matplotlib.pyplot as plt
import numpy as np
import pytest

from earshot.notebook import plots
from earshot.synthesis.inverter import FINE
from earshot.synthesis.utterances import Utterance

FRAME_S = FINE.hop_length / FINE.sample_rate
SYMBOLS = ("_", "$", "'E", "_")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def told(*durations):
    n = sum(durations)
    pitch_hz = np.linspace(100, 200, n)
    return Utterance(SYMBOLS, "ann", np.array(durations), np.full((n, 64), -40.0), pitch_hz)


def test_a_line_stands_where_each_sound_begins_and_its_name_in_its_middle():
    axis = plots.utterances([told(5, 10, 20, 5)], ["ann"]).axes[0]
    lines = [line.get_xdata()[0] for line in axis.lines]
    assert lines == pytest.approx([5 * FRAME_S, 15 * FRAME_S, 35 * FRAME_S])
    assert [text.get_text() for text in axis.texts] == ["_", r"\$", "'E", "_"]
    middles = [text.get_position()[0] for text in axis.texts]
    assert middles == pytest.approx([2.5 * FRAME_S, 10 * FRAME_S, 25 * FRAME_S, 37.5 * FRAME_S])


def test_utterances_stand_beside_each_other_in_one_width_on_one_scale():
    for n in (1, 2, 5, 7):
        figure = plots.utterances([told(5, 10, 20, 5)] * n, ["ann"] * n)
        assert figure.get_figwidth() == 9
        drawn = [axis.images[0] for axis in figure.axes if axis.get_visible() and axis.lines]
        assert [image.get_clim() for image in drawn] == [(-80, 0)] * n


def test_a_longer_utterance_is_drawn_longer():
    first, second, _ = plots.utterances([told(5, 10, 20, 5), told(4, 4, 4, 4)], ["a", "b"]).axes
    assert first.get_xlim() == second.get_xlim() == pytest.approx((0, 40 * FRAME_S))


def test_the_bars_of_an_utterance_follow_each_other_as_long_as_its_sounds():
    bars, lines = plots.timings([told(5, 10, 20, 5), told(4, 4, 4, 4)], ["$5", "bob"]).axes
    widths = [bar.get_width() / FRAME_S for bar in bars.patches]
    assert widths == pytest.approx([5, 10, 20, 5, 4, 4, 4, 4])
    starts = [bar.get_x() / FRAME_S for bar in bars.patches]
    assert starts == pytest.approx([0, 5, 15, 35, 0, 4, 8, 12])
    assert [label.get_text() for label in bars.get_yticklabels()] == [r"\$5", "bob"]
    assert bars.get_ylim()[0] > bars.get_ylim()[1]  # the first is at the top
    assert lines.lines[0].get_ydata()[-1] == 200
    assert len(lines.lines[1].get_xdata()) == 16
