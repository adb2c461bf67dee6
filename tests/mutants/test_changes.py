import pytest

pytest.importorskip("cosmic_ray", reason="only `make mutants` needs it")
from mutants.changes import mutants_of

CODE = '''"""What 1 is."""
__all__ = ["one"]

@overload
def one(x: int | None = None, *, safe=True) -> float:
    """Give 1 + 0."""
    log.info("one is %d", 1 + 0)
    if x < 2:
        raise OSError
    return 1.0
'''


@pytest.fixture(scope="module")
def mutants():
    return mutants_of(CODE)


def test_what_no_test_can_notice_is_left_alone(mutants):
    assert {mutant.line for mutant in mutants} == {5, 8, 9, 10}


@pytest.mark.parametrize("changed", ["safe=False", "x <= 2", "x >= 2", "if not x < 2", "pass"])
def test_promises_are_broken_one_at_a_time(mutants, changed):
    assert any(changed in mutant.code for mutant in mutants)


def test_a_mutant_tells_what_became_of_its_line(mutants):
    mutant = next(mutant for mutant in mutants if "safe=False" in mutant.code)
    assert mutant.line == 5
    assert "+def one(x: int | None = None, *, safe=False) -> float:" in mutant.diff.splitlines()


def test_every_mutant_compiles_and_is_made_once(mutants):
    for mutant in mutants:
        compile(mutant.code, "one.py", "exec")
    assert len({mutant.code for mutant in mutants}) == len(mutants)
