"""Letter keys, heard whichever window is in front; the recorder picks its start and stop keys.

>>> events = queue.SimpleQueue()
>>> with keys(events):  # doctest: +SKIP
...     events.get()
's'
"""

import contextlib
import os
import queue
import threading
from collections.abc import Iterator
from typing import Any

from earshot.recording.microphone import BLOCK_S, unable

__all__ = ["keys"]


@contextlib.contextmanager
def keys(events: queue.SimpleQueue[Any]) -> Iterator[Any]:
    """Put the pressed keys, as lower-case letters, into a queue; gives the thread that listens."""
    if os.environ.get("WAYLAND_DISPLAY") or os.environ.get("XDG_SESSION_TYPE") == "wayland":
        raise unable(
            "On Wayland no program hears keys that are pressed in other windows: log in with an "
            "X11 (Xorg) session"
        )
    try:
        from pynput import keyboard
    except ImportError as error:
        if getattr(error, "name", None) == "pynput":
            raise unable("The package pynput is missing: pip install pynput") from error
        raise unable(
            "There is no screen (DISPLAY is not set, as over SSH or on a server), so no keys can "
            "be heard: start Jupyter from a desktop"
        ) from error

    def pressed(key):
        if letter := getattr(key, "char", None):
            events.put(letter.lower())

    listener = keyboard.Listener(on_press=pressed)
    if not getattr(listener, "IS_TRUSTED", True):
        raise unable(
            "macOS does not let this program hear keys: allow it (the terminal that Jupyter was "
            "started from) in System Settings, Privacy & Security, Input Monitoring and "
            "Accessibility"
        )
    listener.start()
    try:
        # In a thread: listener.wait() never returns if the listener has died.
        ready = threading.Thread(target=listener.wait, daemon=True)
        ready.start()
        while ready.is_alive() and listener.is_alive():
            ready.join(BLOCK_S)
        if not listener.is_alive():
            raise unable(
                f"The keys cannot be heard (the screen {os.environ.get('DISPLAY', '')} does not "
                "answer): start Jupyter from a desktop"
            )
        yield listener
    finally:
        if listener.is_alive():  # stop() never returns if the listener has died
            listener.stop()
