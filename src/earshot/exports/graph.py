"""Front end, network and softmax as one Keras network, which the formats are made from.

>>> from earshot import LogMel, networks
>>> network = graph(networks.cnn((101, 40), 2), LogMel())
>>> network.input_shape, network.output_shape
((None, 8000), (None, 2))
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import keras
import tensorflow as tf

from earshot.errors import EarshotError, reason_of, some
from earshot.features.front_end import FrontEnd
from earshot.networks.front_end_layers import as_layer
from earshot.types import Array

__all__ = ["Exportable", "check_backend", "cloned", "convert", "graph", "quiet", "unrolled"]

MOST_STEPS = 500  # of a recurrent layer that are written out: each makes a dozen nodes


class Exportable(Protocol):
    """What is needed of a recognizer."""

    @property
    def model(self) -> keras.Model:
        """The Keras network."""

    front_end: FrontEnd
    class_names: tuple[str, ...]
    spotting_threshold: float

    def probabilities(self, waveforms: Sequence[Array]) -> Array:
        """Give probabilities, shape (n, n_classes), for waveforms at the front end's rate."""

    def background(self) -> dict[str, Any] | None:
        """Give the highest "scores" of "hours" in which no word is said, where that is known."""


def graph(
    model: keras.Model, front_end: FrontEnd, *, batch_size: int | None = None, n_parts: int = 1
) -> keras.Model:
    """Give the network from "waveforms", shape (n, n_samples), to "probabilities".

    ``n_parts``: of the front end, see :func:`earshot.networks.front_end_layers.as_layer`.
    """
    waveforms = keras.Input((front_end.n_samples,), batch_size=batch_size, name="waveforms")
    logits = model(as_layer(front_end, n_parts=n_parts)(waveforms))
    probabilities = keras.layers.Softmax(name="probabilities")(logits)
    return keras.Model(waveforms, {"probabilities": probabilities}, name="recognizer")


def unrolled(model: keras.Model) -> keras.Model:
    """Give a network whose recurrent layers are written out step by step, for want of a loop."""

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        settings = layer.get_config()
        if isinstance(layer, keras.layers.RNN):
            n_steps = keras.tree.flatten(layer.input)[0].shape[1]  # beside it there is the mask
            if n_steps > MOST_STEPS:
                raise EarshotError(
                    f"The layer {layer.name} takes {n_steps:,} steps, and a file without loops "
                    f"holds {MOST_STEPS} at most: choose format='onnx'."
                )
            settings["unroll"] = True
        return type(layer).from_config(settings)

    if not any(isinstance(layer, keras.layers.RNN) for layer in model.layers):
        return model
    return cloned(model, copy)


def cloned(
    model: keras.Model, copy: Callable[[keras.layers.Layer], keras.layers.Layer]
) -> keras.Model:
    """Give a network with copies of the layers in their places, and the same weights."""
    twin = keras.models.clone_model(model, clone_function=copy)
    twin.set_weights(model.get_weights())
    return twin


def check_backend() -> None:
    """Refuse other backends than TensorFlow, whose converters write every file."""
    if (backend := keras.backend.backend()) != "tensorflow":
        way_out = "set KERAS_BACKEND=tensorflow."
        raise EarshotError(f"An export needs the TensorFlow backend, not {backend}: {way_out}")


def convert(network: keras.Model, path: Path, kind: str, **options: Any) -> None:
    """Let Keras write a network as a file of the kind "litert" or "onnx"."""
    check_backend()
    try:
        with quiet():
            network.export(str(path), format=kind, verbose=False, **options)
    except OSError:
        raise
    except Exception as error:  # converters raise nearly anything about what they do not know
        operations = sorted(set(re.findall(r"'tf\.(\w+)' op", str(error))))
        reason = f"no {some(operations)} there" if operations else f"{reason_of(error):.200}"
        raise EarshotError(
            f"This network cannot be written as {kind} ({reason}): choose format='saved_model'."
        ) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence what TensorFlow tells of temporary folders; its errors of the disk become OSError."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    except tf.errors.OpError as error:  # "...; No space left on device [Op:SaveV2]"
        reason = error.message.rpartition("; ")[2].partition(" [Op")[0]
        raise OSError(reason) from error  # of which files.atomic_path makes the sentence
    finally:
        logger.setLevel(level)
