"""Change modules on purpose, one place at a time, and count the changes that no test notices.

    python tests/mutants/run.py --modules files.py --sample 20 --seed 1  # without options: hours

``modules.toml`` names the modules and their tests. The table and the survivors go to
``reports/mutants/survivors.md``. All of it happens in a copy in a temporary folder, so that an
interrupt leaves nothing. One process imports TensorFlow and forks a child for each mutant.
"""

import argparse
import contextlib
import gc
import importlib.util
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]
from mutants.changes import Mutant, mutants_of  # noqa: E402

MODULES = tomllib.loads(Path(__file__).with_name("modules.toml").read_text("utf-8"))
REPORT = ROOT / "reports" / "mutants" / "survivors.md"
IMPORTED = ("hypothesis", "keras", "matplotlib.pyplot", "pooch", "pytest", "scipy.signal",
            "sklearn.linear_model", "sklearn.metrics", "soundfile", "tensorflow")  # fmt: skip
"""What takes long to import. Nothing of it computes by being imported: a fork would hang."""
PATIENCE = 3  # times as long as the unchanged code takes; then a mutant is stuck
LEAST_S = 20  # of patience: a machine that does something else is slow at times
SAFETY_BYTES = 8 << 30  # of memory: an endless loop may not harm the machine
EXAMPLES = 20  # of hypothesis, for tests that do not say how many they need


class Copy:
    """A copy of the package, its tests and its models, in which mutants are tried."""

    def __init__(self, folder: Path):
        self.folder, self.package = folder, folder / "src" / "earshot"
        for name in ("src", "tests", "models", "pyproject.toml"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            copy(ROOT / name, folder / name)
        os.environ["PYTHONPATH"] = os.pathsep.join([f"{folder}/src", f"{folder}/tests"])
        os.environ.setdefault("EARSHOT_DOWNLOADS", str(ROOT / "data" / "downloads"))

    def tested(self, module: str, code: str, timeout: float | None = None) -> int | None:
        """Run a module's tests on other code for it; pytest's exit code, None if it got stuck."""
        path = self.package / module
        own = path.read_text("utf-8")
        # Python knows compiled code by size and second, which mutants have in common.
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
        path.write_text(code, "utf-8")
        child = multiprocessing.get_context("fork").Process(target=self._test, args=(module,))
        child.start()
        assert child.pid is not None
        try:
            child.join(timeout)
            return child.exitcode
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # it leads a group: all that the tests started
            child.kill()  # if it was not yet that far
            child.join()
            path.write_text(own, "utf-8")

    def _test(self, module: str) -> None:
        os.setsid()
        os.chdir(self.folder)
        resource.setrlimit(resource.RLIMIT_DATA, (SAFETY_BYTES, SAFETY_BYTES))
        with Path("output.txt").open("w") as output:
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)
        pytest = importlib.import_module("pytest")
        tests = [f"src/earshot/{module}", *(f"tests/{name}" for name in MODULES[module])]
        os._exit(pytest.main(["-xq", "--basetemp=temporary", "-o", "cache_dir=cache", *tests]))

    def patience(self, module: str) -> float:
        """See that the tests pass on the code as it is, and fail on nonsense; how long to wait."""
        own, start = (self.package / module).read_text("utf-8"), time.monotonic()
        if self.tested(module, own) != 0:
            output = (self.folder / "output.txt").read_text()[-3000:]
            sys.exit(f"{output}\nThe tests of {module} fail without any mutant: mend them.")
        patience = max(LEAST_S, PATIENCE * (time.monotonic() - start))
        if self.tested(module, "1 / 0\n", patience) == 0:
            sys.exit(f"The tests of {module} pass without its code: see {__file__}.")
        return patience


def try_module(copy: Copy, module: str, sample: int | None, seed: int) -> tuple[list, list[Mutant]]:
    """Try the mutants of a module, or a sample of them; a row of the table, and who survived."""
    own = (copy.package / module).read_text("utf-8")
    every, patience, survivors, n_stuck = mutants_of(own), copy.patience(module), [], 0
    mutants = random.Random(seed).sample(every, min(sample or len(every), len(every)))
    for number, mutant in enumerate(mutants, 1):
        exit_code = copy.tested(module, mutant.code, patience)
        n_stuck += exit_code is None
        if exit_code == 0:
            survivors.append(mutant)
            print(f"\n{module}:{mutant.line}\n{mutant.diff}")
        print(f"\r{module}: {number}/{len(mutants)}, {len(survivors)} survive", end="", flush=True)
    print(flush=True)
    if copy.tested(module, own) != 0:
        sys.exit(f"The tests of {module} do not pass any more: a mutant left something behind.")
    n, n_alive = len(mutants), len(survivors)
    counts = [len(every), n, n - n_alive - n_stuck, n_alive, n_stuck]
    return [module, *counts, f"{n_alive / n:.0%}"], survivors


def report(results: list[tuple[list, list[Mutant]]]) -> str:
    """Write the table, and below it the survivors."""
    heads = ["module", "mutants", "tried", "killed", "survived", "timed out", "share survived"]
    rows = [heads, ["---"] * 7, *(row for row, _ in results)]
    lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    for row, survivors in results:
        for mutant in sorted(survivors, key=lambda mutant: mutant.line):
            lines.append(f"\n{row[0]}:{mutant.line}\n```diff\n{mutant.diff}\n```")
    return "\n".join(lines) + "\n"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--modules", nargs="+", choices=MODULES, default=[*MODULES], metavar="PATH")
    asked.add_argument("--sample", type=int, help="so many mutants of each module, not all")
    asked.add_argument("--seed", type=int, default=0, help="of the sample")
    given = asked.parse_args()
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    imported = {name: importlib.import_module(name) for name in IMPORTED}
    settings = imported["hypothesis"].settings
    settings.register_profile("mutants", max_examples=EXAMPLES, database=None, deadline=None)
    settings.load_profile("mutants")
    gc.freeze()  # no child need look through what was imported
    results = []
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        copy = Copy(Path(folder))
        for module in given.modules:
            results.append(try_module(copy, module, given.sample, given.seed))
            REPORT.parent.mkdir(parents=True, exist_ok=True)
            REPORT.write_text(report(results), "utf-8")
    print(report([(row, []) for row, _ in results]))


if __name__ == "__main__":
    main()
