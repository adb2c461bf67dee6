import keras
import pytest

from earshot.datasets import espeak
from earshot.errors import EarshotError
from earshot.networks.voice_builders import phoneme_voice
from earshot.notebook.between import mixed, speak_between
from earshot.synthesis.inverter import FINE, Inverter, network
from earshot.synthesis.utterances import sounds_of
from earshot.synthesis.voice import STRESS, Voice

pytestmark = pytest.mark.skipif(
    not espeak.is_available(), reason="the offline voice is missing: pip install espeakng-loader"
)


@pytest.fixture(scope="module")
def voice():
    """It has learned nothing."""
    keras.utils.set_random_seed(0)
    symbols = sorted({sound.lstrip(STRESS) for sound in sounds_of("yes")})
    model = phoneme_voice(len(symbols) + len(STRESS), 2, width=8, blocks=1, dilations=(1,))
    return Voice(model, symbols, ["ann", "bob"], Inverter(network(FINE, width=8, blocks=1), FINE))


@pytest.fixture
def asked(voice, monkeypatch):
    """What the voice is asked for: parts of both speakers, and speeds."""
    requests, utterances = [], Voice.utterances

    def noted(self, words, speaker=None, speed=1.0):
        requests.append((speaker, speed))
        return utterances(self, words, speaker, speed)

    monkeypatch.setattr(Voice, "utterances", noted)
    return requests


def test_a_share_of_the_second_leaves_the_rest_to_the_first():
    assert mixed("ann", "bob", 0.25) == {"ann": 0.75, "bob": 0.25}


def test_each_slider_has_the_word_said_anew(voice, asked):
    share, speed, picture, sound = speak_between(voice, "yes", "ann", "bob").children
    before = picture.value
    share.value = 0.25
    assert asked[-1] == ({"ann": 0.75, "bob": 0.25}, 1.0)
    assert "75% ann + 25% bob" in sound.value
    assert picture.value != before
    speed.value = 2.0
    assert asked[-1] == ({"ann": 0.75, "bob": 0.25}, 2.0)


def test_pages_without_widgets_show_and_play_five_steps(voice, asked):
    box = speak_between(voice, "yes", "ann", "bob")
    shares = [speaker["bob"] for speaker, _ in asked[-5:]]
    assert shares == [0, 0.25, 0.5, 0.75, 1]
    assert box.sounds.count("<audio") == 5
    assert "image/png" in box._repr_mimebundle_()


def test_a_speaker_that_the_voice_does_not_have_is_named(voice):
    with pytest.raises(EarshotError, match="eve"):
        speak_between(voice, "yes", "ann", "eve")
