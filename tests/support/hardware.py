"""A virtual microphone and a virtual screen: a private PulseAudio, and Xvfb."""

import contextlib
import ctypes.util
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

BROWSER = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
"""How Chromium starts without a screen, and without asking for the network or for a click."""

PULSE = """\
load-module module-native-protocol-unix auth-anonymous=1 socket={folder}/socket
load-module module-null-sink sink_name=mouth rate={rate} channels={channels} norewinds=1
load-module module-remap-source master=mouth.monitor source_name=ear
set-default-sink mouth
set-default-source ear
"""
ALSA = """\
</usr/share/alsa/alsa.conf>
pcm.!default {{ type pulse hint {{ show on description "virtual microphone" }} }}
ctl.!default {{ type pulse }}
"""
PLUGINS = [*Path("/usr/lib").glob("**/alsa-lib/libasound_module_pcm_pulse.so")]


def need(*programs):
    """Skip a test when one of Debian's programs is missing."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (.ci/run installs them)")


class Microphone:
    """A virtual microphone that hears what :meth:`speak` plays.

    Parameters
    ----------
    folder : Path
        A short path: a socket's name may have 107 characters.
    rate, channels : int
        Of the sound card.
    """

    def __init__(self, folder, rate=16000, channels=1):
        need("pulseaudio", "pactl", "paplay")
        if not (ctypes.util.find_library("portaudio") and PLUGINS):
            pytest.skip("not installed: libportaudio2, libasound2-plugins (.ci/run installs them)")
        self.folder = folder
        (folder / "pulse").mkdir(mode=0o700, parents=True)
        config = folder / "pulse.pa"
        config.write_text(PULSE.format(folder=folder, rate=rate, channels=channels))
        (folder / "asound.conf").write_text(ALSA.format())
        self.env = {
            "PULSE_SERVER": f"unix:{folder}/socket",
            "PULSE_COOKIE": f"{folder}/cookie",
            "PULSE_RUNTIME_PATH": f"{folder}/pulse",
            "PULSE_STATE_PATH": f"{folder}/state",
            "ALSA_CONFIG_PATH": f"{folder}/asound.conf",
        }
        own = {**os.environ, **self.env, "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)}
        self.server = subprocess.Popen(
            ["pulseaudio", "-n", "-F", config, "--daemonize=no", "--exit-idle-time=-1",
             "--use-pid-file=no", "--disable-shm", "--realtime=no", "--high-priority=no",
             f"--log-target=file:{folder}/log"],
            env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        wait_for(self._answers, "the sound server")

    def _answers(self):
        return self._ask("info").returncode == 0

    def _ask(self, *what):
        env = {**os.environ, **self.env}
        return subprocess.run(["pactl", *what], env=env, capture_output=True, text=True)

    def is_open(self):
        """Tell whether somebody listens to it, and not only for a look whether it is there."""
        return self._is_heard() and (time.sleep(0.5) or self._is_heard())

    def _is_heard(self):
        return "protocol-native" in self._ask("list", "short", "source-outputs").stdout

    def speak(self, path):
        """Play a file into the microphone, and wait until it has been said."""
        subprocess.run(["paplay", str(path)], env={**os.environ, **self.env}, check=True)

    def close(self):
        """Pull the plug."""
        self.server.kill()
        self.server.wait()


class Screen:
    """A virtual screen with a keyboard."""

    def __init__(self):
        need("Xvfb", "xdotool")
        read, write = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24",
             "-nolisten", "tcp", "-ac", "-noreset"],
            pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        os.close(write)
        with os.fdopen(read) as answer:
            self.env = {"DISPLAY": f":{answer.readline().strip()}"}

    def press(self, *keys):
        """Press and release keys, one after the other."""
        self.tell("key", *keys)

    def tell(self, *words):
        """Give a command to xdotool."""
        subprocess.run(["xdotool", *words], env={**os.environ, **self.env}, check=True)

    def close(self):
        """Switch it off."""
        if self.server.poll() is None:
            self.press("Shift_L")  # those who listen leave at the next key only
            time.sleep(0.1)
        self.server.kill()
        self.server.wait()


@contextlib.contextmanager
def environment(**settings):
    """Set environment variables, or remove those that are None, for a while."""
    before = {name: os.environ.get(name) for name in settings}
    _set(settings)
    try:
        yield
    finally:
        _set(before)


def _set(settings):
    for name, value in settings.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def wait_for(condition, what, patience_s=30):
    """Wait until something is so; gives what the condition gave."""
    until = time.monotonic() + patience_s
    while not (result := condition()):
        assert time.monotonic() < until, f"{what} did not come"
        time.sleep(0.02)
    return result


def only_file(folder, pattern="*.wav"):
    """Give the one file that is there."""
    (path,) = Path(folder).glob(pattern)
    return path
