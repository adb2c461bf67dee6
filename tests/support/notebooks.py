"""Executes notebooks as `make demo` does, and counts what is to see and to hear in them."""

import os
import subprocess
import sys

import nbformat

from support import ROOT

NOTEBOOKS = ROOT / "notebooks"


def run(name, folder, *settings):
    """Execute a notebook small, as `make demo` does; gives what it printed, and its cells."""
    command = [sys.executable, NOTEBOOKS / "run.py", "--quick", "--into", folder, name]
    for setting in settings:
        command += ["--set", setting]
    inline = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    done = subprocess.run(command, capture_output=True, text=True, env=inline)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout, cells_of(folder / f"{name}.ipynb")


def cells_of(path):
    return nbformat.read(path, as_version=4).cells


def outputs_of(cells):
    return [output for cell in cells for output in cell.get("outputs", [])]


def n_images(cells):
    return sum("image/png" in output.get("data", {}) for output in outputs_of(cells))


def n_players(cells):
    htmls = ("".join(output.get("data", {}).get("text/html", "")) for output in outputs_of(cells))
    return sum("<audio" in html for html in htmls)
