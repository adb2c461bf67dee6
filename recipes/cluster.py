"""Clips prepared shard by shard, and a training on several machines; on a laptop without a cluster.

    python recipes/cluster.py prepare data/clips/* --into data/shards
    python recipes/cluster.py train data/shards --into models/large --batch-size 512

Each source (a folder of words, a .npz) becomes one folder of shards; what is there already is not
made again, and a source that cannot be read is named at the end. The training keeps a checkpoint
after every epoch beside the model, and goes on from it.

With --ray (pip install "earshot[cluster]") shards are made by all processors of the cluster, and
the training has --workers processes, on a GPU each with --gpus; one that dies is started anew with
all others, --restarts times. --ray local makes a cluster of this machine alone, --ray auto or an
address takes one that runs. All machines need the same shards and models folders. Ray's JaxTrainer
decides where JAX's coordinator listens: on all interfaces, so keep the machines behind a firewall.

The roads with --ray are written after Ray 2.60's documentation and are untried on a cluster.
"""

import argparse
import functools
import os
from pathlib import Path

from tqdm import tqdm

from earshot.datasets import from_shards, honest_splits, open_set
from earshot.errors import EarshotError, listed
from earshot.features import LogMel

RATE = 16000
FRONT_END = LogMel(sample_rate=RATE, n_fft=512, hop_length=160, n_mels=64, n_samples=RATE)
RETRIES = 3  # of a shard whose process died


def prepare(source: Path, target: Path, sample_rate: int = RATE) -> str:
    """Write the shards of one source, if they are not there; gives what went wrong, or nothing.

    It may be called as often as one likes, and by any process: a folder appears when it is whole.
    """
    try:
        if not target.exists():
            open_set(source, sample_rate=sample_rate).write(target)
    except EarshotError as error:
        return str(error)
    return ""


def here(tasks):
    """Prepare one shard after the other; gives what went wrong."""
    return [prepare(*task) for task in tqdm(tasks, "preparing", unit="shard")]


def on_cluster(tasks, address):
    """Prepare shards on all processors of a Ray cluster; gives what went wrong."""
    ray = joined(address)
    remote = ray.remote(max_retries=RETRIES)(prepare)
    waiting, problems = [remote.remote(*task) for task in tasks], []
    for _ in tqdm(tasks, "preparing", unit="shard"):
        (done,), waiting = ray.wait(waiting)
        problems.append(ray.get(done))
    return problems


def joined(address):
    """Connect to a cluster, or make one of this machine, which nobody else can reach."""
    import ray

    if address == "local":
        ray.init(address, include_dashboard=False, _node_ip_address="127.0.0.1")
    else:
        ray.init(address)
    return ray


def opened(folder):
    """Open all shards of a folder as one set."""
    sets = [from_shards(path.parent) for path in sorted(Path(folder).glob("*/state.json"))]
    if not sets:
        raise EarshotError(f"There are no shards in {folder}: make them by `prepare`.")
    return functools.reduce(lambda a, b: a.joined(b), sets)


def train(options):
    """Train in this process, alone or as one of several that have met; the first one saves."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    from earshot import networks, recognition
    from earshot.datasets import Augmentation

    networks.meet()
    split = honest_splits(opened(options["shards"]))
    keras.utils.set_random_seed(0)  # all processes begin with the same weights
    network = networks.temporal_cnn(
        FRONT_END.output_shape, len(split.train.class_names), scale=FRONT_END.top_db
    )
    config = networks.TrainingConfig(
        epochs=options["epochs"], batch_size=options["batch_size"], augment=Augmentation()
    )
    into = Path(options["into"])
    checkpoint = into.with_name(f"{into.name}-checkpoint")
    on_jax, is_first = keras.backend.backend() == "jax", True
    if on_jax:
        import jax

        is_first = jax.process_index() == 0
    history = networks.fit(
        network, split.train, FRONT_END, config, test=split.test, checkpoint=checkpoint,
        workers=options["threads"], distribute=on_jax,
    )  # fmt: skip
    if is_first:
        card = recognition.model_card(
            split.train, split=split.says, epochs=config.epochs,
            figures={"test": history["val_accuracy"][-1]}, made_by="python recipes/cluster.py",
        )  # fmt: skip
        known = recognition.Recognizer(network, FRONT_END, split.train.class_names, card)
        known.save(into)


def train_on_cluster(options, address, n_workers, gpus, restarts):
    """Train in several processes of a Ray cluster, which go on when one of them dies."""
    joined(address)
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.v2.jax import JaxConfig, JaxTrainer

    platform = {"JAX_PLATFORMS": "cuda" if gpus else "cpu"}
    JaxTrainer(
        train, train_loop_config=options,
        jax_config=JaxConfig(use_gpu=True),  # else it does not let the processes meet
        scaling_config=ScalingConfig(num_workers=n_workers, use_gpu=gpus),
        run_config=RunConfig(
            failure_config=FailureConfig(max_failures=restarts),
            worker_runtime_env={"env_vars": {"KERAS_BACKEND": "jax", **platform}},
        ),
    ).fit()  # fmt: skip


def main():
    """Do what the command line says."""
    whole = os.path.abspath  # processes of a cluster run in folders of their own
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ray", metavar="ADDRESS", help="local, auto, or a cluster's address")
    steps = parser.add_subparsers(dest="step", required=True)
    step = steps.add_parser("prepare", help="make shards")
    step.add_argument("sources", nargs="+", type=whole)
    step.add_argument("--into", type=whole, required=True)
    step = steps.add_parser("train", help="train on shards")
    step.add_argument("shards", type=whole)
    step.add_argument("--into", type=whole, required=True)
    step.add_argument("--epochs", type=int, default=20)
    step.add_argument("--batch-size", type=int, default=64, help="clips, over all devices")
    step.add_argument("--threads", type=int, default=2, help="that vary clips, in each process")
    step.add_argument("--workers", type=int, default=1, help="processes, with --ray")
    step.add_argument("--gpus", action="store_true", help="one for each process, with --ray")
    step.add_argument("--restarts", type=int, default=3, help="with --ray")
    options = parser.parse_args()
    if options.step == "prepare":
        into = Path(options.into)
        tasks = [(source, into / source.stem) for source in map(Path, options.sources)]
        problems = on_cluster(tasks, options.ray) if options.ray else here(tasks)
        if told := listed([problem for problem in problems if problem]):
            raise SystemExit(told)
        return
    known = {"shards", "into", "epochs", "batch_size", "threads"}
    settings = {name: value for name, value in vars(options).items() if name in known}
    if options.ray:
        others = options.workers, options.gpus, options.restarts
        train_on_cluster(settings, options.ray, *others)
    else:
        train(settings)


if __name__ == "__main__":
    main()
