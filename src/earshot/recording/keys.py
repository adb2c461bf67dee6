"""The keys that start and stop a recording, heard whichever window is in front.

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

from earshot.errors import EarshotError
from earshot.recording.microphone import BLOCK_S, BROWSER

__all__ = ["keys"]


@contextlib.contextmanager
def keys(events: queue.SimpleQueue[Any]) -> Iterator[Any]:
    """Put the pressed keys, as lower-case letters, into a queue; gives the thread that listens."""
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
