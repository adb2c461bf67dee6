"""A recognizer as an ONNX file: waveforms in, probabilities out.

>>> import tempfile
>>> from earshot import LogMel, networks, recognition
>>> r = recognition.Recognizer(networks.cnn((101, 40), 2), LogMel(), ("yes", "no"))  # not trained
>>> folder = Path(tempfile.mkdtemp())
>>> write(r, folder, "float16")
>>> answers(folder, np.zeros((3, 8000), np.float32)).shape
(3, 2)
"""

import warnings
from pathlib import Path

import numpy as np

from earshot.exports.graph import Exportable, convert, graph
from earshot.types import Array

__all__ = ["FILE", "PACKAGES", "PARTS", "PRECISIONS", "answers", "write"]

FILE = "model.onnx"
PARTS = ()  # nothing is beside it
PACKAGES = ("tf2onnx", "onnx", "onnxruntime")
PRECISIONS = ("float32", "float16")
LARGE = 256  # weights from which storing them in 16 bits is worth a node


def write(recognizer: Exportable, folder: Path, precision: str) -> None:
    """Write the file, which takes any number of waveforms of ``n_samples`` at a time."""
    import onnx

    path, network = folder / FILE, graph(recognizer.model, recognizer.front_end)
    network(np.zeros((1, *network.input_shape[1:]), np.float32))  # Keras refuses uncalled ones
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of what Keras asks NumPy about
        convert(network, path, "onnx")
    if precision == "float16":
        onnx.save(_halved(onnx.load(path)), path)


def _halved(model):
    """Store large weights in 16 bits; a node casts each back, so that the arithmetic stays."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weight in model.graph.initializer:
        if weight.data_type == TensorProto.FLOAT and np.prod(weight.dims) >= LARGE:
            name, half = weight.name, f"{weight.name}.half"
            with np.errstate(over="ignore"):  # what is too large is found when it answers
                values = numpy_helper.to_array(weight).astype(np.float16)
            weight.CopyFrom(numpy_helper.from_array(values, half))
            casts.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def answers(folder: Path, waveforms: Array) -> Array:
    """Give probabilities, shape (n, n_classes), as the file gives them on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    content = (folder / FILE).read_bytes()  # from a path, errors would tell of a temporary folder
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(content, options, providers=providers)
    return session.run(["probabilities"], {"waveforms": np.asarray(waveforms, np.float32)})[0]
