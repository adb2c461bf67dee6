import subprocess
import sys

import numpy as np

from earshot.exports import onnx

ALONE = """
import sys, numpy as np, onnxruntime
ask = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
print(*ask.run(None, {"waveforms": np.load(sys.argv[2])})[0].argmax(axis=1))
assert not {"tensorflow", "keras", "earshot"} & {*sys.modules}
"""


def test_it_runs_without_tensorflow_on_several_clips_at_once(exported, beep, tmp_path):
    np.save(tmp_path / "a.npy", [beep(hz, duration_s=0.5) for hz in (1500, 300, 1500)])
    file = exported("onnx")[0] / onnx.FILE
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(file), str(tmp_path / "a.npy")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.split() == ["1", "0", "1"], done.stderr


def test_16_bits_make_a_smaller_file(exported):
    whole, smaller = (
        (exported("onnx", one)[0] / onnx.FILE).stat().st_size for one in ("float32", "float16")
    )
    assert smaller < 0.65 * whole
