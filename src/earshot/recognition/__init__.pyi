from .classification import Steps as Steps, classify as classify, follow as follow
from .confusions import ConfusablePair as ConfusablePair, confusable as confusable
from .false_alarms import SpottingCurve as SpottingCurve, spotting_curve as spotting_curve
from .few_examples import (
    accuracy as accuracy,
    by_examples as by_examples,
    few as few,
    heard_labels as heard_labels,
)
from .last_layer import embed as embed
from .learning_page import from_page as from_page, page_that_learns as page_that_learns
from .listening import listen as listen
from .memory import Memory as Memory
from .new_words import learn_words as learn_words
from .recognizer import (
    UNKNOWN as UNKNOWN,
    Prediction as Prediction,
    Recognizer as Recognizer,
    load as load,
    model_card as model_card,
)
from .spotter import Heard as Heard
from .thresholds import (
    RocCurve as RocCurve,
    calibrate as calibrate,
    shift_threshold as shift_threshold,
    trade_off as trade_off,
)
