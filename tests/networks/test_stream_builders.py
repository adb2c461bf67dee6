import keras
import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.networks import stream_builders

BUILDERS = {
    "vanilla_conv": (stream_builders.vanilla_conv, (2,)),
    "autoencoder": (stream_builders.autoencoder, (15, 16)),
    "next_frame_lstm": (stream_builders.next_frame_lstm, (15, 48)),
}


@pytest.mark.parametrize(("build", "shape"), BUILDERS.values(), ids=BUILDERS)
def test_windows_go_in_and_a_saved_network_answers_as_before(build, shape, tmp_path, rng):
    network = build((15, 16))
    assert network.output_shape == (None, *shape)
    network.save(tmp_path / "a.keras")
    again = keras.models.load_model(tmp_path / "a.keras", safe_mode=True)
    x = rng.uniform(0, 50, (2, 15, 16)).astype(np.float32)
    np.testing.assert_allclose(again(x), network(x), atol=1e-5)


@pytest.mark.parametrize("n_frames", [2, 5, 21, 63, 100])
def test_convolutions_use_up_windows_of_any_length(n_frames):
    assert stream_builders.vanilla_conv((n_frames, 8), width=4).output_shape == (None, 2)


@pytest.mark.parametrize("kind", ["autoencoder", "next_frame_lstm"])
def test_a_linear_probe_learns_and_what_it_reads_does_not(kind):
    trained = getattr(stream_builders, kind)((15, 16))
    probe = stream_builders.linear_probe(trained)
    assert [w.path for w in probe.trainable_weights] == ["linear_probe/kernel", "linear_probe/bias"]
    assert trained.trainable_weights


def test_a_linear_probe_carries_no_decoder():
    autoencoder = stream_builders.autoencoder((15, 16))
    names = [layer.name for layer in stream_builders.linear_probe(autoencoder).layers]
    assert "bottleneck" in names
    assert not any("transpose" in name for name in names)


def test_a_network_that_has_nothing_to_read_is_named():
    with pytest.raises(EarshotError, match="vanilla_conv has no layer named bottleneck"):
        stream_builders.encoder(stream_builders.vanilla_conv((15, 16)))
