import dataclasses

import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.networks.training import TrainingConfig
from earshot.synthesis import utterances, voice_training
from earshot.synthesis.voice_training import UtteranceBatches


def error_of(voice, told):
    """How far spectrograms are from the told ones, given their lengths and pitches."""
    inputs, truth = UtteranceBatches(told, voice, batch_size=16)[0]
    painted = voice.model.predict_on_batch(inputs)["spectrogram"]
    return float(np.abs(painted - truth["spectrogram"]).mean())


def test_training_brings_spectrograms_nearer(voice, told, inverter):
    config = TrainingConfig(epochs=1, batch_size=4, learning_rate=1e-6)
    new = voice_training.train_voice(
        told, inverter, config, steps_per_epoch=1, width=16, blocks=1, dilations=(1,)
    )
    assert error_of(voice, told) < 0.7 * error_of(new, told)


def test_a_batch_depends_on_seed_epoch_and_index_alone(voice, told):
    one, other = (UtteranceBatches(told, voice, batch_size=8, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one[2][0]["symbols"], other[2][0]["symbols"])
    assert not np.array_equal(one[2][0]["frames"], one[1][0]["frames"])


def test_each_speaker_is_heard_as_often_as_shares_say(voice, told):
    batches = UtteranceBatches(told, voice, batch_size=400, shares={"ann": 3.0})
    assert 0.68 < batches[0][0]["speaker"][:, voice.speakers.index("ann")].mean() < 0.82


def test_every_frame_belongs_to_one_sound_and_the_rest_to_none(voice, told):
    inputs, truth = UtteranceBatches(told, voice, batch_size=8)[0]
    belongs = inputs["alignment"].sum(axis=-1)
    assert set(np.unique(belongs)) <= {0, 1}
    np.testing.assert_array_equal(belongs > 0, truth["spectrogram"].any(axis=-1))


def test_lengths_and_pitches_are_learned_as_logarithms():
    timing = voice_training.to_timing(np.array([1, 3]), np.array([150.0, 300, 300, 300]))
    np.testing.assert_allclose(timing, [[0, 0], [np.log(3), 1]], atol=1e-6)


def test_a_speaker_is_added_and_the_others_stay(voice, told):
    new = [
        dataclasses.replace(utterances.from_espeak(text, "en-us+f5"), speaker="cleo")
        for text in ("yes", "no")
    ]
    taught = voice_training.add_speaker(voice, new, steps=40)
    assert taught.speakers == (*voice.speakers, "cleo") and voice.speakers == ("ann", "bob")
    cleo = [dataclasses.replace(one, speaker="bob") for one in new]
    assert error_of(taught, new) < error_of(voice, cleo)
    bob = [one for one in told if one.speaker == "bob"]
    assert error_of(taught, bob) < 1.2 * error_of(voice, bob)


def test_a_speaker_that_it_has_is_learned_further(voice):
    more = [
        dataclasses.replace(utterances.from_espeak(text, "en-us+f5"), speaker="bob")
        for text in ("yes", "no")
    ]
    taught = voice_training.add_speaker(voice, more, steps=40)
    assert taught.speakers == voice.speakers
    assert error_of(taught, more) < error_of(voice, more)


def test_speakers_are_added_one_by_one(voice, told):
    with pytest.raises(EarshotError, match="one speaker at a time, not 2: ann, bob"):
        voice_training.add_speaker(voice, told)
    with pytest.raises(EarshotError, match="not 0"):
        voice_training.add_speaker(voice, [])


def test_a_sound_that_it_does_not_know_is_named(voice):
    with pytest.raises(EarshotError, match="does not know the sounds I"):
        voice_training.add_speaker(voice, [utterances.from_espeak("thing", "en-us")])


def test_nothing_to_learn_from_is_refused(voice):
    with pytest.raises(EarshotError, match="nothing to learn"):
        UtteranceBatches([], voice)
