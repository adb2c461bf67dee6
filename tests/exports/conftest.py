"""What the tests of this room share: a small recognizer, and what it is asked."""

import pytest
from support import pages


@pytest.fixture(scope="session")
def data_dir(pytestconfig):
    """A folder with the engine of the pages in its ``downloads``; skips when it cannot be had."""
    return pages.engine_folder(pytestconfig)


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory, request):
    """Export the recognizer once in each form; gives the folder and how it compared."""
    done = {}

    def export(format, precision="float32"):
        if (format, precision) not in done:
            folder = tmp_path_factory.mktemp("export") / f"{format}-{precision}"
            more = {"data_dir": request.getfixturevalue("data_dir")} if format == "web" else {}
            found = trained.export(folder, format, precision=precision, **more)
            done[format, precision] = folder, found
        return done[format, precision]

    return export
