"""What other backends may do otherwise, on JAX, in a process of its own."""

import json

import pytest
from support.processes import needs_jax, on_jax

pytestmark = needs_jax

SCRIPT = """
import json, os, sys, tempfile
from pathlib import Path
import keras
import numpy as np
from support.beeps import make_beeps
from earshot.errors import EarshotError
from earshot.features import LogMel, StreamSpectrogram
from earshot.networks import TrainingConfig, callbacks, cnn, encoder, fit, gradient_histograms
from earshot.networks import meet, next_frame_lstm, tensorboard
from earshot.networks.stream_form import StreamForm
from earshot.recognition import Recognizer
from earshot.synthesis.inverter_training import refine_inverter

keras.utils.set_random_seed(0)
rng, found = np.random.default_rng(0), {"backend": keras.backend.backend()}
settings = StreamSpectrogram(n_frames=15, n_ahead=7, n_mels=16)
form = StreamForm(encoder(next_frame_lstm(settings.output_shape, units=8)), settings)
sound = rng.uniform(-0.3, 0.3, 4000).astype(np.float32)
whole, again = form.activations(sound), form.activations(sound)
pieces = [(sound[i : i + 1001], 8000) for i in range(0, len(sound), 1001)]
found["pieces"] = float(np.abs(np.concatenate(list(form.run(pieces))) - whole).max())
found["again"] = float(np.abs(again - whole).max())

words, front_end = make_beeps(rng), LogMel(n_samples=4000, hop_length=160, n_mels=16)
network = cnn(front_end.output_shape, 2, widths=(4, 8), dense=8)
folder = Path(tempfile.mkdtemp())
history = fit(network, words, front_end, TrainingConfig(epochs=2), progress=False,
              callbacks=tensorboard(folder, words, front_end, batch_size=8))
found["loss"] = history["loss"]
found["histograms"] = {name: len(bins) for name, bins in gradient_histograms(folder).items()}
found["weights"] = [weight.path for weight in network.trainable_variables]

# The loss of a linear layer has a gradient that everybody knows: (probabilities - truth) x inputs.
linear = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(2)])
linear.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
x, truth = rng.normal(size=(4, 3)).astype("float32"), np.eye(2, dtype="float32")[[0, 1, 1, 0]]
(_, kernel), (_, bias) = callbacks.gradients_of(linear, x, truth)
answers = keras.ops.convert_to_numpy(keras.ops.softmax(linear(x)))
found["gradient"] = float(np.abs(x.T @ (answers - truth) / 4 - np.asarray(kernel)).max())

def told(function, *given):
    try:
        function(*given)
    except EarshotError as error:
        return str(error)

known = Recognizer(network, front_end, words.class_names)
found["export"] = told(known.export, folder / "export")
found["adversary"] = told(refine_inverter, None, words)
os.environ["KERAS_DISTRIBUTION_JOB_ADDRESSES"] = "127.0.0.1:9"
os.environ.update(KERAS_DISTRIBUTION_NUM_PROCESSES="2", KERAS_DISTRIBUTION_PROCESS_ID="1")
found["late"] = told(meet)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    ((output, code),) = on_jax(SCRIPT)
    assert code == 0, output
    found = json.loads(output.splitlines()[-1])
    assert found["backend"] == "jax"
    return found


def test_an_lstm_keeps_its_state_from_piece_to_piece_of_a_stream(found):
    assert found["pieces"] < 1e-4


def test_streams_one_after_the_other_know_nothing_of_each_other(found):
    assert found["again"] == 0


def test_a_network_learns(found):
    assert found["loss"][1] < found["loss"][0]


def test_every_weight_has_histograms_of_its_gradients(found):
    assert found["histograms"] == dict.fromkeys(found["weights"], 2)


def test_gradients_are_those_of_the_loss_without_dropout(found):
    assert found["gradient"] < 1e-6


@pytest.mark.parametrize("what", ["export", "adversary"])
def test_what_is_tensorflow_own_says_so(found, what):
    assert "needs the TensorFlow backend" in found[what]
    assert "KERAS_BACKEND=tensorflow" in found[what]


def test_who_meets_too_late_is_told(found):
    assert "2 processes did not meet at 127.0.0.1:9 (" in found["late"]
    assert "call meet() before anything else" in found["late"]
