"""Sets larger than the memory: writing, opening, reading and varying made-up clips of one second.

Each step runs in a process of its own, so that its memory is its own. The full row takes 32 GB of
disk: `python benchmarks/scale.py --clips 1000000`; with `--seconds 0.1` it takes 3 GB.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from report import header, table

SAMPLE_RATE = 16000
N_WORDS, N_SPEAKERS = 35, 2618  # as in Speech Commands
N_DIFFERENT = 200  # clips; they are written again and again
WORKERS = 2  # threads that vary clips


def timed(function):
    """Wall time and processor time of a call, in seconds."""
    wall_s, processor_s = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall_s, time.process_time() - processor_s


def memory_mb():
    """Most memory that this process has held, mapped files included."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


def write(folder, n, seconds):
    """Write n clips as shards."""
    from earshot.datasets import arrow

    rng = np.random.default_rng(0)
    clips = rng.integers(-3000, 3000, (N_DIFFERENT, round(seconds * SAMPLE_RATE))) / 32768
    clips = clips.astype(np.float32)
    rows = (
        (clips[i % N_DIFFERENT], i % N_WORDS, f"{i % N_SPEAKERS:08x}",
         f"word{i % N_WORDS}/{i % N_SPEAKERS:08x}_nohash_{i}.wav", "train")
        for i in range(n)
    )  # fmt: skip
    names = [f"word{i}" for i in range(N_WORDS)]
    folder.mkdir()
    return *timed(lambda: arrow.write(rows, folder, names, SAMPLE_RATE)), memory_mb()


def open_set(folder, n):
    """Open the set; pyarrow is imported before, as TensorFlow would have been."""
    import pyarrow.compute
    import pyarrow.ipc  # noqa: F401

    from earshot.datasets import from_shards

    return *timed(lambda: from_shards(folder)), memory_mb()


def read(folder, n):
    """Read all clips in random order."""
    from earshot.datasets import from_shards

    words = from_shards(folder)
    order = np.random.default_rng(0).permutation(n)

    def every():
        for i in order:
            words.waveforms[i]

    return *timed(every), memory_mb()


def vary(folder, n):
    """Make batches of varied spectrograms of some thousand clips in random order."""
    from earshot.datasets import Augmentation, from_shards
    from earshot.features import LogMel
    from earshot.networks.batches import SpectrogramBatches

    front_end = LogMel(
        sample_rate=SAMPLE_RATE, n_fft=512, hop_length=160, n_mels=64, n_samples=SAMPLE_RATE
    )
    words = from_shards(folder)
    batches = SpectrogramBatches(words, front_end, augment=Augmentation(), batch_size=64)
    batches[0]

    def some():
        with ThreadPoolExecutor(WORKERS) as threads:
            list(threads.map(lambda i: len(batches[i][1]), range(n // 64)))

    return *timed(some), memory_mb()


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, default=5000, help="how many")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a clip")
    options = parser.parse_args()
    n, spawn = options.clips, multiprocessing.get_context("spawn")
    rows = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "clips"
        steps = {
            "writing shards": (write, n, options.seconds),
            "opening": (open_set, n),
            "reading, shuffled": (read, n),
            f"shuffled and varied spectrograms, {WORKERS} threads": (vary, min(n, 64 * 60)),
        }
        for name, (step, n_clips, *more) in steps.items():
            with ProcessPoolExecutor(1, mp_context=spawn) as process:
                wall_s, processor_s, most = process.submit(step, folder, n_clips, *more).result()
            times = [f"{wall_s:.2f} s", f"{processor_s:.2f} s"]
            rates = [f"{n_clips / x:,.0f}" for x in (wall_s, processor_s)]
            rows.append([name, f"{n_clips:,}", *times, *rates, f"{most:,.0f} MB"])
    arguments = "".join(f" {argument}" for argument in sys.argv[1:])
    header(f"python benchmarks/scale.py{arguments}")
    table(["step", "clips", "wall time", "processor time", "clips a second",
           "clips a second of processor time", "most memory"], rows)  # fmt: skip


if __name__ == "__main__":
    main()
