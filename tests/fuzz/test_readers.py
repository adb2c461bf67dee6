"""A short run of the fuzzer; ``make fuzz`` is the long one."""

import pytest
from fuzz import run
from fuzz.readers import READERS

pytestmark = pytest.mark.long

SEED, INPUTS, INPUTS_OF_KERAS = 1, 40, 12


@pytest.fixture(scope="module")
def tallies():
    found = {}
    run.run([name for name in READERS if not READERS[name].keras], SEED, 0, INPUTS, found)
    run.run([name for name in READERS if READERS[name].keras], SEED, 0, INPUTS_OF_KERAS, found)
    return found


@pytest.mark.parametrize("name", READERS)
def test_damage_gives_a_result_a_warning_or_one_error(tallies, name):
    assert not tallies[name].others, run.table({name: tallies[name]})
    assert tallies[name].counts.total() in (INPUTS, INPUTS_OF_KERAS)
    assert tallies[name].peak_mb < run.MOST_MB
