"""Batches for training: what seed, epoch and index determine, and nothing else.

>>> one_hot(np.array([1, -1]), n_classes=2)
array([[0., 1.],
       [0., 0.]], dtype=float32)
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from earshot.datasets.lazy import Lazy
from earshot.datasets.variants import Store
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, some
from earshot.features.front_end import FrontEnd
from earshot.features.stream import StreamSpectrogram
from earshot.networks.distribution import Share
from earshot.types import Array

__all__ = ["Batches", "SpectrogramBatches", "StretchBatches", "TestBatches", "labels_among",
           "network_inputs", "one_hot"]  # fmt: skip

GROUP = 8
"""Clips that are varied together where processes share a batch: fewer take longer each, of more
some would be varied in vain where a group belongs to two processes."""


class Batches(keras.utils.PyDataset):
    """What all batches share: a batch depends on ``(seed, epoch, index)`` alone.

    So a training that goes on sees what it would have seen, and any number of ``workers``, threads
    that make batches ahead, make the same ones. An ``EpochClock`` sets the epoch.
    """

    def __init__(self, n_batches: int, *, batch_size: int, seed: int, workers: int = 1):
        super().__init__(workers=workers)
        self.n_batches, self.batch_size, self.seed, self.epoch = n_batches, batch_size, seed, 0

    def __len__(self):
        return self.n_batches

    def rng(self, *index: int) -> np.random.Generator:
        """Give random numbers for this epoch, or with an index for one of its batches."""
        return np.random.default_rng((self.seed, self.epoch, *index))


class SpectrogramBatches(Batches):
    """Batches of what a front end makes of a word set, or has made of a store of variants.

    Labels are as of :func:`one_hot`. ``augment``, an :class:`earshot.datasets.Augmentation`, varies
    the clips of a word set afresh in every epoch; a store is read from disk in pieces, and so is a
    word set of shards. Of several processes each has its ``share`` of every batch, its clips varied
    in groups of ``GROUP``, whatever the number of processes; a few clips that cannot be shared
    evenly are left out, others in every epoch.
    """

    def __init__(
        self, data: WordSet | Store, front_end: FrontEnd, *, batch_size: int = 64,
        augment: Any = None, seed: int = 0, workers: int = 1, share: Share | None = None,
    ):  # fmt: skip
        self.share, self.n_clips = share, share.whole(len(data)) if share else len(data)
        n_batches = -(-self.n_clips // batch_size)
        super().__init__(n_batches, batch_size=batch_size, seed=seed, workers=workers)
        self._plain, self._order = None, (-1, np.zeros(0, np.uint32))
        if isinstance(data, WordSet):
            data = data.resampled(front_end.sample_rate)
            if (data.labels < 0).any():
                raise EarshotError(
                    "Some clips have no label (-1): only clips of known words train."
                )
            if augment is None and not isinstance(data.waveforms, Lazy):
                self._plain = network_inputs(data, front_end)
        elif data.settings["front_end"] != front_end.to_dict():
            raise EarshotError(f"{data.folder} was made with another front end: make it again.")
        self.data, self.front_end, self.augment = data, front_end, augment

    def __getitem__(self, index):
        whole = self.order()[: self.n_clips][index * self.batch_size :][: self.batch_size]
        mine = self.share.of(len(whole)) if self.share else slice(None)
        chosen = whole[mine]
        if isinstance(self.data, Store):
            inputs = self.front_end.unpack(self.data.rows(chosen))
        elif self._plain is not None:
            inputs = keras.tree.map_structure(lambda x: x[chosen], self._plain)
        elif self.augment is None:
            inputs = self.front_end(self._clips(chosen))
        elif self.share is None:
            inputs = self.augment(self._clips(chosen), self.front_end, self.rng(index))
        else:
            first, last = mine.start // GROUP, -(-mine.stop // GROUP)
            groups = [self._group(whole, index, k) for k in range(first, last)]
            begin = mine.start - first * GROUP
            inputs = np.concatenate(groups)[begin : begin + len(chosen)]
        return inputs, one_hot(self.data.labels[chosen], len(self.data.class_names))

    def _clips(self, chosen):
        return [self.data.waveforms[i] for i in chosen]

    def _group(self, whole, index, k):
        """Vary some clips of a batch, always the same ones together."""
        clips = self._clips(whole[k * GROUP : (k + 1) * GROUP])
        return self.augment(clips, self.front_end, self.rng(index, k))

    def order(self) -> Array:
        """Give the clips in the order of this epoch, shape (n,): made once for all its batches."""
        epoch, order = self._order
        if epoch != self.epoch:
            epoch, rng = self.epoch, self.rng()
            order = rng.permutation(np.arange(len(self.data), dtype=np.uint32))  # half of int64's
            self._order = epoch, order
        return order


class TestBatches(Batches):
    """Batches of a word set that is read lazily, in its order: of a test that exceeds the memory.

    ``targets`` as of :func:`one_hot`; each device of a process with a ``share`` sees all of them.
    """

    __test__ = False  # pytest, where it is imported

    def __init__(
        self, words: WordSet, targets: Array, front_end: FrontEnd, *, batch_size: int = 64,
        workers: int = 1, share: Share | None = None,
    ):  # fmt: skip
        n_batches = -(-len(words) // batch_size)
        super().__init__(n_batches, batch_size=batch_size, seed=0, workers=workers)
        self.words, self.targets = words.resampled(front_end.sample_rate), targets
        self.front_end, self.share = front_end, share

    def __getitem__(self, index):
        here = slice(index * self.batch_size, (index + 1) * self.batch_size)
        batch = self.front_end(self.words.waveforms[here]), self.targets[here]
        return self.share.each(batch) if self.share else batch


class StretchBatches(Batches):
    """Batches of stretches of streams' spectrograms (steps, bands), drawn anew in every epoch.

    The targets are the ``labels`` of each stream, of shape (steps,), else the ``n_next`` steps that
    follow each step, else the stretch itself. A stretch has ``n_steps``, and the frames before and
    after them that the window of the first and of the last step needs.
    """

    def __init__(
        self, spectrograms: Sequence[Array], settings: StreamSpectrogram, *,
        labels: Sequence[Array] | None = None, n_steps: int = 200, n_next: int = 0,
        batch_size: int = 16, seed: int = 0,
    ):  # fmt: skip
        sides = (settings.n_frames - 1 - settings.n_ahead, settings.n_ahead)
        self.spectrograms = [np.pad(x, [sides, (0, 0)], "edge") for x in spectrograms]
        self.lengths = np.array([len(x) for x in spectrograms])
        self.settings, self.labels, self.n_next = settings, labels, n_next
        self.n_steps = int(min(n_steps, self.lengths.min()))
        # Short stretches overlap: neighbouring windows show nearly the same, and fewer will do.
        apart = max(self.n_steps, settings.n_frames // 8)
        n_batches = max(round(self.lengths.sum() / apart / batch_size), 1)
        super().__init__(n_batches, batch_size=batch_size, seed=seed)

    def __getitem__(self, index):
        rng = self.rng(index)
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


def network_inputs(words: WordSet, front_end: FrontEnd) -> Any:
    """Make what a network gets of a word set: spectrograms, or samples and masks."""
    return front_end([*words.resampled(front_end.sample_rate).waveforms])


def labels_among(class_names: Sequence[str], words: WordSet) -> Array:
    """Give the labels of a word set by the places that its words have among ``class_names``.

    Two sets may hold the same words in another order. Raises :class:`EarshotError` where a clip's
    word is not among them, or nobody knows it, or there is no clip.
    """
    if len(words) == 0:
        raise EarshotError("The word set has no clips: there is nothing to be right about.")
    there = [words.class_names[i] for i in np.unique(words.labels) if i >= 0]
    if strangers := [word for word in there if word not in class_names]:
        raise EarshotError(
            f"The network does not know {some(strangers)}: keep words.only(...) of those that it "
            f"knows ({some(class_names)})."
        )
    if (words.labels < 0).any():
        raise EarshotError("Some clips have no label (-1): nobody can say whether they are right.")
    places = [class_names.index(word) if word in there else -1 for word in words.class_names]
    return np.array(places, int)[words.labels]


def one_hot(labels: Array, n_classes: int) -> Array:
    """Give float32 of shape (n, n_classes): 1 at the label, and nowhere when it is -1 (unknown)."""
    return (labels[:, None] == np.arange(n_classes)).astype(np.float32)
