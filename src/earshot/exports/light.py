"""A network alone as a LiteRT file, by which recognizers answer where TensorFlow is not installed.

It takes what the front end makes, and gives logits and the features that new words are learned
from. Its arithmetic is that of the Keras network, to a few millionths of a probability.

>>> from earshot import networks
>>> light = LightNetwork(converted(networks.temporal_cnn((101, 40), 3)))
>>> light.predict_on_batch(np.zeros((2, 101, 40))).shape, light.output_shape, light.layer
((2, 3), (None, 3), 'features')
"""

import copy
import dataclasses
import importlib.util
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from earshot.errors import EarshotError
from earshot.networks.saving import LIGHT
from earshot.types import Array

if TYPE_CHECKING:
    import keras

__all__ = ["LAYERS", "LightNetwork", "Tensor", "converted", "is_needed"]

LAYERS = ("embedding", "features")  # the first that a network has gives the features
LOGITS = "logits"  # what the answers are called in the file
MARK = b"TFL3"  # of LiteRT files
FLOAT32 = 0  # the type of a tensor in them


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input: its name, and its shape, None for the batch, as a Keras network tells it."""

    name: str
    shape: tuple[int | None, ...]


class LightNetwork:
    """Answers as the Keras network does that :func:`converted` was given, on one thread.

    ``layer`` names the layer that gives the features, "" where there is none.
    """

    def __init__(self, content: bytes) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise EarshotError(
                "Networks run in LiteRT or in TensorFlow, and neither is installed: pip install "
                'ai-edge-litert, or pip install "earshot[train]".'
            ) from error
        try:
            self._machine = Interpreter(model_content=content, num_threads=1)
            self._ask = self._machine.get_signature_runner()
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"no LiteRT file of a network ({error:.100})") from error
        self.content = content
        given, told = self._ask.get_input_details(), self._ask.get_output_details()
        sizes = {name: (None, *one["shape"].tolist()[1:]) for name, one in given.items()}
        self.inputs = [Tensor(name, sizes[name]) for name in sorted(sizes, key=_order)]
        self.input_shape: Any = self.inputs[0].shape
        self.output_shape = (None, int(told[LOGITS]["shape"][-1]))
        self.layer = next((name for name in LAYERS if name in told), "")
        self.n_features = int(told[self.layer]["shape"][-1]) if self.layer else 0

    def predict_on_batch(self, x: Any) -> Array:
        """Give logits, shape (n, n_classes), of what the front end makes of n clips."""
        return self._run(x, LOGITS)

    def features(self, x: Any) -> Array:
        """Give what ``layer`` says, shape (n, n_features), of what the front end makes of clips."""
        return self._run(x, self.layer)

    def last_layer(self) -> tuple[Array, Array] | None:
        """Give kernel and bias of a last Dense layer that reads the features; None without one."""
        model, tensors, last = self._parsed()
        if last is None:
            return None
        kernel, bias = (
            model.buffers[tensors[i].buffer].data.view(np.float32) if i >= 0 else np.zeros(1)
            for i in (*last.inputs[1:3], -1)[:2]
        )
        n = self.output_shape[1]
        return kernel.reshape(n, -1).T.copy(), np.broadcast_to(bias, n).copy()

    def with_last_layer(self, kernel: Array, bias: Array) -> "LightNetwork":
        """Give a network with other weights, and as many answers, in the place of a last layer."""
        from ai_edge_litert import schema_py_generated as schema
        from flatbuffers import Builder

        model, tensors, last = self._parsed()
        if last is None:
            raise EarshotError(
                "This network's last layer cannot be replaced without TensorFlow: choose "
                'models/base, or pip install "earshot[train]".'
            )
        places = [*last.inputs[1:3], -1][:2]
        weights = [np.ascontiguousarray(kernel.T, "<f4"), np.ascontiguousarray(bias, "<f4")]
        for i, (place, values) in enumerate(zip(places, weights, strict=True)):
            if place < 0:  # a bias of zeros is left out
                tensors.append(copy.copy(tensors[last.inputs[1]]))
                place = len(tensors) - 1
            tensors[place].name = f"last_layer_{i}".encode()
            tensors[place].shape, tensors[place].shapeSignature = list(values.shape), None
            tensors[place].buffer = len(model.buffers)
            model.buffers.append(schema.BufferT())
            model.buffers[-1].data = values.reshape(-1).view(np.uint8)
            places[i] = place
        last.inputs = [last.inputs[0], *places]
        answers = tensors[last.outputs[0]]
        answers.shape, answers.shapeSignature = [1, len(bias)], None
        builder = Builder()
        builder.Finish(model.Pack(builder), MARK)
        return LightNetwork(bytes(builder.Output()))

    def _parsed(self) -> tuple[Any, Any, Any]:
        """Give the file's model and tensors, and its operation from features to logits, or None."""
        from ai_edge_litert import schema_py_generated as schema

        model = schema.ModelT.InitFromPackedBuf(self.content, 0)
        graph = model.subgraphs[0]
        told = {one.name.decode(): one.tensorIndex for one in model.signatureDefs[0].outputs}
        last = next(one for one in graph.operators if told[LOGITS] in one.outputs)
        code = model.operatorCodes[last.opcodeIndex].builtinCode
        is_dense = code == schema.BuiltinOperator.FULLY_CONNECTED
        reads = is_dense and last.inputs[0] == told.get(self.layer)
        plain = reads and graph.tensors[last.inputs[1]].type == FLOAT32
        return model, graph.tensors, last if plain else None

    def _run(self, x: Any, name: str) -> Array:
        parts = x if isinstance(x, tuple | list) else [x]
        kinds = [self._ask.get_input_details()[one.name]["dtype"] for one in self.inputs]
        columns = [np.asarray(part, kind) for part, kind in zip(parts, kinds, strict=True)]
        rows = []
        for row in zip(*columns, strict=True):
            named = {one.name: part[None] for one, part in zip(self.inputs, row, strict=True)}
            rows.append(self._ask(**named)[name].copy())
        size = self.n_features if name != LOGITS else self.output_shape[1]
        return np.concatenate([np.zeros((0, size), np.float32), *rows])


def is_needed() -> bool:
    """Tell whether TensorFlow is not installed, so that all must go without it."""
    return importlib.util.find_spec("tensorflow") is None


def _order(name: str) -> int:
    """Give the place of an input, which its name ends in."""
    return int(name.rpartition("_")[2])


def converted(model: "keras.Model", precision: str = "float32") -> bytes:
    """Give the LiteRT file of a Keras network, its weights in float32, float16 or int8.

    Raises :class:`EarshotError` when the network cannot be written so.
    """
    import keras
    import tensorflow as tf

    from earshot.exports import litert
    from earshot.exports.graph import convert, unrolled

    twin = unrolled(model)
    twin = litert.balanced(twin) if precision == "int8" else twin
    there = {layer.name: layer for layer in twin.layers}
    layer = next((name for name in LAYERS if name in there), None)
    inputs = [
        keras.Input(x.shape[1:], batch_size=1, dtype=x.dtype, name=f"input_{i}")
        for i, x in enumerate(twin.inputs)
    ]
    wanted = [twin.output]
    if layer and len(there[layer].output.shape) == 2:
        wanted.append(there[layer].output)
    found = keras.Model(twin.inputs, wanted)(inputs if len(inputs) > 1 else inputs[0])
    outputs = dict(zip((LOGITS, layer), keras.tree.flatten(found), strict=False))
    signature = [tf.TensorSpec(x.shape, x.dtype, x.name) for x in inputs]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / LIGHT
        convert(
            keras.Model(inputs, outputs), path, "litert",
            input_signature=[signature] if len(inputs) > 1 else signature,
            target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]},
        )  # fmt: skip
        return litert.smaller(path.read_bytes(), precision)
