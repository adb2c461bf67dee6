"""Some speech, where it does not matter who speaks."""

import pytest

from earshot.datasets import synthetic


@pytest.fixture(scope="session")
def speech():
    """Two words by two synthetic voices, at 8 kHz."""
    return synthetic(("one", "two"), n_voices=2, n_takes=2)
