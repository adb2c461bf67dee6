"""earshot: teach a small network your own words.

The names here are those that people use most, each from the room that it lives in; nothing is
imported before it is needed, TensorFlow least of all.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "audio",
        "datasets",
        "errors",
        "features",
        "files",
        "networks",
        "notebook",
        "recognition",
        "recording",
        "segmentation",
        "synthesis",
    ],
    submod_attrs={
        "datasets": ["Augmentation", "WordSet", "from_folder", "spoken_digit", "synthetic"],
        "errors": ["EarshotError", "EarshotWarning"],
        "features": ["LogMel"],
        "notebook": ["record_words"],
        "recognition": ["classify", "learn_words", "listen", "load"],
        "segmentation": ["Segment", "align_words", "split_words"],
    },
)
