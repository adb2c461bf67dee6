"""The recorder in the browser, and what is shown after a take."""

from earshot.widgets.browser import BrowserRecorder, browser_recorder
from earshot.widgets.words import review

__all__ = ["BrowserRecorder", "browser_recorder", "review"]
