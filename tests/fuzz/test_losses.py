"""A short run of ``losses.py``, in a process that may fork: TensorFlow has not begun to work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked to be killed")
def test_nothing_is_lost_by_kills_interrupts_and_two_at_once():
    script = [sys.executable, Path(__file__).with_name("losses.py"), "--moments", "16"]
    only = ["--pairs", "4", "--only", "save", "pack", "cut", "take", "download"]
    done = subprocess.run([*script, *only], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
