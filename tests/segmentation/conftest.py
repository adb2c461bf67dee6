"""Streams of words by synthetic voices, whose truth is known."""

import pytest

from earshot.datasets import synthetic
from earshot.datasets.streams import make_stream


@pytest.fixture(scope="session")
def voices():
    """Four words by three voices, three times each, at 8 kHz."""
    return synthetic(("one", "two", "three", "four"), n_voices=3, n_takes=3)


@pytest.fixture(scope="session")
def stream(voices):
    """Twelve words of one voice over white noise."""
    chosen = voices.speakers == voices.speakers[0]
    return make_stream(voices.subset(chosen), snr_db=25, sample_rate=8000, seed=3)


def overlap(segment, word):
    """Share of their union that two segments have in common."""
    shared = min(segment.end_s, word.end_s) - max(segment.start_s, word.start_s)
    return shared / (max(segment.end_s, word.end_s) - min(segment.start_s, word.start_s))


@pytest.fixture(scope="session")
def assert_found():
    """Require that segments are those of the truth, one for one."""

    def check(segments, truth):
        assert len(segments) == len(truth)
        assert min(overlap(a, b) for a, b in zip(segments, truth, strict=True)) > 0.5

    return check
