import io
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from support import MODELS

from earshot import audio
from earshot.datasets import espeak
from earshot.errors import EarshotError, EarshotWarning
from earshot.features import images
from earshot.recognition import recognizer
from earshot.synthesis import speech

gtts = pytest.importorskip("gtts")


@pytest.fixture
def online(monkeypatch):
    """Put a service of our own in the place of Google's; gives the words it was asked for."""
    asked = []

    def stream(self):
        self._prepare_requests()  # where it refuses what has no letters
        asked.append(self.text)
        sound = io.BytesIO()
        tone = np.sin(np.arange(12000) * 0.2) / 2
        soundfile.write(sound, tone, 24000, format="MP3")
        yield sound.getvalue()

    monkeypatch.setattr(gtts.gTTS, "stream", stream)
    return asked


@pytest.fixture
def broken(monkeypatch):
    """Let the service answer with a status, or not at all; counts the requests."""

    def break_it(status):
        asked = []

        def stream(self):
            asked.append(self.text)
            response = status and SimpleNamespace(status_code=status, reason="no")
            raise gtts.gTTSError(tts=self, response=response)
            yield

        monkeypatch.setattr(gtts.gTTS, "stream", stream)
        return asked

    return break_it


@pytest.fixture
def offline_voice():
    if not espeak.is_available():
        pytest.skip("the offline voice is not installed: pip install espeakng-loader")


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_what_gtts_gives_becomes_a_real_wav(online, tmp_path):
    spoken = speech.say("seven", folder=tmp_path)
    assert spoken.engine == "gtts"
    assert soundfile.info(spoken.path).format == "WAV"
    x, rate = audio.read(spoken.path)
    assert rate == 24000
    assert 0.4 < np.abs(x).max() < 0.6


def test_a_second_run_asks_nobody(online, tmp_path):
    first = speech.say(["one", "two", "one"], folder=tmp_path)
    again = speech.say(["one", "two"], folder=tmp_path)
    assert online == ["one", "two"]
    assert again == first[:2]


@pytest.mark.parametrize("status, reason", [(429, "too many requests"), (None, "internet")])
def test_the_offline_voice_takes_over_and_the_reason_is_said(
    broken, offline_voice, tmp_path, status, reason
):
    asked = broken(status)
    with pytest.warns(EarshotWarning, match=reason):
        spoken = speech.say(["one", "two"], folder=tmp_path)
    assert [s.engine for s in spoken] == ["espeak", "espeak"]
    assert asked == ["one"]
    assert speech.say(["one", "two"], folder=tmp_path) == spoken
    assert asked == ["one"]
    assert files(tmp_path) == ["one.wav", "two.wav"]


def test_an_empty_answer_leaves_no_empty_file(monkeypatch, offline_voice, tmp_path):
    monkeypatch.setattr(gtts.gTTS, "stream", lambda self: iter(()))
    with pytest.warns(EarshotWarning, match="holds no sound"):
        spoken = speech.say("one", folder=tmp_path)
    assert files(tmp_path) == ["one.wav"]
    assert len(audio.read(spoken.path)[0]) > 1000


def test_a_language_that_gtts_does_not_know_is_spoken_offline(offline_voice, tmp_path):
    with pytest.warns(EarshotWarning, match="'eo'"):
        assert speech.say("unu", language="eo", folder=tmp_path).engine == "espeak"


def test_a_language_that_nobody_knows_is_named(offline_voice, tmp_path):
    with pytest.warns(EarshotWarning), pytest.raises(EarshotError, match="'xx'"):
        speech.say("one", language="xx", folder=tmp_path)
    assert files(tmp_path) == []


def test_gtts_alone_says_why_it_cannot(broken, tmp_path):
    broken(429)
    with pytest.raises(EarshotError, match="429.*engine='espeak'"):
        speech.say("one", engine="gtts", folder=tmp_path)
    assert files(tmp_path) == []


@pytest.mark.parametrize("engine", speech.ENGINES)
def test_a_word_without_sounds_is_named(online, offline_voice, tmp_path, engine):
    with pytest.raises(EarshotError, match=r"cannot say '\?\?\?'"):
        speech.say("???", engine=engine, folder=tmp_path)
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "list of words is empty"),
        ("", "''"),
        (["one", " "], "' '"),
        ([1], "1 is none"),
        ("a\ud800", "is none"),
    ],
)
def test_nothing_to_say_is_refused_before_anything_is_asked(online, tmp_path, words, message):
    with pytest.raises(EarshotError, match=message):
        speech.say(words, folder=tmp_path)
    assert online == []


def test_an_unknown_engine_is_named(tmp_path):
    with pytest.raises(EarshotError, match="'festival'"):
        speech.say("one", engine="festival", folder=tmp_path)


def test_a_folder_that_cannot_be_written_is_named(offline_voice, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(EarshotError, match="taken"):
        speech.say("one", engine="espeak", folder=tmp_path / "taken")
    assert files(tmp_path) == ["taken"]


def test_a_word_may_hold_what_no_file_name_can(offline_voice, tmp_path):
    spoken = speech.say("on/off", engine="espeak", folder=tmp_path)
    assert spoken.path.parent.parent == tmp_path


@pytest.mark.parametrize("letter", ["a", "ö", "/", "語"])
def test_a_text_may_be_longer_than_a_file_name(online, tmp_path, letter):
    first, second = speech.say([300 * letter, 300 * letter + "b"], engine="gtts", folder=tmp_path)
    assert first.path != second.path
    assert all(len(spoken.path.name.encode()) <= 230 for spoken in (first, second))
    assert speech.say(300 * letter, folder=tmp_path) == first
    assert len(online) == 2


def test_a_language_may_be_longer_than_a_file_name(online, tmp_path):
    with pytest.raises(EarshotError, match="gTTS cannot say 'one'"):
        speech.say("one", language="x" * 300, engine="gtts", folder=tmp_path)


def test_a_spectrogram_is_recognized_and_its_word_spoken(offline_voice, tmp_path):
    r = recognizer.load(MODELS / "spoken_digit")
    x, _ = espeak.say("seven", sample_rate=8000)
    images.write(tmp_path / "seven.png", r.front_end(x), r.front_end)
    prediction, spoken = speech.say_spectrogram(
        r, tmp_path / "seven.png", engine="espeak", folder=tmp_path
    )
    assert prediction.word == r.predict_spectrogram(r.front_end(x)).word
    assert spoken.word == prediction.word
    assert len(audio.read(spoken.path)[0]) > 1000


def test_speaking_and_iterating_import_no_tensorflow():
    modules = "speech, griffin_lim"
    code = (
        f"import sys; from earshot.synthesis import {modules}; print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False"
