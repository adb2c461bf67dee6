import json

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from support import MODELS

from earshot.datasets import espeak
from earshot.errors import EarshotError
from earshot.synthesis import utterances, voice as voices

pytestmark = pytest.mark.skipif(
    not espeak.is_available(), reason="the offline voice is missing: pip install espeakng-loader"
)


def test_a_word_gives_a_waveform_and_a_list_gives_a_list(voice):
    x = voice.say("yes")
    assert x.dtype == np.float32 and x.ndim == 1 and np.abs(x).max() > 0
    many = voice.say(["yes", "no"], speaker="bob")
    assert isinstance(many, list) and len(many) == 2


def test_what_is_said_is_told_step_by_step(voice):
    (one,) = voice.utterances(["yes"], "bob")
    assert (one.symbols, one.speaker) == (utterances.sounds_of("yes"), "bob")
    assert one.spectrogram.shape == (one.durations.sum(), 64) and len(one.pitch_hz) == len(
        one.spectrogram
    )
    assert one.spectrogram.max() == 0 and one.spectrogram.min() >= -80


def test_a_word_is_the_same_alone_and_among_others(voice):
    alone, among = voice.utterances(["no"])[0], voice.utterances(["seven", "no"])[1]
    np.testing.assert_array_equal(alone.durations, among.durations)
    np.testing.assert_allclose(alone.spectrogram, among.spectrogram, atol=0.02)


def test_twice_as_fast_takes_about_half_the_frames(voice):
    plain, fast, slow = (len(voice.utterances(["seven"], speed=s)[0].pitch_hz) for s in (1, 2, 0.5))
    assert 0.4 * plain < fast < 0.65 * plain and 1.7 * plain < slow < 2.3 * plain


def test_between_two_voices_lies_neither(voice):
    pitches = [
        float(voice.utterances(["no"], who)[0].pitch_hz.mean())
        for who in ("ann", {"ann": 1, "bob": 1}, "bob")
    ]
    assert sorted(pitches) in (pitches, pitches[::-1]) and len(set(pitches)) == 3


def test_parts_of_voices_sum_to_one(voice):
    np.testing.assert_allclose(voice.weights({"ann": 3, "bob": 1}), [0.75, 0.25])
    assert voice.utterances(["no"], {"ann": 0.75, "bob": 0.25})[0].speaker == "75% ann + 25% bob"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speaker": "carl"}, "no speaker carl: it has ann, bob"),
        ({"speaker": {}}, "not all 0"),
        ({"speaker": {"ann": -1, "bob": 2}}, "0 or more"),
        ({"speaker": {"ann": "much"}}, "0 or more"),
        ({"speaker": ["ann", "bob"]}, "a name, or parts"),
        ({"speed": "fast"}, "0.25 to 4, not 'fast'"),
        ({"words": 7}, "list of texts to say, not 7"),
        ({"speed": 0}, "0.25 to 4"),
        ({"speed": float("nan")}, "0.25 to 4"),
        ({"words": []}, "list of words is empty"),
        ({"words": ["yes", ""]}, "give it some letters"),
        ({"words": "thing"}, "has not learned the sound"),
    ],
)
def test_what_it_cannot_say_is_refused_in_a_sentence(voice, options, message):
    with pytest.raises(EarshotError, match=message):
        voice.say(**{"words": "yes", **options})


def test_a_saved_voice_speaks_as_before(voice, tmp_path):
    voice.save(tmp_path / "voice")
    again = voices.load_voice(tmp_path / "voice")
    assert (again.speakers, again.symbols, again.texts) == (
        voice.speakers, voice.symbols, voice.texts
    )  # fmt: skip
    np.testing.assert_allclose(again.say("yes"), voice.say("yes"), atol=1e-4)


def test_a_damaged_folder_is_named(voice, tmp_path):
    voice.save(tmp_path / "voice")
    settings_file = tmp_path / "voice" / "voice.json"
    known = json.loads(settings_file.read_text())
    for change in ({"speakers": ["ann"]}, {"symbols": None}):
        settings_file.write_text(json.dumps(known | change))
        with pytest.raises(EarshotError, match="voice"):
            voices.load_voice(tmp_path / "voice")
    with pytest.raises(EarshotError, match="There is no voice"):
        voices.load_voice(tmp_path / "nowhere")


@settings(max_examples=25)
@given(text=st.text(max_size=30))
def test_any_text_is_said_or_refused_in_a_sentence(voice, text):
    try:
        (one,) = voice.utterances([text])
    except EarshotError:
        return
    assert np.isfinite(one.spectrogram).all() and len(one.spectrogram) == one.durations.sum()


@pytest.mark.skipif(not (MODELS / "voice").is_dir(), reason="models/voice is missing")
def test_the_committed_voice_says_digits_that_are_understood():
    from earshot.datasets.word_set import DIGITS
    from earshot.recognition import recognizer

    voice = voices.load_voice(MODELS / "voice")
    heard = recognizer.load(MODELS / "spoken_digit").predict(
        voice.say(DIGITS, speaker="george"), 8000
    )
    assert sum(answer.word == word for answer, word in zip(heard, DIGITS, strict=True)) >= 9
