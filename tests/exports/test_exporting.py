import json
import shutil

import keras
import numpy as np
import pytest
from support.beeps import make_beeps

from earshot.errors import EarshotError
from earshot.exports import litert
from earshot.exports.exporting import FORMATS
from earshot.features.log_mel import LogMel
from earshot.features.raw import RawWaveform
from earshot.networks import builders
from earshot.recognition import Recognizer

FORMS = [(name, precision) for name, form in FORMATS.items() for precision in form.PRECISIONS]
TOLERANCES = {"float32": 1e-5, "float16": 0.01, "int8": 0.05}
ROUGHEST = 0.2  # where activations have 8 bits too, over the ranges of voices, asked about beeps


@pytest.mark.parametrize(("format", "precision"), FORMS)
def test_its_own_runtime_gives_what_predict_gives(trained, exported, beep, format, precision):
    folder, _ = exported(format, precision)
    clips = [beep(pitch_hz, duration_s=0.5) for pitch_hz in (280, 320, 1400, 1600)]
    rows = FORMATS[format].answers(folder, np.stack(clips))
    atol = ROUGHEST if format == "micro" else TOLERANCES[precision]
    for row, p in zip(rows, trained.predict(clips), strict=True):
        assert trained.class_names[row.argmax()] == p.word
        np.testing.assert_allclose(row, [*p.probabilities.values()], atol=atol)


@pytest.mark.parametrize(("format", "precision"), FORMS)
def test_the_card_says_what_it_is_and_how_it_answers(trained, exported, format, precision):
    folder, comparison = exported(format, precision)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert (card["format"], card["precision"], card["words"]) == (
        format,
        precision,
        ["low", "high"],
    )
    assert LogMel(**card["front_end"]) == trained.front_end
    assert card["recognizer"]["figures"] == {"accuracy": 1.0}
    assert card["compared"]["agreement"] == comparison.agreement == 1.0
    most = ROUGHEST if format == "micro" else TOLERANCES[precision]
    assert card["compared"]["largest_difference"] <= most
    assert card["compared"]["n_clips"] > 2


NAMES = ("</script><img src=x onerror=alert(1)>", "🦊 ثعلب")


@pytest.fixture(scope="module")
def replaced(trained, exported, tmp_path_factory):
    """A folder with another export in the place of one, and how it compared on seven clips."""
    folder = tmp_path_factory.mktemp("replaced") / "a"
    shutil.copytree(exported("onnx")[0], folder)
    twin = keras.models.clone_model(trained.model)
    twin.set_weights(trained.model.get_weights())
    words = make_beeps(np.random.default_rng(3), n=7, sample_rate=16000)
    recognizer = Recognizer(twin, trained.front_end, NAMES)
    return folder, recognizer.export(folder, "onnx", precision="float16", test=words)


def test_an_earlier_export_is_replaced(replaced):
    folder, _ = replaced
    assert json.loads((folder / "card.json").read_text("utf-8"))["precision"] == "float16"
    assert {path.name for path in folder.iterdir()} == {"card.json", "model.onnx"}


def test_a_set_of_ones_own_is_what_it_is_compared_on(replaced):
    assert replaced[1].n_clips == 7


def test_words_in_any_letters_are_kept(replaced):
    assert json.loads((replaced[0] / "card.json").read_text("utf-8"))["words"] == [*NAMES]


@pytest.mark.parametrize("format", FORMATS)
def test_a_folder_that_holds_something_else_is_kept(trained, tmp_path, format):
    (tmp_path / "anna.wav").write_bytes(b"mine")
    with pytest.raises(EarshotError, match=r"holds something else .*name another folder"):
        trained.export(tmp_path, format)
    assert (tmp_path / "anna.wav").read_bytes() == b"mine"


def test_a_file_that_is_in_the_way_is_kept(trained, tmp_path):
    (tmp_path / "anna.wav").write_bytes(b"mine")
    with pytest.raises(EarshotError, match=r"anna\.wav"):
        trained.export(tmp_path / "anna.wav", "onnx")
    assert (tmp_path / "anna.wav").read_bytes() == b"mine"


def test_a_format_or_a_precision_that_is_not_there_is_refused(trained, tmp_path):
    with pytest.raises(EarshotError, match="no format 'tflite': choose one of saved_model, litert"):
        trained.export(tmp_path / "a", "tflite")
    with pytest.raises(EarshotError, match="onnx has no precision 'int8': choose one of float32"):
        trained.export(tmp_path / "a", "onnx", precision="int8")


def test_an_empty_set_to_compare_on_is_refused(trained, tmp_path, beeps):
    with pytest.raises(EarshotError, match="set to compare the export on is empty"):
        trained.export(tmp_path / "a", "onnx", test=beeps.subset(np.arange(0)))


def test_a_clip_that_cannot_be_compared_on_is_named(trained, tmp_path, beeps):
    beeps.waveforms[1][:] = 0
    with pytest.raises(EarshotError, match=f"{beeps.sources[1]} is silent"):
        trained.export(tmp_path / "a", "onnx", test=beeps)


def test_a_runtime_that_is_missing_is_named(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(litert, "PACKAGES", ("ai_edge_litert", "no_such_runtime"))
    with pytest.raises(EarshotError, match="litert needs more packages: pip install no-such-run"):
        trained.export(tmp_path / "a", "litert")


def network_with_a_weight_beyond_16_bits(front_end):
    inputs = keras.Input(front_end.output_shape)
    x = keras.layers.Dense(20, name="wide")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, name="logits")(x))
    kernel, bias = model.get_layer("wide").get_weights()
    kernel[0] = 1e6  # the largest number of 16 bits is 65,504
    model.get_layer("wide").set_weights([kernel, bias])
    return model


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_a_bad_export_is_an_error_and_what_was_there_stays(trained, exported, tmp_path, format):
    shutil.copytree(exported(format)[0], tmp_path / "a")
    front_end = trained.front_end
    bad = Recognizer(network_with_a_weight_beyond_16_bits(front_end), front_end, ("low", "high"))
    before = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    with pytest.raises(EarshotError, match="answers otherwise than the recognizer.* is not kept"):
        bad.export(tmp_path / "a", format, precision="float16")
    assert {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()} == before
    assert len(list(tmp_path.iterdir())) == 1


@keras.saving.register_keras_serializable("tests")
class Digamma(keras.layers.Layer):
    """Something that no light runtime can do."""

    def call(self, x):
        """Give a function of the first two values of each clip."""
        import tensorflow as tf

        return tf.math.digamma(x[:, 0, :2] ** 2 + 1)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's own function")
@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_what_a_runtime_cannot_do_is_an_error_in_a_sentence(trained, tmp_path, format):
    inputs = keras.Input(trained.front_end.output_shape)
    model = keras.Model(inputs, Digamma()(inputs))
    with pytest.raises(EarshotError, match=r"Digamma.*: choose format='saved_model'\.$"):
        Recognizer(model, trained.front_end, ("low", "high")).export(tmp_path / "a", format)
    assert not list(tmp_path.iterdir())


def test_lstms_answer_the_same(tmp_path):
    front_end = LogMel(n_samples=1600, hop_length=320, n_mels=8)
    model = builders.spectrogram_lstm(front_end.output_shape, 2, stem=4, units=4, dense=4)
    recognizer = Recognizer(model, front_end, ("low", "high"))
    assert recognizer.export(tmp_path / "a", "litert").largest_difference < 1e-5


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_networks_of_raw_samples_and_their_mask_answer_the_same(format, tmp_path):
    front_end = RawWaveform(8000, 1600)
    model = builders.raw_lstm(1600, 2, frame=400, sample_rate=8000, n_filters=4, units=4, dense=4)
    recognizer = Recognizer(model, front_end, ("low", "high"))
    assert recognizer.export(tmp_path / "a", format).largest_difference < 1e-5
