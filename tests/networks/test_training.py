import json
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from support import ROOT

from earshot.datasets.augmentation import Augmentation
from earshot.errors import EarshotError, EarshotWarning
from earshot.features.log_mel import LogMel
from earshot.networks import batches, builders, callbacks, evaluation, training

FRONT_END = LogMel(n_samples=4000, hop_length=160, n_mels=16)


def small_network(seed=0):
    keras.utils.set_random_seed(seed)
    return builders.cnn(FRONT_END.output_shape, 2, widths=(4, 8), dense=8)


def fit(words, **options):
    model = small_network()
    options = {"epochs": 3, "batch_size": 8, "progress": False, **options}
    history = training.fit(model, words, FRONT_END, **options)
    return model, history


def weights(model):
    return np.concatenate([np.ravel(w) for w in model.get_weights()])


def test_two_beeps_are_learned(beeps):
    train, test = beeps.random_split(0.3)
    model, history = fit(train, test=test, epochs=15, learning_rate=1e-2)
    assert history["val_accuracy"][-1] > 0.9
    assert np.mean(evaluation.predict_labels(model, test, FRONT_END) == test.labels) > 0.9


def test_one_seed_gives_one_result(beeps):
    first, again = (fit(beeps, augment=Augmentation(), seed=4)[0] for _ in range(2))
    np.testing.assert_allclose(weights(first), weights(again), atol=1e-6)


def test_looking_at_the_test_set_changes_nothing(beeps):
    train, test = beeps.random_split(0.3)
    blind, seeing = fit(train)[0], fit(train, test=test)[0]
    np.testing.assert_allclose(weights(blind), weights(seeing), atol=1e-6)


def test_every_epoch_varies_the_clips_afresh(beeps):
    spectrograms = batches.SpectrogramBatches(
        beeps, FRONT_END, augment=Augmentation(), batch_size=60
    )
    first = np.sort(spectrograms[0][0].ravel())
    spectrograms.epoch = 1
    assert not np.allclose(first, np.sort(spectrograms[0][0].ravel()))


def test_spectrograms_and_labels_stay_together_when_shuffled(beeps):
    plain = FRONT_END(beeps.waveforms)
    spectrograms = batches.SpectrogramBatches(beeps, FRONT_END, batch_size=7)
    for i in range(len(spectrograms)):
        for spectrogram, label in zip(*spectrograms[i], strict=True):
            where = np.flatnonzero((plain == spectrogram).all(axis=(1, 2)))
            assert label in beeps.labels[where]


class Interruption(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("augment", [None, Augmentation()])
def test_an_interrupted_training_goes_on_to_the_same_result(beeps, tmp_path, augment):
    whole, history = fit(beeps, augment=augment)
    with pytest.raises(KeyboardInterrupt):
        fit(beeps, augment=augment, checkpoint=tmp_path, callbacks=[Interruption(2)])
    resumed, same_history = fit(beeps, augment=augment, checkpoint=tmp_path)
    np.testing.assert_allclose(weights(whole), weights(resumed), atol=1e-5)
    np.testing.assert_allclose(history["loss"], same_history["loss"], atol=1e-5)


def test_a_finished_training_is_not_done_again(beeps, tmp_path):
    done, history = fit(beeps, checkpoint=tmp_path)
    again, same_history = fit(beeps, checkpoint=tmp_path, callbacks=[Interruption(0)])
    np.testing.assert_array_equal(weights(done), weights(again))
    assert history == same_history


def test_only_the_latest_state_is_kept(beeps, tmp_path):
    fit(beeps, checkpoint=tmp_path)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["epoch-0003.json", "epoch-0003.weights.h5"]


def test_a_checkpoint_with_other_settings_is_refused(beeps, tmp_path):
    fit(beeps, checkpoint=tmp_path)
    with pytest.raises(EarshotError, match=r"other settings \(epochs\).*delete"):
        fit(beeps, checkpoint=tmp_path, epochs=5)


def test_a_damaged_checkpoint_is_named(beeps, tmp_path):
    fit(beeps, checkpoint=tmp_path)
    (tmp_path / "epoch-0003.weights.h5").write_bytes(b"half")
    with pytest.raises(EarshotError, match=r"epoch-0003\.weights\.h5 cannot be read.*delete"):
        fit(beeps, checkpoint=tmp_path, epochs=3)


def test_a_killed_training_goes_on(beeps, tmp_path):
    """A real process, killed without warning in the middle of its training."""
    beeps.save(tmp_path / "beeps.npz")
    code = """
import sys
from earshot import datasets
sys.path.insert(0, "tests/networks")
sys.path.insert(0, "tests")
import test_training
test_training.fit(datasets.load(sys.argv[1] + "/beeps.npz"), checkpoint=sys.argv[1] + "/state",
                  epochs=1000)
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT)
    state = tmp_path / "state"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list(state.glob("epoch-*.h5")):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    path = max(state.glob("epoch-*.h5"))
    settings = json.loads(path.with_name(path.name[:10] + ".json").read_text())["settings"]
    keeper = callbacks.Checkpoint(state, settings)
    model = small_network()
    model.compile(keras.optimizers.AdamW(1e-3))
    keeper.resume(model)
    assert keeper.epochs_done >= 1
    assert len(keeper.history["loss"]) == keeper.epochs_done


def test_a_set_without_clips_cannot_be_trained_on(beeps):
    with pytest.raises(EarshotError, match="no clips"):
        fit(beeps.subset([]))


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch_size": 0}])
def test_counts_below_one_are_named(beeps, wrong):
    with pytest.raises(EarshotError, match=next(iter(wrong))):
        fit(beeps, **wrong)


def test_a_network_of_other_shapes_is_refused(beeps):
    with pytest.raises(EarshotError, match="knows 2 words"):
        training.fit(small_network(), beeps, LogMel(), progress=False)


def test_cross_validation_tests_every_split_with_every_seed(beeps):
    trainings = training.cross_validate(
        small_network, beeps.leave_one_speaker_out(), FRONT_END, seeds=(0, 1),
        epochs=8, batch_size=8, learning_rate=1e-2, progress=False,
    )  # fmt: skip
    done = [
        (name, seed, evaluation.accuracy(m, test, FRONT_END)) for name, seed, m, test in trainings
    ]
    assert [d[:2] for d in done] == [(n, s) for n in ("anna", "bob", "eve") for s in (0, 1)]
    assert np.mean([d[2] for d in done]) > 0.8


def test_test_speakers_touch_nothing(beeps, monkeypatch):
    """Whatever is trained on holds no clip of the speaker who is left out."""
    seen = []

    def spy(model, words, front_end, **options):
        assert "test" not in options
        seen.append(set(words.speakers))

    monkeypatch.setattr(training, "fit", spy)
    for _ in training.cross_validate(
        small_network, beeps.leave_one_speaker_out(), FRONT_END, progress=False
    ):
        pass
    assert seen == [{"bob", "eve"}, {"anna", "eve"}, {"anna", "bob"}]


def test_settling_goes_on_with_plain_clips_and_from_a_checkpoint(beeps, tmp_path):
    options = {"augment": Augmentation(), "clean_epochs": 2, "checkpoint": tmp_path}
    whole, history = fit(beeps, **options)
    assert len(history["loss"]) == 3 + 2
    again, same_history = fit(beeps, **options, callbacks=[Interruption(0)])
    np.testing.assert_array_equal(weights(whole), weights(again))
    assert history == same_history


def test_few_clips_of_a_word_are_pointed_out(beeps):
    some = beeps.subset(np.r_[0:40:2, 1:9:2])
    with pytest.warns(EarshotWarning, match=r"Fewer than 10 clips of high \(4\)"):
        fit(some, epochs=1)
