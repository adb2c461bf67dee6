"""Training on several devices, machines and processes: each takes its share of every batch.

Nothing here starts processes: a launcher does, such as Ray, Slurm or a line of shell. All of it is
on the JAX backend.

>>> Share(process=1, n_processes=2, n_devices=4).of(64)
slice(32, 64, None)
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

from earshot.errors import EarshotError, reason_of
from earshot.types import Array

__all__ = ["LAUNCHED", "Share", "agreed", "is_distributed", "is_first", "meet", "spread"]

LAUNCHED = "KERAS_DISTRIBUTION_NUM_PROCESSES"
"""By this variable a launcher says how many processes it has started; the other two are Keras'."""
ADDRESS = "KERAS_DISTRIBUTION_JOB_ADDRESSES"  # that of the first process comes first
NUMBER = "KERAS_DISTRIBUTION_PROCESS_ID"
HEARTBEAT_S = 20  # A process that was not heard of for so long is dead; JAX waits for 100 s.
NOT_JAX = (
    "Devices share a training on the JAX backend, not on {}: set KERAS_BACKEND=jax, or give "
    "distribute=False."
)
LOST = ("Gloo", "NCCL", "coordination service")
"""Who speaks, in the errors of JAX, when another process does not answer any more."""


class Share(NamedTuple):
    """What one process takes of every batch: as much as the others, in the order of their numbers.

    ``process`` counts from 0; ``n_devices`` are those of all processes.
    """

    process: int
    n_processes: int
    n_devices: int

    @property
    def is_first(self) -> bool:
        """Whether this process writes what is shared, and shows what goes on."""
        return self.process == 0

    def of(self, n: int) -> slice:
        """Give the part of n clips, a multiple of the number of devices."""
        each = n // self.n_processes
        return slice(self.process * each, (self.process + 1) * each)

    def each(self, arrays: Any) -> Any:
        """Give arrays in which every clip stands once for each device of this process.

        So a test of any size is shared evenly, and all its means are what they were.
        """
        n_here = self.n_devices // self.n_processes
        return keras.tree.map_structure(lambda x: np.repeat(x, n_here, axis=0), arrays)

    def whole(self, n: int) -> int:
        """Give how many of n clips can be shared evenly: fewer than a clip a device are left."""
        return n - n % self.n_devices


def meet() -> None:
    """Let the processes find each other that a launcher has started; before anything else is done.

    As ``keras.distribution.initialize`` does, from the same variables, for JAX: the address of the
    first process, how many there are, and the number of this one. But it listens on that address
    alone, not on all of the machine's, and notices sooner when another process has died. Without
    the variables it does nothing. Not needed where the launcher does this itself, as Ray does.
    Raises :class:`EarshotError` where they do not find each other, or JAX has computed before.
    """
    if not os.environ.get(LAUNCHED):
        return
    try:
        n, number = int(os.environ[LAUNCHED]), int(os.environ[NUMBER])
        first = os.environ[ADDRESS].split(",")[0]
    except (KeyError, ValueError) as error:
        problem = f"{LAUNCHED} is set, {ADDRESS} or {NUMBER} is not, or one is no number"
        raise EarshotError(f"{problem} ({reason_of(error)}): set all three.") from error
    if keras.backend.backend() != "jax":
        raise EarshotError(NOT_JAX.format(keras.backend.backend()))
    import jax

    try:
        jax.distributed.initialize(
            first, n, number, heartbeat_timeout_seconds=HEARTBEAT_S,
            coordinator_bind_address=os.environ.get("JAX_COORDINATOR_BIND_ADDRESS", first),
        )  # fmt: skip
    except (RuntimeError, ValueError) as error:
        way_out = "start all of them with the same address, and call meet() before anything else."
        problem = f"{n} processes did not meet at {first} ({reason_of(error)})"
        raise EarshotError(f"{problem}: {way_out}") from error


def is_distributed(distribute: bool | None) -> bool:
    """Tell whether a training is to be shared; None: if several processes have met.

    Raises :class:`EarshotError` where that cannot be, or where a launcher has started several
    processes that do not know of each other: each would train alone, and write the same folder.
    """
    told = os.environ.get(LAUNCHED) or "1"
    if not told.isdecimal():
        way_out = "let the launcher set it, or unset it."
        raise EarshotError(f"{LAUNCHED} is {told!r}, and no number of processes: {way_out}")
    started = int(told)
    if distribute is False or (distribute is None and started == 1 and _n_processes() == 1):
        return False
    if keras.backend.backend() != "jax":
        raise EarshotError(NOT_JAX.format(keras.backend.backend()))
    if started > 1 and _n_processes() != started:
        way_out = "call earshot.networks.meet() before anything is built."
        raise EarshotError(f"There are {started} processes, which have not met: {way_out}")
    return True


def is_first() -> bool:
    """Tell whether this process writes what all of them share: the first one, or the only one."""
    if keras.backend.backend() != "jax":
        return True
    import jax

    return jax.process_index() == 0


def _n_processes() -> int:
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


@contextlib.contextmanager
def spread(
    model: keras.Model, distribute: bool, labels: Array, batch_size: int
) -> Iterator[tuple[keras.Model, Share | None]]:
    """Give a network to train, and this process' share; the weights come back at the end.

    Where nothing is distributed, it is the network itself, and no share. Else it is a copy, whose
    weights are on all devices: a batch is one for all of them, normalization included. All
    processes begin with the same ``labels`` and weights.
    """
    if not distribute:
        yield model, None
        return
    import jax

    share = Share(jax.process_index(), jax.process_count(), jax.device_count())
    if batch_size % share.n_devices:
        raise EarshotError(
            f"A batch of {batch_size} clips cannot be shared evenly by {share.n_devices} devices: "
            f"let batch_size be a multiple of {share.n_devices}."
        )
    if not share.whole(len(labels)):
        problem = f"{len(labels)} clips are fewer than the {share.n_devices} devices"
        raise EarshotError(f"{problem}: give more, or distribute=False.")
    agreed(share, "labels and first weights", [labels, *model.get_weights()])
    with keras.distribution.DataParallel(auto_shard_dataset=False).scope():
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
        copy.class_names = model.class_names
        try:
            yield copy, share
        except (RuntimeError, ValueError) as error:
            if not any(name in str(error) for name in LOST):
                raise
            way_out = "start all of them again; with a checkpoint they go on."
            raise EarshotError(f"Another process has stopped: {way_out}") from error
    model.set_weights(copy.get_weights())


def agreed(share: Share | None, what: str, *values: Any) -> None:
    """Refuse to go on where another process has other values: JSON, or lists of arrays."""
    if share is None or share.n_processes == 1:
        return
    from jax.experimental import multihost_utils

    sign = hashlib.sha256()
    for value in values:
        if isinstance(value, list):
            for array in value:
                sign.update(np.ascontiguousarray(array).tobytes())
        else:
            sign.update(json.dumps(value, sort_keys=True, default=repr).encode())
    mine = np.frombuffer(sign.digest(), np.uint8)
    if (multihost_utils.process_allgather(mine) != mine).any():
        raise EarshotError(
            f"The {share.n_processes} processes do not have the same {what}: give all of them the "
            "same clips, settings and folder, and keras.utils.set_random_seed the same seed."
        )
