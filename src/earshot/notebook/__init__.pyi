from . import players as players, plots as plots
from .browser_recorder import BrowserRecorder as BrowserRecorder
from .record import record_words as record_words
from .stream_player import Player as Player
from .take_review import review as review
