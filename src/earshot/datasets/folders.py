"""A folder with one sub-folder per word."""

import collections
import mimetypes
import re
import urllib.parse
import warnings
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot import audio
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, listed

__all__ = ["from_folder"]


def from_folder(folder, *, sample_rate=None, speaker_of=None):
    """Read a folder with one sub-folder per word.

    Parameters
    ----------
    folder : str or path
        Sub-folders are the words (sorted); the recordings in them may be of any kind that
        libsndfile reads, any sample rate and any number of channels. Names that start with a dot
        or an underscore are left alone.
    sample_rate : int, optional
        In Hz, of the result. Default: the rate that most of the files have.
    speaker_of : callable, optional
        Gets the path of a file and says who speaks. Default: the file's name without the word,
        take number and ending, so that ``cat/anna_2.wav`` is anna.

    Raises
    ------
    EarshotError
        When the folder is missing or holds fewer than two words with recordings.

    Warns
    -----
    EarshotWarning
        With a count and the names, when files or empty sub-folders were skipped.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise EarshotError(f"There is no folder {folder}: make it, with one sub-folder per word.")
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name[0] not in "._")
    files = [
        (name, path)
        for name in names
        for path in sorted((folder / name).iterdir())
        if path.name[0] != "."
    ]
    paths = [(name, path) for name, path in files if path.suffix.lower() in audio.SUFFIXES]
    clips = []
    skipped = [
        f"{path} is of a kind that cannot be read: save it as WAV."
        for name, path in files
        if path.suffix.lower() not in audio.SUFFIXES
        and (mimetypes.guess_type(path.name)[0] or "").startswith(("audio/", "video/"))
    ]
    for name, path in tqdm(paths, desc=f"reading {folder.name}", unit="clip", delay=1):
        try:
            clips.append((name, path, *audio.read(path)))
        except EarshotError as error:
            skipped.append(str(error))
    full = {name for name, *_ in clips}
    skipped += [f"{folder / name} has no recordings." for name in names if name not in full]
    if len(full) < 2:
        raise EarshotError(
            f"{folder} holds recordings of {len(full)} word{'s' * (len(full) != 1)}, and at least "
            f"2 are needed: give each word a sub-folder with recordings in it. {listed(skipped)}"
        )
    if skipped:
        warnings.warn(f"Skipped {listed(skipped)}", EarshotWarning, stacklevel=2)
    if sample_rate is None:
        sample_rate = collections.Counter(rate for *_, rate in clips).most_common(1)[0][0]
    names = [name for name in names if name in full]
    return WordSet(
        waveforms=[audio.resample(x, rate, sample_rate) for *_, x, rate in clips],
        labels=np.array([names.index(name) for name, *_ in clips], dtype=np.int64),
        class_names=tuple(urllib.parse.unquote(name) for name in names),
        speakers=[(speaker_of or _speaker_of)(path) for _, path, *_ in clips],
        sources=[f"{name}/{path.name}" for name, path, *_ in clips],
        sample_rate=sample_rate,
        about=f"recordings in the folder {folder.name}",
    )


def _speaker_of(path):
    if "_nohash_" in path.stem:  # the form of Speech Commands
        return path.stem.split("_nohash_")[0]
    stem = re.sub(r"(^|[ _-])\d+$", "", path.stem.removeprefix(f"{path.parent.name}_"))
    stem = re.sub(r"^\d+[ _-]", "", stem)
    return "unknown" if stem in ("", path.parent.name) else stem
