"""A recognizer as a LiteRT file, for phones and small computers: waveforms in, probabilities out.

Its arithmetic is in float; smaller precisions are of the weights alone. With activations of 8 bits
the answers change (91 % of them stay the same for models/base), and nothing is faster.

>>> import tempfile
>>> from earshot import LogMel, networks, recognition
>>> r = recognition.Recognizer(networks.cnn((101, 40), 2), LogMel(), ("yes", "no"))  # not trained
>>> folder = Path(tempfile.mkdtemp())
>>> write(r, folder, "float32")
>>> answers(folder, np.zeros((3, 8000), np.float32)).shape
(3, 2)
"""

import contextlib
import io
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from earshot.exports.graph import Exportable, cloned, convert, graph, unrolled
from earshot.types import Array

__all__ = ["FILE", "PACKAGES", "PARTS", "PRECISIONS", "answers", "balanced",
           "convert_whole", "smaller", "write"]  # fmt: skip

FILE = "model.tflite"
PARTS = ()  # nothing is beside it
PACKAGES = ("ai_edge_litert", "ai_edge_quantizer")
PRECISIONS = ("float32", "float16", "int8")


def write(recognizer: Exportable, folder: Path, precision: str) -> None:
    """Write the file, which takes one waveform of ``n_samples`` at a time."""
    path = folder / FILE
    convert_whole(recognizer, path, balance=precision == "int8")
    path.write_bytes(smaller(path.read_bytes(), precision))


def convert_whole(recognizer: Exportable, path: Path, *, balance: bool, n_parts: int = 1) -> None:
    """Write front end and network in float32; see :func:`balanced`.

    ``n_parts``: of the front end, see :func:`earshot.networks.front_end_layers.as_layer`.
    """
    model = unrolled(recognizer.model)
    model = balanced(model) if balance else model
    network = graph(model, recognizer.front_end, batch_size=1, n_parts=n_parts)
    plain = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}  # others no light runtime has
    convert(network, path, "litert", target_spec=plain)


class BalancedDense(keras.layers.Dense):
    """A dense layer whose inputs are multiplied by a ``scale`` first, and its kernel divided."""

    scale: Array | float = 1.0

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Give what the layer gave that it was made from."""
        return super().call(inputs * self.scale, training=training)


def balanced(model: keras.Model) -> keras.Model:
    """Give a network that answers the same, and keeps its answers with weights of 8 bits.

    The inputs of a dense layer without an activation have no common scale, as after a batch
    normalization, and a step that suits the weights of one is coarse for others. So all get weights
    of the same size. The last layer, which gives the logits, needs none of this.
    """
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    linear = [x.name for x in dense[:-1] if x.activation is keras.activations.linear]
    if not linear:
        return model

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        kind = BalancedDense if layer.name in linear else type(layer)
        return kind.from_config(layer.get_config())

    twin = cloned(model, copy)
    for layer in map(twin.get_layer, linear):
        kernel, *bias = layer.get_weights()
        largest = np.abs(kernel).max(axis=1)
        layer.scale = np.where(largest > 0, largest, 1).astype(np.float32)
        layer.set_weights([kernel / layer.scale[:, None], *bias])
    return twin


def smaller(content: bytes, precision: str) -> bytes:
    """Store the weights of a file in 16 bits, or in 8; in float32 they stay as they are."""
    if precision == "float32":
        return content
    from ai_edge_quantizer import qtyping, quantizer

    machine = quantizer.Quantizer(content)
    everything = qtyping.TFLOperationName.ALL_SUPPORTED
    if precision == "int8":
        machine.add_weight_only_config(regex=".*", operation_name=everything, num_bits=8)
    else:
        half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
        machine.update_quantization_recipe(
            regex=".*", operation_name=everything,
            op_config=qtyping.OpQuantizationConfig(
                weight_tensor_config=half, compute_precision=qtyping.ComputePrecision.FLOAT
            ),
            algorithm_key="float_casting",
        )  # fmt: skip
    # A bar of a few milliseconds, and what is too large, which is found when it answers.
    with contextlib.redirect_stderr(io.StringIO()), np.errstate(over="ignore"):
        result = machine.quantize(enable_progress_report=False)
    return bytes(result.quantized_model)


def answers(folder: Path, waveforms: Array) -> Array:
    """Give probabilities, shape (n, n_classes), as the file gives them on one thread."""
    from ai_edge_litert.interpreter import Interpreter

    ask = Interpreter(model_path=str(folder / FILE), num_threads=1).get_signature_runner()
    rows = [ask(waveforms=x[None])["probabilities"] for x in np.asarray(waveforms, np.float32)]
    return np.concatenate(rows)
