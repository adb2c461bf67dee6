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
import re
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from earshot.exports.graph import Exportable, convert, graph, unrolled
from earshot.types import Array

__all__ = ["FILE", "PACKAGES", "PARTS", "PRECISIONS", "answers", "projections", "smaller", "write"]

FILE = "model.tflite"
PARTS = ()  # nothing is beside it
PACKAGES = ("ai_edge_litert", "ai_edge_quantizer")
PRECISIONS = ("float32", "float16", "int8")


def write(recognizer: Exportable, folder: Path, precision: str) -> None:
    """Write the file, which takes one waveform of ``n_samples`` at a time."""
    path, model = folder / FILE, recognizer.model
    network = graph(unrolled(model), recognizer.front_end, batch_size=1)
    plain = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}  # others no light runtime has
    convert(network, path, "litert", target_spec=plain)
    path.write_bytes(smaller(path.read_bytes(), precision, projections(model)))


def projections(model: keras.Model) -> list[str]:
    """Name the dense layers without an activation, but for the last one, which gives the logits.

    Their inputs have no common scale, as after a batch normalization: 8 bits are too few for them.
    """
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    return [layer.name for layer in dense[:-1] if layer.activation is keras.activations.linear]


def smaller(content: bytes, precision: str, kept: list[str]) -> bytes:
    """Store the weights of a file in 8 bits, those of the ``kept`` layers in 16, or all in 16.

    In float32 they stay as they are.
    """
    if precision == "float32":
        return content
    from ai_edge_quantizer import qtyping, quantizer

    machine = quantizer.Quantizer(content)
    halved = [".*"] if precision == "float16" else [rf".*/{re.escape(x)}(_\d+)*/.*" for x in kept]
    if precision == "int8":
        machine.add_weight_only_config(
            regex=".*", operation_name=qtyping.TFLOperationName.ALL_SUPPORTED, num_bits=8
        )
    half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    for regex in halved:
        machine.update_quantization_recipe(
            regex=regex, operation_name=qtyping.TFLOperationName.ALL_SUPPORTED,
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
