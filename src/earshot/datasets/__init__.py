"""Recordings of words from many places, all as one :class:`WordSet`.

:func:`from_folder`, :func:`spoken_digit`, :func:`from_ibids`, :func:`synthetic` and :func:`load` (a
packed file, which :func:`pack` writes) give one; to add a data set, add a file with one function
that gives a :class:`WordSet`. :func:`speaker_of` reads who speaks from a file's name.
:func:`make_stream`, :func:`make_streams` and :func:`recite` lay words over :func:`backgrounds` or
:func:`made_up_noise`, :func:`labelled` reads a :class:`Stream` with its labels, :func:`step_labels`
turns them into numbers. :class:`Augmentation`, :func:`stretch_and_shift` and :func:`write_variants`
vary training clips; never test data.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
