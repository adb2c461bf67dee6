from .classification import Steps as Steps
from .classification import classify as classify
from .classification import follow as follow
from .last_layer import embed as embed
from .listening import listen as listen
from .memory import Memory as Memory
from .new_words import learn_words as learn_words
from .prepare import loudest_stretch as loudest_stretch
from .recognizer import (
    UNKNOWN as UNKNOWN,
)
from .recognizer import (
    Prediction as Prediction,
)
from .recognizer import (
    Recognizer as Recognizer,
)
from .recognizer import (
    load as load,
)
from .recognizer import (
    model_card as model_card,
)
from .thresholds import (
    RocCurve as RocCurve,
)
from .thresholds import (
    shift_threshold as shift_threshold,
)
from .thresholds import (
    trade_off as trade_off,
)
from .word_detector import Heard as Heard
from .word_detector import WordDetector as WordDetector
