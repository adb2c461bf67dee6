from . import (
    audio as audio,
    datasets as datasets,
    errors as errors,
    features as features,
    files as files,
    networks as networks,
    notebook as notebook,
    recognition as recognition,
    recording as recording,
    segmentation as segmentation,
    synthesis as synthesis,
)
from .datasets import (
    Augmentation as Augmentation,
    WordSet as WordSet,
    from_folder as from_folder,
    spoken_digit as spoken_digit,
    synthetic as synthetic,
)
from .errors import EarshotError as EarshotError, EarshotWarning as EarshotWarning
from .features import LogMel as LogMel
from .notebook import record_words as record_words
from .recognition import (
    classify as classify,
    learn_words as learn_words,
    listen as listen,
    load as load,
)
from .segmentation import Segment as Segment, align_words as align_words, split_words as split_words
