"""Sets larger than the memory: writing, opening, reading and varying made-up clips of one second.

Each step runs in a process of its own, so that its memory is its own. The full row takes 32 GB of
disk: `python benchmarks/scale.py --clips 1000000`; with `--seconds 0.1` it takes 3 GB.

With jax installed, two processes then share a small training (`--only processes`: nothing else).
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import importlib.util
import multiprocessing
import multiprocessing.connection
import resource
import signal
import socket
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
SHARED = 512  # clips of the training that processes share
EPOCHS = 3


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


def learn(folder, address, number, n, name, killed):
    """Train as one of n processes; number 1 may kill itself before the last epoch."""
    os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")
    if n > 1:
        os.environ["KERAS_DISTRIBUTION_JOB_ADDRESSES"] = address
        os.environ["KERAS_DISTRIBUTION_NUM_PROCESSES"] = str(n)
        os.environ["KERAS_DISTRIBUTION_PROCESS_ID"] = str(number)
    import keras

    from earshot import EarshotError, networks
    from earshot.datasets import Augmentation, from_shards
    from earshot.features import LogMel

    networks.meet()

    def kill(epoch, logs):
        if killed and (epoch, number) == (EPOCHS - 1, 1):
            os.kill(os.getpid(), signal.SIGKILL)

    words = from_shards(folder / "clips")
    words = words.subset(np.arange(min(len(words), SHARED)))
    front_end = LogMel(n_samples=8000)
    keras.utils.set_random_seed(0)
    network = networks.cnn(front_end.output_shape, N_WORDS, widths=(8, 16), dense=32)
    config = networks.TrainingConfig(epochs=EPOCHS, augment=Augmentation())
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_begin=kill)]
    try:
        history = networks.fit(
            network, words, front_end, config, distribute=True, progress=False,
            checkpoint=folder / name, callbacks=callbacks,
        )  # fmt: skip
    except EarshotError as error:  # the other one was killed
        raise SystemExit(str(error)) from error
    weights = np.concatenate([np.ravel(x) for x in network.get_weights()])
    np.savez(folder / f"{name}-{number}.npz", loss=history["loss"], weights=weights)


def together(folder, n, name, killed=False):
    """Let n processes learn; gives losses and weights of those that ended well, and the seconds
    from the end of the first process to that of the last."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    for path in folder.glob(f"{name}-*.npz"):
        path.unlink()
    spawn, ends = multiprocessing.get_context("spawn"), []
    processes = [
        spawn.Process(target=learn, args=(folder, address, i, n, name, killed)) for i in range(n)
    ]
    for process in processes:
        process.start()
    waiting = {process.sentinel for process in processes}
    while waiting:
        waiting -= {*multiprocessing.connection.wait(waiting)}
        ends.append(time.perf_counter())
    found = []
    for path in sorted(folder.glob(f"{name}-*.npz")):
        with np.load(path) as file:
            found.append((file["loss"], file["weights"]))
    return found, ends[-1] - ends[0]


def shared(folder):
    """Compare two processes with one, and a training that went on after a kill with a whole one."""

    def apart(a, b):
        return "bit-equal" if np.array_equal(a, b) else f"{np.abs(a - b).max():.1e} apart"

    ((loss, _),), _ = together(folder, 1, "one")
    ((first_loss, first), (_, second)), _ = together(folder, 2, "two")
    left, after_s = together(folder, 2, "again", killed=True)
    if left:
        raise SystemExit("A process went on after the other one was killed.")
    ((_, again), _), _ = together(folder, 2, "again")
    return [
        [f"loss of two processes against one, {EPOCHS} epochs", apart(first_loss, loss)],
        ["weights of the first process and the second", apart(first, second)],
        ["a killed process: the other one stops after", f"{after_s:.1f} s"],
        ["a killed process: weights after going on", apart(again, first)],
    ]


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, default=5000, help="how many")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a clip")
    parser.add_argument("--only", choices=["processes"], help="measure nothing else")
    options = parser.parse_args()
    n, spawn = options.clips, multiprocessing.get_context("spawn")
    rows, found = [], []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "clips"
        steps = {
            "writing shards": (write, n, options.seconds),
            "opening": (open_set, n),
            "reading, shuffled": (read, n),
            f"shuffled and varied spectrograms, {WORKERS} threads": (vary, min(n, 64 * 60)),
        }
        if options.only:
            steps = {"writing shards": (write, SHARED, options.seconds)}
        for name, (step, n_clips, *more) in steps.items():
            with ProcessPoolExecutor(1, mp_context=spawn) as process:
                wall_s, processor_s, most = process.submit(step, folder, n_clips, *more).result()
            times = [f"{wall_s:.2f} s", f"{processor_s:.2f} s"]
            rates = [f"{n_clips / x:,.0f}" for x in (wall_s, processor_s)]
            rows.append([name, f"{n_clips:,}", *times, *rates, f"{most:,.0f} MB"])
        if importlib.util.find_spec("jax"):
            found = shared(Path(place))
    arguments = "".join(f" {argument}" for argument in sys.argv[1:])
    header(f"python benchmarks/scale.py{arguments}")
    table(["step", "clips", "wall time", "processor time", "clips a second",
           "clips a second of processor time", "most memory"], rows)  # fmt: skip
    if found:
        table(["two processes that share a training", "found"], found)
    else:
        print("Without jax no training is shared: pip install 'earshot[cluster]'")


if __name__ == "__main__":
    main()
