import keras
import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.networks.voice_builders import N_DETAILS, phoneme_voice


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(0)
    return phoneme_voice(5, 3, 16, width=8, blocks=1, dilations=(1,))


@pytest.fixture
def inputs(rng):
    symbols = np.eye(5, dtype=np.float32)[[[0, 3, 2, 0]]]
    alignment = np.repeat(np.eye(4, dtype=np.float32), [2, 5, 3, 2], axis=0)[None]
    frames = rng.normal(size=(1, 12, N_DETAILS + 16)).astype(np.float32)
    speaker = np.eye(3, dtype=np.float32)[[1]]
    return {"symbols": symbols, "speaker": speaker, "alignment": alignment, "frames": frames}


def numbers(answer):
    return {name: keras.ops.convert_to_numpy(value) for name, value in answer.items()}


def test_every_sound_gets_a_timing_and_every_frame_its_bands(small, inputs):
    answer = small(inputs)
    assert answer["timing"].shape == (1, 4, 2) and answer["spectrogram"].shape == (1, 12, 16)


def test_what_fills_up_a_batch_changes_nothing(small, inputs):
    longer = {
        "symbols": np.pad(inputs["symbols"], [(0, 0), (0, 3), (0, 0)]),
        "alignment": np.pad(inputs["alignment"], [(0, 0), (0, 6), (0, 3)]),
        "frames": np.pad(inputs["frames"], [(0, 0), (0, 6), (0, 0)]),
        "speaker": inputs["speaker"],
    }
    short, long = numbers(small(inputs)), numbers(small(longer))
    np.testing.assert_allclose(long["timing"][:, :4], short["timing"], atol=1e-5)
    np.testing.assert_allclose(long["spectrogram"][:, :12], short["spectrogram"], atol=1e-5)
    assert not long["timing"][:, 4:].any() and not long["spectrogram"][:, 12:].any()


def test_timing_needs_no_alignment(small, inputs):
    empty = {
        "alignment": np.zeros((1, 1, 4), np.float32),
        "frames": np.zeros((1, 1, N_DETAILS + 16), np.float32),
    }
    without = numbers(small(inputs | empty))["timing"]
    np.testing.assert_allclose(without, numbers(small(inputs))["timing"], atol=1e-5)


def test_another_speaker_says_it_in_another_way(small, inputs):
    other = inputs | {"speaker": np.eye(3, dtype=np.float32)[[2]]}
    mine, theirs = (numbers(small(each))["spectrogram"] for each in (inputs, other))
    assert np.abs(mine - theirs).max() > 1e-3


@pytest.mark.parametrize("sizes", [(0, 1, 64), (5, 0, 64), (5, 1, 0)])
def test_sizes_that_make_no_voice_are_refused(sizes):
    with pytest.raises(EarshotError, match="at least one"):
        phoneme_voice(*sizes)
