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


def network_with_a_projection(front_end):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(front_end.output_shape)
    x = layers.Rescaling(0.01)(layers.Flatten()(inputs))
    x = layers.Dense(16, activation="relu", name="hidden")(x)
    x = layers.Dense(16, name="projection")(x)
    return keras.Model(inputs, layers.Dense(2, name="logits")(x))


def test_all_weights_take_8_bits_in_an_int8_export(tmp_path):
    from ai_edge_litert.interpreter import Interpreter

    front_end = LogMel(n_samples=1600, hop_length=320, n_mels=16)
    recognizer = Recognizer(network_with_a_projection(front_end), front_end, ("low", "high"))
    recognizer.export(tmp_path / "a", "litert", precision="int8")
    details = Interpreter(model_path=str(tmp_path / "a" / litert.FILE)).get_tensor_details()
    kinds = {(*one["shape"].tolist(), np.dtype(one["dtype"]).name) for one in details}
    assert {(16, 96, "int8"), (16, 16, "int8")} <= kinds
    assert not [kind for kind in kinds if "float16" in kind]


def test_inputs_of_many_sizes_get_weights_of_one_size_and_the_answers_stay(rng):
    front_end = LogMel(n_samples=1600, hop_length=320, n_mels=16)
    model = network_with_a_projection(front_end)
    kernel, bias = model.get_layer("projection").get_weights()
    model.get_layer("projection").set_weights([kernel * np.logspace(-3, 3, 16)[:, None], bias])
    twin = litert.balanced(model)
    largest = np.abs(twin.get_layer("projection").get_weights()[0]).max(axis=1)
    np.testing.assert_allclose(largest, 1, rtol=1e-5)
    x = rng.uniform(-45, 0, (5, *front_end.output_shape))
    expected, given = model.predict_on_batch(x), twin.predict_on_batch(x)
    np.testing.assert_allclose(given, expected, rtol=1e-4)


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
