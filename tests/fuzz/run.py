"""Feed damaged files to every reader of earshot, and count what comes of it.

    python tests/fuzz/run.py --minutes 60 --seed 1              # a table of all readers
    python tests/fuzz/run.py --only packed --seed 1 --input 73  # one input again, and its traceback

Every input is drawn from (seed, reader, number). What may come of it: a result, a result with a
warning, or one EarshotError that names a file, in one line; anything else is a defect. Each round
runs in a process of its own, with a limit to its memory, so that a crash is found as well.
"""

import argparse
import collections
import dataclasses
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
from fuzz.mutations import damaged  # noqa: E402
from fuzz.readers import OUTSIDE, READERS  # noqa: E402

from earshot.errors import EarshotError, EarshotWarning  # noqa: E402

MOST_MB = 500  # that one input may take, beside what the process had before
SAFETY_MB = 3000  # of addresses, beside what it had: no input may harm the machine
LONGEST_S = 20  # for one input
ROUND = 2000
"""Inputs for a reader in a process; a fifth for those that build networks, which are slow."""
KINDS = ("result", "warning", "error", "other")


@dataclasses.dataclass
class Tally:
    """What came of the inputs of one reader."""

    counts: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    others: dict[str, list] = dataclasses.field(default_factory=dict)
    peak_mb: float = 0.0

    def add(self, seed, number, kind, detail, peak_mb):
        """Count an outcome; of each defect, how often it came and the first input are kept."""
        self.counts[kind] += 1
        self.peak_mb = max(self.peak_mb, peak_mb)
        if kind == "other":
            what, _, example = detail.partition(": ")
            known = self.others.setdefault(what, [0, f"{example} --seed {seed} --input {number}"])
            known[0] += 1


def memory_mb(field):
    """Give a field of the process's memory: VmRSS now, VmHWM at most, VmSize of addresses."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def make_input(name, seed, number, good, folder):
    """Copy a reader's good files and damage one; gives its path."""
    shutil.copytree(good, folder)
    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), number])
    paths = sorted(path for path in folder.rglob(READERS[name].mutable) if path.is_file())
    path = paths[rng.integers(len(paths))]
    path.write_bytes(damaged(path.read_bytes(), rng))
    return path


def outcome(name, folder, path):
    """Read it; gives the kind of outcome, and of a defect what it is."""
    outside = folder.parent / OUTSIDE
    outside.write_bytes(b"nobody touches this")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)  # NumPy leaves damaged archives open
        try:
            READERS[name].read(folder, path)
            kind = "result"
        except EarshotError as error:
            if "\n" in str(error) or str(folder) not in str(error):
                return "other", f"an error without its file, or of several lines: {error}"[:200]
            kind = "error"
        except BaseException as error:
            frames = traceback.extract_tb(error.__traceback__)
            inside = [f for f in frames if {"earshot", "fuzz"} & {*Path(f.filename).parts}]
            place = (
                f"{Path(inside[-1].filename).name}, {inside[-1].name}" if inside else "the fuzzer"
            )
            what = f"{type(error).__name__} in {place}: {str(error)[:100]}"
            return "other", what.partition("\n")[0]
    if not outside.is_file() or outside.read_bytes() != b"nobody touches this":
        return "other", "a file outside was touched"
    foreign = [w for w in told if not issubclass(w.category, EarshotWarning)]
    if foreign:
        return "other", f"{foreign[0].category.__name__}: {str(foreign[0].message)[:100]}"
    return ("warning" if told and kind == "result" else kind), ""


def child(todo, seed):
    """Run a round of (reader, first, count), and print a line of JSON for each outcome."""

    def late(*_):
        raise TimeoutError(f"longer than {LONGEST_S} s")

    signal.signal(signal.SIGALRM, late)
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what decoders print
    os.dup2(1, 2)
    with tempfile.TemporaryDirectory() as work:
        for name, first, count in todo:
            good, folder = Path(work, name, "good"), Path(work, name, "damaged")
            good.mkdir(parents=True)
            READERS[name].make(good)
            shutil.copytree(good, folder)  # what is imported at the first time does not count
            READERS[name].read(folder, min(path for path in folder.rglob("*") if path.is_file()))
            shutil.rmtree(folder)
            most = int((memory_mb("VmSize") + SAFETY_MB) * 2**20)
            resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
            for number in range(first, first + count):
                print(json.dumps([name, number, "began", "", 0]), file=out)
                path, before_mb = make_input(name, seed, number, good, folder), memory_mb("VmRSS")
                Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
                signal.alarm(LONGEST_S)
                kind, detail = outcome(name, folder, path)
                signal.alarm(0)
                peak_mb = memory_mb("VmHWM") - before_mb
                if peak_mb > MOST_MB:
                    kind, detail = "other", f"more than {MOST_MB} MB"
                print(json.dumps([name, number, kind, detail, peak_mb]), file=out)
                shutil.rmtree(folder)


def run(names, seed, first, count, tallies):
    """Run a round in a process of its own, and in another one what comes after a crash."""
    for name in names:
        tallies.setdefault(name, Tally())
    todo = collections.deque((name, first, count) for name in names)
    while todo:
        ask = [sys.executable, __file__, "--child", json.dumps([*todo]), "--seed", str(seed)]
        done = subprocess.run(ask, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        last = None
        for line in done.stdout.splitlines():
            name, number, kind, detail, peak_mb = last = json.loads(line)
            if kind != "began":
                tallies[name].add(seed, number, kind, detail, peak_mb)
        if done.returncode == 0:
            return
        if last is None:
            raise SystemExit(f"Nothing runs: {' '.join(ask)}")
        name, number, *_ = last
        tallies[name].add(seed, number, "other", f"a crash (exit {done.returncode})", 0)
        while todo[0][0] != name:
            todo.popleft()
        todo[0] = name, number + 1, first + count - number - 1


def table(tallies):
    """Give a table in Markdown, and below it the defects, each with its first input."""
    heads = ["reader", "inputs", "results", "with a warning", "`EarshotError`", "others", "memory"]
    rows = [heads, ["---"] * len(heads)]
    for name, tally in tallies.items():
        counts = [f"{tally.counts[kind]:,}" for kind in KINDS]
        rows.append([name, f"{tally.counts.total():,}", *counts, f"{tally.peak_mb:.0f} MB"])
    sums = [sum(tally.counts[kind] for tally in tallies.values()) for kind in KINDS]
    most = max(tally.peak_mb for tally in tallies.values())
    rows.append(["all", *(f"{n:,}" for n in (sum(sums), *sums)), f"{most:.0f} MB"])
    lines = [f"| {' | '.join(row)} |" for row in rows]
    for name, tally in tallies.items():
        for what, (n, first) in sorted(tally.others.items()):
            lines.append(f"\n{name}, {n} times {what}: {first} --only {name}")
    return "\n".join(lines)


def again(name, seed, number):
    """Make one input again and read it, without a net."""
    with tempfile.TemporaryDirectory() as work:
        good, folder = Path(work, "good"), Path(work, "damaged")
        good.mkdir()
        READERS[name].make(good)
        path = make_input(name, seed, number, good, folder)
        print(f"{path.relative_to(folder)}: {path.read_bytes()[:400]!r}")
        print(READERS[name].read(folder, path))


def main():
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--minutes", type=float, default=60.0)
    asked.add_argument("--inputs", type=int, help="so many for each reader, however long it takes")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--only", action="append", choices=READERS, help="a reader; several times")
    asked.add_argument("--input", type=int, help="this one again, with its traceback")
    asked.add_argument("--child", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.child:
        return child(json.loads(given.child), given.seed)
    names = given.only or [*READERS]
    if given.input is not None:
        return again(names[0], given.seed, given.input)
    tallies, done, until = {}, 0, time.monotonic() + 60 * given.minutes
    while done == 0 or (given.inputs is None and time.monotonic() < until):
        for keras, count in ((False, given.inputs or ROUND), (True, given.inputs or ROUND // 5)):
            if group := [name for name in names if READERS[name].keras == keras]:
                run(group, given.seed, done * count, count, tallies)
        done += 1
        print(table(tallies), flush=True)
    return any(tally.counts["other"] for tally in tallies.values())


if __name__ == "__main__":
    sys.exit(main())
