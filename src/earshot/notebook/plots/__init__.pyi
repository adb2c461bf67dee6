from .architecture import architectures as architectures
from .comparison import tested as tested
from .data import (
    durations as durations,
    mel_and_linear as mel_and_linear,
    segments as segments,
    spectrograms as spectrograms,
    waveforms as waveforms,
    word_counts as word_counts,
)
from .inputs import masked as masked
from .results import (
    accuracies as accuracies,
    answers as answers,
    confusion as confusion,
    examples as examples,
    probabilities as probabilities,
    spotting as spotting,
    trade_off as trade_off,
)
from .sets import front_ends as front_ends, normalized as normalized
from .sounds import rebuilt as rebuilt, rounds as rounds
from .streams import along as along, code as code, stream as stream
from .training import (
    compared as compared,
    curves as curves,
    few_labels as few_labels,
    gradients as gradients,
)
from .voices import timings as timings, utterances as utterances
