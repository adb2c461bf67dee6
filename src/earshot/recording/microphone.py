"""The microphone of this machine, read by ``sounddevice`` (PortAudio).

>>> print(Device(0, "built-in", n_channels=1, sample_rate=44100, is_default=True))
0: built-in (44,100 Hz, the default)
"""

import contextlib
import dataclasses
import queue
from collections.abc import Iterator
from typing import Any

import numpy as np

from earshot.errors import EarshotError

__all__ = ["BLOCK_S", "Device", "devices", "microphone", "unable"]

BLOCK_S = 0.02  # length of the blocks in which sound comes: short, so that a stop key acts at once


@dataclasses.dataclass(frozen=True)
class Device:
    """A microphone or another input, with the most channels that it offers and its own rate."""

    number: int
    name: str
    n_channels: int
    sample_rate: int
    is_default: bool

    def __str__(self) -> str:
        default = ", the default" if self.is_default else ""
        return f"{self.number}: {self.name} ({self.sample_rate:,} Hz{default})"


def unable(reason: str) -> EarshotError:
    """Make an error of why this machine cannot record, with the way out that is always there."""
    return EarshotError(f'{reason}, or record in the browser: where="browser".')


def devices() -> list[Device]:
    """List the inputs of this machine; empty when there is none. An error tells what is missing."""
    sounddevice = _sounddevice()
    default = sounddevice.default.device[0]
    return [
        Device(d["index"], d["name"], d["max_input_channels"], int(d["default_samplerate"]),
               d["index"] == default)
        for d in sounddevice.query_devices() if d["max_input_channels"] > 0
    ]  # fmt: skip


@contextlib.contextmanager
def microphone(device: int | str | None, events: queue.SimpleQueue[Any]) -> Iterator[Any]:
    """Open a microphone that puts blocks of int16, and None where sound was lost, into a queue."""
    sounddevice, found = _sounddevice(), _find(device)

    def heard(block, n_frames, times, status):
        if status.input_overflow:
            events.put(None)
        mono = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)
        events.put(mono.astype(np.int16))  # a copy

    for n_channels in sorted({1, min(2, found.n_channels), found.n_channels}):
        try:
            stream = sounddevice.InputStream(
                device=found.number, channels=n_channels, samplerate=found.sample_rate,
                dtype="int16", blocksize=round(BLOCK_S * found.sample_rate), callback=heard,
            )  # fmt: skip
            break
        except sounddevice.PortAudioError as error:
            reason = error.args[0]
    else:
        raise unable(
            f"The microphone {found.name} cannot be opened ({reason}): close other programs that "
            "use it, allow its use in the system's privacy settings"
        )
    with stream:
        yield stream


def _sounddevice():
    try:
        import sounddevice
    except ImportError as error:
        raise unable("The package sounddevice is missing: pip install sounddevice") from error
    except OSError as error:
        raise unable(
            "PortAudio is missing, which reads the microphone: sudo apt install libportaudio2 "
            "(Debian, Ubuntu), conda install portaudio (elsewhere)"
        ) from error
    return sounddevice


def _find(device):
    """Give the :class:`Device` of that number or name; microphones plugged in late are found."""
    for again in (False, True):
        if again:
            _sounddevice()._terminate()  # PortAudio looks for devices when it starts, not later
            _sounddevice()._initialize()
        there = devices()
        if device is None:
            found = [d for d in there if d.is_default] or there
        else:
            found = [d for d in there if device in (d.number, d.name)]
        if isinstance(device, str):
            found = found or [d for d in there if device.lower() in d.name.lower()]
        if found:
            return found[0]
    if not there:
        raise unable(
            "This machine has no microphone (no input device): plug one in, allow its use in the "
            "system's privacy settings (on Linux: join the group audio)"
        )
    listed = "; ".join(map(str, there))
    raise EarshotError(f"There is no input device {device!r}. There are: {listed}.")
