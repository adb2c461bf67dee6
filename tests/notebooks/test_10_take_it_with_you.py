"""Notebook 10: exports are written and compared, and the ten lines for a Raspberry Pi run alone."""

import importlib.util
import json
import subprocess
import sys

import pytest
from support.notebooks import n_images, n_players, run

pytestmark = pytest.mark.long

ALONE = """import runpy, sys
for name in ("tensorflow", "keras", "earshot"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0])
"""


@pytest.fixture(scope="module")
def small(data, tmp_path_factory):
    return run("10_take_it_with_you", tmp_path_factory.mktemp("small"), f"DATA={data}")


def test_every_format_but_the_page_is_written_and_answers_the_same(small, data):
    _, cells = small
    names = ["saved_model-float32", "litert-int8", "onnx-float16"]
    if importlib.util.find_spec("tflite_micro"):
        names.append("micro-int8")
    for name in names:
        card = json.loads((data / "exports" / name / "card.json").read_text("utf-8"))
        assert card["compared"]["agreement"] == 1.0
    assert not [*(data / "exports").glob("web-*")]
    assert n_images(cells) >= 4
    assert n_players(cells) == 1


def test_the_lines_for_a_raspberry_pi_need_neither_earshot_nor_tensorflow(small, data):
    printed, _ = small
    assert "said: nine, heard: nine" in printed
    pi = data / "exports" / "raspberry_pi"
    command = [sys.executable, "-I", "-c", ALONE, pi / "hear.py"]
    command += [data / "exports" / "litert-int8", pi / "said.wav"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.startswith("nine "), done.stderr
    assert len((pi / "hear.py").read_text("utf-8").splitlines()) <= 12
