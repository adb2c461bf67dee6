"""The counts that keep the house in order: one direction of imports, small files and functions."""

import ast
import inspect
import re
from pathlib import Path

import pytest
from support import ROOT

PACKAGE = ROOT / "src" / "earshot"
ROOMS = ("errors", "types", "files", "arrays", "audio", "features", "segmentation", "recording",
         "datasets", "networks", "synthesis", "exports", "recognition", "notebook")  # fmt: skip
"""In the order in which a sound flows: a file imports from its own room or from earlier ones."""
LINES_OF_A_FILE, LINES_OF_A_FUNCTION = 400, 45

files = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]
each_file = pytest.mark.parametrize(
    "path", files, ids=lambda path: str(path.relative_to(PACKAGE).with_suffix(""))
)

each_module = pytest.mark.parametrize(
    "path",
    [path for path in files if path.name != "__init__.py"],
    ids=lambda path: str(path.relative_to(PACKAGE).with_suffix("")),
)
"""Without the rooms' own pages, whose names are those of their files."""


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path):
    """Modules of the package that a file imports, anywhere in it."""
    names = {module_name(file) for file in files}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "earshot":
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                yield inside if inside in names else node.module
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "earshot")


def room_of(module: str) -> int:
    return ROOMS.index(module.split(".")[1])


@each_file
def test_imports_go_one_way(path):
    own = room_of(module_name(path))
    for module in imported(path):
        assert module != "earshot", f"{path} imports the face of the package: name the room"
        assert room_of(module) <= own, f"{path} imports {module}, which is a later room"


def test_no_file_imports_itself_through_others():
    graph = {module_name(path): set(imported(path)) - {module_name(path)} for path in files}
    done = set()
    while ready := {name for name, needs in graph.items() if name not in done and needs <= done}:
        done |= ready
    assert set(graph) == done


def test_the_page_of_the_architecture_names_what_exists():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("| room, in the order of the flow")[1].split("\n\n")[0]
    named = set(re.findall(r"`(\w+)/?`", table))
    exist = {path.stem for path in files} | {path.parent.name for path in files}
    offered = {name for path in files for name in re.findall(r"^def (\w+)", path.read_text(), re.M)}
    assert named <= exist | offered | {"WordSet"}
    assert {path.stem for path in files if path.parent.name != "plots"} - {"__init__"} <= named


@each_file
def test_a_file_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES_OF_A_FILE


def lines_of_code(function):
    """Lines of a function without its docstring."""
    first, last = function.body[0], function.end_lineno
    has_text = ast.get_docstring(function) is not None
    return last - function.lineno + 1 - (first.end_lineno - first.lineno + 1 if has_text else 0)


@each_file
def test_functions_are_short(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert lines_of_code(node) <= LINES_OF_A_FUNCTION, f"{node.name} in {path}"


@each_module
def test_every_constant_has_a_line_of_its_own(path):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        several = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple)
        assert not several, f"{ast.unparse(node)} in {path}"


def public(module):
    """Functions, classes and their methods that a module offers."""
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isfunction(thing):
            yield name, thing
        elif inspect.isclass(thing):
            for method, function in vars(thing).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    yield f"{name}.{method}", function


@each_module
def test_public_functions_carry_types_and_docstrings(path):
    module = __import__(module_name(path), fromlist=["_"])
    if not hasattr(module, "__all__"):
        pytest.fail(f"{path} has no __all__: name what it offers")
    for name, function in public(module):
        assert function.__doc__, f"{name} in {path} has no docstring"
        hints = function.__annotations__
        needed = [p for p in inspect.signature(function).parameters if p != "self"]
        assert not [p for p in [*needed, "return"] if p not in hints], f"{name} in {path}"


@each_module
def test_a_module_opens_with_an_example(path):
    assert ">>> " in (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")
