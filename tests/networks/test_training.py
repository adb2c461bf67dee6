import dataclasses

import keras
import numpy as np
import pytest

from earshot.datasets.augmentation import Augmentation
from earshot.datasets.lazy import Lazy
from earshot.errors import EarshotError, EarshotWarning
from earshot.features.log_mel import LogMel
from earshot.features.raw import RawWaveform
from earshot.networks import builders, evaluation, training
from earshot.networks.training import TrainingConfig

RAW, SPECTROGRAM = RawWaveform(8000, 6400), LogMel()


def weights(model):
    return np.concatenate([np.ravel(w) for w in model.get_weights()])


def test_two_beeps_are_learned(beeps, fit, front_end):
    train, test = beeps.random_split(0.3)
    model, history = fit(train, test=test, epochs=15, learning_rate=1e-2)
    assert history["val_accuracy"][-1] > 0.9
    assert evaluation.accuracy(model, test, front_end) > 0.9


@pytest.mark.parametrize(
    ("front_end", "build"),
    [
        (
            RAW,
            lambda: builders.raw_lstm(6400, 2, frame=100, sample_rate=8000, n_filters=16, units=16),
        ),
        (
            SPECTROGRAM,
            lambda: builders.spectrogram_lstm(SPECTROGRAM.output_shape, 2, units=16, stem=16),
        ),
    ],
    ids=["raw", "spectrogram"],
)
def test_recurrent_networks_learn_two_beeps(beeps, front_end, build):
    keras.utils.set_random_seed(0)
    network = build()
    config = TrainingConfig(epochs=25, learning_rate=1e-2)
    training.fit(network, beeps, front_end, config, progress=False)
    assert evaluation.accuracy(network, beeps, front_end) > 0.95


def test_one_seed_gives_one_result(beeps, fit):
    first, again = (fit(beeps, augment=Augmentation(), seed=4)[0] for _ in range(2))
    np.testing.assert_allclose(weights(first), weights(again), atol=1e-6)


def test_looking_at_the_test_set_changes_nothing(beeps, fit):
    train, test = beeps.random_split(0.3)
    blind, seeing = fit(train)[0], fit(train, test=test)[0]
    np.testing.assert_allclose(weights(blind), weights(seeing), atol=1e-6)


def test_a_test_on_the_disk_gives_the_figures_of_one_in_memory(beeps, fit):
    train, test = beeps.random_split(0.3)
    lazily = dataclasses.replace(test, waveforms=Lazy([test.waveforms]))
    (_, here), (_, there) = fit(train, test=test, epochs=2), fit(train, test=lazily, epochs=2)
    for name in ("val_loss", "val_accuracy", "val_macro_f1"):
        np.testing.assert_allclose(there[name], here[name], atol=1e-6)


class TestWordsByName:
    @pytest.fixture
    def validation(self, monkeypatch):
        """The labels by which a training looks at its test; nothing is trained."""
        seen = []

        def spy(model, batches, loss, config, *, validation, **options):
            seen.append(validation[1])
            return {}

        monkeypatch.setattr(training, "compile_and_fit", spy)
        return seen

    def test_a_test_of_another_order_has_the_labels_of_the_training(self, beeps, fit, validation):
        network, _ = fit(beeps, test=beeps.only(("high", "low")))
        assert (validation[0].argmax(axis=1) == beeps.labels).all()
        assert network.class_names == ("low", "high")

    def test_a_test_of_other_words_is_refused(self, beeps, fit, validation):
        with pytest.raises(EarshotError, match="does not know hiss"):
            fit(beeps, test=dataclasses.replace(beeps, class_names=("low", "hiss")))

    def test_a_network_that_knows_another_order_is_not_trained_on(
        self, beeps, small_network, front_end
    ):
        network = small_network()
        network.class_names = ("high", "low")
        with pytest.raises(EarshotError, match=r"another order \(high, low\)"):
            training.fit(network, beeps, front_end, progress=False)

    def test_cross_validation_refuses_a_test_of_other_words_before_it_trains(
        self, beeps, small_network, front_end, monkeypatch
    ):
        monkeypatch.setattr(training, "fit", lambda *_, **__: pytest.fail("trained"))
        splits = [("all", beeps, dataclasses.replace(beeps, class_names=("low", "hiss")))]
        with pytest.raises(EarshotError, match="does not know hiss"):
            next(training.cross_validate(small_network, splits, front_end, progress=False))


def test_the_figures_have_both_f1_and_micro_is_accuracy(beeps, fit):
    _, history = fit(beeps, test=beeps, epochs=2)
    assert history["micro_f1"] == pytest.approx(history["accuracy"], abs=1e-6)
    names = {"loss", "accuracy", "micro_f1", "macro_f1"}
    assert set(history) == names | {f"val_{name}" for name in names}
    assert len(history["val_macro_f1"]) == 2


def test_the_loss_doubts_labels_a_little(beeps, fit, front_end):
    """Cross-entropy against labels of which a tenth is spread over all words."""
    model, history = fit(beeps, test=beeps, epochs=1, label_smoothing=0.1)
    logits = keras.ops.convert_to_numpy(model(front_end(beeps.waveforms)))
    log = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    truth = 0.9 * np.eye(2)[beeps.labels] + 0.05
    assert history["val_loss"][0] == pytest.approx(-(truth * log).sum(axis=1).mean(), abs=1e-5)


def test_so_many_workers_as_asked_for_make_batches(beeps, fit, monkeypatch):
    asked = []
    monkeypatch.setattr(
        training, "compile_and_fit", lambda model, batches, *_, **__: asked.append(batches.workers)
    )
    fit(beeps)
    fit(beeps, workers=3)
    assert asked == [1, 3]


def test_a_set_without_clips_cannot_be_trained_on(beeps, fit):
    with pytest.raises(EarshotError, match="no clips"):
        fit(beeps.subset([]))


@pytest.mark.parametrize("wrong", ["epochs", "batch_size"])
def test_counts_below_one_are_named(wrong):
    with pytest.raises(EarshotError, match=f"{wrong} of at least 1, not 0"):
        TrainingConfig(**{wrong: 0})


def test_a_network_of_other_shapes_is_refused(beeps, small_network):
    with pytest.raises(EarshotError, match="knows 2 words"):
        training.fit(small_network(), beeps, LogMel(), progress=False)


def test_cross_validation_tests_every_split_with_every_seed(beeps, small_network, front_end):
    config = TrainingConfig(epochs=8, batch_size=8, learning_rate=1e-2)
    two = beeps.subset(beeps.speakers != "eve")
    trainings = training.cross_validate(
        small_network, two.leave_one_speaker_out(), front_end, config, seeds=(0, 1), progress=False
    )
    done = [
        (name, seed, evaluation.accuracy(m, test, front_end)) for name, seed, m, test in trainings
    ]
    assert [d[:2] for d in done] == [(n, s) for n in ("anna", "bob") for s in (0, 1)]
    assert np.mean([d[2] for d in done]) > 0.8


class TestCheckpointFolder:
    @pytest.fixture
    def folder(self, small_network, front_end, tmp_path):
        def name(words, network=None, **options):
            model = network or small_network()
            config = TrainingConfig(**options)
            return training.checkpoint_folder(tmp_path, model, words, front_end, config)

        return name

    def test_it_is_readable_and_the_same_for_the_same_training(self, beeps, folder):
        assert folder(beeps, epochs=3) == folder(beeps, epochs=3)
        assert folder(beeps, epochs=3).name.startswith("cnn-2-words-3-epochs-")

    def test_it_is_another_one_where_anything_differs(self, beeps, folder, front_end):
        wide = builders.cnn(front_end.output_shape, 2, widths=(4, 8), dense=9)
        names = [folder(beeps), folder(beeps.subset(range(50))), folder(beeps, network=wide),
                 folder(beeps, seed=1), folder(beeps, augment=Augmentation())]  # fmt: skip
        assert len({*names}) == len(names)

    def test_a_cross_validation_that_is_done_is_not_done_again(
        self, beeps, small_network, front_end, tmp_path, monkeypatch
    ):
        def run():
            rows = training.cross_validate(
                small_network, beeps.leave_one_speaker_out(), front_end,
                TrainingConfig(epochs=1, batch_size=8), checkpoints=tmp_path, progress=False,
            )  # fmt: skip
            return [weights(model) for _, _, model, _ in rows]

        first = run()
        monkeypatch.setattr(keras.Model, "train_on_batch", None)
        monkeypatch.setattr(keras.Model, "fit", None)
        np.testing.assert_array_equal(first, run())
        assert len(list(tmp_path.iterdir())) == 3


def test_test_speakers_touch_nothing(beeps, monkeypatch, small_network, front_end):
    """Whatever is trained on holds no clip of the speaker who is left out."""
    seen = []

    def spy(model, words, front_end, config, **options):
        assert "test" not in options
        seen.append(set(words.speakers))

    monkeypatch.setattr(training, "fit", spy)
    splits = beeps.leave_one_speaker_out()
    for _ in training.cross_validate(small_network, splits, front_end, progress=False):
        pass
    assert seen == [{"bob", "eve"}, {"anna", "eve"}, {"anna", "bob"}]


def test_few_clips_of_a_word_are_pointed_out_once(beeps, fit):
    some = beeps.subset(np.r_[0:40:2, 1:9:2])
    with pytest.warns(EarshotWarning, match=r"Fewer than 10 clips of high \(4\)") as said:
        fit(some, epochs=1, clean_epochs=1)
    assert len([w for w in said if w.category is EarshotWarning]) == 1
