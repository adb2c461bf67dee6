import keras
import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.features import short_time
from earshot.features.log_mel import LogMel
from earshot.features.mel import mel_matrices
from earshot.networks.training import TrainingConfig
from earshot.synthesis import inverter_training
from earshot.synthesis.inverter import FINE, Inverter, network
from earshot.synthesis.inverter_training import CropBatches, refine_inverter, train_inverter

OWN = LogMel(n_samples=None)


def numbers(x):
    return keras.ops.convert_to_numpy(x)


def resynthesis(log_magnitude, phase, front_end=OWN):
    """The sound of magnitudes and phases, as it is made in training."""
    size = keras.Input((None, log_magnitude.shape[-1]))
    identity = keras.Model(size, [size, size])
    return inverter_training.with_sound(identity, front_end)([log_magnitude, phase])["waveform"]


@pytest.mark.parametrize("front_end", [OWN, FINE], ids=["own", "fine"])
def test_the_sound_in_training_is_that_of_the_inverse_transform(front_end, beeps):
    hop, half = front_end.hop_length, front_end.n_fft // 2
    spectra = short_time.stft(beeps.waveforms[0], front_end.n_fft, hop)
    phase = spectra / np.abs(spectra)
    pairs = np.stack([phase.real, phase.imag], axis=-1)
    x = numbers(resynthesis(np.log(np.abs(spectra))[None], pairs[None], front_end))
    expected = short_time.istft(spectra, hop)[half:-half]
    np.testing.assert_allclose(x[0], expected, atol=1e-4)


def test_crops_hold_what_belongs_together(beeps):
    crops = CropBatches(beeps, OWN, n_batches=2, seed=3)
    (spectrograms, phase), truth = crops[1]
    again = numbers(resynthesis(truth["log_magnitude"], phase))
    assert np.abs(again - truth["waveform"]).max() < 0.01
    bank, _, _ = mel_matrices(OWN)
    mel = 10 * np.log10(np.exp(2 * truth["log_magnitude"]) @ bank)
    loud = spectrograms > -20
    assert np.abs(mel - spectrograms)[loud].max() < 0.1
    np.testing.assert_array_equal(crops[1][0][0], spectrograms)


def test_other_epochs_have_other_crops(beeps):
    crops = CropBatches(beeps, OWN, n_batches=2, seed=3)
    first = crops[0][0][0]
    crops.epoch = 1
    assert not np.array_equal(crops[0][0][0], first)


def test_a_distance_is_nothing_to_oneself_and_grows_with_what_is_wrong(beeps, rng):
    x = beeps.waveforms[0][None, :2000]
    noise = rng.standard_normal(x.shape).astype(np.float32)
    near, far = (
        float(inverter_training.spectral_distance(x, x + size * noise)) for size in (0.01, 0.1)
    )
    assert float(inverter_training.spectral_distance(x, x)) == 0
    assert 0 < near < far


def test_a_network_learns_from_other_clips_than_the_test(beeps):
    train, test = beeps.subset(np.arange(50)), beeps.subset(np.arange(50, 60))
    options = {"width": 16, "blocks": 1}
    inputs, truth = CropBatches(test, OWN, n_batches=1)[0]

    def distance(model):
        sound = inverter_training.with_sound(model, OWN)(list(inputs))["waveform"]
        return float(inverter_training.spectral_distance(truth["waveform"], sound))

    keras.utils.set_random_seed(0)
    untrained = distance(network(OWN, **options))
    config = TrainingConfig(epochs=1, batch_size=16, learning_rate=2e-3, weight_decay=1e-3)
    trained = train_inverter(train, OWN, config, steps_per_epoch=60, **options)
    assert distance(trained.model) < 0.96 * untrained


def test_an_adversary_changes_the_network_and_leaves_the_first_as_it_was(beeps):
    keras.utils.set_random_seed(0)
    first = Inverter(network(FINE, width=8, blocks=1), FINE, {"data": "none"})
    before = first.model.get_weights()
    refined = refine_inverter(first, beeps, epochs=1, steps_per_epoch=2)
    for a, b in zip(before, first.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    changed = [
        np.abs(a - b).max() for a, b in zip(before, refined.model.get_weights(), strict=True)
    ]
    assert max(changed) > 1e-4
    assert refined.card == {"data": "none", "adversarial epochs": 1}


def test_training_needs_clips(beeps):
    with pytest.raises(EarshotError, match="no clips"):
        train_inverter(beeps.subset([]))
