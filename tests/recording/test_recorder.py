"""The microphone and the keys, for real: a virtual sound card, and xdotool on a virtual screen."""

import contextlib
import io
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import correlate
from support import MODELS, hardware

from earshot import audio
from earshot.datasets import espeak, folders, streams, voices
from earshot.errors import EarshotError
from earshot.notebook import record
from earshot.recognition import listening, new_words, recognizer
from earshot.recording import recorder, takes
from earshot.recording.microphone import BLOCK_S, devices
from earshot.recording.recorder import Recorder

RECORD = """
import faulthandler, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
faulthandler.dump_traceback_later(12)
from earshot.recording import Recorder
take = Recorder(patience_s=30).record(sys.argv[1])
print("ended:", *take.notes)
"""


def meanwhile(*steps):
    """Do something while the recorder runs."""

    def go():
        for step in steps:
            step()

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    return thread


def pause(seconds):
    return lambda: time.sleep(seconds)


def start(screen, folder):
    """Press s until a new take is in a folder: how soon keys are heard depends on the machine."""

    def press():
        def n_takes():
            return len([*folder.rglob("*_*-*.wav")])

        before = n_takes()
        hardware.wait_for(lambda: screen.press("s") or n_takes() > before, "a take")

    return press


def live(*steps):
    """Listen, and do something as soon as the microphone gives sound."""
    for n, block in enumerate(Recorder().blocks()):
        if n == 0:
            meanwhile(*steps)
        yield block


def likeness(heard, said):
    """Peak of the normalised correlation of a longer with a shorter waveform."""
    products = correlate(heard, said, "valid")
    at = int(products.argmax())
    return products[at] / np.linalg.norm(said) / np.linalg.norm(heard[at : at + len(said)])


@pytest.fixture
def said(spoken, tmp_path):
    """One second and a half of speech, as a file and as a waveform."""
    _, stream = spoken
    x = stream.waveform[: 3 * stream.sample_rate // 2]
    audio.write(tmp_path / "said.wav", x, stream.sample_rate)
    return tmp_path / "said.wav", x


@pytest.fixture
def recorder_process(tmp_path, screen, short_folder):
    """Start a process that records; gives it and its folder when it is recording."""
    started = []

    def start(env=None):
        folder = tmp_path / f"process{len(started)}"
        process = subprocess.Popen(
            [sys.executable, "-c", RECORD, folder], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={**os.environ, **(env or {})},
        )  # fmt: skip
        started.append(process)

        def has_begun():
            screen.press("s")
            return [*folder.glob("*.wav")] or process.poll() is not None

        hardware.wait_for(has_begun, "a recording")
        assert process.poll() is None, (process.returncode, process.communicate()[0].decode())
        return process, folder

    yield start
    for process in started:
        process.kill()
        process.wait()


def record_elsewhere(code, **env):
    """Run Python code in a process with other circumstances; gives what it printed."""
    environment = {**os.environ, **env}
    environment = {name: value for name, value in environment.items() if value is not None}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("take", range(10))
def test_what_is_said_comes_back_equal(microphone, screen, said, tmp_path, take):
    path, x = said
    meanwhile(start(screen, tmp_path), lambda: microphone.speak(path),
              lambda: screen.press("q"))  # fmt: skip
    heard, _ = Recorder().record(tmp_path).read(16000)
    assert likeness(heard, x) > 0.99


@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (48000, 1)])
def test_sound_cards_of_any_rate_and_channels_do(
    short_folder, screen, said, tmp_path, rate, channels
):
    path, x = said
    card = hardware.Microphone(short_folder(), rate, channels)
    meanwhile(start(screen, tmp_path), lambda: card.speak(path),
              lambda: screen.press("q"))  # fmt: skip
    with hardware.environment(**card.env):
        heard, sample_rate = Recorder().record(tmp_path).read(16000)
    card.close()
    assert sample_rate == 16000
    assert likeness(heard, x) > 0.99


def test_what_was_said_just_before_the_key_is_kept(microphone, screen, tmp_path):
    said_s = 0.2
    path = tmp_path / "click.wav"
    t = np.arange(round(said_s * 16000)) / 16000
    audio.write(path, 0.5 * np.sin(2 * np.pi * 440 * t), 16000)
    meanwhile(pause(0.7), lambda: microphone.speak(path), lambda: screen.press("s"), pause(0.3),
              lambda: screen.press("q"))  # fmt: skip
    heard, rate = Recorder(pre_roll_s=1.0).record(tmp_path).read()
    loud = np.count_nonzero(np.abs(heard) > 0.02) / rate
    assert loud > 0.8 * said_s


def test_the_longest_time_ends_a_take_and_keeps_it(microphone, screen, tmp_path):
    meanwhile(start(screen, tmp_path))
    take = Recorder(longest_s=0.5, pre_roll_s=0.1).record(tmp_path)
    assert "The longest time, 0.5 s, is over." in take.notes
    assert take.duration_s == pytest.approx(0.6, abs=0.05)
    assert len(audio.read(take.path)[0]) == round(take.duration_s * take.sample_rate)


def test_interrupting_ends_a_take_and_keeps_it(microphone, recorder_process):
    process, folder = recorder_process()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=20)
    assert b"ended: Interrupted." in printed
    assert len(audio.read(hardware.only_file(folder))[0]) > 0


def test_a_killed_kernel_leaves_a_take_that_can_be_read(microphone, recorder_process):
    process, folder = recorder_process()
    path = hardware.only_file(folder)
    hardware.wait_for(lambda: path.stat().st_size > 44100, "half a second of sound")
    process.kill()
    process.wait()
    x, sample_rate = audio.read(path)
    assert len(x) / sample_rate > 0.4


def test_a_microphone_that_goes_away_ends_the_take_and_keeps_it(
    short_folder, screen, recorder_process
):
    card = hardware.Microphone(short_folder())
    process, folder = recorder_process(card.env)
    time.sleep(0.5)
    card.close()
    printed, _ = process.communicate(timeout=20)
    assert b"ended: The microphone went away" in printed
    assert len(audio.read(hardware.only_file(folder))[0]) > 0


def test_a_kernel_that_stands_still_loses_nothing(microphone, screen, said, recorder_process):
    path, x = said
    process, folder = recorder_process()
    time.sleep(0.5)
    process.send_signal(signal.SIGSTOP)
    microphone.speak(path)
    time.sleep(1)
    process.send_signal(signal.SIGCONT)
    time.sleep(1)
    screen.press("q")
    process.communicate(timeout=20)
    heard, _ = audio.read(hardware.only_file(folder), 16000)
    assert likeness(heard, x) > 0.99


def test_overruns_are_counted_and_told(microphone, screen, tmp_path, monkeypatch):
    import sounddevice

    class Busy(sounddevice.InputStream):
        """Says of every third block that sound was lost before it."""

        def __init__(self, *, callback, **settings):
            n_blocks = itertools.count()
            flags = [sounddevice.CallbackFlags(overflow) for overflow in (2, 0, 0)]
            super().__init__(
                callback=lambda x, n, times, _: callback(x, n, times, flags[next(n_blocks) % 3]),
                **settings,
            )

    monkeypatch.setattr(sounddevice, "InputStream", Busy)
    meanwhile(start(screen, tmp_path), pause(0.6), lambda: screen.press("q"))
    take = Recorder().record(tmp_path)
    (told,) = [note for note in take.notes if "too busy" in note]
    n_told = int(re.search(r"lost in (\d+) places", told)[1])
    assert n_told == pytest.approx(take.duration_s / BLOCK_S / 3, rel=0.5)


def test_keys_that_are_held_or_pressed_too_often_do_no_harm(microphone, screen, tmp_path):
    meanwhile(
        pause(0.5), lambda: screen.press("q"), lambda: screen.tell("keydown", "s"), pause(0.8),
        lambda: screen.tell("keyup", "s"), lambda: screen.press("s"),
        lambda: screen.press("q", "q"),
    )  # fmt: skip
    take = Recorder().record(tmp_path)
    assert take.duration_s > 0.8
    assert hardware.only_file(tmp_path) == take.path


def test_a_full_disk_ends_the_take_and_keeps_it(microphone, screen, tmp_path, monkeypatch):
    def full(self, block):
        if self.duration_s > 0.5:
            raise EarshotError("The disk is full.")
        return write(self, block)

    write = takes.Writer.write
    monkeypatch.setattr(takes.Writer, "write", full)
    meanwhile(start(screen, tmp_path))
    take = Recorder().record(tmp_path)
    assert "The disk is full." in take.notes
    assert len(audio.read(take.path)[0]) == round(take.duration_s * take.sample_rate)


def test_a_muted_microphone_is_pointed_out(microphone, screen, tmp_path):
    meanwhile(start(screen, tmp_path), pause(0.3), lambda: screen.press("q"))
    (note,) = Recorder().record(tmp_path).notes
    assert "muted" in note


def test_nobody_who_presses_the_key_ends_the_wait(microphone, screen, tmp_path):
    with pytest.raises(EarshotError, match="Nobody pressed s for 0.3 s"):
        Recorder(patience_s=0.3).record(tmp_path)
    assert not list(tmp_path.iterdir())


def test_other_keys_can_be_chosen(microphone, screen, tmp_path):
    meanwhile(
        pause(0.5), lambda: screen.press("a", "s", "q"), pause(0.3), lambda: screen.press("e")
    )
    take = Recorder(start_key="a", stop_key="e").record(tmp_path)
    assert take.duration_s > 0.5


def test_the_meter_says_what_to_press_and_how_loud_it_is(microphone, screen, said, tmp_path):
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        meanwhile(lambda: hardware.wait_for(shown.getvalue, "the meter"), start(screen, tmp_path),
                  lambda: microphone.speak(said[0]), lambda: screen.press("q"))  # fmt: skip
        take = Recorder().record(tmp_path)
    printed = shown.getvalue()
    assert "Press s to record" in printed
    assert "q to stop" in printed
    assert "█████" in printed
    assert str(take.path) in printed


def test_live_sound_comes_in_blocks_until_the_stop_key(microphone, screen, said):
    path, x = said
    blocks = list(live(lambda: microphone.speak(path), lambda: screen.press("q")))
    heard = audio.resample(np.concatenate([block for block, _ in blocks]), blocks[0][1], 16000)
    assert likeness(heard, x) > 0.99


def test_a_device_is_found_by_number_and_by_name(microphone, screen):
    listed = devices()
    assert sum(device.is_default for device in listed) == 1
    for device in listed:
        assert recorder.problem(device.number) == recorder.problem(device.name.upper()) == ""
        assert device.name in str(device)


@pytest.mark.parametrize("device", [99, "Bathtub"])
def test_an_unknown_device_is_told_with_what_there_is(microphone, screen, device, tmp_path):
    with pytest.raises(EarshotError, match=r"no input device .*There are: 0: pulse"):
        record.record_words("cat", tmp_path, recorder=Recorder(device))


def test_record_words_cuts_and_saves_what_was_said(microphone, screen, spoken, tmp_path, capsys):
    path, stream = spoken
    meanwhile(start(screen, tmp_path), lambda: microphone.speak(path),
              lambda: screen.press("q"))  # fmt: skip
    record.record_words("digit", tmp_path, speaker="anna")
    assert "it has a microphone" in capsys.readouterr().out
    assert takes.counts(tmp_path) == {"digit": len(stream.segments)}
    assert hardware.only_file(tmp_path / "digit" / "raw").name.startswith("anna_")


PROBLEM = "from earshot import recording; print(recording.problem())"
NO_PORTAUDIO = "import ctypes.util; ctypes.util.find_library = lambda name: None\n" + PROBLEM

NO_SOUNDDEVICE = "import sys; sys.modules['sounddevice'] = None\n" + PROBLEM
NO_PYNPUT = "import sys; sys.modules['pynput'] = None\n" + PROBLEM


@pytest.mark.parametrize(
    ("code", "env", "told"),
    [
        (NO_PORTAUDIO, {}, "sudo apt install libportaudio2"),
        (NO_SOUNDDEVICE, {}, "pip install sounddevice"),
        (NO_PYNPUT, {}, "pip install pynput"),
        (PROBLEM, {"PULSE_SERVER": "unix:/nowhere"}, "no microphone (no input device)"),
        (PROBLEM, {"DISPLAY": None}, "There is no screen"),
        (PROBLEM, {"DISPLAY": ":4711"}, "There is no screen"),
        (PROBLEM, {"XDG_SESSION_TYPE": "wayland"}, "log in with an X11"),
    ],
    ids=["no PortAudio", "no sounddevice", "no pynput", "no device", "no screen", "wrong screen",
         "Wayland"],
)  # fmt: skip
def test_what_is_missing_is_said_with_the_remedy(microphone, screen, code, env, told):
    printed = record_elsewhere(code, **env)
    assert told in printed
    assert 'where="browser"' in printed


def test_a_screen_that_has_died_is_told(microphone):
    screen = hardware.Screen()
    code = (
        "import os, signal, sys\n"
        "from earshot import recording\n"
        "assert not recording.problem()\n"
        f"os.kill({screen.server.pid}, signal.SIGKILL)\n"
        "print(recording.problem())"
    )
    with hardware.environment(**screen.env):
        printed = record_elsewhere(code)
    screen.close()
    assert "does not answer" in printed


def test_without_a_screen_the_browser_records_and_that_is_said(microphone, tmp_path):
    code = (
        "import earshot\n"
        f"box = earshot.record_words('cat', {str(tmp_path)!r}, speaker='anna')\n"
        "print(type(box.children[0]).__name__, box.children[0].folder)"
    )
    printed = record_elsewhere(code, DISPLAY=None)
    assert printed.startswith("Recording in the browser. There is no screen")
    assert f"BrowserRecorder {Path(tmp_path) / 'cat' / 'raw'}" in printed


def test_recording_needs_no_tensorflow():
    code = "import sys; from earshot import recording; print('tensorflow' in sys.modules)"
    assert record_elsewhere(code) == "False\n"


def test_what_shows_the_words_is_asked_for_before_anything_is_recorded(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "earshot.notebook.browser_recorder", raising=False)
    monkeypatch.delattr("earshot.notebook.browser_recorder", raising=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(EarshotError, match="pip install anywidget"):
        record.record_words("cat", tmp_path)


@pytest.mark.parametrize(
    ("settings", "told"), [({"word": " "}, "at least one letter"), ({"where": "phone"}, "'phone'")]
)
def test_what_makes_no_sense_is_told_before_anything_is_recorded(settings, told, tmp_path):
    with pytest.raises(EarshotError, match=told):
        record.record_words(**{"word": "cat", "folder": tmp_path, **settings})


@pytest.mark.skipif(not espeak.is_available(), reason="needs espeakng-loader")
def test_new_words_are_recorded_learned_and_heard_live(microphone, screen, tmp_path):
    pair = ("lemur", "narwhal")
    words = voices.synthetic(pair, n_voices=1, n_takes=8, sample_rate=16000, seed=5)

    def play(chosen):
        stream = streams.make_stream(words.subset(chosen), snr_db=35, seed=1)
        audio.write(tmp_path / "said.wav", stream.waveform, 16000, overwrite=True)
        return [segment.word for segment in stream.segments]

    of_word = [np.flatnonzero(words.labels == label) for label in (0, 1)]
    for word, clips in zip(words.class_names, of_word, strict=True):
        play(clips[:5])
        meanwhile(start(screen, tmp_path),
                  lambda: microphone.speak(tmp_path / "said.wav"),
                  lambda: screen.press("q"))  # fmt: skip
        record.record_words(word, tmp_path / "own", where="microphone", n_words=5)
    mine = folders.from_folder(tmp_path / "own")
    assert mine.counts() == dict.fromkeys(pair, 5)
    learned = new_words.learn_words(recognizer.load(MODELS / "base"), mine)
    said = play([clips[n] for n in (5, 6, 7) for clips in of_word])
    blocks = live(
        lambda: microphone.speak(tmp_path / "said.wav"), pause(0.5), lambda: screen.press("q")
    )
    heard = [word.word for word in listening.listen(learned, blocks)]
    assert heard == said
