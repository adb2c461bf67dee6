import dataclasses

import keras
import numpy as np
import pytest

from earshot.datasets.augmentation import Augmentation
from earshot.datasets.lazy import Lazy
from earshot.datasets.shards import from_shards
from earshot.errors import EarshotError
from earshot.features.raw import RawWaveform
from earshot.features.stream import StreamSpectrogram
from earshot.networks import batches
from earshot.networks.batches import SpectrogramBatches, StretchBatches, TestBatches
from earshot.networks.callbacks import EpochClock
from earshot.networks.distribution import Share

SETTINGS = StreamSpectrogram(n_frames=15, n_ahead=7, n_mels=16)


def lazily(words):
    return dataclasses.replace(words, waveforms=Lazy([words.waveforms]))


def stretches(rng, **options):
    return StretchBatches([rng.uniform(0, 50, (300, 16)).astype(np.float32)], SETTINGS, **options)


class TestSpectrogramBatches:
    def test_every_epoch_varies_the_clips_afresh(self, beeps, front_end):
        varied = SpectrogramBatches(beeps, front_end, augment=Augmentation(), batch_size=60)
        first = np.sort(varied[0][0].ravel())
        varied.epoch = 1
        assert not np.allclose(first, np.sort(varied[0][0].ravel()))

    def test_spectrograms_and_labels_stay_together_when_shuffled(self, beeps, front_end):
        plain = front_end(beeps.waveforms)
        shuffled = SpectrogramBatches(beeps, front_end, batch_size=7)
        for i in range(len(shuffled)):
            for spectrogram, label in zip(*shuffled[i], strict=True):
                where = np.flatnonzero((plain == spectrogram).all(axis=(1, 2)))
                assert label.argmax() in beeps.labels[where]

    def test_an_epoch_holds_every_clip_once(self, beeps, front_end):
        shuffled = SpectrogramBatches(beeps, front_end, batch_size=7)
        seen = np.concatenate([shuffled[i][0] for i in range(len(shuffled))])
        np.testing.assert_array_equal(
            np.sort(seen.sum(axis=(1, 2))), np.sort(front_end(beeps.waveforms).sum(axis=(1, 2)))
        )

    def test_samples_come_with_their_masks(self, beeps):
        front_end = RawWaveform(8000, 6400)
        (samples, mask), labels = SpectrogramBatches(beeps, front_end, batch_size=7)[0]
        assert samples.shape == mask.shape == (7, 6400)
        assert labels.shape == (7, 2)

    @pytest.mark.parametrize("augment", [None, Augmentation()])
    def test_shards_give_the_same_batches_as_the_memory(self, beeps, front_end, tmp_path, augment):
        pytest.importorskip("pyarrow")
        beeps.write(tmp_path / "beeps")
        here, there = (
            SpectrogramBatches(data, front_end, batch_size=16, augment=augment)[2]
            for data in (beeps, from_shards(tmp_path / "beeps"))
        )
        np.testing.assert_array_equal(here[0], there[0])
        np.testing.assert_array_equal(here[1], there[1])

    def test_an_epoch_is_shuffled_once(self, beeps, front_end):
        shuffled = SpectrogramBatches(beeps, front_end, batch_size=7)
        order = shuffled.order()
        assert shuffled.order() is order
        shuffled.epoch = 1
        assert not np.array_equal(shuffled.order(), order)
        shuffled.epoch = 0
        np.testing.assert_array_equal(shuffled.order(), order)
        np.testing.assert_array_equal(order, shuffled.rng().permutation(60))

    def test_any_number_of_workers_trains_the_same_network(self, beeps, front_end):
        weights = []
        for workers in (1, 3):
            keras.utils.set_random_seed(0)
            model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
            options = {"augment": Augmentation(), "batch_size": 8, "workers": workers}
            batches = SpectrogramBatches(beeps, front_end, **options)
            model.compile("sgd", "mse")
            model.fit(batches, epochs=3, callbacks=[EpochClock(batches)], shuffle=False, verbose=0)
            weights.append(model.get_weights()[0])
        np.testing.assert_array_equal(*weights)

    @pytest.mark.parametrize("augment", [None, Augmentation()], ids=["plain", "varied"])
    @pytest.mark.parametrize("n_processes", [2, 3, 4])
    def test_processes_share_what_one_alone_has(self, beeps, front_end, augment, n_processes):
        def batch(process, n, index):
            share = Share(process, n, n)
            options = {"batch_size": 24, "augment": augment, "share": share}
            return SpectrogramBatches(beeps, front_end, **options)[index]

        for index in range(3):
            inputs, labels = batch(0, 1, index)
            parts = [batch(process, n_processes, index) for process in range(n_processes)]
            np.testing.assert_array_equal(np.concatenate([x for x, _ in parts]), inputs)
            np.testing.assert_array_equal(np.concatenate([y for _, y in parts]), labels)

    def test_clips_that_cannot_be_shared_are_others_in_every_epoch(self, beeps, front_end):
        shared = [
            SpectrogramBatches(beeps.subset(np.arange(11)), front_end, batch_size=4, share=share)
            for share in (Share(0, 2, 4), Share(1, 2, 4))
        ]
        left = set()
        for epoch in range(6):
            seen = 0
            for mine in shared:
                mine.epoch = epoch
                seen += sum(len(mine[i][1]) for i in range(len(mine)))
            assert seen == 8
            left |= {*shared[0].order()[8:].tolist()}
        assert len(left) > 3

    def test_clips_without_a_label_are_refused(self, beeps, front_end):
        strangers = beeps.subset(np.arange(4))
        strangers.labels[1] = -1
        with pytest.raises(EarshotError, match="no label"):
            SpectrogramBatches(strangers, front_end)


class TestStretchBatches:
    def test_labels_belong_to_the_middle_of_their_windows(self, rng):
        truth = rng.integers(0, 2, 300)
        spectrograms = np.repeat(truth[:, None], 16, axis=1).astype(np.float32)
        x, y = StretchBatches([spectrograms], SETTINGS, labels=[truth], n_steps=50)[0]
        assert (x.shape, y.shape) == ((16, 64, 16), (16, 50))
        assert np.array_equal(x[:, 7:57, 0], y)

    def test_what_is_to_be_predicted_comes_after_each_step(self, rng):
        x, y = stretches(rng, n_steps=50, n_next=2)[0]
        assert np.array_equal(y[:, :-1, :16], x[:, 1:])
        assert np.array_equal(y[:, :-2, 16:], x[:, 2:])


@pytest.mark.parametrize("kind", ["spectrograms", "varied", "stretches"])
def test_a_batch_depends_on_seed_epoch_and_index_alone(kind, beeps, front_end):
    def made():
        if kind == "stretches":
            return stretches(np.random.default_rng(0), seed=5)
        augment = Augmentation() if kind == "varied" else None
        return SpectrogramBatches(beeps, front_end, augment=augment, batch_size=8, seed=5)

    first, again = made(), made()
    again.epoch = 1
    assert not np.array_equal(first[1][0], again[1][0])
    again.epoch = 0
    again[0]
    assert np.array_equal(first[1][0], again[1][0])


def test_labels_are_one_hot_and_unknown_ones_are_nowhere():
    expected = [[0, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert np.array_equal(batches.one_hot(np.array([1, -1, 2]), 3), expected)


def test_labels_are_those_of_the_words_by_name(beeps):
    known = ("other", *beeps.class_names[::-1])
    labels = batches.labels_among(known, beeps)
    assert [known[i] for i in labels] == [beeps.class_names[i] for i in beeps.labels]


class TestTestBatches:
    def test_they_are_the_clips_in_their_order(self, beeps, front_end):
        targets = batches.one_hot(beeps.labels, 2)
        made = TestBatches(lazily(beeps), targets, front_end, batch_size=16)
        inputs, labels = (np.concatenate(x) for x in zip(*made, strict=True))
        np.testing.assert_array_equal(inputs, front_end(beeps.waveforms))
        np.testing.assert_array_equal(labels, targets)

    def test_every_device_of_a_process_sees_all_of_them(self, beeps, front_end):
        targets = batches.one_hot(beeps.labels, 2)
        made = TestBatches(lazily(beeps), targets, front_end, share=Share(1, 2, 4))
        np.testing.assert_array_equal(made[0][1], np.repeat(targets, 2, axis=0))
