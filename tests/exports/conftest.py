"""What the tests of this room share: a small recognizer, and what it is asked."""

import pytest
from support.beeps import make_beep, make_recognizer


@pytest.fixture(scope="session")
def trained():
    """A recognizer of low and high beeps; its clips take half a second at 8 kHz."""
    return make_recognizer()


@pytest.fixture(scope="session")
def beep():
    """Make beeps: of 300 Hz for "low", of 1,500 Hz for "high"."""
    return make_beep


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory):
    """Export the recognizer once in each form; gives the folder and how it compared."""
    done = {}

    def export(format, precision="float32"):
        if (format, precision) not in done:
            folder = tmp_path_factory.mktemp("export") / f"{format}-{precision}"
            done[format, precision] = folder, trained.export(folder, format, precision=precision)
        return done[format, precision]

    return export
