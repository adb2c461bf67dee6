from .augmentation import Augmentation as Augmentation
from .codes import spoken_codes as spoken_codes
from .commands import speech_commands as speech_commands
from .digits import spoken_digit as spoken_digit
from .folders import from_folder as from_folder
from .ibids import from_ibids as from_ibids
from .mswc import spoken_words as spoken_words
from .noises import backgrounds as backgrounds, made_up_noise as made_up_noise
from .opening import open_set as open_set
from .packed import load as load, pack as pack
from .shards import from_shards as from_shards
from .speakers import speaker_of as speaker_of
from .splits import Splits as Splits, honest_splits as honest_splits
from .stand_ins import stand_ins as stand_ins
from .streams import (
    SPEECH_OR_NOISE as SPEECH_OR_NOISE,
    Stream as Stream,
    labelled as labelled,
    make_stream as make_stream,
    make_streams as make_streams,
    recite as recite,
    step_labels as step_labels,
)
from .stretching import stretch_and_shift as stretch_and_shift
from .variants import Store as Store, write_variants as write_variants
from .voices import synthetic as synthetic
from .word_set import DIGITS as DIGITS, WordSet as WordSet
