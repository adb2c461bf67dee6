import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from earshot.errors import EarshotError
from earshot.exports import litert
from earshot.features.log_mel import LogMel
from earshot.features.raw import RawWaveform
from earshot.networks import builders
from earshot.recognition import Recognizer

ALONE = """
import sys, numpy as np
from ai_edge_litert.interpreter import Interpreter
ask = Interpreter(model_path=sys.argv[1]).get_signature_runner()
print(ask(waveforms=np.load(sys.argv[2])[None])["probabilities"].argmax())
assert not {"tensorflow", "keras", "earshot"} & {*sys.modules}
"""


def test_it_runs_without_tensorflow(exported, beep, tmp_path):
    np.save(tmp_path / "a.npy", beep(1500, duration_s=0.5))
    file = exported("litert")[0] / litert.FILE
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(file), str(tmp_path / "a.npy")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.split() == ["1"], done.stderr


@pytest.fixture(scope="module")
def projected(tmp_path_factory):
    """Shapes and types of what is in an int8 export whose network has a projection."""
    from ai_edge_litert.interpreter import Interpreter

    front_end = LogMel(n_samples=1600, hop_length=320, n_mels=16)
    inputs = keras.Input(front_end.output_shape)
    x = layers.Dense(16, activation="relu", name="hidden")(layers.Flatten()(inputs))
    x = layers.Dense(16, name="projection")(x)
    model = keras.Model(inputs, layers.Dense(2, name="logits")(x))
    folder = tmp_path_factory.mktemp("projected")
    Recognizer(model, front_end, ("low", "high")).export(folder, "litert", precision="int8")
    details = Interpreter(model_path=str(folder / litert.FILE)).get_tensor_details()
    return {(*one["shape"].tolist(), np.dtype(one["dtype"]).name) for one in details}


def test_weights_take_8_bits_in_an_int8_export(projected):
    assert (16, 96, "int8") in projected


def test_weights_of_a_projection_keep_16_bits(projected):
    assert (16, 16, "float16") in projected


@pytest.mark.parametrize(("precision", "share"), [("float16", 0.6), ("int8", 0.45)])
def test_smaller_precisions_make_smaller_files(exported, precision, share):
    whole, smaller = (
        (exported("litert", one)[0] / litert.FILE).stat().st_size for one in ("float32", precision)
    )
    assert smaller < share * whole


def test_a_loop_of_too_many_steps_is_refused(tmp_path):
    model = builders.raw_lstm(600, 2, frame=1, units=2, dense=2)
    recognizer = Recognizer(model, RawWaveform(8000, 600), ("low", "high"))
    with pytest.raises(EarshotError, match="takes 600 steps, .* choose format='onnx'"):
        recognizer.export(tmp_path / "a", "litert")
