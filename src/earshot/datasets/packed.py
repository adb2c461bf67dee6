"""Word sets packed into one file.

>>> import tempfile
>>> path = Path(tempfile.mkdtemp()) / "beeps.npz"
>>> WordSet([np.ones(800)], [0], ["beep"], ["anna"], ["beep/anna_0.wav"], 8000).save(path)
>>> load(path)
WordSet(1 clips, 1 words, 1 speakers, 8,000 Hz)
"""

import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from earshot import audio
from earshot.datasets.folders import from_folder, read_recordings
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, listed
from earshot.features.log_mel import LogMel
from earshot.types import PathLike

__all__ = ["load", "pack"]


def load(path: PathLike) -> WordSet:
    """Read a :class:`WordSet` that was packed by :meth:`WordSet.save`; no pickle is opened."""
    if not Path(path).is_file():
        raise EarshotError(f"There is no file {path}: make it with WordSet.save.")
    try:
        with np.load(path, allow_pickle=False) as packed:
            flat, lengths = packed["waveforms"], packed["lengths"]
            if lengths.sum() != len(flat):
                raise ValueError("the lengths do not add up")
            return WordSet(
                waveforms=np.split(flat, np.cumsum(lengths)[:-1]) if len(lengths) else [],
                class_names=tuple(packed["words"].tolist()),
                sample_rate=int(packed["sample_rate"]),
                about=str(packed["about"]),
                **{name: packed[name] for name in ("labels", "speakers", "sources")},
            )
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, EarshotError) as error:
        raise EarshotError(
            f"{path} is not a packed WordSet or is damaged ({error}): delete it and pack it again."
        ) from error


def pack(
    data_dir: PathLike, name: str, *, front_end: LogMel, test_speakers: Sequence[str] = ()
) -> tuple[WordSet, WordSet]:
    """Pack the folder of words ``<name>`` with its spectrograms; gives what trains and what tests.

    Writes ``<name>.npz`` and ``<name>-test.npz``. The clips of the test speakers go into the test
    file alone; so do recordings loose in the folder ``<name>-test``, with the label -1 (unknown).
    """
    data_dir = Path(data_dir)
    words = from_folder(data_dir / name)
    if strangers := ", ".join(sorted(set(test_speakers) - set(words.speakers))):
        known = ", ".join(np.unique(words.speakers))
        raise EarshotError(f"{strangers} speaks nowhere in {name}: the speakers are {known}.")
    held_out = np.isin(words.speakers, list(test_speakers))
    train, test = words.subset(~held_out), words.subset(held_out)
    clips, skipped = read_recordings(sorted((data_dir / f"{name}-test").glob("*")))
    if skipped:
        warnings.warn(f"Skipped {listed(skipped)}", EarshotWarning, stacklevel=2)
    if clips:
        loose = [audio.resample(x, rate, words.sample_rate) for _, x, rate in clips]
        labels, unknown = np.full(len(loose), -1), np.array(["unknown"] * len(loose))
        sources = np.array([path.name for path, *_ in clips])
        test = test.joined(WordSet(loose, labels, (), unknown, sources, words.sample_rate))
    train.save(data_dir / f"{name}.npz", front_end=front_end)
    test.save(data_dir / f"{name}-test.npz", front_end=front_end)
    return train, test
