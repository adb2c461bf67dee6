"""Clips prepared shard by shard, and a training on several machines; on a laptop without a cluster.

    python recipes/cluster.py prepare data/clips/* --into data/shards
    python recipes/cluster.py train data/shards --into models/large --batch-size 512

Each source (a folder of words, a .npz) becomes one folder of shards; what is there already is not
made again, and a source that cannot be read is named at the end. The training keeps a checkpoint
after every epoch beside the model, and goes on from it.

With --ray, before the step (pip install "earshot[cluster]"), shards are made by all processors of
the cluster, and the training has --workers processes; one that dies is started anew with all
others, --restarts times. With --gpus N each process takes a machine of its own, with N GPUs.
`--ray local` makes a cluster of this machine alone, `--ray auto` or an address takes one that runs.
All machines need earshot, and folders of the same names: that of the model is one that all share,
that of the shards may be a copy. Ray's JaxTrainer decides where JAX's coordinator listens: on all
interfaces, so keep the machines behind a firewall.

With --ray local both steps were tried on a machine of two cores, and a process of the training was
killed: Ray started both anew, and they went on from the checkpoint. Several machines are untried.
"""

import argparse
import collections
import functools
import importlib.util
import os
from pathlib import Path

from tqdm import tqdm

from earshot.datasets import WordSet, from_shards, honest_splits, open_set
from earshot.errors import EarshotError, listed, reason_of, some
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


def tasks_of(sources, into):
    """Give each source with its own folder of shards; two never share one."""
    targets = [Path(into) / source.stem for source in map(Path, sources)]
    if twice := [str(path) for path, n in collections.Counter(targets).items() if n > 1]:
        raise EarshotError(f"Several sources would become {some(twice)}: give them other names.")
    return [*zip(map(Path, sources), targets, strict=True)]


def here(tasks):
    """Prepare one shard after the other; gives what went wrong."""
    return [prepare(*task) for task in tqdm(tasks, "preparing", unit="shard")]


def on_cluster(tasks, address):
    """Prepare shards on all processors of a Ray cluster; gives what went wrong."""
    ray = joined(address)
    remote = ray.remote(max_retries=RETRIES)(prepare)
    running, problems = {remote.remote(*task): task for task in tasks}, []
    for _ in tqdm(tasks, "preparing", unit="shard"):
        (done,), _ = ray.wait([*running])
        source, _ = running.pop(done)
        try:
            problems.append(ray.get(done))
        except ray.exceptions.RayError as error:  # its process died again and again
            problems.append(f"{source} was not prepared ({reason_of(error)}): start again.")
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
    while len(sets) > 1:  # two and two, as every step copies what is known of its clips
        sets = [functools.reduce(WordSet.joined, sets[i : i + 2]) for i in range(0, len(sets), 2)]
    return sets[0]


def train(options):
    """Train in this process, alone or as one of several that have met; the first one saves."""
    if importlib.util.find_spec("jax"):
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
    history = networks.fit(
        network, split.train, FRONT_END, config, test=split.test, checkpoint=checkpoint,
        workers=options["threads"], distribute=keras.backend.backend() == "jax",
    )  # fmt: skip
    if networks.is_first():
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
    resources = {"GPU": gpus, "CPU": options["threads"]} if gpus else None
    JaxTrainer(
        train, train_loop_config=options,
        jax_config=JaxConfig(use_gpu=True),  # else it does not let the processes meet
        scaling_config=ScalingConfig(
            num_workers=n_workers, use_gpu=bool(gpus), resources_per_worker=resources,
            # Two on one machine would compute on the same GPUs: JaxTrainer counts them from 0.
            placement_strategy="STRICT_SPREAD" if gpus else "PACK",
        ),
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
    step.add_argument("--gpus", type=int, default=0, help="of each process, with --ray")
    step.add_argument("--restarts", type=int, default=3, help="with --ray")
    options = parser.parse_args()
    if options.step == "prepare":
        tasks = tasks_of(options.sources, options.into)
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
    try:
        main()
    except EarshotError as error:
        raise SystemExit(str(error)) from error
