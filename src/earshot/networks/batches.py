"""Batches for training: what epoch and index determine, and nothing else."""

import keras
import numpy as np

from earshot.errors import EarshotError

__all__ = ["SpectrogramBatches", "StoredBatches", "StretchBatches", "network_inputs"]


class SpectrogramBatches(keras.utils.PyDataset):
    """Batches of log-mel spectrograms of a word set, shuffled and freshly varied in every epoch.

    Batch i of epoch e is the same whenever it is asked for, so that a training that goes on from
    a checkpoint sees what it would have seen.

    Parameters
    ----------
    words : earshot.datasets.WordSet
    front_end : earshot.features.LogMel or earshot.features.RawWaveform
    batch_size : int
    augment : earshot.datasets.Augmentation, optional
        Default: the plain spectrograms.
    seed : int
    """

    def __init__(self, words, front_end, *, batch_size=64, augment=None, seed=0, workers=1):
        super().__init__(workers=workers, max_queue_size=8)
        words = words.resampled(front_end.sample_rate)
        if (words.labels < 0).any():
            raise EarshotError("Some clips have no label (-1): only clips of known words train.")
        self.clips, self.labels = words.waveforms, words.labels
        self.front_end, self.augment = front_end, augment
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0
        self._plain = None if augment else network_inputs(words, front_end)

    def __len__(self):
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, index):
        order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.labels))
        chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
        if self.augment is None:
            return _rows(self._plain, chosen), self.labels[chosen]
        rng = np.random.default_rng((self.seed, self.epoch, index))
        clips = [self.clips[i] for i in chosen]
        return self.augment(clips, self.front_end, rng), self.labels[chosen]


class StoredBatches(keras.utils.PyDataset):
    """Batches of a store of variants, shuffled anew in every epoch, read from the disk in pieces.

    Parameters
    ----------
    store : earshot.datasets.Store
    front_end : earshot.features.LogMel or earshot.features.RawWaveform
        The one that the store was made with.
    batch_size : int
    seed : int
    """

    def __init__(self, store, front_end, *, batch_size=64, seed=0):
        super().__init__()
        if store.settings["front_end"] != front_end.to_dict():
            raise EarshotError(f"{store.folder} was made with another front end: make it again.")
        self.store, self.front_end = store, front_end
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0

    def __len__(self):
        return -(-len(self.store) // self.batch_size)

    def __getitem__(self, index):
        order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.store))
        chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.front_end.unpack(self.store.rows(chosen)), self.store.labels[chosen]


def _rows(inputs, chosen):
    return tuple(x[chosen] for x in inputs) if isinstance(inputs, tuple) else inputs[chosen]


def network_inputs(words, front_end):
    """Make what a network gets of a word set: spectrograms, or samples and masks."""
    words = words.resampled(front_end.sample_rate)
    return front_end(words.waveforms)


class StretchBatches(keras.utils.PyDataset):
    """Batches of stretches of streams, drawn anew in every epoch.

    Parameters
    ----------
    spectrograms : list of ndarray, each of shape (steps, bands)
    settings : earshot.features.StreamSpectrogram
    labels : list of ndarray of int, each of shape (steps,), optional
        What the network is to answer. Default: the stretch itself, or with ``n_next`` the steps
        that follow each step.
    n_steps : int
        Steps of a stretch; it is as much longer as a window is longer than a step.
    n_next : int
    batch_size, seed : int
    """

    def __init__(
        self, spectrograms, settings, *, labels=None, n_steps=200, n_next=0, batch_size=16, seed=0
    ):
        super().__init__()
        sides = (settings.n_frames - 1 - settings.n_ahead, settings.n_ahead)
        self.spectrograms = [np.pad(x, [sides, (0, 0)], "edge") for x in spectrograms]
        self.lengths = np.array([len(x) for x in spectrograms])
        self.settings, self.labels, self.n_next = settings, labels, n_next
        self.n_steps = int(min(n_steps, self.lengths.min()))
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0

    def __len__(self):
        apart = max(self.n_steps, self.settings.n_frames // 8)  # neighbouring windows tell no news
        return max(round(self.lengths.sum() / apart / self.batch_size), 1)

    def __getitem__(self, index):
        rng = np.random.default_rng((self.seed, self.epoch, index))
        chosen = rng.choice(len(self.lengths), self.batch_size, p=self.lengths / sum(self.lengths))
        places = [(i, rng.integers(self.lengths[i] - self.n_steps + 1)) for i in chosen]
        size = self.n_steps + self.settings.n_frames - 1
        x = np.stack([self.spectrograms[i][at : at + size] for i, at in places])
        if self.labels is not None:
            return x, np.stack([self.labels[i][at : at + self.n_steps] for i, at in places])
        if not self.n_next:
            return x, x
        n = x.shape[1] - self.n_next
        following = [x[:, k : k + n] for k in range(1, self.n_next + 1)]
        return x[:, :n], np.concatenate(following, axis=-1)
