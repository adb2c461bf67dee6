import numpy as np
import pytest

from earshot import audio
from earshot.segmentation import speech
from earshot.segmentation.speech import find_speech

RATE = 8000


@pytest.fixture(scope="module")
def heard(stream):
    return find_speech(stream.waveform, RATE)


def test_speech_scores_above_0_and_noise_below(stream, heard):
    said = np.zeros(len(heard.score), bool)
    for word in stream.segments:
        said[round(word.start_s / heard.frame_s) : round(word.end_s / heard.frame_s)] = True
    assert np.mean((heard.score > 0) == said) > 0.93


@pytest.mark.parametrize("seconds", [0.001, 0.015, 0.5, 31])
def test_there_is_a_score_for_every_frame(rng, seconds):
    x = rng.standard_normal(round(seconds * RATE)).astype(np.float32)
    assert find_speech(x, RATE).score.shape == (-(-len(x) // 80),)


@pytest.mark.parametrize("n_frames", [300, 302])
def test_block_borders_leave_no_trace(stream, heard, monkeypatch, n_frames):
    monkeypatch.setattr(speech, "BLOCK_FRAMES", n_frames)
    score = find_speech(stream.waveform, RATE).score
    np.testing.assert_allclose(score, heard.score, atol=1e-3)


def test_loudness_plays_no_role(stream, heard):
    score = find_speech(stream.waveform * np.float32(0.01), RATE).score
    np.testing.assert_allclose(score, heard.score, atol=0.2)


def test_a_file_is_named_and_scored_like_its_waveform(stream, heard, tmp_path):
    audio.write(tmp_path / "a.wav", stream.waveform, RATE, subtype="FLOAT")
    from_file = find_speech(tmp_path / "a.wav", None)
    np.testing.assert_allclose(from_file.score, heard.score, atol=1e-3)
    assert from_file.name == str(tmp_path / "a.wav")


@pytest.mark.parametrize(("n_taps", "stride", "dilation"), [(5, 2, 1), (3, 1, 8), (1, 1, 1)])
def test_convolutions_are_those_of_keras(rng, n_taps, stride, dilation):
    import keras

    x = rng.standard_normal((40, 4)).astype(np.float32)
    weights, bias = rng.standard_normal((n_taps, 4, 6)), rng.standard_normal(6)
    layer = keras.layers.Conv1D(6, n_taps, stride, "same", dilation_rate=dilation)
    layer.build((None, None, 4))
    layer.set_weights([weights, bias])
    ours = speech._convolved(
        x, weights.astype(np.float32), bias.astype(np.float32), stride, dilation
    )
    np.testing.assert_allclose(ours, np.asarray(layer(x[None]))[0], atol=1e-4)


def test_the_network_reaches_as_far_as_a_block_borrows(rng):
    x = rng.standard_normal((2000, 24)).astype(np.float32)
    y = x.copy()
    y[1000] += 1
    changed = np.flatnonzero(speech._network(x) != speech._network(y))
    assert 1000 - speech.REACH <= 2 * changed.min() <= 2 * changed.max() <= 1000 + speech.REACH
