import numpy as np
import pytest

from earshot import audio
from earshot.notebook import heard

SILENCE = np.zeros(4000)


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn: answers, and titles."""
    seen = []
    draw = heard.results.probabilities

    def watched(answers, spectrograms, front_end, titles):
        seen.append((titles, [answer.word for answer in answers]))
        return draw(answers, spectrograms, front_end, titles)

    monkeypatch.setattr(heard.results, "probabilities", watched)
    return seen


def test_each_clip_has_its_spectrogram_bars_and_player(trained, beep, drawn):
    box = heard.show_heard(trained, [beep(300), beep(1500)], 8000)
    assert box.sounds.count("<audio") == 2
    assert drawn == [(["1", "2"], ["low", "high"])]
    assert box.picture() == box.children[0].value


def test_titles_may_be_an_array(trained, beep, drawn):
    heard.show_heard(trained, [beep(300)], 8000, titles=np.array(["a beep"]))
    assert drawn[0][0] == ["a beep"]


def test_files_have_their_names_whatever_their_rate(trained, beep, drawn, tmp_path):
    audio.write(tmp_path / "one.wav", beep(300, 16000), 16000)
    heard.show_heard(trained, [tmp_path / "one.wav"])
    assert drawn == [(["one.wav"], ["low"])]


@pytest.mark.parametrize(("sounds", "told"), [([SILENCE], "is silent"), ([], "No word was found")])
def test_where_nothing_was_heard_the_reason_is_said(trained, sounds, told):
    box = heard.show_heard(trained, sounds, 8000)
    assert told in box.children[0].value
    assert box.picture()[1:4] == b"PNG"
    assert not box.sounds


def test_of_many_the_first_are_shown_and_that_is_said(trained, beep):
    box = heard.show_heard(trained, [SILENCE] + [beep(300)] * 9, 8000)
    assert box.sounds.count("<audio") == heard.MOST_SHOWN - 1
    assert "is silent" in box.children[-1].value
    assert "first 8 of 10" in box.children[-1].value


def test_a_take_is_there_to_replay_with_its_words(trained, beep, drawn, tmp_path):
    quiet = np.random.default_rng(0).normal(0, 1e-3, 8000)
    audio.write(tmp_path / "take.wav", np.r_[quiet, beep(300), quiet, beep(1500), quiet], 8000)
    box = heard.show_take(trained, tmp_path / "take.wav")
    assert drawn == [(["0", "1"], ["low", "high"])]
    assert box.sounds.count("<audio") == 3
    assert "take.wav" in box.sounds


def test_the_browser_shows_what_it_heard(trained, beep, tmp_path):
    recorder, place = heard.hear_words(trained, tmp_path, where="browser").children
    sound = (30000 * np.r_[np.zeros(4000), beep(300), np.zeros(4000)]).astype("<i2").tobytes()
    recorder._handle_custom_msg({"kind": "start", "sample_rate": 8000}, [])
    recorder._handle_custom_msg({"kind": "sound"}, [memoryview(sound)])
    recorder._handle_custom_msg({"kind": "stop", "reason": "", "n_chunks": 1}, [])
    assert place.children[0].sounds.count("<audio") >= 1
    assert recorder.take.path.parent == tmp_path
