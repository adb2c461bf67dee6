"""Raw samples as a front end: clips of one length, and which of their samples are real.

Used where a network reads the waveform itself, in the place of :class:`earshot.features.LogMel`.
"""

import dataclasses
import numbers

import numpy as np

from earshot.errors import EarshotError

__all__ = ["RawWaveform", "check_mask"]


@dataclasses.dataclass(frozen=True)
class RawWaveform:
    """Settings of clips of raw samples; calling it makes them.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    n_samples : int
        Longer clips lose their end, shorter ones get zeros at the end.

    Examples
    --------
    >>> x, mask = Samples()([np.ones(9000, np.float32)])
    >>> x.shape, int(mask.sum())
    ((1, 17640), 9000)
    """

    sample_rate: int = 22050
    n_samples: int = 17640

    def __post_init__(self):
        for name in ("sample_rate", "n_samples"):
            value = getattr(self, name)
            if not isinstance(value, numbers.Integral) or value <= 0:
                raise EarshotError(
                    f"Samples needs {name} as a whole number above 0, not {value!r}."
                )

    @property
    def output_shape(self):
        """Shapes of what a network gets: samples and mask."""
        return ((self.n_samples,), (self.n_samples,))

    def to_dict(self):
        """Give the settings as a dict that JSON can hold; ``Samples(**d)`` brings them back."""
        return dataclasses.asdict(self)

    def __call__(self, clips):
        """Pad or cut clips.

        Parameters
        ----------
        clips : list of ndarray, each of shape (samples,)

        Returns
        -------
        x : ndarray of float32, shape (n, n_samples)
            Each clip brought to a peak of 1, so that loudness plays no role.
        mask : ndarray of bool, shape (n, n_samples)
            True where a sample is real.
        """
        return self.unpack(self.pack(clips))

    def pack(self, clips):
        """Give clips in a form that takes little space on a disk: samples of 16 bits, lengths."""
        samples = np.zeros((len(clips), self.n_samples), np.int16)
        lengths = np.zeros(len(clips), np.int32)
        for i, clip in enumerate(clips):
            clip = np.asarray(clip, np.float32)[: self.n_samples]
            if clip.size == 0:
                raise EarshotError(f"Clip {i} has no samples: leave it out or record it again.")
            lengths[i] = len(clip)
            samples[i, : len(clip)] = np.rint(32767 / max(np.abs(clip).max(), 1e-9) * clip)
        return {"samples": samples, "lengths": lengths}

    def unpack(self, rows):
        """Bring back what :meth:`pack` gave."""
        mask = np.arange(self.n_samples) < rows["lengths"][:, None]
        return rows["samples"] / np.float32(32767), mask


def check_mask(x, mask):
    """Refuse samples and masks that do not belong together.

    Parameters
    ----------
    x : ndarray of float, shape (n, n_samples)
    mask : ndarray of bool, shape (n, n_samples)

    Raises
    ------
    EarshotError
        When the shapes differ, the mask is not of bool, or a clip has no real sample.
    """
    if mask.shape != x.shape:
        raise EarshotError(f"The mask has the shape {mask.shape}, the samples have {x.shape}.")
    if mask.dtype != bool:
        raise EarshotError(
            f"A mask says True or False for each sample; this one holds {mask.dtype}: give "
            "mask.astype(bool)."
        )
    empty = np.flatnonzero(~mask.any(axis=1))
    if len(empty):
        raise EarshotError(
            f"The mask of {len(empty)} clips is False throughout (the first is clip {empty[0]}): "
            "leave these clips out."
        )
