"""Word sets packed into one file.

>>> import tempfile
>>> path = Path(tempfile.mkdtemp()) / "beeps.npz"
>>> WordSet([np.ones(800)], [0], ["beep"], ["anna"], ["beep/anna_0.wav"], 8000).save(path)
>>> load(path)
WordSet(1 clips, 1 words, 1 speakers, 8,000 Hz)
"""

import dataclasses
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from earshot import audio
from earshot.datasets.folders import from_folder
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
            if flat.dtype == np.int16:
                flat = flat.astype(np.float32) / 32768
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
    file alone. So do recordings that lie loose in the folder ``<name>-test``: nobody knows what is
    said in them, their label is -1, and their source is the file's name.
    """
    data_dir = Path(data_dir)
    words = from_folder(data_dir / name)
    strangers = sorted(set(test_speakers) - set(words.speakers))
    if strangers:
        raise EarshotError(
            f"{', '.join(strangers)} speaks nowhere in {data_dir / name}: the speakers are "
            f"{', '.join(np.unique(words.speakers))}."
        )
    held_out = np.isin(words.speakers, list(test_speakers))
    train, test = words.subset(~held_out), words.subset(held_out)
    test = _with_loose(test, data_dir / f"{name}-test")
    train.save(data_dir / f"{name}.npz", front_end=front_end)
    test.save(data_dir / f"{name}-test.npz", front_end=front_end)
    return train, test


def _with_loose(words, folder):
    """Add the recordings that lie in a folder, without labels."""
    loose, skipped = {}, []
    for path in sorted(p for p in folder.glob("*") if p.suffix.lower() in audio.SUFFIXES):
        try:
            loose[path.name] = audio.read(path, words.sample_rate)[0]
        except EarshotError as error:
            skipped.append(str(error))
    if skipped:
        warnings.warn(f"Skipped {listed(skipped)}", EarshotWarning, stacklevel=3)
    return dataclasses.replace(
        words,
        waveforms=[*words.waveforms, *loose.values()],
        labels=np.append(words.labels, np.full(len(loose), -1, np.int64)),
        speakers=np.append(words.speakers, ["unknown"] * len(loose)),
        sources=np.append(words.sources, list(loose)),
    )
