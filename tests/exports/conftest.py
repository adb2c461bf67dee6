"""What the tests of this room share: a small recognizer, and what it is asked."""

import pytest


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
