from .classification import Steps as Steps, classify as classify, follow as follow
from .last_layer import embed as embed
from .listening import listen as listen
from .memory import Memory as Memory
from .new_words import learn_words as learn_words
from .prepare import loudest_stretch as loudest_stretch
from .recognizer import (
    UNKNOWN as UNKNOWN,
    Prediction as Prediction,
    Recognizer as Recognizer,
    load as load,
    model_card as model_card,
)
from .thresholds import (
    RocCurve as RocCurve,
    shift_threshold as shift_threshold,
    trade_off as trade_off,
)
from .word_detector import Heard as Heard, WordDetector as WordDetector
