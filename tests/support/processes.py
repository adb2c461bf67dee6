"""Python in processes of its own, on another backend, alone or several that know each other."""

import importlib.util
import os
import socket
import subprocess
import sys

import pytest

needs_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="jax is missing: pip install 'earshot[cluster]'"
)

needs_tensorflow = pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow",
    reason="it looks at TensorFlow's own graph",
)


def on_jax(script, *arguments, processes=0, timeout=900):
    """Run a script on the JAX backend; gives the return code and the output of each process.

    With ``processes``, so many are started, which find each other on this machine alone.
    """
    environment = {
        **os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # compiling takes longer than these trainings
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }  # fmt: skip
    if processes:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        environment |= {
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": address,
            "KERAS_DISTRIBUTION_NUM_PROCESSES": str(processes),
        }
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)],
            env={**environment, "KERAS_DISTRIBUTION_PROCESS_ID": str(number)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for number in range(processes or 1)
    ]  # fmt: skip
    try:
        return [(one.communicate(timeout=timeout)[0], one.returncode) for one in running]
    finally:
        for one in running:
            one.kill()
