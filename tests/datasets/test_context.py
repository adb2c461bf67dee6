import json

import numpy as np
import pytest
from support.beeps import make_beeps

from earshot.datasets.context import InContext, between_words, parts_of_words
from earshot.features.log_mel import LogMel

FRONT_END = LogMel()
SPEECH = (np.sin(0.5 * np.arange(12_000)).astype(np.float32),)


def varied(rng, **options):
    plain = {"speed": 0.0, "reverb": 0.0, "noise": 0.0, "warp": 0.0, "tempo": 0.0, "tilt_db": 0.0,
             "mask_bands": 0, "mask_frames": 0}  # fmt: skip
    clip = np.sin(0.1 * np.arange(2400)).astype(np.float32)
    return InContext(others=SPEECH, **{**plain, **options})([clip] * 40, FRONT_END, rng)


def test_windows_have_the_form_of_the_front_end(rng):
    db = InContext(others=SPEECH)([np.ones(3000)] * 4, FRONT_END, rng)
    assert db.shape == (4, 101, 40)
    assert db.dtype == np.float32
    assert db.min() >= -FRONT_END.top_db
    assert db.max() <= 0


def test_the_same_numbers_give_the_same_windows():
    first, second = (
        InContext(others=SPEECH)([np.ones(3000)] * 4, FRONT_END, np.random.default_rng(3))
        for _ in range(2)
    )
    assert np.array_equal(first, second)


def sounding(db):
    """From which to which frame there is something within 20 dB."""
    loud = (db.max(axis=2) > -20).nonzero()
    return np.array([loud[1][loud[0] == i][[0, -1]] for i in range(len(db))])


def test_words_are_in_the_middle_or_have_just_ended(rng):
    middle = sounding(varied(rng, context=0.0, late=0.0, shift_s=0.0)).mean(axis=1)
    assert abs(middle - 50).max() <= 2
    ends = sounding(varied(rng, context=0.0, late=1.0))[:, 1]
    assert ends.min() >= 58
    assert ends.max() >= 90


def test_others_speak_before_and_after(rng):
    first, last = sounding(varied(rng, context=1.0, late=0.0)).T
    assert (last - first > 60).sum() > 20


def test_louder_noise_covers_more(rng):
    quiet, loud = (
        varied(rng, context=0.0, noise=1.0, snr_db=(snr_db, snr_db + 20)).mean()
        for snr_db in (30.0, 0.0)
    )
    assert loud > quiet + 5


@pytest.fixture
def words(rng):
    return make_beeps(rng, n=20)


def test_parts_are_shorter_than_words(words, rng):
    parts = parts_of_words(words, 30, rng)
    assert len(parts) == 30
    assert 0 < max(map(len, parts)) <= max(map(len, words.waveforms))


def test_between_words_there_is_a_pause(words, rng):
    for x in between_words(words, 20, rng):
        assert len(x) == words.sample_rate
        assert np.count_nonzero(x == 0) >= 0.05 * words.sample_rate


def test_a_checkpoint_knows_it_by_its_settings_and_by_what_others_say():
    settings = InContext(others=SPEECH).settings()
    assert json.loads(json.dumps(settings)) == {**settings, "snr_db": list(settings["snr_db"])}
    assert settings != InContext(others=(SPEECH[0][1:],)).settings()
