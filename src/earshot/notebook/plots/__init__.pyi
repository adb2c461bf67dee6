from .comparison import tested as tested
from .data import (
    durations as durations,
    mel_and_linear as mel_and_linear,
    segments as segments,
    spectrograms as spectrograms,
    waveforms as waveforms,
    word_counts as word_counts,
)
from .results import (
    accuracies as accuracies,
    answers as answers,
    confusion as confusion,
    curves as curves,
    examples as examples,
    few_labels as few_labels,
    probabilities as probabilities,
    rounds as rounds,
    spotting as spotting,
    trade_off as trade_off,
)
from .sets import front_ends as front_ends, normalized as normalized
from .streams import along as along, stream as stream
