from .data import (
    durations as durations,
)
from .data import (
    mel_and_linear as mel_and_linear,
)
from .data import (
    segments as segments,
)
from .data import (
    spectrograms as spectrograms,
)
from .data import (
    waveforms as waveforms,
)
from .data import (
    word_counts as word_counts,
)
from .results import (
    accuracies as accuracies,
)
from .results import (
    answers as answers,
)
from .results import (
    confusion as confusion,
)
from .results import (
    curves as curves,
)
from .results import (
    examples as examples,
)
from .results import (
    few_labels as few_labels,
)
from .results import (
    probabilities as probabilities,
)
from .results import (
    rounds as rounds,
)
from .results import (
    trade_off as trade_off,
)
from .streams import along as along
from .streams import stream as stream
