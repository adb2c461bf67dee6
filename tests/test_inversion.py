import json

import keras
import numpy as np
import pytest

from earshot import EarshotError, griffin_lim, inversion
from earshot.layers import FirstAdvance, LinearMagnitude, Resynthesis
from earshot.spectrogram import LogMel

OWN = LogMel(n_samples=None)
each_front_end = pytest.mark.parametrize("front_end", [OWN, inversion.FINE], ids=["own", "fine"])


@pytest.fixture(scope="module")
def small():
    """An untrained network, which does nearly what griffin_lim does."""
    keras.utils.set_random_seed(0)
    model = inversion.network(inversion.FINE, width=8, blocks=1)
    return inversion.Inverter(model, inversion.FINE, {"data": "none"})


@pytest.fixture
def picture(beeps):
    return inversion.FINE(beeps.waveforms[0])


@each_front_end
def test_the_layers_give_the_numbers_of_griffin_lim(front_end, beeps):
    picture = front_end(beeps.waveforms[1])
    magnitude = griffin_lim.linear_magnitude(picture, front_end, updates=5)
    log = LinearMagnitude(front_end.to_dict(), updates=5)(picture[None])
    np.testing.assert_allclose(np.exp(log[0]), magnitude, rtol=1e-3, atol=1e-5)

    hop = front_end.hop_length
    loud = np.maximum(magnitude, 1e-4 * magnitude.max())
    advance = FirstAdvance(hop)(np.log(loud)[None])[0]
    np.testing.assert_allclose(advance[1:], griffin_lim._steps(magnitude, hop)[1:], atol=1e-4)


@each_front_end
def test_resynthesis_is_the_inverse_stft(front_end, beeps):
    hop = front_end.hop_length
    spectra = griffin_lim.stft(beeps.waveforms[0], front_end.n_fft, hop)
    phase = spectra / np.abs(spectra)
    pairs = np.stack([phase.real, phase.imag], axis=-1)
    x = Resynthesis(hop)(np.log(np.abs(spectra))[None], pairs[None])
    np.testing.assert_allclose(x[0], griffin_lim.istft(spectra, hop), atol=1e-4)


def test_crops_hold_what_belongs_together(beeps):
    crops = inversion.Crops(beeps, OWN, steps=2, seed=3)
    (pictures, phase), truth = crops[1]
    again = Resynthesis(OWN.hop_length)(truth["log_magnitude"], phase)
    assert np.abs(again - truth["waveform"]).max() < 0.01
    bank, _, _ = griffin_lim.mel_matrices(OWN)
    mel = 10 * np.log10(np.exp(2 * truth["log_magnitude"]) @ bank)
    loud = pictures > -20
    assert np.abs(mel - pictures)[loud].max() < 0.1
    np.testing.assert_array_equal(crops[1][0][0], pictures)


def test_a_network_learns_from_other_clips_than_the_test(beeps):
    train, test = beeps.subset(np.arange(50)), beeps.subset(np.arange(50, 60))
    options = {"width": 16, "blocks": 1}
    inputs, truth = inversion.Crops(test, OWN, steps=1)[0]

    def distance(model):
        x = Resynthesis(OWN.hop_length)(model(inputs[0])[0], inputs[1])
        return float(inversion.spectral_distance(truth["waveform"], x))

    keras.utils.set_random_seed(0)
    untrained = distance(inversion.network(OWN, **options))
    trained = inversion.train(train, OWN, epochs=1, steps=60, **options)
    assert distance(trained.model) < 0.96 * untrained


def test_an_adversary_changes_the_network_and_leaves_the_first_as_it_was(beeps, small):
    before = small.model.get_weights()
    refined = inversion.refine(small, beeps, epochs=1, steps=2)
    for a, b in zip(before, small.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    changed = [
        np.abs(a - b).max() for a, b in zip(before, refined.model.get_weights(), strict=True)
    ]
    assert max(changed) > 1e-4


def test_a_picture_gives_sound_of_its_length_and_a_batch_gives_a_batch(small, picture):
    x = small(picture)
    assert x.shape == ((len(picture) - 1) * 64,)
    assert x.dtype == np.float32
    both = small(np.stack([picture, picture]))
    np.testing.assert_allclose(both, [x, x], atol=1e-5)


def test_one_frame_or_many_will_do(small, picture):
    assert small(picture[:1]).shape == (0,)
    assert small(np.tile(picture, (20, 1))).shape == ((20 * len(picture) - 1) * 64,)


def test_a_folder_keeps_everything(small, picture, tmp_path):
    small.save(tmp_path / "net")
    again = inversion.load(tmp_path / "net")
    np.testing.assert_allclose(again(picture), small(picture), atol=1e-5)
    assert again.front_end == small.front_end
    assert again.card == {"data": "none"}


@pytest.mark.parametrize("name", ["fine", "fine_adversary", "words", "words_adversary"])
def test_the_committed_networks_rebuild_what_they_get(name, spoken_digit):
    inverter = inversion.load(f"models/inversion/{name}")
    unheard = np.flatnonzero(spoken_digit.speakers == inverter.card["left out"])
    for i in unheard[::100]:
        picture = inverter.front_end(spoken_digit.waveforms[i])
        again = inverter.front_end(inverter(picture))
        loud = picture > -25
        assert np.abs(again - picture)[loud].mean() < 2.5


def test_a_missing_or_damaged_folder_is_named(small, tmp_path):
    with pytest.raises(EarshotError, match="no .*nowhere"):
        inversion.load(tmp_path / "nowhere")
    small.save(tmp_path / "net")
    settings = tmp_path / "net" / "inverter.json"
    text = settings.read_text()
    settings.write_text(json.dumps({**json.loads(text), "format": 9}))
    with pytest.raises(EarshotError, match="format 9"):
        inversion.load(tmp_path / "net")
    settings.write_text(text)
    (tmp_path / "net" / "network.keras").write_bytes(b"PK")
    with pytest.raises(EarshotError, match="network.keras is damaged"):
        inversion.load(tmp_path / "net")


def test_a_wrong_picture_is_refused(small, picture):
    with pytest.raises(EarshotError, match="64"):
        small(picture[:, :40])


def test_training_needs_clips(beeps):
    with pytest.raises(EarshotError, match="no clips"):
        inversion.train(beeps.subset([]))
