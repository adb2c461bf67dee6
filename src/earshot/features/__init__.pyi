from . import images as images
from .front_end import FrontEnd as FrontEnd, from_settings as from_settings, kind_of as kind_of
from .log_mel import (
    LOG_MEL_64X32 as LOG_MEL_64X32,
    LOG_MEL_64X35 as LOG_MEL_64X35,
    LOG_MEL_64X64 as LOG_MEL_64X64,
    LogMel as LogMel,
    check_log_mel as check_log_mel,
)
from .mel import mel_filter_bank as mel_filter_bank
from .raw import RawWaveform as RawWaveform
from .short_time import istft as istft, stft as stft
from .stream import StreamSpectrogram as StreamSpectrogram, difference as difference
