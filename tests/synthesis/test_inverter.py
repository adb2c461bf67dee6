import json

import keras
import numpy as np
import pytest
from support import MODELS

from earshot.errors import EarshotError
from earshot.features import short_time
from earshot.features.log_mel import LogMel
from earshot.features.mel import mel_matrices
from earshot.synthesis import griffin_lim, inverter_training
from earshot.synthesis import inverter as inverters
from earshot.synthesis.layers import FirstAdvance, LinearMagnitude, Resynthesis

OWN = LogMel(n_samples=None)
each_front_end = pytest.mark.parametrize("front_end", [OWN, inverters.FINE], ids=["own", "fine"])


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
    np.testing.assert_allclose(np.exp(log[0]), magnitude, rtol=1e-3, atol=1e-5)

    hop = front_end.hop_length
    loud = np.maximum(magnitude, 1e-4 * magnitude.max())
    advance = FirstAdvance(hop)(np.log(loud)[None])[0]
    np.testing.assert_allclose(advance[1:], griffin_lim._steps(magnitude, hop)[1:], atol=1e-4)


@each_front_end
def test_resynthesis_is_the_inverse_stft(front_end, beeps):
    hop = front_end.hop_length
    spectra = short_time.stft(beeps.waveforms[0], front_end.n_fft, hop)
    phase = spectra / np.abs(spectra)
    pairs = np.stack([phase.real, phase.imag], axis=-1)
    x = Resynthesis(hop)(np.log(np.abs(spectra))[None], pairs[None])
    np.testing.assert_allclose(x[0], short_time.istft(spectra, hop), atol=1e-4)


def test_crops_hold_what_belongs_together(beeps):
    crops = inverter_training.CropBatches(beeps, OWN, steps=2, seed=3)
    (spectrograms, phase), truth = crops[1]
    again = Resynthesis(OWN.hop_length)(truth["log_magnitude"], phase)
    assert np.abs(again - truth["waveform"]).max() < 0.01
    bank, _, _ = mel_matrices(OWN)
    mel = 10 * np.log10(np.exp(2 * truth["log_magnitude"]) @ bank)
    loud = spectrograms > -20
    assert np.abs(mel - spectrograms)[loud].max() < 0.1
    np.testing.assert_array_equal(crops[1][0][0], spectrograms)


def test_a_network_learns_from_other_clips_than_the_test(beeps):
    train, test = beeps.subset(np.arange(50)), beeps.subset(np.arange(50, 60))
    options = {"width": 16, "blocks": 1}
    inputs, truth = inverter_training.CropBatches(test, OWN, steps=1)[0]

    def distance(model):
        x = Resynthesis(OWN.hop_length)(model(inputs[0])[0], inputs[1])
        return float(inverter_training.spectral_distance(truth["waveform"], x))

    keras.utils.set_random_seed(0)
    untrained = distance(inverters.network(OWN, **options))
    trained = inverter_training.train_inverter(train, OWN, epochs=1, steps=60, **options)
    assert distance(trained.model) < 0.96 * untrained


def test_an_adversary_changes_the_network_and_leaves_the_first_as_it_was(beeps, small):
    before = small.model.get_weights()
    refined = inverter_training.refine_inverter(small, beeps, epochs=1, steps=2)
    for a, b in zip(before, small.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    changed = [
        np.abs(a - b).max() for a, b in zip(before, refined.model.get_weights(), strict=True)
    ]
    assert max(changed) > 1e-4


def test_a_spectrogram_gives_sound_of_its_length_and_a_batch_gives_a_batch(small, spectrogram):
    x = small(spectrogram)
    assert x.shape == ((len(spectrogram) - 1) * 64,)
    assert x.dtype == np.float32
    both = small(np.stack([spectrogram, spectrogram]))
    np.testing.assert_allclose(both, [x, x], atol=1e-5)


def test_one_frame_or_many_will_do(small, spectrogram):
    assert small(spectrogram[:1]).shape == (0,)
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


def test_a_wrong_spectrogram_is_refused(small, spectrogram):
    with pytest.raises(EarshotError, match="64"):
        small(spectrogram[:, :40])


def test_training_needs_clips(beeps):
    with pytest.raises(EarshotError, match="no clips"):
        inverter_training.train_inverter(beeps.subset([]))
