"""LiteRT for Microcontrollers on this computer, in a process of its own, which may end badly.

>>> reason_in("Didn't find op for builtin opcode 'FFT'")
'it has no operator FFT'
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from earshot.types import Array

__all__ = ["answers", "reason_in"]

LARGEST_ARENA = 16_000_000  # bytes: more than the boards have that this is for
SCRIPT = """import sys
import numpy as np
from tflite_micro.python.tflite_micro import runtime
machine = runtime.Interpreter.from_file("model.tflite", arena_size=int(sys.argv[1]))
rows = []
for waveform in np.load("waveforms.npy"):
    machine.set_input(waveform[None], 0)
    machine.invoke()
    rows.append(machine.get_output(0).copy())
np.save("answers.npy", np.concatenate(rows))
machine.print_allocations()
"""
MISSING = re.compile(r"Didn't find op for builtin opcode '(\w+)'")
UNFIT = re.compile(r"Node (\w+) \(number \d+\) failed")  # not for these shapes or types
ARENA = re.compile(r"Arena allocation total (\d+) bytes")


def answers(content: bytes, waveforms: Array) -> tuple[Array, int]:
    """Give what a file answers to waveforms, (n, n_samples), and the bytes of memory that it takes.

    Answers have the shape (n, n_classes). Raises ``RuntimeError`` with the reason when it does not
    run there.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.tflite").write_bytes(content)
        np.save(Path(folder) / "waveforms.npy", np.asarray(waveforms, np.float32))
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(LARGEST_ARENA)],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        arena = ARENA.search(done.stderr)
        if done.returncode or not arena:
            raise RuntimeError(reason_in(done.stderr))
        return np.load(Path(folder) / "answers.npy"), int(arena[1])


def reason_in(log: str) -> str:
    """Say why it does not run, from what LiteRT for Microcontrollers tells."""
    if found := MISSING.search(log):
        return f"it has no operator {found[1]}"
    if found := UNFIT.search(log):
        return f"its operator {found[1]} does not take what this network gives it"
    if "allocate" in log:
        return f"it takes more than {LARGEST_ARENA / 1e6:.0f} MB of memory"
    return (log.strip().splitlines() or ["it ended without a word"])[-1]
