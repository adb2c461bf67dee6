"""The microphone (PortAudio), with start and stop keys (``pynput``), each opened when needed.

>>> Recorder(start_key="a").stop_key  # .record("data/own_recordings") waits for the first key
'q'
"""

import collections
import contextlib
import dataclasses
import math
import queue
import time
from collections.abc import Iterator

import numpy as np

from earshot import audio
from earshot.errors import EarshotError
from earshot.recording import takes
from earshot.recording.keys import keys
from earshot.recording.microphone import BLOCK_S, microphone
from earshot.types import Array, PathLike

__all__ = ["Recorder", "problem"]

GONE_S = 2.0  # a microphone that gives nothing for this long is gone
REFRESH_S = 0.1  # between two looks at microphone and keys, and between two drawings of the level
BAR = 20  # characters of the bar that shows the level
LOWEST_DB = -60.0  # level at which the bar is empty


@dataclasses.dataclass(frozen=True)
class Recorder:
    """Records from a microphone of this machine, from one letter key to another.

    Parameters
    ----------
    device : number or part of the name, see :func:`devices`; None: the system's default
    pre_roll_s : so much from before the start key is kept, as people press and speak at once
    longest_s, patience_s : a take ends by itself, or is given up if no start key comes, after that
    """

    device: int | str | None = None
    start_key: str = "s"
    stop_key: str = "q"
    pre_roll_s: float = 0.3
    longest_s: float = 1800.0
    patience_s: float = 120.0

    def record(self, folder: PathLike, *, name: str = "take") -> takes.Take:
        """Wait for the start key, record until the stop key, and say all the while what is heard.

        Sound goes to disk while it comes. The take also ends, and is kept, when its longest time is
        over, the kernel is interrupted, the microphone goes away or the disk is full. Before the
        start key an :class:`EarshotError` tells it.
        """
        with _source(self.device) as source:
            meter = _Meter()
            writer = self._wait(source, folder, name, meter)
            try:
                notes = [self._write(source, writer, meter)]
            except KeyboardInterrupt:
                notes = ["Interrupted."]
            except EarshotError as error:
                notes = [str(error)]
        with contextlib.suppress(EarshotError):  # the disk is full, and that has been said
            for block in source.left():
                writer.write(block)
        if n := source.n_overruns:
            notes.append(
                f"The machine was too busy, and sound was lost in {n} place{'s' * (n > 1)}: close "
                "other programs, and say those words again."
            )
        take = writer.close(note for note in notes if note)
        meter.finish(take)
        return take

    def blocks(self) -> Iterator[tuple[Array, int]]:
        """Listen until the stop key, and give what :func:`earshot.audio.blocks` does for a file."""
        with _source(self.device) as source, contextlib.suppress(KeyboardInterrupt):
            source.until = time.monotonic() + self.longest_s
            for event in source:
                if isinstance(event, np.ndarray):
                    yield audio.validate(event), source.sample_rate
                elif event == self.stop_key:
                    return

    def _wait(self, source, folder, name, meter):
        """Wait for the start key; gives a writer that holds what was heard just before it."""
        before = collections.deque(maxlen=math.ceil(self.pre_roll_s / BLOCK_S))
        source.until = time.monotonic() + self.patience_s
        for event in source:
            if isinstance(event, np.ndarray):
                before.append(event)
                meter.show(f"Press {self.start_key} to record", event)
            elif event == self.start_key:
                writer = takes.Writer(folder, name, source.sample_rate)
                for block in before:
                    writer.write(block)
                return writer
        late = f"Nobody pressed {self.start_key} for {self.patience_s:g} s: run the cell again."
        raise EarshotError(source.ended or late)

    def _write(self, source, writer, meter):
        """Record until the stop key; gives the reason when it was something else."""
        source.until = math.inf
        for event in source:
            if isinstance(event, np.ndarray):
                writer.write(event)
                lost = f", {source.n_overruns} gaps" if source.n_overruns else ""
                text = f"Recording {writer.duration_s:6.1f} s{lost}, {self.stop_key} to stop"
                meter.show(text, event)
                if writer.duration_s >= self.longest_s + self.pre_roll_s:
                    return f"The longest time, {self.longest_s:g} s, is over."
            elif event == self.stop_key and source.until == math.inf:
                # What was said before the key is still on its way through the sound card.
                source.until = time.monotonic() + source.latency_s + BLOCK_S
        return source.ended


def problem(device: int | str | None = None) -> str:
    """Say in one sentence why this machine cannot record with keys; "" when it can."""
    try:
        with microphone(device, queue.SimpleQueue()), keys(queue.SimpleQueue()):
            return ""
    except EarshotError as error:
        return str(error)


@contextlib.contextmanager
def _source(device):
    events = queue.SimpleQueue()
    with keys(events) as listener, microphone(device, events) as stream:
        yield _Source(events, listener, stream)


class _Source:
    """Sound and keys of this machine, in the order in which they came."""

    def __init__(self, events, listener, stream):
        self._events, self._listener, self._stream = events, listener, stream
        self.sample_rate, self.latency_s = int(stream.samplerate), stream.latency
        self.n_overruns, self.until, self.ended = 0, math.inf, ""

    def __iter__(self):
        """Give blocks of int16 and letters until a time, or until one of the two is gone."""
        n_silent = 0  # not seconds: a machine that slept has lost no microphone
        while time.monotonic() <= self.until and not self.ended:
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
            elif not self._listener.is_alive():
                self.ended = "The keys are no longer heard: is the screen still there?"

    def left(self):
        """Give the blocks that came but were not asked for."""
        while not self._events.empty():
            if isinstance(event := self._events.get(), np.ndarray):
                yield event


class _Meter:
    """One line that says what to press, how long it is going and how loud it is."""

    def __init__(self):
        self._loudest, self._due = 0, 0.0

    def show(self, text, block):
        self._loudest = max(self._loudest, int(np.abs(block.astype(np.int32)).max(initial=0)))
        if time.monotonic() < self._due:
            return
        level_db = 20 * math.log10(max(self._loudest, 1) / audio.FULL_SCALE)
        filled = round(BAR * (1 - max(level_db, LOWEST_DB) / LOWEST_DB))
        bar = "█" * filled + "·" * (BAR - filled)
        loud = " too loud" if self._loudest >= takes.LOUDEST else ""
        print(f"\r{text}  {bar} {level_db:4.0f} dB{loud:<9}", end="", flush=True)
        self._loudest, self._due = 0, time.monotonic() + REFRESH_S

    def finish(self, take):
        told = f"Recorded {take.duration_s:.1f} s, kept in {take.path}"
        print("\r" + " " * 79 + "\r" + told, *take.notes, sep="\n", flush=True)
