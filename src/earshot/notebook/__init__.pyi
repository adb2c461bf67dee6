from . import players as players, plots as plots
from .browser_recorder import BrowserRecorder as BrowserRecorder
from .echo import as_heard as as_heard, hear_yourself as hear_yourself
from .record import record_words as record_words
from .stream_player import Player as Player
from .take_review import review as review
