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
    """An untrained network, which does what griffin_lim does with few rounds."""
    keras.utils.set_random_seed(0)
    model = inversion.network(inversion.FINE, width=8, blocks=1, rounds=2)
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

    hop, n_bins = front_end.hop_length, magnitude.shape[1]
    loud = np.maximum(magnitude, 1e-4 * magnitude.max())
    advance = FirstAdvance(hop)(np.log(loud)[None])[0]
    own = np.pi * hop / (n_bins - 1) * np.arange(n_bins)
    steps = np.diff(griffin_lim.first_phase(magnitude, hop), axis=0) - own
    np.testing.assert_allclose(advance[1:], steps, atol=1e-4)


@each_front_end
def test_resynthesis_is_griffin_lim(front_end, beeps):
    hop = front_end.hop_length
    magnitude = np.abs(griffin_lim.stft(beeps.waveforms[0], front_end.n_fft, hop)) + 1e-3
    log = np.log(magnitude)[None]
    layer = Resynthesis(hop, rounds=3)
    x = np.asarray(layer(log, FirstAdvance(hop)(log)))[0]
    layer.set_weights([np.full(3, 0.9)])
    y = griffin_lim.from_magnitude(magnitude, hop_length=hop, rounds=3, momentum=0.9)
    a, b = (np.abs(griffin_lim.stft(signal, 256, hop)) for signal in (x, y))
    assert np.linalg.norm(a - b) < 0.1 * np.linalg.norm(b)


def test_a_network_learns_to_make_sound_and_reaches_no_test_clip(beeps):
    train, test = beeps.subset(np.arange(50)), beeps.subset(np.arange(50, 60))
    options = {"width": 16, "blocks": 1, "rounds": 1}
    before = inversion.train(train, OWN, epochs=1, steps=1, **options)
    after = inversion.train(train, OWN, epochs=1, steps=40, **options)

    def distance(inverter):
        total = 0
        for x in test.waveforms:
            y = inverter(OWN(x))
            x = x[: len(y)] / np.sqrt(OWN.mel_power(x).max())
            total += float(inversion.spectral_distance(x[None], y[None]))
        return total

    assert distance(after) < 0.95 * distance(before)


def test_an_adversary_changes_the_network_and_leaves_the_first_as_it_was(beeps, small):
    before = small.model.get_weights()
    refined = inversion.refine(small, beeps, epochs=1, steps=2)
    for a, b in zip(before, small.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    kernel = refined.model.get_layer(index=4).get_weights()[0]
    assert np.isfinite(kernel).all()
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


@pytest.mark.parametrize("name", ["fine", "words"])
def test_the_committed_networks_rebuild_what_they_get(name, beeps):
    inverter = inversion.load(f"models/inversion/{name}")
    x = beeps.waveforms[1]
    picture = inverter.front_end(x)
    again = inverter.front_end(inverter(picture))
    loud = picture[: len(again)] > -20
    assert np.abs(again - picture[: len(again)])[loud].mean() < 3


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
