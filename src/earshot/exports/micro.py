"""A recognizer for microcontrollers: a C array and an example around it.

The network computes in integers of 8 bits, its front end in float, for LiteRT for Microcontrollers
(David and others 2021, "TensorFlow Lite Micro"). The ranges of its values are found with synthetic
voices.

>>> cc_text('say "é"')
'"say \\\\042\\\\303\\\\251\\\\042"'
>>> method_of("BATCH_MATMUL"), method_of("MAX_POOL_2D")
('AddBatchMatMul', 'AddMaxPool2D')
"""

import contextlib
import io
import re
import tempfile
import warnings
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from earshot.errors import EarshotError
from earshot.exports import litert, micro_runtime, operations
from earshot.exports.comparison import made_up, padded
from earshot.exports.graph import Exportable
from earshot.types import Array

__all__ = ["FILE", "PACKAGES", "PARTS", "PRECISIONS", "answers", "cc_text", "method_of", "write"]

FILE = "model.cc"
TEMPLATES = ("Makefile", "README.md", "main.cc", "model.h")
PARTS = (*TEMPLATES, "model.tflite")  # the last is what is in the array
PACKAGES = ("ai_edge_litert", "ai_edge_quantizer", "tflite_micro")
PRECISIONS = ("int8",)
N_PARTS = 8  # of the front end: fewer take more memory, more no less
INTEGERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "RESHAPE", "MAX_POOL_2D",
            "AVERAGE_POOL_2D")  # fmt: skip
"""Operators that compute in 8 bits: where the weights are, and what stands between them."""
NETWORK = r"^(?!.*front_end).*"  # names in the file that are not of the front end
CALIBRATION_SEEDS = range(1, 4)  # of voices other than those that exports are compared on
STEP = 4096  # bytes that the arena is rounded up to
IRREGULAR = {"BATCH_MATMUL": "BatchMatMul", "CUMSUM": "CumSum", "PADV2": "PadV2"}
"""Names of operators in C++ that do not follow from those in the file."""
FIELD = re.compile(r"\{\{(\w+)\}\}")  # what of a template is filled in
BYTE = re.compile(r"0x(..),")


def write(recognizer: Exportable, folder: Path, precision: str = "int8") -> dict[str, Any]:
    """Write the files; give what a board needs, for the card.

    Raises :class:`EarshotError` where LiteRT for Microcontrollers cannot run the network.
    """
    front_end: Any = recognizer.front_end
    path = folder / litert.FILE
    litert.convert_whole(recognizer, path, balance=True, n_parts=N_PARTS)
    clips = np.concatenate([
        padded([x[: front_end.n_samples] for x in words.waveforms], front_end)
        for words in (made_up(recognizer.class_names, front_end.sample_rate, seed=seed)
                      for seed in CALIBRATION_SEEDS)
    ])  # fmt: skip
    content = _aligned(_in_integers(operations.straightened(path.read_bytes()), clips))
    path.write_bytes(content)
    try:
        _, arena = micro_runtime.answers(content, clips[:1])
    except RuntimeError as error:
        raise EarshotError(
            f"LiteRT for Microcontrollers cannot run this network: {error}. Choose format='litert'."
        ) from error
    operators = operations.names(content)
    needs = {
        "arena_bytes": -(-arena // STEP) * STEP, "flash_bytes": len(content),
        "operators": operators,
    }  # fmt: skip
    fields = _fields(recognizer, needs)
    for name in TEMPLATES:
        template = (resources.files(__package__) / "board" / name).read_text("utf-8")
        text = FIELD.sub(lambda found: fields[found[1]], template)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / FILE).write_text(_array(content), encoding="ascii")
    return needs


def _in_integers(content: bytes, clips: Array) -> bytes:
    """Let the network compute in integers, over the ranges that its values have for these clips."""
    from ai_edge_quantizer import qtyping, quantizer

    machine = quantizer.Quantizer(content)
    for name in INTEGERS:
        machine.add_static_config(
            regex=NETWORK, operation_name=qtyping.TFLOperationName[name], activation_num_bits=8,
            weight_num_bits=8,
        )  # fmt: skip
    given = [{"waveforms": clip[None]} for clip in clips]
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():  # a bar
        warnings.simplefilter("ignore", UserWarning)  # of the memory that looking inside takes
        ranges = machine.calibrate({"serving_default": given}, num_threads=1)
        result = machine.quantize(ranges, enable_progress_report=False)
    return operations.straightened(bytes(result.quantized_model))


def _aligned(content: bytes) -> bytes:
    """Let weights begin at multiples of 16 bytes: there are processors that read no others."""
    from tflite_micro.tensorflow.lite.micro.tools import tflite_flatbuffer_align_wrapper as aligner

    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before", Path(folder) / "after"
        before.write_bytes(content)
        aligner.align_tflite_model(str(before), str(after))
        return after.read_bytes()


def _array(content: bytes) -> str:
    """Give the source text of the array."""
    rows = [content[i : i + 16] for i in range(0, len(content), 16)]
    lines = "\n".join("  " + " ".join(f"0x{byte:02x}," for byte in row) for row in rows)
    return (
        '#include "model.h"\n\n'
        f"alignas(16) const unsigned char kModel[] = {{\n{lines}\n}};\n"
        f"const unsigned int kModelBytes = {len(content)};\n"
    )


def _fields(recognizer: Exportable, needs: dict[str, Any]) -> dict[str, str]:
    """Give what is filled into the templates."""
    front_end: Any = recognizer.front_end
    operators = needs["operators"]
    return {
        "words": ", ".join(map(cc_text, recognizer.class_names)),
        "n_words": str(len(recognizer.class_names)),
        "n_samples": str(front_end.n_samples),
        "sample_rate": str(front_end.sample_rate),
        "seconds": f"{front_end.n_samples / front_end.sample_rate:g}",
        "arena": str(needs["arena_bytes"]),
        "arena_kb": f"{needs['arena_bytes'] / 1024:.0f}",
        "flash_kb": f"{needs['flash_bytes'] / 1024:.0f}",
        "n_operators": str(len(operators)),
        "operators": ", ".join(operators),
        "added": "\n".join(f"  resolver.{method_of(one)}();" for one in operators),
    }


def cc_text(text: str) -> str:
    """Give a text as C++ writes it, in UTF-8, whatever is in it."""
    plain = [
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"
        for byte in text.encode()
    ]
    return f'"{"".join(plain)}"'


def method_of(operator: str) -> str:
    """Name what adds an operator to the interpreter, in C++."""
    parts = [part if part[0].isdigit() else part.capitalize() for part in operator.split("_")]
    return f"Add{IRREGULAR.get(operator, ''.join(parts))}"


def answers(folder: Path, waveforms: Array) -> Array:
    """Give probabilities, shape (n, n_classes), as the array answers on a board."""
    text = (folder / FILE).read_text(encoding="ascii")
    content = bytes(int(byte, 16) for byte in BYTE.findall(text))
    return micro_runtime.answers(content, np.asarray(waveforms, np.float32))[0]
