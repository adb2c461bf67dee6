import keras
import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.notebook import echo
from earshot.recording import takes
from earshot.synthesis.inverter import FINE, Inverter, network


@pytest.fixture(scope="module")
def inverter():
    keras.utils.set_random_seed(0)
    return Inverter(network(FINE, width=4, blocks=1), FINE)


@pytest.fixture
def word():
    t = np.arange(16000) / 16000
    return (0.3 * np.sin(2 * np.pi * 440 * t) * np.hanning(len(t))).astype(np.float32)


def test_a_recording_of_any_rate_comes_as_the_recognizer_gets_it(inverter, word):
    said, heard = echo.as_heard(word, 16000, inverter, n_samples=4000)
    assert said.waveform.shape == (4000,)
    assert np.abs(said.waveform).max() == pytest.approx(0.3, abs=0.02)  # its loudest part
    assert heard.waveform.shape == (3968,)  # whole hops
    assert heard.name == "as it is heard"


def test_in_the_browser_what_is_left_of_each_take_comes_below_the_recorder(
    inverter, word, tmp_path, capsys
):
    box = echo.hear_yourself(tmp_path, inverter, 4000, where="browser")
    assert capsys.readouterr().out == "Recording in the browser.\n"
    recorder, place = box.children
    writer = takes.Writer(tmp_path, "take", 16000)
    writer.write((32767 * word).astype(np.int16))
    recorder.on_take(writer.close())
    (shown,) = place.children
    assert shown.sounds.count("<audio") == 2
    assert "image/png" in shown._repr_mimebundle_()


def test_another_place_to_record_is_named(inverter, tmp_path):
    with pytest.raises(EarshotError, match="nowhere"):
        echo.hear_yourself(tmp_path, inverter, 4000, where="nowhere")
