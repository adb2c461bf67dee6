from .augmentation import Augmentation as Augmentation
from .digits import spoken_digit as spoken_digit
from .folders import from_folder as from_folder
from .ibids import from_ibids as from_ibids
from .noises import backgrounds as backgrounds
from .noises import made_up_noise as made_up_noise
from .packed import load as load
from .packed import pack as pack
from .speakers import speaker_of as speaker_of
from .streams import (
    SPEECH_OR_NOISE as SPEECH_OR_NOISE,
)
from .streams import (
    Stream as Stream,
)
from .streams import (
    labelled as labelled,
)
from .streams import (
    make_stream as make_stream,
)
from .streams import (
    make_streams as make_streams,
)
from .streams import (
    recite as recite,
)
from .streams import (
    step_labels as step_labels,
)
from .stretching import stretch_and_shift as stretch_and_shift
from .variants import Store as Store
from .variants import write_variants as write_variants
from .voices import synthetic as synthetic
from .word_set import DIGITS as DIGITS
from .word_set import WordSet as WordSet
