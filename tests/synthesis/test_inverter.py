import json

import keras
import numpy as np
import pytest
from support import MODELS

from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.synthesis import griffin_lim, inverter as inverters
from earshot.synthesis.inverter import FirstAdvance, LinearMagnitude

OWN = LogMel(n_samples=None)
each_front_end = pytest.mark.parametrize("front_end", [OWN, inverters.FINE], ids=["own", "fine"])


def numbers(x):
    return keras.ops.convert_to_numpy(x)


@pytest.fixture(scope="module")
def small():
    """An untrained network, which does nearly what griffin_lim does."""
    keras.utils.set_random_seed(0)
    model = inverters.network(inverters.FINE, width=8, blocks=1)
    return inverters.Inverter(model, inverters.FINE, {"data": "none"})


@pytest.fixture
def spectrogram(beeps):
    return inverters.FINE(beeps.waveforms[0])


@each_front_end
def test_the_layers_give_the_numbers_of_griffin_lim(front_end, beeps):
    spectrogram = front_end(beeps.waveforms[1])
    magnitude = griffin_lim.linear_magnitude(spectrogram, front_end, updates=5)
    log = LinearMagnitude(front_end.to_dict(), updates=5)(spectrogram[None])
    np.testing.assert_allclose(np.exp(numbers(log)[0]), magnitude, rtol=1e-3, atol=1e-5)

    hop = front_end.hop_length
    loud = np.maximum(magnitude, 1e-4 * magnitude.max())
    advance = numbers(FirstAdvance(hop)(np.log(loud)[None]))[0]
    np.testing.assert_allclose(
        advance[1:], griffin_lim.phase_advance(np.log(loud), hop)[1:], atol=1e-4
    )


def test_a_spectrogram_gives_sound_of_its_length_and_a_batch_gives_a_batch(small, spectrogram):
    x = small(spectrogram)
    assert x.shape == ((len(spectrogram) - 1) * 64,)
    assert x.dtype == np.float32
    both = small(np.stack([spectrogram, spectrogram]))
    np.testing.assert_allclose(both, [x, x], atol=1e-5)


def test_one_frame_or_many_will_do(small, spectrogram):
    assert small(np.zeros((1, 64))).shape == (0,)
    assert small(np.tile(spectrogram, (20, 1))).shape == ((20 * len(spectrogram) - 1) * 64,)


def test_a_folder_keeps_everything(small, spectrogram, tmp_path):
    small.save(tmp_path / "net")
    again = inverters.load_inverter(tmp_path / "net")
    np.testing.assert_allclose(again(spectrogram), small(spectrogram), atol=1e-5)
    assert again.front_end == small.front_end
    assert again.card == {"data": "none"}


@pytest.mark.parametrize("name", ["fine", "fine_adversary", "words", "words_adversary"])
def test_the_committed_networks_rebuild_what_they_get(name, spoken_digit):
    inverter = inverters.load_inverter(MODELS / f"inversion/{name}")
    unheard = np.flatnonzero(spoken_digit.speakers == inverter.card["left out"])
    for i in unheard[::100]:
        spectrogram = inverter.front_end(spoken_digit.waveforms[i])
        again = inverter.front_end(inverter(spectrogram))
        loud = spectrogram > -25
        assert np.abs(again - spectrogram)[loud].mean() < 2.5


def test_a_missing_or_damaged_folder_is_named(small, tmp_path):
    with pytest.raises(EarshotError, match="no .*nowhere"):
        inverters.load_inverter(tmp_path / "nowhere")
    small.save(tmp_path / "net")
    settings = tmp_path / "net" / "inverter.json"
    text = settings.read_text()
    settings.write_text(json.dumps({**json.loads(text), "format": 9}))
    with pytest.raises(EarshotError, match="format 9"):
        inverters.load_inverter(tmp_path / "net")
    settings.write_text(text)
    (tmp_path / "net" / "network.keras").write_bytes(b"PK")
    with pytest.raises(EarshotError, match="network.keras is damaged"):
        inverters.load_inverter(tmp_path / "net")


@pytest.mark.parametrize(
    ("key", "value"),
    [("front_end", {"n_mels": "64"}), ("front_end", 3), ("front_end", {"sample_rate": 10**400}),
     ("front_end", {"other": 1}), ("card", 5), ("card", "none")],
)  # fmt: skip
def test_settings_of_another_kind_are_named(small, tmp_path, key, value):
    small.save(tmp_path / "net")
    path = tmp_path / "net" / "inverter.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(EarshotError, match=r"inverter\.json is damaged"):
        inverters.load_inverter(tmp_path / "net")


def test_a_network_of_other_bands_is_named(small, tmp_path):
    small.save(tmp_path / "net")
    path = tmp_path / "net" / "inverter.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "front_end": OWN.to_dict()}))
    with pytest.raises(EarshotError, match=r"net does not go from 40 bands to twice 129"):
        inverters.load_inverter(tmp_path / "net")


def test_a_wrong_spectrogram_is_refused(small, spectrogram):
    with pytest.raises(EarshotError, match="64"):
        small(spectrogram[:, :40])
