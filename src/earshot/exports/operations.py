"""The operations of a LiteRT file, put in order for runtimes that have few of them and no memory.

>>> import inspect
>>> inspect.signature(straightened).return_annotation
<class 'bytes'>
"""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

__all__ = ["in_half_precision", "names", "straightened"]

CODES = schema.BuiltinOperator
RESHAPING = (CODES.RESHAPE, CODES.EXPAND_DIMS, CODES.SQUEEZE)  # only the shape is another after it
NAMES = {code: name for name, code in vars(CODES).items() if isinstance(code, int)}


def names(content: bytes) -> list[str]:
    """Name the operators that a file needs, as "CONV_2D", in alphabetical order."""
    model = flatbuffer_utils.read_model_from_bytearray(content)
    return sorted({NAMES[_code(model, one)] for one in model.subgraphs[0].operators})


def straightened(content: bytes) -> bytes:
    """Leave out what computes shapes, which are known, and sort the rest.

    Each operation comes as late as possible, so that few results wait in the memory. A file with
    loops stays as it is.
    """
    model = flatbuffer_utils.read_model_from_bytearray(content)
    if len(model.subgraphs) > 1:
        return content
    for operation in model.subgraphs[0].operators:
        if _code(model, operation) in RESHAPING:
            _reshape_plainly(model, operation)
    graph = model.subgraphs[0]
    graph.operators = _sorted(graph)
    _drop_tensors(model, graph)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _code(model: Any, operation: Any) -> int:
    code = model.operatorCodes[operation.opcodeIndex]
    return max(code.builtinCode, code.deprecatedBuiltinCode)


def _reshape_plainly(model: Any, operation: Any) -> None:
    """Make it a RESHAPE to a shape that stands in the file."""
    tensors = model.subgraphs[0].tensors
    result = tensors[operation.outputs[0]]
    shape = np.array([] if result.shape is None else result.shape, np.int32)
    constant, buffer = schema.TensorT(), schema.BufferT()
    constant.name, constant.type = b"shape_of_" + result.name, schema.TensorType.INT32
    constant.shape, constant.buffer = [len(shape)], len(model.buffers)
    buffer.data = shape.view(np.uint8)
    model.buffers.append(buffer)
    tensors.append(constant)
    operation.inputs = [operation.inputs[0], len(tensors) - 1]
    operation.opcodeIndex = _index_of_reshape(model)
    operation.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    operation.builtinOptions = schema.ReshapeOptionsT()
    operation.builtinOptions.newShape = shape.tolist()


def _index_of_reshape(model: Any) -> int:
    for i, code in enumerate(model.operatorCodes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == CODES.RESHAPE:
            return i
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = CODES.RESHAPE
    code.version = 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _sorted(graph: Any) -> list[Any]:
    """Give the operations that the outputs need, each right before what needs it first."""
    maker = {place: one for one in graph.operators for place in one.outputs}
    done: dict[int, Any] = {}  # by identity, in order
    waiting = [(maker[place], False) for place in reversed(graph.outputs) if place in maker]
    while waiting:
        one, is_ready = waiting.pop()
        if id(one) in done:
            continue
        if is_ready:
            done[id(one)] = one
        else:
            waiting.append((one, True))
            waiting += [(maker[i], False) for i in reversed(one.inputs) if i in maker]
    return [*done.values()]


def _drop_tensors(model: Any, graph: Any) -> None:
    """Leave out the tensors that nothing uses, for each takes memory."""
    used = {*graph.inputs, *graph.outputs}
    for one in graph.operators:
        used |= {place for place in (*one.inputs, *one.outputs) if place >= 0}
    new = {old: i for i, old in enumerate(sorted(used))} | {-1: -1}  # -1: an input left out
    graph.tensors = [graph.tensors[old] for old in sorted(used)]
    for one in graph.operators:
        one.inputs, one.outputs = ([new[i] for i in places] for places in (one.inputs, one.outputs))
    graph.inputs, graph.outputs = (
        [new[i] for i in places] for places in (graph.inputs, graph.outputs)
    )
    for signature in model.signatureDefs:
        for told in (*signature.inputs, *signature.outputs):
            told.tensorIndex = new[told.tensorIndex]


def in_half_precision(content: bytes) -> bytes:
    """Round a file's weights to 16 bits, and store them in 32: packed, it is hardly larger.

    A runtime that turns stored halves into floats at every call (LiteRT.js) is slower by them.
    """
    model = flatbuffer_utils.read_model_from_bytearray(content)
    floats = [x.buffer for x in model.subgraphs[0].tensors if x.type == schema.TensorType.FLOAT32]
    for buffer in (model.buffers[i] for i in floats):
        if buffer.data is not None and len(buffer.data):
            values = np.asarray(buffer.data, np.uint8).view(np.float32)
            with np.errstate(over="ignore", under="ignore"):
                halves = values.astype(np.float16).astype(np.float32)
            fit = np.isfinite(halves) & (halves != 0)  # a divisor's 1e-9 is no 0
            buffer.data = np.where(fit, halves, values).view(np.uint8)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
