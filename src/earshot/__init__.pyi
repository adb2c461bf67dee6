from . import (
    audio as audio,
)
from . import (
    datasets as datasets,
)
from . import (
    errors as errors,
)
from . import (
    features as features,
)
from . import (
    files as files,
)
from . import (
    networks as networks,
)
from . import (
    notebook as notebook,
)
from . import (
    recognition as recognition,
)
from . import (
    recording as recording,
)
from . import (
    segmentation as segmentation,
)
from . import (
    synthesis as synthesis,
)
from .datasets import (
    Augmentation as Augmentation,
)
from .datasets import (
    WordSet as WordSet,
)
from .datasets import (
    from_folder as from_folder,
)
from .datasets import (
    spoken_digit as spoken_digit,
)
from .datasets import (
    synthetic as synthetic,
)
from .errors import EarshotError as EarshotError
from .errors import EarshotWarning as EarshotWarning
from .features import LogMel as LogMel
from .notebook import record_words as record_words
from .recognition import (
    classify as classify,
)
from .recognition import (
    learn_words as learn_words,
)
from .recognition import (
    listen as listen,
)
from .recognition import (
    load as load,
)
from .segmentation import Segment as Segment
from .segmentation import align_words as align_words
from .segmentation import split_words as split_words
