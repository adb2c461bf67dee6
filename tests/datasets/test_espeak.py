import numpy as np
import pytest

from earshot.datasets import espeak
from earshot.errors import EarshotError


@pytest.fixture(autouse=True)
def voice():
    """The optional wheel."""
    if not espeak.is_available():
        pytest.skip("the offline voice is not installed: pip install espeakng-loader")


def test_a_word_is_said_at_the_asked_rate():
    x, sample_rate = espeak.say("seven", sample_rate=8000)
    assert sample_rate == 8000
    assert 0.2 < len(x) / sample_rate < 1.5
    assert np.abs(x).max() > 0.1


def test_faster_speech_is_shorter():
    assert len(espeak.say("seven", speed_wpm=300)[0]) < len(espeak.say("seven", speed_wpm=100)[0])


def test_another_language_can_say_the_sounds_of_a_word():
    sounds = espeak.phonemes("seven")
    assert sounds.startswith("[[")
    assert len(espeak.say(sounds, voice="de")[0]) > 1000


@pytest.mark.parametrize("voice", ["xx-nope", "en-us+nope"])
def test_a_voice_that_does_not_exist_is_named(voice):
    with pytest.raises(EarshotError, match="nope"):
        espeak.say("seven", voice=voice)


def test_the_voice_that_crashes_is_not_offered():
    assert "rob" not in espeak.variants()
    with pytest.raises(EarshotError, match="no variant 'rob'"):
        espeak.say("[[tr'3:pa#m,OI]]", voice="it+rob", pitch=31, pitch_range=76)


def test_what_cannot_be_said_is_named():
    with pytest.raises(EarshotError, match="cannot say"):
        espeak.say("")


def test_sounds_are_named_clause_by_clause():
    assert espeak.sounds("seven") == [["s", "'E", "v", "@", "n"]]
    assert len(espeak.sounds("yes, no")) == 2
    assert espeak.sounds("?!") == espeak.sounds("") == []


def test_sounds_are_told_with_their_times_and_the_sound_is_that_of_say():
    x, rate, told = espeak.timed("seven", sample_rate=8000)
    assert [name for name, _ in told if not name.startswith("_")] == espeak.sounds("seven")[0]
    times = [start for _, start in told]
    assert times == sorted(times) and times[-1] <= len(x) / rate
    assert len(x) == pytest.approx(len(espeak.say("seven", sample_rate=8000)[0]), abs=80)


def test_the_first_sound_is_told_after_many_texts_that_were_only_read():
    for _ in range(40):
        espeak.sounds("a b c")
    assert espeak.timed("thing")[2][0][0] == "T"
