"""What all notebooks have in common: how they begin and end, and what is kept in them."""

import ast
import re
import tomllib
import unittest.mock

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from support import ROOT
from support.notebooks import NOTEBOOKS, cells_of, n_images, outputs_of

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
LONGEST_CELL = 15  # lines
LARGEST = 1_500_000  # bytes: what GitHub still draws at once
each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def code_of(path):
    return [cell for cell in cells_of(path) if cell.cell_type == "code"]


def install_cell():
    return cells_of(PATHS[0])[1].source


@each_notebook
def test_it_opens_with_one_screen_that_says_what_it_takes_and_where_it_leads(path):
    first = cells_of(path)[0].source
    assert re.match(rf"# {path.stem[:2]} [A-Z]", first)
    assert "| takes (two cores) | microphone | before | next |" in first
    assert "](../docs/glossary.md)" in first
    assert len(first.splitlines()) < 15


@each_notebook
def test_its_links_to_the_repository_are_those_of_the_project(path):
    owner = REPOSITORY.removeprefix("https://github.com/")
    first = cells_of(path)[0].source
    place = f"{owner}/blob/main/notebooks/{path.name}"
    assert f"https://colab.research.google.com/github/{place}" in first
    assert f"https://nbviewer.org/github/{place}" in first


@each_notebook
def test_the_cell_that_installs_is_the_same_everywhere_and_fetches_the_project(path):
    assert cells_of(path)[1].source == install_cell()
    assert REPOSITORY in install_cell()
    assert len(install_cell().splitlines()) < 8


def test_the_cell_that_installs_does_nothing_elsewhere():
    python = TransformerManager().transform_cell(install_cell())
    shell = unittest.mock.Mock()
    exec(compile(python, "cell", "exec"), {"get_ipython": shell})
    assert not shell.mock_calls


def test_the_readme_names_the_repository():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"https://mybinder.org/v2/gh/{REPOSITORY.removeprefix('https://github.com/')}/" in text


@each_notebook
def test_its_third_cell_is_there_to_be_changed_and_explains_each_line(path):
    cell = cells_of(path)[2]
    assert "parameters" in cell.metadata.tags
    assert cell.source.splitlines()[0] == "# Change this"
    assert "QUICK = False" in cell.source
    for node in ast.parse(cell.source).body:
        assert "#" in "\n".join(cell.source.splitlines()[node.lineno - 1 : node.end_lineno])


@each_notebook
def test_no_cell_is_long_or_defines_a_function(path):
    for cell in code_of(path):
        assert len(cell.source.splitlines()) <= LONGEST_CELL
        assert not re.search(r"^\s*(def|class) ", cell.source, re.M)


@each_notebook
def test_its_links_lead_somewhere_and_the_last_cell_leads_on(path):
    cells = [cell for cell in cells_of(path) if cell.cell_type == "markdown"]
    for cell in cells:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", cell.source):
            assert (path.parent / target).exists(), target
    assert "Next: [" in cells_of(path)[-1].source


@each_notebook
def test_it_is_committed_with_all_outputs_of_one_good_run(path):
    code = code_of(path)
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not any(output.output_type == "error" for output in outputs_of(code))
    assert n_images(code) >= 4
    assert path.stat().st_size <= LARGEST


@pytest.mark.parametrize("page", ["Makefile", "README.md"])
def test_jupyterlab_opens_the_notebooks_from_where_their_links_lead(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    (command,) = re.findall(r"jupyter lab (--.*)", text)
    assert command == "--LabApp.default_url=/lab/tree/notebooks"


def test_every_notebook_stands_in_the_readme_and_in_the_makefile():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for path in PATHS:
        assert f"(notebooks/{path.name})" in readme
        assert path.stem in makefile


def test_every_notebook_is_valid():
    for path in PATHS:
        assert nbformat.validator.isvalid(nbformat.read(path, as_version=4)), path.name
