import numpy as np
import pytest

from earshot.exports import micro_runtime


@pytest.mark.parametrize(
    ("log", "reason"),
    [("Didn't find op for builtin opcode 'RFFT2D'\nTraceback", "it has no operator RFFT2D"),
     ("Node CUMSUM (number 3) failed to prepare", "its operator CUMSUM does not take"),
     ("Failed to allocate tail memory", "it takes more than 16 MB of memory"),
     ("Traceback\nValueError: odd", "ValueError: odd"), ("", "it ended without a word")],
)  # fmt: skip
def test_what_it_tells_becomes_a_reason(log, reason):
    assert micro_runtime.reason_in(log).startswith(reason)


def test_what_is_no_network_is_an_error():
    pytest.importorskip("tflite_micro", reason="needs tflite-micro")
    with pytest.raises(RuntimeError):
        micro_runtime.answers(b"TFL3" * 20, np.zeros((1, 8000)))
