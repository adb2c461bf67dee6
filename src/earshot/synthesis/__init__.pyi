from .griffin_lim import from_log_mel as from_log_mel, from_magnitude as from_magnitude
from .inverter import FINE as FINE, Inverter as Inverter, load_inverter as load_inverter
from .inverter_training import refine_inverter as refine_inverter, train_inverter as train_inverter
from .rebuilt import compare as compare, rebuild as rebuild
from .speech import say as say, say_spectrogram as say_spectrogram
from .utterances import (
    Utterance as Utterance,
    from_espeak as from_espeak,
    from_recordings as from_recordings,
)
from .voice import Voice as Voice, load_voice as load_voice
from .voice_training import add_speaker as add_speaker, train_voice as train_voice
