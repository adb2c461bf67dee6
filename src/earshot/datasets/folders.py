"""A folder with one sub-folder per word.

>>> import tempfile
>>> folder = tempfile.mkdtemp()
>>> for name in ("cat/anna_0.wav", "cat/bob_0.wav", "dog/anna_0.wav"):
...     audio.write(f"{folder}/{name}", np.full(800, 0.1), 8000)
>>> from_folder(folder)
WordSet(3 clips, 2 words, 2 speakers, 8,000 Hz)
"""

import collections
import mimetypes
import urllib.parse
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot import audio
from earshot.datasets.speakers import speaker_of
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, listed
from earshot.types import Array, PathLike

__all__ = ["from_folder", "read_recordings"]


def from_folder(
    folder: PathLike, *, sample_rate: int | None = None,
    speaker_of: Callable[[Path], str] = speaker_of,
) -> WordSet:  # fmt: skip
    """Read a folder of at least two words, each a sub-folder of recordings of any kind and rate.

    Names with a dot or underscore in front are passed over; a warning counts and names other files
    and empty sub-folders that were skipped. The result has the sample rate (Hz) that is given, else
    that of most files; ``speaker_of`` gets the path of a file and says who speaks.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise EarshotError(f"There is no folder {folder}: make it, with one sub-folder per word.")
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name[0] not in "._")
    paths = [path for name in names for path in sorted((folder / name).iterdir())]
    clips, skipped = read_recordings(paths)
    full = {path.parent.name for path, *_ in clips}
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
        waveforms=[audio.resample(x, rate, sample_rate) for _, x, rate in clips],
        labels=np.array([names.index(path.parent.name) for path, *_ in clips]),
        class_names=tuple(urllib.parse.unquote(name) for name in names),
        speakers=np.array([speaker_of(path) for path, *_ in clips]),
        sources=np.array([f"{path.parent.name}/{path.name}" for path, *_ in clips]),
        sample_rate=sample_rate,
        about=f"recordings in the folder {folder.name}",
    )


def read_recordings(paths: Sequence[Path]) -> tuple[list[tuple[Path, Array, int]], list[str]]:
    """Read the recordings among some files: path, waveform and rate of each; and what failed."""
    clips, skipped = [], []
    paths = [path for path in paths if path.name[0] != "."]
    for path in tqdm(paths, desc="reading recordings", unit="clip", delay=1):
        if path.suffix.lower() in audio.SUFFIXES:
            try:
                clips.append((path, *audio.read(path)))
            except EarshotError as error:
                skipped.append(str(error))
        elif (mimetypes.guess_type(path.name)[0] or "").startswith(("audio/", "video/")):
            skipped.append(f"{path} is of a kind that cannot be read: save it as WAV.")
    return clips, skipped
