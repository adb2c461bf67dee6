import keras
import numpy as np
import pytest

from earshot.datasets import streams
from earshot.errors import EarshotError
from earshot.features.stream import StreamSpectrogram
from earshot.networks import stream_builders, stream_evaluation, stream_form
from earshot.networks.evaluation import roc_areas

SETTINGS = StreamSpectrogram(n_frames=15, n_ahead=7, n_mels=16)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return stream_builders.vanilla_conv(SETTINGS.output_shape, width=8)


@pytest.fixture
def some(beeps):
    """Three streams of beeps that stand for speech."""
    made = streams.make_streams(beeps, 3, snr_db=20.0, n_words=10, seed=3)
    return [stream.named("speech") for stream in made]


def answers(network, stream):
    logits = stream_form.activations(network, SETTINGS, stream.waveform, stream.sample_rate)
    truth = streams.step_labels(stream.segments, len(logits), SETTINGS.steps_per_s)
    return logits, truth


def test_the_area_is_that_of_all_steps_together(network, some):
    logits, truth = (
        np.concatenate(x) for x in zip(*(answers(network, s) for s in some), strict=True)
    )
    expected = roc_areas(logits[:, 1:] - logits[:, :1], truth)[0]
    area = stream_evaluation.stream_area(network, SETTINGS, some)
    assert area == pytest.approx(expected)


def test_the_likeliest_class_but_the_first_counts(some):
    keras.utils.set_random_seed(0)
    network = stream_builders.vanilla_conv(SETTINGS.output_shape, 3, width=8)
    logits, truth = answers(network, some[0])
    expected = roc_areas(logits[:, 1:].max(axis=1, keepdims=True) - logits[:, :1], truth)[0]
    names = ("noise", "speech", "music")
    area = stream_evaluation.stream_area(network, SETTINGS, some[:1], class_names=names)
    assert area == pytest.approx(expected)


def test_each_value_of_an_encoder_has_its_area(some):
    part = stream_builders.encoder(stream_builders.autoencoder(SETTINGS.output_shape, width=8))
    values, truth = answers(part, some[0])
    areas = stream_evaluation.value_areas(part, SETTINGS, some[:1])
    np.testing.assert_allclose(areas, roc_areas(values, truth))


def test_each_class_counts_the_same_and_each_stream(network, some):
    shares = []
    for logits, truth in (answers(network, s) for s in some):
        said = logits.argmax(axis=1)
        shares.append((np.mean(said[truth == 0] == 0) + np.mean(said[truth == 1] == 1)) / 2)
    right = stream_evaluation.balanced_accuracy(network, SETTINGS, some)
    assert right == pytest.approx(np.mean(shares))


def test_a_class_that_is_not_there_does_not_count(network, some):
    silent = streams.Stream(some[0].waveform, some[0].sample_rate, [])
    logits, _ = answers(network, silent)
    right = stream_evaluation.balanced_accuracy(network, SETTINGS, [silent])
    assert right == pytest.approx(np.mean(logits.argmax(axis=1) == 0))


class TestLabelledStretches:
    def of_seconds(self, durations_s):
        return [streams.Stream(np.full(round(100 * s), s, "f4"), 100, []) for s in durations_s]

    @pytest.mark.parametrize(
        ("seconds", "n", "each_s"), [(1, 1, 5), (5, 1, 5), (15, 3, 5), (60, 4, 15)]
    )
    def test_few_seconds_come_from_several_streams(self, seconds, n, each_s):
        many = self.of_seconds(range(20, 40))
        drawn = stream_evaluation.labelled_stretches(many, seconds, seed=0)
        assert [stream.duration_s for stream in drawn] == [each_s] * n
        assert len({stream.waveform[0] for stream in drawn}) == n

    def test_a_seed_draws_the_same_again_and_another_one_others(self):
        many = self.of_seconds(range(20, 40))
        first, again, other = (
            [s.waveform[0] for s in stream_evaluation.labelled_stretches(many, 60, seed=seed)]
            for seed in (0, 0, 1)
        )
        assert first == again != other

    def test_streams_that_are_too_short_are_passed_over(self):
        drawn = stream_evaluation.labelled_stretches(self.of_seconds([3, 6.9, 7]), 5, seed=1)
        assert drawn[0].waveform[0] == 7

    def test_too_few_streams_are_an_error(self):
        with pytest.raises(
            EarshotError, match="60 labelled seconds are 4 stretches of 15 s, and 1"
        ):
            stream_evaluation.labelled_stretches(self.of_seconds([20, 3]), 60, seed=0)


class TestFewLabels:
    def test_every_network_learns_from_every_draw(self, network, some):
        before = network.get_weights()
        first = stream_builders.autoencoder(SETTINGS.output_shape, width=8)
        shares = stream_evaluation.few_labels(
            {"plain": (network, SETTINGS), "autoencoder": (first, SETTINGS)}, some, some[:1],
            seconds=(5,), n_draws=2, n_batches=2, progress=False,
        )  # fmt: skip
        assert {name: list(by_s) for name, by_s in shares.items()} == {
            "plain": [5], "autoencoder": [5]
        }  # fmt: skip
        assert all(len(by_s[5]) == 2 for by_s in shares.values())
        assert all(0 <= share <= 1 for by_s in shares.values() for share in by_s[5])
        for old, new in zip(before, network.get_weights(), strict=True):
            assert np.array_equal(old, new)

    def test_a_network_of_its_own_learns_from_the_labels(self, network, some):
        shares = stream_evaluation.few_labels(
            {"plain": (network, SETTINGS)}, some, some[:1], seconds=(15,), n_draws=1, n_batches=60,
            progress=False,
        )  # fmt: skip
        untrained = stream_evaluation.balanced_accuracy(network, SETTINGS, some[:1])
        assert shares["plain"][15][0] > untrained + 0.1


def test_nothing_to_measure_on_is_an_error(network):
    for measure in (stream_evaluation.stream_area, stream_evaluation.balanced_accuracy):
        with pytest.raises(EarshotError, match="at least one stream"):
            measure(network, SETTINGS, [])
