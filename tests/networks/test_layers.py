import keras
import numpy as np
import pytest
from keras import layers as keras_layers

from earshot.networks import layers
from earshot.networks.layers import SpectralAugmentation, WordPooling


def numbers(x):
    return keras.ops.convert_to_numpy(x)


@pytest.mark.parametrize(
    "layer",
    [
        layers.FilterBank(100, 8, 8000),
        layers.LastStep(),
        layers.HalfOfValues(1),
        WordPooling(n_parts=2),
        SpectralAugmentation(0.5),
        keras_layers.RNN(layers.StateCell(5), return_sequences=True),
    ],
    ids=lambda layer: layer.name,
)
def test_a_layer_comes_back_from_a_file_with_its_settings(layer, rng, tmp_path):
    shape = (800,) if isinstance(layer, layers.FilterBank) else (6, 4)
    inputs = keras.Input(shape)
    network = keras.Model(inputs, layer(inputs))
    network.save(tmp_path / "a.keras")
    again = keras.models.load_model(tmp_path / "a.keras", safe_mode=True)
    x = rng.uniform(0, 1, (3, *shape)).astype(np.float32)
    np.testing.assert_allclose(numbers(network(x)), numbers(again(x)), atol=1e-6)
    assert network.output_shape == again.output_shape == (None, *numbers(network(x)).shape[1:])


def test_registered_names_of_earlier_files_stay():
    names = {"FilterBank", "AnyOfFrame", "LastStep", "Half", "StateCell", "WordPooling", "Jitter"}
    assert {f"earshot>{name}" for name in names} <= set(keras.saving.get_custom_objects())


def test_a_frame_is_real_where_any_of_its_samples_is():
    mask = np.zeros((1, 10), bool)
    mask[0, [0, 1, 5]] = True
    real = numbers(layers.AnyOfFrame(4, 3)(mask))
    assert np.array_equal(real, [[True, True, False]])


def test_spectral_augmentation_leaves_spectrograms_alone_outside_of_training(rng):
    x = rng.uniform(0, 1, (4, 35, 64)).astype(np.float32)
    layer = SpectralAugmentation(1.0, seed=1)
    assert np.array_equal(numbers(layer(x, training=False)), x)
    assert np.abs(numbers(layer(x, training=True)) - x).max() > 0.1


def test_spectral_augmentation_moves_the_mask_with_the_spectrogram(rng):
    x = rng.uniform(0, 1, (4, 35, 64)).astype(np.float32)
    varied, real = SpectralAugmentation(1.0, seed=1)(x, np.ones((4, 35), bool), training=True)
    assert varied.shape == x.shape
    assert numbers(real).all()


def test_a_state_cell_gives_hidden_state_and_cell_state_of_an_lstm(rng):
    x = rng.standard_normal((2, 7, 3)).astype(np.float32)
    both = keras_layers.RNN(layers.StateCell(4), return_sequences=True)
    plain = keras_layers.LSTM(4, return_state=True)
    plain.build(x.shape)
    both.build(x.shape)
    both.set_weights(plain.get_weights())
    last = numbers(both(x))[:, -1]
    _, hidden, cell = map(numbers, plain(x))
    np.testing.assert_allclose(last, np.hstack([hidden, cell]), atol=1e-6)
