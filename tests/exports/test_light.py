"""Recognizers that answer by LiteRT, beside Keras and without it."""

import hashlib
import json
import os
import subprocess
import sys
import tomllib

import keras
import numpy as np
import pytest
from keras import layers
from support import ROOT
from support.beeps import make_beeps

import earshot
from earshot import audio
from earshot.errors import EarshotError
from earshot.exports.light import LightNetwork, converted
from earshot.features.log_mel import LogMel
from earshot.features.raw import RawWaveform
from earshot.networks import builders, saving
from earshot.recognition import Memory, Recognizer
from earshot.recognition.memory import SYNTHETIC

ALONE = "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
"""So that Python finds neither of them."""
USE = """
import json, sys, time
began = time.perf_counter()
import earshot
r = earshot.load(sys.argv[1])
p = r.predict(sys.argv[2])
seconds = time.perf_counter() - began
x, rate = earshot.audio.read(sys.argv[2])
heard = [h.word for h in earshot.listen(r, [(x, rate)])]
new = earshot.learn_words(r, earshot.from_folder(sys.argv[3]), false_acceptance=None)
new.save(sys.argv[4])
answer = earshot.load(sys.argv[4]).predict(sys.argv[2])
known = [*map(int, ("tensorflow" in sys.modules and sys.modules["tensorflow"] is not None, ))]
print(json.dumps([p.probabilities, heard, answer.probabilities, known, seconds]))
"""


@pytest.fixture(scope="module")
def small():
    """A recognizer of low and high beeps, from whose embedding more can be learned."""
    keras.utils.set_random_seed(0)
    front_end = LogMel(n_samples=4000, hop_length=160, n_mels=16)
    inputs = keras.Input(front_end.output_shape)
    x = layers.Dense(24)(layers.Flatten()(layers.Rescaling(1 / 45, offset=1.0)(inputs)))
    x = layers.UnitNormalization(name="embedding")(x)
    model = keras.Model(inputs, layers.Dense(2, name="logits")(x))
    remembered = np.zeros((0, 24)), np.zeros(0, int), np.zeros(0, bool), "embedding"
    return Recognizer(model, front_end, ("low", "high"), memory=Memory(*remembered))


@pytest.fixture(scope="module")
def saved(small, tmp_path_factory):
    """The folder of the small recognizer, with its networks for Keras and LiteRT."""
    folder = tmp_path_factory.mktemp("light") / "small"
    small.save(folder, light=True)
    return folder


@pytest.fixture
def alone(saved, tmp_path):
    """The same without its Keras network."""
    (tmp_path / "alone").mkdir()
    for path in saved.iterdir():
        if path.name != saving.NETWORK:
            (tmp_path / "alone" / path.name).write_bytes(path.read_bytes())
    return tmp_path / "alone"


@pytest.fixture
def sounds(tmp_path):
    """A recording of a beep, and a folder of two words."""
    beeps = make_beeps(np.random.default_rng(2), n=10)
    audio.write(tmp_path / "low.wav", beeps.waveforms[0], 8000)
    for i, (x, label) in enumerate(zip(beeps.waveforms, beeps.labels, strict=True)):
        path = tmp_path / "words" / ("deep", "shrill")[label] / f"anna_{i}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        audio.write(path, x, 8000)
    return tmp_path / "low.wav", tmp_path / "words"


def used(python, folder, sounds, tmp_path, before=""):
    """Let another Python load, predict, listen, learn and save; gives what it said."""
    arguments = [*map(str, (folder, *sounds, tmp_path / "learned"))]
    done = subprocess.run(
        [str(python), "-c", before + USE, *arguments], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def close(one, other):
    assert list(one) == list(other)
    np.testing.assert_allclose([*one.values()], [*other.values()], atol=1e-5)


def test_it_answers_as_keras_does(small, saved, rng):
    light = LightNetwork((saved / saving.LIGHT).read_bytes())
    x = rng.uniform(-45, 0, (5, *small.front_end.output_shape)).astype(np.float32)
    expected = small.model.predict_on_batch(x)
    np.testing.assert_allclose(light.predict_on_batch(x), expected, atol=1e-5)
    kernel, bias = light.last_layer()
    np.testing.assert_allclose(light.features(x) @ kernel + bias, expected, atol=1e-5)
    assert light.predict_on_batch(x[:0]).shape == (0, 2)


def test_networks_of_two_inputs_answer_the_same(rng):
    model = builders.raw_lstm(1600, 2, frame=400, sample_rate=8000, n_filters=4, units=4, dense=4)
    clips = [rng.standard_normal(n).astype(np.float32) for n in (800, 1600)]
    x = RawWaveform(8000, 1600)(clips)
    light = LightNetwork(converted(model))
    np.testing.assert_allclose(light.predict_on_batch(x), model.predict_on_batch(x), atol=1e-5)


@pytest.mark.parametrize("path", sorted((ROOT / "models").glob(f"*/{saving.LIGHT}")), ids=str)
def test_committed_networks_are_those_beside_them(path, rng):
    model = saving.read_network(path.with_name(saving.NETWORK))
    x = rng.uniform(-45, 0, (5, *model.input_shape[1:])).astype(np.float32)
    light = LightNetwork(path.read_bytes())
    np.testing.assert_allclose(light.predict_on_batch(x), model.predict_on_batch(x), atol=1e-3)


def test_without_tensorflow_it_predicts_listens_learns_and_saves(small, saved, sounds, tmp_path):
    said, words = sounds
    before, heard, learned, *_ = used(sys.executable, saved, sounds, tmp_path, ALONE)
    close(before, small.predict(said).probabilities)
    x, rate = audio.read(said)
    assert heard == [h.word for h in earshot.listen(small, [(x, rate)])]
    by_keras = earshot.learn_words(small, earshot.from_folder(words), false_acceptance=None)
    close(learned, by_keras.predict(said).probabilities)


def test_beside_tensorflow_it_answers_before_that_is_imported(saved, sounds):
    code = (
        "import sys, earshot; r = earshot.load(sys.argv[1]); r.predict(sys.argv[2])\n"
        "assert not {'keras', 'tensorflow', 'sklearn', 'matplotlib'} & {*sys.modules}\n"
        "assert r.model.layers and r.light is None"
    )
    subprocess.run([sys.executable, "-c", code, str(saved), str(sounds[0])], check=True)


def test_what_needs_tensorflow_says_so(saved, tmp_path):
    code = ALONE + (
        "import earshot\nr = earshot.load(sys.argv[1])\n"
        "for do in (lambda: r.export('a'), lambda: earshot.load(sys.argv[2])):\n"
        "    try: do()\n"
        "    except earshot.EarshotError as error: print(error)"
    )
    whole = tmp_path / "whole"
    earshot.load(saved).save(whole)
    done = subprocess.run(
        [sys.executable, "-c", code, str(saved), str(whole)], capture_output=True, text=True
    )
    export, load = done.stdout.splitlines()
    assert export == 'TensorFlow makes exports: pip install "earshot[train]".'
    assert "network.keras needs TensorFlow, which is not installed" in load


def test_saved_from_litert_it_keeps_its_keras_network(saved, tmp_path):
    code = "import sys, earshot; earshot.load(sys.argv[1]).save(sys.argv[2])"
    subprocess.run([sys.executable, "-c", ALONE + code, saved, tmp_path / "copy"], check=True)
    for name in (saving.NETWORK, saving.LIGHT):
        assert (tmp_path / "copy" / name).read_bytes() == (saved / name).read_bytes()


def test_saved_without_light_there_is_no_old_one_beside_it(small, saved, tmp_path):
    small.save(tmp_path / "a", light=True)
    small.save(tmp_path / "a")
    assert not (tmp_path / "a" / saving.LIGHT).exists()


def test_a_keras_network_that_changed_since_is_not_mixed_in(saved):
    beside = saving.Beside(saved / saving.NETWORK)
    assert beside.path() == saved / saving.NETWORK
    os.utime(saved, ns=(1, 1))
    with pytest.raises(EarshotError, match="was saved anew since: load it again"):
        beside.path()


def test_a_recognizer_without_a_keras_network_says_so(alone):
    r = earshot.load(alone)
    assert r.light is r.network
    with pytest.raises(EarshotError, match="made without TensorFlow, and has no Keras network"):
        _ = r.model


def test_its_threshold_can_be_shifted(alone):
    r = earshot.load(alone)
    named = Recognizer(r.network, r.front_end, ("low", "unknown"))
    x = make_beeps(np.random.default_rng(4), n=2).waveforms[0]
    shifted = earshot.recognition.shift_threshold(named, 5.0)
    before, after = (one.predict(x, 8000).probabilities for one in (named, shifted))
    odds = [np.log(p["unknown"] / p["low"]) for p in (before, after)]
    assert odds[1] - odds[0] == pytest.approx(5.0, abs=1e-3)


def test_the_background_is_the_scores_of_what_is_remembered_of_streams(alone, rng):
    r, along = earshot.load(alone), rng.integers(-100, 100, (7200, 24)).astype(np.int8)
    nothing = np.zeros((0, 24)), np.zeros(0, int), np.zeros(0, bool), "embedding", ()
    memory = Memory(*nothing, along, 2.0)
    assert r.background() is None
    known = Recognizer(r.network, r.front_end, ("low", "unknown"), memory=memory).background()
    scores = np.sort(memory.best_along(*r.network.last_layer()) + SYNTHETIC)[::-1]
    np.testing.assert_allclose(known["scores"], scores[:256], atol=1e-4)
    assert known["hours"] == 2.0


def test_features_that_are_not_of_length_one_need_tensorflow(sounds):
    front_end = LogMel(n_samples=4000, hop_length=160, n_mels=16)
    inputs = keras.Input(front_end.output_shape)
    x = layers.GlobalAveragePooling1D(name="features")(inputs)
    network = LightNetwork(converted(keras.Model(inputs, layers.Dense(2, name="logits")(x))))
    r = Recognizer(network, front_end, ("low", "high"))
    with pytest.raises(EarshotError, match="words are learned by TensorFlow: pip install"):
        earshot.learn_words(r, earshot.from_folder(sounds[1]), false_acceptance=None)


def test_a_damaged_file_is_named(alone):
    (alone / saving.LIGHT).write_bytes(b"TFL3 and then nothing")
    with pytest.raises(EarshotError, match=r"network\.tflite is damaged"):
        earshot.load(alone)


# The light installation, in a virtual environment of its own


@pytest.fixture(scope="module")
def light_python(pytestconfig):
    """A Python with the dependencies of `pip install earshot` alone, kept in pytest's cache."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needs = project["dependencies"]
    key = hashlib.sha256(" ".join([sys.version, *needs]).encode()).hexdigest()[:12]
    folder = pytestconfig.cache.mkdir(f"light-{key}")
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", *needs], capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"pip cannot install the dependencies: {done.stderr[-300:]}")
        ready.touch()
    return python


@pytest.mark.long
def test_the_light_installation_does_all_this(light_python, small, saved, sounds, tmp_path):
    before, *_ = used(light_python, saved, sounds, tmp_path)
    close(before, small.predict(sounds[0]).probabilities)


@pytest.mark.long
def test_the_light_installation_is_small(light_python):
    folder = light_python.parent.parent / "lib"
    size = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
    assert size < 400e6
