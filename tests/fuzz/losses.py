"""Kill, interrupt and double what writes to disk, at random moments, and count what is lost.

python tests/fuzz/losses.py --moments 500 --pairs 200
"""

import argparse
import contextlib
import http.server
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from pathlib import Path

import h5py
import keras
import numpy as np
import pooch  # noqa: F401  imported once, before any fork
import requests  # noqa: F401
import tensorflow as tf

from earshot import LogMel, audio, files, networks
from earshot.datasets import WordSet, downloads, load
from earshot.errors import EarshotError
from earshot.networks import saving
from earshot.recording import takes
from earshot.segmentation import clips

CALLS = {"open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.link", "fcntl.flock",
         "ctypes.dlsym"}  # fmt: skip
"""What Python announces (audit events) of its calls to the file system."""
FINE, TOLD, INTERRUPTED, CRASHED = 0, 10, 11, 12  # how a process ended
RATE = 8000


def beeps(n, seed=0):
    """A recording of n words with pauses, and where they begin."""
    rng = np.random.default_rng(seed)
    x = 1e-4 * rng.standard_normal(RATE * n)
    beep = 0.3 * np.sin(np.arange(RATE * 3 // 10))
    for word in range(n):
        at = word * RATE + RATE // 3
        x[at : at + len(beep)] += beep
    return x.astype(np.float32)


def word_set(version):
    """Four clips, by which the version can be told."""
    sounds = [np.full(2000, version / 128, np.float32)] * 4
    names = [f"{word}/anna_{version}.wav" for word in "abab"]
    return WordSet(sounds, [0, 1, 0, 1], ["a", "b"], ["anna"] * 4, names, RATE)


class Network:
    """Stands in for a network: one that Keras has made could not be forked."""

    def __init__(self, version):
        self.content = bytes([version]) * 200_000

    def save(self, path):
        with Path(path).open("wb") as file:
            for start in range(0, len(self.content), 50_000):
                file.write(self.content[start : start + 50_000])


class Save:
    """A network and its settings, in one folder."""

    def prepare(self, folder):
        self.act(folder, 0)

    def act(self, folder, version):
        saving.write(folder / "net", Network(version), {"notes.json": {"version": version}})

    def check(self, folder):
        readers = {"notes.json": saving.read_json, saving.NETWORK: Path.read_bytes}
        notes, content = saving.read(folder / "net", readers, "network")
        assert content == Network(notes["version"]).content

    def strange(self, name):
        return name not in ("net", "net/notes.json", f"net/{saving.NETWORK}")


class Pack:
    """A word set in one file."""

    def prepare(self, folder):
        self.act(folder, 0)

    def act(self, folder, version):
        word_set(version).save(folder / "words.npz")

    def check(self, folder):
        words = load(folder / "words.npz")
        version = int(words.sources[0][7:-4])
        np.testing.assert_array_equal(words.waveforms, word_set(version).waveforms)

    def strange(self, name):
        return name != "words.npz"


class Cut:
    """A long recording to clips, beside those of somebody else."""

    words = ("a", "b", "c")

    def prepare(self, folder):
        audio.write(folder / "set_anna.wav", beeps(6), RATE)
        rows = [f"{n + 0.3}\t{n + 0.7}\t{self.words[n % 3]}\n" for n in range(6)]
        (folder / "set_anna.txt").write_text("".join(rows))
        audio.write(folder / "set" / "a" / "bob_0.wav", beeps(1), RATE)

    def act(self, folder, version):
        clips.cut_set(folder, "set", self.words)

    def check(self, folder):
        assert len(audio.read(folder / "set_anna.wav")[0]) == 6 * RATE
        assert len((folder / "set_anna.txt").read_text().splitlines()) == 6
        np.testing.assert_allclose(
            audio.read(folder / "set" / "a" / "bob_0.wav")[0], beeps(1), atol=1e-4
        )
        for path in (folder / "set").glob("[!._]*/*.wav"):
            audio.read(path)

    def strange(self, name):
        known = r"set(_anna\.(wav|txt)|/_cuts/anna, set_anna\.wav\.json|/[abc]/anna_[01]\.wav)?"
        return not re.fullmatch(rf"{known}|set/(a/bob_0\.wav|_cuts|[abc])", name)


class Take:
    """Sound to disk while it comes, and the words of a take."""

    def prepare(self, folder):
        audio.write(folder / "cat" / "raw" / "first.wav", beeps(3), RATE)
        for n in range(2):
            audio.write(folder / "cat" / f"me_{n}.wav", beeps(1, n), RATE)

    def act(self, folder, version):
        writer = takes.Writer(takes.raw_folder(folder, "cat"), "me", RATE)
        for start in range(0, RATE, 1000):
            writer.write(np.full(1000, 1 + start, np.int16))
        assert writer.close().duration_s == 1
        takes.cut(folder / "cat" / "raw" / "first.wav", folder, "cat", sample_rate=RATE)

    def check(self, folder):
        for n in range(2):
            x = audio.read(folder / "cat" / f"me_{n}.wav")[0]
            np.testing.assert_allclose(x, beeps(1, n), atol=1e-4)
        for path in (folder / "cat" / "raw").iterdir():
            if path.stat().st_size > takes.HEADER.size:  # else nothing had been said
                audio.read(path)
        files.tidy(folder / "cat")
        numbers = sorted(int(path.stem[3:]) for path in (folder / "cat").glob("*.wav"))
        assert numbers == list(range(len(numbers)))
        assert len(numbers) % 3 == 2, f"{len(numbers)} words, which is no whole take"

    def strange(self, name):
        return not re.fullmatch(r"cat(/raw(/first\.wav|/me_[-\d]+\.wav)?|/me_\d+\.wav)?", name)


class Fit:
    """A training whose state is kept after every epoch."""

    epochs = 3

    def prepare(self, folder):
        def stop(epoch, logs):
            if epoch == 1:  # the state after the first one is kept by then
                raise KeyboardInterrupt

        run(self._fit, folder, [keras.callbacks.LambdaCallback(on_epoch_end=stop)])

    def act(self, folder, version):
        self._fit(folder, [])

    def _fit(self, folder, callbacks):
        tf.config.run_functions_eagerly(True)  # compiling would take longer than all the rest
        front_end = LogMel(sample_rate=RATE, n_mels=4, n_samples=2048)
        model = keras.Sequential(
            [keras.Input(front_end.output_shape), keras.layers.Flatten(), keras.layers.Dense(2)]
        )
        with warnings.catch_warnings(action="ignore"):
            networks.fit(
                model, word_set(1), front_end, networks.TrainingConfig(epochs=self.epochs),
                checkpoint=folder / "kept", callbacks=callbacks, progress=False,
            )  # fmt: skip

    def check(self, folder):
        latest = max((folder / "kept").glob("*.h5"))
        with h5py.File(latest) as file:
            assert list(file)
        state = json.loads(Path(str(latest).replace(".weights.h5", ".json")).read_text())
        assert len(state["history"]["loss"]) == int(latest.name[6:10])

    def strange(self, name):
        return not re.fullmatch(rf"kept(/epoch-{self.epochs:04d}\.(json|weights\.h5))?", name)


class Download:
    """A file from a server of this machine, after a first part of it."""

    content = bytes(range(256)) * 4000

    def __init__(self):
        handler = type("Handler", (_Handler,), {"content": self.content})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def prepare(self, folder):
        (folder / "file.bin.part").write_bytes(self.content[:50_000])
        (folder / "mine.bin").write_bytes(b"mine")

    def act(self, folder, version):
        url = f"http://127.0.0.1:{self.server.server_port}/file.bin"
        downloads.fetch(url, folder / "file.bin")

    def check(self, folder):
        assert (folder / "mine.bin").read_bytes() == b"mine"
        if (folder / "file.bin").exists():
            assert (folder / "file.bin").read_bytes() == self.content

    def strange(self, name):
        return name not in ("mine.bin", "file.bin")


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        begin, whole = int(self.headers["Range"][6:-1]), len(self.content)
        self.send_response(416 if begin == whole else 206)
        place = "*" if begin == whole else f"{begin}-{whole - 1}"
        self.send_header("Content-Range", f"bytes {place}/{whole}")
        self.send_header("Content-Length", str(whole - begin))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(self.content[begin:])

    def log_message(self, *args):
        pass


OPERATIONS = {kind.__name__.lower(): kind for kind in (Save, Pack, Cut, Take, Fit, Download)}


def fork(function, *args, hear=None):
    """Start a process that does something and ends; gives its number."""
    sys.stdout.flush()
    if process := os.fork():
        return process
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # progress bars
        if hear:
            sys.addaudithook(hear)
        function(*args)
        code = FINE
    except KeyboardInterrupt:
        code = INTERRUPTED
    except EarshotError:
        code = TOLD
    except BaseException as error:
        code = INTERRUPTED
        if not isinstance(error.__context__, KeyboardInterrupt):  # which zipfile hides
            traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
            code = CRASHED
    os._exit(code)


def ended(process):
    """Wait for a process; gives how it ended."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def run(function, *args, hear=None):
    """Do something in a process of its own; gives how it ended."""
    return ended(fork(function, *args, hear=hear))


class Calls:
    """Counts the calls to the file system below a folder; something is done before the n-th."""

    def __init__(self, folder, n=0, act=None):
        self.folder, self.n, self.act, self.count = str(folder), n, act, 0

    def __call__(self, event, args):
        if event in CALLS and (event[:3] in ("fcn", "cty") or self.folder in str(args[0])):
            self.count += 1
            if self.count == self.n:
                self.act()


def die():
    """End this process as a power failure would."""
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt():
    """Do what Ctrl-C does, before the call."""
    raise KeyboardInterrupt


class Attack:
    """One operation, attacked again and again from the same start."""

    def __init__(self, name, seed):
        self.operation, self.random = OPERATIONS[name](), random.Random(seed)
        self.folder = Path(tempfile.mkdtemp(prefix=f"losses-{name}-"))
        self.lost, self.left, self.crashed = [], [], []
        (self.folder / "start").mkdir()
        self.operation.prepare(self.folder / "start")
        self._measure()

    def _fresh(self):
        shutil.rmtree(self.folder / "work", ignore_errors=True)
        shutil.copytree(self.folder / "start", self.folder / "work")
        return self.folder / "work"

    def _measure(self):
        """How long the operation takes, and how many calls it makes."""
        began = time.monotonic()
        assert run(self.operation.act, self._fresh(), 1) == FINE
        self.duration_s = time.monotonic() - began
        calls, counted = Calls(self._fresh()), self.folder / "calls.txt"

        def count():
            self.operation.act(Path(calls.folder), 1)
            counted.write_text(str(calls.count))

        assert run(count, hear=calls) == FINE
        self.n_calls = int(counted.read_text())

    def moment(self):
        """Kill or interrupt the operation, at some call or at some time."""
        work, version = self._fresh(), self.random.randrange(2, 100)
        act = self.random.choice([die, interrupt])
        if self.random.random() < 0.6:
            at = self.random.randrange(1, self.n_calls + 1)
            what = f"{act.__name__} at call {at} of {self.n_calls}"
            code = run(self.operation.act, work, version, hear=Calls(work, at, act))
        else:
            after_s = self.random.uniform(0, self.duration_s)
            what = f"{act.__name__} after {after_s:.3f} s"
            process = fork(self.operation.act, work, version)
            time.sleep(after_s)
            os.kill(process, signal.SIGKILL if act is die else signal.SIGINT)
            code = ended(process)
        self._judge(work, what, [code])

    def pair(self):
        """Let two processes do the same at once."""
        work = self._fresh()
        versions = self.random.sample(range(2, 100), 2)
        processes = [fork(self.operation.act, work, version) for version in versions]
        self._judge(work, "two at once", [ended(process) for process in processes])

    def _judge(self, work, what, codes):
        if CRASHED in codes:
            self.crashed.append(what)
        for _ in range(2):  # at once, and after the next operation
            try:
                self.operation.check(work)
            except (AssertionError, EarshotError, OSError, ValueError) as error:
                self.lost.append(f"{what}: {error}")
                return
            if code := run(self.operation.act, work, 1):
                self.crashed.append(f"{what}: then {code}")
        names = [str(path.relative_to(work)) for path in work.rglob("*")]
        if strange := [name for name in names if self.operation.strange(name)]:
            self.left.append(f"{what}: {', '.join(strange)}")

    def close(self):
        """Delete everything."""
        shutil.rmtree(self.folder)


def attack(name, n_moments, n_pairs, seed=0):
    """Attack an operation; gives what was lost, was left lying about, or crashed."""
    attacked = Attack(name, seed)
    for _ in range(n_moments):
        attacked.moment()
    for _ in range(n_pairs):
        attacked.pair()
    attacked.close()
    return attacked


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=500, help="over all operations")
    parser.add_argument("--pairs", type=int, default=200, help="over all operations")
    parser.add_argument("--only", choices=OPERATIONS, nargs="+", default=list(OPERATIONS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    n_moments, n_pairs = (-(-n // len(options.only)) for n in (options.moments, options.pairs))
    print("| operation | moments | two at once | lost | left lying about | crashed |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    details = []
    for name in options.only:
        found = attack(name, n_moments, n_pairs, options.seed)
        counts = " | ".join(str(len(x)) for x in (found.lost, found.left, found.crashed))
        print(f"| {name} | {n_moments} | {n_pairs} | {counts} |", flush=True)
        details += [f"{name}: {x}" for x in (*found.lost, *found.left, *found.crashed)]
    print(*details, sep="\n")
    return bool(details)


if __name__ == "__main__":
    sys.exit(main())
