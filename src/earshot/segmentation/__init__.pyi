from . import label_tracks as label_tracks
from .alignment import align_words as align_words
from .clips import clips_of as clips_of, cut_recording as cut_recording, cut_set as cut_set
from .segments import Segment as Segment
from .splitting import split_words as split_words
from .stretches import word_stretch as word_stretch
