"""Every figure of the notebooks: functions that draw and return a matplotlib figure.

What they draw: recordings (``data``), what networks learn and answer (``results``), and streams.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "data": ["durations", "mel_and_linear", "segments", "spectrograms", "waveforms",
                 "word_counts"],
        "results": ["accuracies", "answers", "confusion", "curves", "examples", "few_labels",
                    "probabilities", "rounds", "trade_off"],
        "streams": ["along", "stream"],
    },
)  # fmt: skip
