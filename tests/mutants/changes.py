"""The changes that are made to a module: cosmic-ray's, and each statement left out once.

Left alone is what no test can notice: docstrings, type hints, what is logged, ``__all__``.
"""

import ast
import dataclasses
import difflib
import itertools
from collections.abc import Iterator

PAIRS = {"Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_Mul", "Pow_Mul",
         "BitOr_BitAnd", "BitAnd_BitOr", "RShift_LShift", "LShift_RShift",
         "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt",
         "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt"}  # fmt: skip
"""What becomes of an operator between two values. Most of the other 200 pairs break any test."""
BETWEEN = ("ReplaceBinary", "ReplaceComparison")
LEFT_OUT = (ast.Expr, ast.Raise, ast.Return, ast.AugAssign, ast.Delete)
"""Statements that do something; without an assignment, most code breaks at the next line."""


@dataclasses.dataclass(frozen=True)
class Mutant:
    """The whole code of a module with one change, the line of the change, and the difference."""

    code: str
    line: int
    diff: str


def mutants_of(code: str) -> list[Mutant]:
    """Make all mutants of a module that can be compiled, each once, by line."""
    known, found = {essence(code)}, []
    for changed in itertools.chain(without_statements(code), by_operators(code)):
        try:
            meaning = essence(changed)
        except SyntaxError:
            continue
        if meaning not in known:
            known.add(meaning)
            found.append(compared(code, changed))
    return sorted(found, key=lambda mutant: mutant.line)


def by_operators(code: str) -> Iterator[str]:
    """Give the code with each change of cosmic-ray's operators that need no settings."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = [*ast_nodes(get_ast(code))]
    for name in operator_names():
        operator, (kind, _, pair) = get_operator(name), name.partition("Operator_")
        if not (operator.arguments() or (kind.endswith(BETWEEN) and pair not in PAIRS)):
            change = operator()
            count = sum(len([*change.mutation_positions(node)]) for node in nodes)
            yield from (mutate_code(code, change, number) for number in range(count))


def without_statements(code: str) -> Iterator[str]:
    """Give the code without each of its statements that do something."""
    lines = code.splitlines(keepends=True)
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, LEFT_OUT):
            nothing = " " * node.col_offset + "pass\n"
            yield "".join([*lines[: node.lineno - 1], nothing, *lines[node.end_lineno :]])


def compared(code: str, changed: str) -> Mutant:
    """Find the first changed line, and what became of it."""
    before, after = code.splitlines(), changed.splitlines()
    line = next(i for i, (a, b) in enumerate(zip(before, after, strict=False), 1) if a != b)
    diff = [*difflib.unified_diff(before, after, lineterm="", n=1)][3:]
    return Mutant(changed, line, "\n".join(diff))


def essence(code: str) -> str:
    """Write a module so that two are equal if no test can tell them apart."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        for hint in {"annotation", "returns"}.intersection(node._fields):
            setattr(node, hint, ast.Constant(None))
        if isinstance(node, ast.FunctionDef):
            kept = [d for d in node.decorator_list if ast.unparse(d) != "overload"]
            node.decorator_list = kept
        for name, block in ast.iter_fields(node):
            if name in ("body", "orelse", "finalbody") and isinstance(block, list):
                setattr(node, name, [ast.Pass() if is_for_readers(s) else s for s in block])
    return ast.dump(tree)


def is_for_readers(statement: ast.stmt) -> bool:
    """Whether a statement is a text, is logging, or says what the module offers."""
    if isinstance(statement, ast.Expr):
        text = ast.unparse(statement)
        return isinstance(statement.value, ast.Constant) or text.startswith("log.")
    return isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__"
