from . import players as players, plots as plots
from .between import speak_between as speak_between
from .browser_recorder import BrowserRecorder as BrowserRecorder
from .echo import as_heard as as_heard, hear_yourself as hear_yourself
from .heard import hear_words as hear_words, show_heard as show_heard, show_take as show_take
from .keeping import keep as keep
from .live_display import show_live as show_live
from .record import record_words as record_words
from .stream_player import Player as Player
from .take_review import review as review
from .trial import words_to_try as words_to_try
from .uploads import upload as upload
