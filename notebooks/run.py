"""Run notebooks from the command line, in the order given, and keep the executed copies.

    python notebooks/run.py --quick --into reports 01_create_audio_dataset 03_train 05_inference

What the cells print appears here as it comes. With --quick, the cell tagged "parameters" is
followed by one that sets QUICK = True; further settings can be given as --set NAME=VALUE.
"""

import argparse
import ast
import base64
import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

HERE = Path(__file__).resolve().parent

CHATTER = re.compile(
    r"^(WARNING: All log messages before absl|[IWE]0000 |To enable the following instr"
    r"|WARNING:tensorflow:\d+ out of|INFO: Created TensorFlow Lite).*\n?", re.M,
)  # fmt: skip
"""What TensorFlow writes when it starts, past every setting of its log level."""

WHERE = re.compile(r"^\S+\.py:\d+: (\w+Warning: .*\n)(?:  .*\n)?", re.M)
"""A warning begins with the name of a file on this machine, and may end with a line of it."""


WIDGET = "application/vnd.jupyter.widget-view+json"  # kind of output that a kernel has to answer


class LiveClient(NotebookClient):
    """Shows what the cells print while they run, without TensorFlow's chatter."""

    def output(self, outs, msg, display_id, cell_index):
        content = msg["content"]
        if msg["msg_type"] == "stream":
            content["text"] = WHERE.sub(r"\1", CHATTER.sub("", content["text"]))
            if not content["text"].strip("\n ") and content["name"] == "stderr":
                return None
            print(content["text"], end="", flush=True)
        return super().output(outs, msg, display_id, cell_index)


def with_parameters(notebook, settings):
    """Insert a cell with the settings after the one that is tagged "parameters"."""
    for i, cell in enumerate(notebook.cells):
        if "parameters" in cell.metadata.get("tags", []):
            lines = [f"{name} = {value!r}" for name, value in settings.items()]
            injected = nbformat.v4.new_code_cell("\n".join(lines))
            injected.metadata["tags"] = ["injected-parameters"]
            notebook.cells.insert(i + 1, injected)
            return notebook
    raise SystemExit("The notebook has no cell tagged 'parameters'.")


def _injected(cell):
    return "injected-parameters" in cell.metadata.get("tags", [])


def _number(notebook):
    """Count the cells anew, as a run without the settings would have."""
    code = (cell for cell in notebook.cells if cell.cell_type == "code")
    for number, cell in enumerate(code, 1):
        cell.execution_count = number
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = number


def without_kernel(notebook):
    """Let pictures stand in for widgets, which nothing answers in a saved page, and lighten it."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "image/png" in (data := output.get("data", {})):
                data.pop(WIDGET, None)
                data["image/png"] = in_256_colours(data["image/png"])
    if not any(WIDGET in o.get("data", {}) for c in notebook.cells for o in c.get("outputs", [])):
        notebook.metadata.pop("widgets", None)  # their state, of which nothing is left to see


def in_256_colours(png):
    """Make an image, PNG as base64, a third as large."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
            file, format="PNG", optimize=True
        )
    return base64.b64encode(file.getvalue()).decode()


def run(name, into, settings):
    """Execute one notebook and write the executed copy; True when no cell failed."""
    notebook = nbformat.read(HERE / f"{name}.ipynb", as_version=4)
    if settings:
        notebook = with_parameters(notebook, settings)
    target = Path(into).resolve() / f"{name}.ipynb"
    shown = os.path.relpath(target)
    print(f"\n=== {name}", flush=True)
    client = LiveClient(
        notebook, timeout=None, kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=40"], coalesce_streams=True,
        resources={"metadata": {"path": str(HERE)}},
    )  # fmt: skip
    started, failure = time.perf_counter(), None
    try:
        client.execute(stderr=subprocess.DEVNULL)  # the kernel echoes there what it sends here
    except CellExecutionError as error:
        failure = error
    if target.parent == HERE:  # the settings of this run are none of the notebook's own
        notebook.cells = [cell for cell in notebook.cells if not _injected(cell)]
        _number(notebook)
    without_kernel(notebook)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".partial")
    nbformat.write(notebook, temporary)
    temporary.replace(target)
    if failure:
        print(f"{failure.ename}: {failure.evalue}\nA cell failed: see {shown}", file=sys.stderr)
        return False
    seconds = time.perf_counter() - started
    print(f"--- {name}: {seconds:.0f} s, figures and sounds in {shown}", flush=True)
    return True


def main():
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="+", help="names without .ipynb")
    parser.add_argument("--into", default="reports", help="folder for the executed copies")
    parser.add_argument("--quick", action="store_true", help="the small size of `make demo`")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    settings = {}
    for setting in options.set:
        name, _, value = setting.partition("=")
        try:
            settings[name] = ast.literal_eval(value)
        except (SyntaxError, ValueError):
            settings[name] = value
    if downloads := os.environ.get("EARSHOT_DOWNLOADS"):
        os.environ["EARSHOT_DOWNLOADS"] = str(Path(downloads).resolve())
    if options.quick:
        settings["QUICK"] = True
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["EARSHOT_HEADLESS"] = "1"
    started = time.perf_counter()
    if not all(run(name, options.into, settings) for name in options.notebooks):
        raise SystemExit(1)
    print(f"\nAll done in {time.perf_counter() - started:.0f} s. The executed notebooks, with all")
    print(f"figures and sounds, are in {os.path.relpath(options.into)}/. Next: make lab")


if __name__ == "__main__":
    main()
