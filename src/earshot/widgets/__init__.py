"""The recorder in the browser, what is shown after a take, and the player of streams."""

from earshot.widgets.browser import BrowserRecorder, browser_recorder
from earshot.widgets.player import Player
from earshot.widgets.words import review

__all__ = ["BrowserRecorder", "Player", "browser_recorder", "review"]
