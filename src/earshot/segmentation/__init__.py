"""A long recording is cut into words.

:func:`split_words` finds the words, :func:`align_words` finds which of them is which of a list, and
both give :class:`Segment`; :func:`word_stretch` finds the one word of a longer clip.
:mod:`~earshot.segmentation.label_tracks` reads, writes and corrects segments by hand;
:func:`cut_recording` and :func:`cut_set` write the clips.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
