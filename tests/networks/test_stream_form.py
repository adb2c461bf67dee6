import keras
import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.features.stream import StreamSpectrogram
from earshot.networks import stream_builders, stream_form
from earshot.networks.stream_form import StreamForm

SETTINGS = StreamSpectrogram(n_frames=15, n_ahead=7, n_mels=16)
BUILDERS = {
    "convolutional": lambda: stream_builders.vanilla_conv(SETTINGS.output_shape, width=8),
    "recurrent": lambda: stream_builders.encoder(
        stream_builders.next_frame_lstm(SETTINGS.output_shape, units=8)
    ),
}
each_network = pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)


@pytest.fixture
def sound(rng):
    return rng.uniform(-0.3, 0.3, 12000).astype(np.float32)


def in_blocks(sound, size):
    return [(sound[i : i + size], 8000) for i in range(0, len(sound), size)]


@each_network
@pytest.mark.parametrize("size", [160, 1001])
def test_blocks_give_what_the_whole_gives(build, sound, size):
    form = StreamForm(build(), SETTINGS)
    whole = form.activations(sound)
    assert whole.shape[0] == 151
    pieces = np.concatenate(list(form.run(in_blocks(sound, size))))
    np.testing.assert_allclose(pieces, whole, atol=1e-4)


def test_a_convolutional_network_answers_as_window_by_window(sound):
    network = BUILDERS["convolutional"]()
    windows, steps = SETTINGS.cut(SETTINGS.spectrogram(sound))
    expected = keras.ops.convert_to_numpy(network(np.ascontiguousarray(windows)))
    found = stream_form.activations(network, SETTINGS, sound)
    np.testing.assert_allclose(found[steps], expected, atol=1e-4)


@each_network
def test_streams_one_after_the_other_know_nothing_of_each_other(build, sound):
    form = StreamForm(build(), SETTINGS)
    first = form.activations(sound)
    form.activations(sound[::-1])
    assert np.array_equal(form.activations(sound), first)


@each_network
def test_streams_side_by_side_know_nothing_of_each_other(build, sound):
    form = StreamForm(build(), SETTINGS)
    alone = form.activations(sound)
    both = [form.run(in_blocks(x, 1000)) for x in (sound, sound[::-1].copy())]
    pairs = list(zip(*both, strict=True))
    np.testing.assert_allclose(np.concatenate([a for a, _ in pairs]), alone, atol=1e-4)


def test_a_network_that_learned_on_answers_with_its_new_weights(sound):
    network = BUILDERS["recurrent"]()
    form = StreamForm(network, SETTINGS)
    before = form.activations(sound)
    network.set_weights([1.1 * w for w in network.get_weights()])
    assert not np.allclose(form.activations(sound), before)


def test_a_network_for_other_windows_is_refused():
    with pytest.raises(EarshotError, match=r"\(21, 40\).*\(15, 16\)"):
        StreamForm(stream_builders.vanilla_conv((21, 40)), SETTINGS)


def test_a_stream_shorter_than_a_window_is_refused(sound):
    with pytest.raises(EarshotError, match="0.11 s long, and a window takes 0.15 s"):
        stream_form.activations(BUILDERS["convolutional"](), SETTINGS, sound[:800])


def test_a_whole_autoencoder_has_no_form_for_streams():
    inputs = keras.Input((15, 16))
    with pytest.raises(EarshotError, match="no form for streams"):
        stream_form.along(keras.Model(inputs, keras.layers.Flatten()(inputs)))
