import numpy as np
import pytest

from earshot import Segment
from earshot.datasets import Stream
from earshot.errors import EarshotError
from earshot.recognition import false_alarms

SAID = [Segment(1.0, 1.5, "yes"), Segment(2.0, 2.5, "no"), Segment(3.0, 3.5, "yes")]


@pytest.mark.parametrize(
    ("heard", "counts"),
    [
        ([("yes", 1.2), ("no", 2.2), ("yes", 3.2)], (3, 0)),
        ([("no", 1.2)], (0, 1)),
        ([("yes", 1.2), ("yes", 1.4)], (1, 1)),
        ([("yes", 0.8), ("yes", 3.7)], (2, 0)),
        ([("yes", 0.6), ("no", 9.0)], (0, 2)),
        ([], (0, 0)),
    ],
)
def test_a_word_is_found_once_where_it_was_said(heard, counts):
    assert false_alarms.judged(heard, SAID) == counts


@pytest.fixture
def stream(beep):
    """Four low beeps and as many high ones, in faint noise."""
    quiet = np.zeros(8000, np.float32)
    parts, segments = [quiet], []
    for i in range(8):
        start_s = sum(map(len, parts)) / 8000
        segments.append(Segment(start_s, start_s + 0.4, ("low", "high")[i % 2]))
        parts += [beep((300, 1500)[i % 2]), quiet]
    x = np.concatenate(parts)
    return Stream(x + 1e-4 * np.random.default_rng(0).standard_normal(len(x)), 8000, segments)


def test_fewer_are_named_at_higher_thresholds(trained, stream):
    curve = false_alarms.spotting_curve(trained, stream, (0.0, 1000.0))
    assert curve.found[0] >= 0.5
    assert curve.found[-1] == curve.false_alarms_per_hour[-1] == 0
    assert curve.thresholds[curve.as_set] == trained.spotting_threshold
    assert curve.hours == pytest.approx(stream.duration_s / 3600)


def test_a_stream_without_its_words_is_refused(trained, stream):
    with pytest.raises(EarshotError, match="None of low, high is said"):
        false_alarms.spotting_curve(trained, stream.named("other"))
