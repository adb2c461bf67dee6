"""What happens when a notebook fails; each notebook has tests of its own beside this file."""

import subprocess
import sys

from support.notebooks import NOTEBOOKS


def test_a_notebook_that_fails_says_which(tmp_path):
    command = [sys.executable, NOTEBOOKS / "run.py", "--into", tmp_path, "05_inference"]
    done = subprocess.run([*command, "--set", "MODEL=nowhere"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "There is no recognizer nowhere" in done.stderr
    assert "A cell failed" in done.stderr
