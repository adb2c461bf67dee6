"""The names that `import earshot` gives, and what they cost."""

import subprocess
import sys

import pytest

import earshot

NAMES = ("Augmentation", "EarshotError", "EarshotWarning", "LogMel", "Segment", "WordSet",
         "align_words", "classify", "from_folder", "learn_words", "listen", "load", "record_words",
         "split_words", "spoken_digit", "synthetic")  # fmt: skip
ROOMS = ("audio", "datasets", "errors", "features", "files", "networks", "notebook", "recognition",
         "recording", "segmentation", "synthesis")  # fmt: skip


@pytest.mark.parametrize("name", NAMES + ROOMS)
def test_every_name_is_there(name):
    assert getattr(earshot, name) is not None
    assert name in dir(earshot)


def test_there_is_nothing_else():
    assert set(earshot.__all__) == {*NAMES, *ROOMS}


def test_a_name_that_is_not_there_is_named():
    with pytest.raises(AttributeError, match="nonsense"):
        earshot.nonsense  # noqa: B018


def printed(code):
    """Run code in a new process; gives what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return done.stdout.split()


def test_importing_it_takes_next_to_no_time():
    code = (
        "import sys, time; began = time.process_time(); import earshot; "
        "print(time.process_time() - began, 'numpy' in sys.modules)"
    )
    seconds, has_numpy = printed(code)
    assert float(seconds) < 0.2
    assert has_numpy == "False"


@pytest.mark.parametrize(
    "name", ["audio.read", "split_words", "align_words", "record_words", "from_folder", "LogMel",
             "spoken_digit", "Augmentation", "synthetic"],
)  # fmt: skip
def test_what_prepares_data_imports_no_tensorflow(name):
    code = (
        f"import sys, earshot; earshot.{name}; print({{'tensorflow', 'keras'}} & {{*sys.modules}})"
    )
    assert printed(code) == ["set()"]
