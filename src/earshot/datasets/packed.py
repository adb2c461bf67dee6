"""Word sets packed into one file."""

import dataclasses
import re
import urllib.parse
import warnings
import zipfile
from pathlib import Path

import numpy as np

from earshot import audio
from earshot.datasets.folders import from_folder
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, listed

__all__ = ["load", "pack"]


def load(path):
    """Read a :class:`WordSet` that was packed by :meth:`WordSet.save`.

    Raises
    ------
    EarshotError
        When the file is missing, damaged, or was not made by ``save``.
    """
    path = Path(path)
    if not path.is_file():
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
                labels=packed["labels"],
                class_names=tuple(packed["words"].tolist()),
                speakers=packed["speakers"],
                sources=packed["sources"],
                sample_rate=int(packed["sample_rate"]),
                about=str(packed["about"]),
            )
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, EarshotError) as error:
        raise EarshotError(
            f"{path} is not a packed WordSet or is damaged ({error}): delete it and pack it again."
        ) from error


def pack(data_dir, name, *, front_end, test_speakers=()):
    """Pack a folder of words with its spectrograms: ``<name>.npz``, and ``<name>-test.npz``.

    Parameters
    ----------
    data_dir : str or path
    name : str
        Of the set, and of its folder in ``data_dir``.
    front_end : earshot.features.LogMel
        How the spectrograms are made; it needs ``n_samples``.
    test_speakers : sequence of str
        Their clips go into the test file alone. So do recordings that lie loose in the folder
        ``<name>-test``: nobody knows what is said in them, their label is -1, and their source is
        the file's name.

    Returns
    -------
    train, test : WordSet
    """
    data_dir = Path(data_dir)
    words = from_folder(data_dir / name, speaker_of=cut_from)
    strangers = sorted(set(test_speakers) - set(words.speakers))
    if strangers:
        raise EarshotError(
            f"{', '.join(strangers)} speaks nowhere in {data_dir / name}: the speakers are "
            f"{', '.join(np.unique(words.speakers))}."
        )
    held_out = np.isin(words.speakers, list(test_speakers))
    train, test = words.subset(~held_out), words.subset(held_out)
    loose, skipped = [], []
    for path in sorted((data_dir / f"{name}-test").glob("*")):
        if path.suffix.lower() in audio.SUFFIXES:
            try:
                loose.append((path.name, audio.read(path, words.sample_rate)[0]))
            except EarshotError as error:
                skipped.append(str(error))
    if skipped:
        warnings.warn(f"Skipped {listed(skipped)}", EarshotWarning, stacklevel=2)
    test = dataclasses.replace(
        test,
        waveforms=test.waveforms + [x for _, x in loose],
        labels=np.append(test.labels, np.full(len(loose), -1, np.int64)),
        speakers=np.append(test.speakers, ["unknown"] * len(loose)),
        sources=np.append(test.sources, [source for source, _ in loose]),
    )
    train.save(data_dir / f"{name}.npz", front_end=front_end)
    test.save(data_dir / f"{name}-test.npz", front_end=front_end)
    return train, test


def cut_from(path):
    """Who speaks in a clip that was cut by :mod:`earshot.segmentation.clips`."""
    return urllib.parse.unquote(re.sub(r"_\d+$", "", path.stem))
