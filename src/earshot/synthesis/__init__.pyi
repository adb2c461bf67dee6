from .griffin_lim import from_log_mel as from_log_mel, from_magnitude as from_magnitude
from .inverter import FINE as FINE, Inverter as Inverter, load_inverter as load_inverter
from .inverter_training import refine_inverter as refine_inverter, train_inverter as train_inverter
from .rebuilt import compare as compare, rebuild as rebuild
from .speech import say as say, say_spectrogram as say_spectrogram
