"""The microphone, with start and stop keys.

The microphone (``sounddevice``, PortAudio) and the keyboard (``pynput``) are looked for when they
are needed; what is missing is said together with the remedy.
"""

import collections
import contextlib
import dataclasses
import math
import os
import queue
import sys
import threading
import time

import numpy as np

from earshot import takes
from earshot.errors import EarshotError

__all__ = ["Device", "Recorder", "devices", "problem", "record_words"]

BLOCK_S = 0.02
GONE_S = 2.0
"""A microphone that gives nothing for this long is gone."""
REFRESH_S = 0.1
BAR, LOWEST_DB = 20, -60.0
BROWSER = 'or record in the browser: where="browser"'


@dataclasses.dataclass(frozen=True)
class Device:
    """A microphone or another input.

    Parameters
    ----------
    number : int
    name : str
    n_channels : int
        As many as it offers at most.
    sample_rate : int
        Its own, in Hz.
    is_default : bool
    """

    number: int
    name: str
    n_channels: int
    sample_rate: int
    is_default: bool

    def __str__(self):
        default = ", the default" if self.is_default else ""
        return f"{self.number}: {self.name} ({self.sample_rate:,} Hz{default})"


@dataclasses.dataclass(frozen=True)
class Recorder:
    """Records from a microphone of this machine, from one key to another.

    Parameters
    ----------
    device : int or str, optional
        Number or part of the name, see :func:`devices`. Default: the system's default.
    start_key, stop_key : str
        One letter each. They are heard whichever window is in front.
    pre_roll_s : float
        So much from before the start key is kept: people press and speak at once.
    longest_s : float
        A take ends by itself after this time.
    patience_s : float
        For so long the start key is waited for.
    """

    device: int | str | None = None
    start_key: str = "s"
    stop_key: str = "q"
    pre_roll_s: float = 0.3
    longest_s: float = 1800.0
    patience_s: float = 120.0

    def record(self, folder, *, name="take"):
        """Wait for the start key, record until the stop key, and say all the while what is heard.

        Sound goes to disk while it is recorded. The take also ends, and is kept, when its longest
        time is over, the kernel is interrupted, the microphone goes away or the disk is full.

        Parameters
        ----------
        folder : str or path
            Gets the whole take, as ``<name>_<date>-<time>.wav``.
        name : str

        Returns
        -------
        earshot.takes.Take

        Raises
        ------
        EarshotError
            When microphone or keys are missing, the start key is not pressed, or the microphone
            goes away before that.
        """
        with _Source(self.device) as source:
            meter = _Meter()
            writer = self._wait(source, folder, name, meter)
            notes = []
            try:
                notes.append(self._write(source, writer, meter))
            except KeyboardInterrupt:
                notes.append("Interrupted.")
            except EarshotError as error:
                notes.append(str(error))
        with contextlib.suppress(EarshotError):  # the disk is full, and that has been said
            for block in source.left():
                writer.write(block)
        if source.n_overruns:
            places = "1 place" if source.n_overruns == 1 else f"{source.n_overruns} places"
            notes.append(
                f"The machine was too busy, and sound was lost in {places}: close other programs, "
                "and say those words again."
            )
        take = writer.close(note for note in notes if note)
        meter.finish(take)
        return take

    def blocks(self):
        """Listen at once, until the stop key, and give the sound as it comes.

        The same as :func:`earshot.audio.blocks` gives for a file. Ends as :meth:`record` does.

        Yields
        ------
        block : ndarray of float32, shape (samples,)
        sample_rate : int
            In Hz, the microphone's own.
        """
        with _Source(self.device) as source, contextlib.suppress(KeyboardInterrupt):
            until = time.monotonic() + self.longest_s
            for event in source:
                if isinstance(event, np.ndarray):
                    yield event.astype(np.float32) / (takes.FULL_SCALE + 1), source.sample_rate
                elif event == self.stop_key:
                    return
                if time.monotonic() > until:
                    return

    def _wait(self, source, folder, name, meter):
        """Wait for the start key; gives a writer that holds what was heard just before it."""
        before = collections.deque(maxlen=math.ceil(self.pre_roll_s / BLOCK_S))
        until = time.monotonic() + self.patience_s
        for event in source:
            if isinstance(event, np.ndarray):
                before.append(event)
                meter.show(f"Press {self.start_key} to record", event)
            elif event == self.start_key:
                writer = takes.Writer(folder, name, source.sample_rate)
                for block in before:
                    writer.write(block)
                return writer
            if time.monotonic() > until:
                raise EarshotError(
                    f"Nobody pressed {self.start_key} for {self.patience_s:g} s: run the cell "
                    "again."
                )
        raise EarshotError(source.ended)

    def _write(self, source, writer, meter):
        """Record until the stop key; gives the reason when it was something else."""
        until = None
        for event in source:
            if isinstance(event, np.ndarray):
                writer.write(event)
                lost = f", {source.n_overruns} gaps" if source.n_overruns else ""
                meter.show(
                    f"Recording {writer.duration_s:6.1f} s{lost}, {self.stop_key} to stop", event
                )
                if writer.duration_s >= self.longest_s + self.pre_roll_s:
                    return f"The longest time, {self.longest_s:g} s, is over."
            elif event == self.stop_key and until is None:
                # What was said before the key is still on its way through the sound card.
                until = time.monotonic() + source.latency_s + BLOCK_S
            if until is not None and time.monotonic() > until:
                return ""
        return source.ended


def record_words(
    word, folder="data/own_recordings", *, where="auto", recorder=None, speaker="me",
    sample_rate=16000, n_words=None,
):  # fmt: skip
    """Record a word, said as often as you like; cut it, save it, and show what was cut.

    Parameters
    ----------
    word : str
    folder : str or path
        The words go to ``<folder>/<word>/``, the whole take to ``raw`` in there.
    where : {"auto", "microphone", "browser"}
        This machine's microphone and keys, or those of the browser. "auto": the browser only if
        this machine has none; which and why is said.
    recorder : Recorder, optional
        Device, keys and times. Default: ``Recorder()``.
    speaker : str
        Who speaks.
    sample_rate : int
        In Hz, of the words.
    n_words : int, optional
        How often the word is said. Default: as often as it is found.

    Returns
    -------
    ipywidgets.Widget
        The words with players, to drop bad ones, and the number of examples of each word. In the
        browser: the recorder, which shows them after each take.

    Raises
    ------
    EarshotError
        When ``where="microphone"`` and something is missing, or a device is named that is not
        there.
    """
    try:
        from earshot import widgets
    except ImportError as error:
        raise EarshotError(
            f"The package {error.name} is missing, which shows what was recorded: "
            f"pip install {error.name}."
        ) from error
    if where not in ("auto", "microphone", "browser"):
        raise EarshotError(f'where is "auto", "microphone" or "browser", not {where!r}.')
    recorder, raw = recorder or Recorder(), takes.raw_folder(folder, word)
    options = {"speaker": speaker, "sample_rate": sample_rate, "n_words": n_words}

    def cut(take):
        return widgets.review(takes.cut(take.path, folder, word, **options), folder)

    reason = "" if where == "browser" else problem(recorder.device)
    if reason and (where == "microphone" or recorder.device is not None):
        raise EarshotError(reason)
    if where == "browser" or reason:
        print(f"Recording in the browser. {reason}".strip())
        return widgets.browser_recorder(
            raw, cut, name=speaker, start_key=recorder.start_key, stop_key=recorder.stop_key,
            pre_roll_s=recorder.pre_roll_s, longest_s=recorder.longest_s,
        )  # fmt: skip
    print(f"Recording “{word}” on this machine: it has a microphone, and its keys can be heard.")
    return cut(recorder.record(raw, name=speaker))


def devices():
    """List the inputs of this machine, each a :class:`Device`; empty when there is none.

    Raises
    ------
    EarshotError
        When PortAudio is missing.
    """
    sounddevice = _sounddevice()
    default = sounddevice.default.device[0]
    return [
        Device(d["index"], d["name"], d["max_input_channels"], int(d["default_samplerate"]),
               d["index"] == default)
        for d in sounddevice.query_devices() if d["max_input_channels"] > 0
    ]  # fmt: skip


def problem(device=None):
    """Say in one sentence why this machine cannot record with keys; "" when it can."""
    try:
        with _microphone(device, queue.SimpleQueue()), _keys(queue.SimpleQueue()):
            return ""
    except EarshotError as error:
        return str(error)


def _sounddevice():
    try:
        import sounddevice
    except ImportError as error:
        raise EarshotError(
            f"The package sounddevice is missing: pip install sounddevice, {BROWSER}."
        ) from error
    except OSError as error:
        raise EarshotError(
            "PortAudio is missing, which reads the microphone: sudo apt install libportaudio2 "
            f"(Debian, Ubuntu), conda install portaudio (elsewhere), {BROWSER}."
        ) from error
    return sounddevice


def _find(device):
    """Give the :class:`Device` of that number or name; microphones plugged in late are found."""
    for attempt in range(2):
        if attempt:
            _sounddevice()._terminate()  # PortAudio looks for devices when it starts, not later
            _sounddevice()._initialize()
        there = devices()
        if device is None:
            found = [d for d in there if d.is_default] or there
        elif isinstance(device, int):
            found = [d for d in there if d.number == device]
        else:
            found = [d for d in there if d.name == device]
            found = found or [d for d in there if device.lower() in d.name.lower()]
        if found:
            return found[0]
    if not there:
        raise EarshotError(
            "This machine has no microphone (no input device): plug one in, allow its use in the "
            f"system's privacy settings (on Linux: join the group audio), {BROWSER}."
        )
    listed = "; ".join(map(str, there))
    raise EarshotError(f"There is no input device {device!r}. There are: {listed}.")


@contextlib.contextmanager
def _microphone(device, events):
    """Open a microphone that puts blocks of int16, shape (samples,), and overruns into a queue."""
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
        raise EarshotError(
            f"The microphone {found.name} cannot be opened ({reason}): close other programs that "
            f"use it, allow its use in the system's privacy settings, {BROWSER}."
        )
    with stream:
        yield stream


@contextlib.contextmanager
def _keys(events):
    """Put the pressed keys, as lower-case letters, into a queue."""
    if os.environ.get("WAYLAND_DISPLAY") or os.environ.get("XDG_SESSION_TYPE") == "wayland":
        raise EarshotError(
            "On Wayland no program hears keys that are pressed in other windows: log in with an "
            f"X11 (Xorg) session, {BROWSER}."
        )
    try:
        from pynput import keyboard
    except ImportError as error:
        if getattr(error, "name", None) == "pynput":
            raise EarshotError(
                f"The package pynput is missing: pip install pynput, {BROWSER}."
            ) from error
        raise EarshotError(
            "There is no screen (DISPLAY is not set, as over SSH or on a server), so no keys can "
            f"be heard: start Jupyter from a desktop, {BROWSER}."
        ) from error

    def pressed(key):
        letter = getattr(key, "char", None)
        if letter:
            events.put(letter.lower())

    listener = keyboard.Listener(on_press=pressed)
    if not getattr(listener, "IS_TRUSTED", True):
        raise EarshotError(
            "macOS does not let this program hear keys: allow it (the terminal that Jupyter was "
            "started from) in System Settings, Privacy & Security, Input Monitoring and "
            f"Accessibility, {BROWSER}."
        )
    listener.start()
    try:
        ready = threading.Thread(target=listener.wait, daemon=True)  # for ever, if it has died
        ready.start()
        while ready.is_alive() and listener.is_alive():
            ready.join(BLOCK_S)
        if not listener.is_alive():
            raise EarshotError(
                f"The keys cannot be heard (the screen {os.environ.get('DISPLAY', '')} does not "
                f"answer): start Jupyter from a desktop, {BROWSER}."
            )
        yield listener
    finally:
        if listener.is_alive():  # stopping a dead one waits for ever
            listener.stop()


class _Source:
    """Sound and keys of this machine, in the order in which they came."""

    def __init__(self, device):
        self.device = device
        self.n_overruns, self.ended = 0, ""
        self._events = queue.SimpleQueue()
        self._open = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._listener = stack.enter_context(_keys(self._events))
            self._stream = stack.enter_context(_microphone(self.device, self._events))
            self._open = stack.pop_all()
        self.sample_rate = int(self._stream.samplerate)
        self.latency_s = self._stream.latency
        return self

    def __exit__(self, *error):
        self._open.close()

    def __iter__(self):
        """Give blocks of int16 and letters until microphone or keyboard is gone."""
        n_silent = 0  # not seconds: a machine that slept has lost no microphone
        while True:
            with contextlib.suppress(queue.Empty):
                event = self._events.get(timeout=REFRESH_S)
                if event is None:
                    self.n_overruns += 1
                    continue
                yield event
                if isinstance(event, np.ndarray):
                    n_silent = 0
                    continue
            n_silent += 1
            if not self._stream.active or n_silent > GONE_S / REFRESH_S:
                self.ended = "The microphone went away: plug it in again and run the cell again."
                return
            if not self._listener.is_alive():
                self.ended = "The keys are no longer heard: is the screen still there?"
                return

    def left(self):
        """Give the blocks that came but were not asked for."""
        while not self._events.empty():
            event = self._events.get()
            if isinstance(event, np.ndarray):
                yield event


class _Meter:
    """One line that says what to press, how long it is going and how loud it is."""

    def __init__(self):
        self._loudest, self._due = 0, 0.0

    def show(self, text, block):
        self._loudest = max(self._loudest, int(np.abs(block.astype(np.int32)).max(initial=0)))
        if time.monotonic() < self._due:
            return
        level_db = 20 * math.log10(max(self._loudest, 1) / (takes.FULL_SCALE + 1))
        filled = round(BAR * (1 - max(level_db, LOWEST_DB) / LOWEST_DB))
        bar = "█" * filled + "·" * (BAR - filled)
        loud = " too loud" if self._loudest >= takes.FULL_SCALE else ""
        sys.stdout.write(f"\r{text}  {bar} {level_db:4.0f} dB{loud:<9}")
        sys.stdout.flush()
        self._loudest, self._due = 0, time.monotonic() + REFRESH_S

    def finish(self, take):
        lines = (f"Recorded {take.duration_s:.1f} s, kept in {take.path}", *take.notes)
        sys.stdout.write("\r" + " " * 79 + "\r" + "\n".join(lines) + "\n")
        sys.stdout.flush()
