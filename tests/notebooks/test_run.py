"""What notebooks/run.py keeps of a notebook that it has executed."""

import base64
import importlib.util
import io

import nbformat.v4 as form
import pytest
from PIL import Image
from support.notebooks import NOTEBOOKS

spec = importlib.util.spec_from_file_location("run_notebooks", NOTEBOOKS / "run.py")
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)


def png():
    file = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def notebook():
    """A cell with a widget that has a picture, and one that was counted as the seventh."""
    shown = {run.WIDGET: {"model_id": "a"}, "image/png": png(), "text/plain": "a recorder"}
    cells = [
        form.new_code_cell("recorder", outputs=[form.new_output("display_data", shown)]),
        form.new_markdown_cell("text"),
        form.new_code_cell(
            "1 + 1", execution_count=7,
            outputs=[form.new_output("execute_result", {"text/plain": "2"}, execution_count=7)],
        ),
    ]  # fmt: skip
    return form.new_notebook(cells=cells, metadata={"widgets": {"state": {"a": {}}}})


def test_a_picture_takes_the_place_of_its_widget(notebook):
    run.without_kernel(notebook)
    assert set(notebook.cells[0].outputs[0].data) == {"image/png", "text/plain"}
    assert "widgets" not in notebook.metadata


def test_a_widget_without_a_picture_stays_with_its_state(notebook):
    del notebook.cells[0].outputs[0].data["image/png"]
    run.without_kernel(notebook)
    assert run.WIDGET in notebook.cells[0].outputs[0].data
    assert "widgets" in notebook.metadata


def test_cells_are_counted_from_one_with_their_results(notebook):
    run._number(notebook)
    assert [notebook.cells[i].execution_count for i in (0, 2)] == [1, 2]
    assert notebook.cells[2].outputs[0].execution_count == 2


@pytest.mark.parametrize("file", ["/tmp/ipykernel_12/34.py", "/home/ann/earshot/speech.py"])
def test_warnings_are_kept_without_the_file_that_they_come_from(file):
    text = f"before\n{file}:7: EarshotWarning: Say it again.\n  say(x)\nafter\n"
    assert run.WHERE.sub(r"\1", text) == "before\nEarshotWarning: Say it again.\nafter\n"
