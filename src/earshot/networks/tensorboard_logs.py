"""What TensorBoard would show, read from its logs: for pages on which it does not run.

>>> import tempfile, tensorflow as tf
>>> folder = tempfile.mkdtemp()
>>> with tf.summary.create_file_writer(f"{folder}/gradients").as_default(step=0):
...     _ = tf.summary.histogram("gradients/dense/kernel", [-1.0, 0.0, 1.0])
>>> {name: [bins.shape for bins in epochs] for name, epochs in gradient_histograms(folder).items()}
{'dense/kernel': [(30, 3)]}
"""

from pathlib import Path
from typing import Any

from earshot.errors import EarshotError, reason_of
from earshot.types import Array, PathLike

__all__ = ["gradient_histograms"]


def gradient_histograms(folder: PathLike) -> dict[str, list[Array]]:
    """Read the histograms of gradients that :func:`earshot.networks.tensorboard` has logged.

    By the path of each weight, one histogram an epoch: left and right end of each bin, and how many
    gradients lie between, shape (n_bins, 3). A later training into the same folder counts from its
    first epoch on.
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    path = Path(folder) / "gradients"
    way_out = "train with callbacks=networks.tensorboard(folder, ...)."
    events = EventAccumulator(str(path), size_guidance={"tensors": 0})
    try:
        events.Reload()
    except Exception as error:  # a folder that is none, foreign bytes: whatever TensorBoard raises
        raise EarshotError(f"{path} cannot be read ({reason_of(error)}): {way_out}") from error
    found = {}
    for tag in events.Tags()["tensors"]:
        kept: list[Any] = []
        for event in sorted(events.Tensors(tag), key=lambda event: event.wall_time):
            kept = [before for before in kept if before.step < event.step] + [event]
        bins = [tensor_util.make_ndarray(event.tensor_proto) for event in kept]
        found[tag.removeprefix("gradients/")] = bins
    if not found:
        raise EarshotError(f"There are no histograms of gradients in {path}: {way_out}")
    return found
