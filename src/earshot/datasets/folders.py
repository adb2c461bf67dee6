"""A folder with one sub-folder per word.

>>> import tempfile
>>> folder = tempfile.mkdtemp()
>>> for i, name in enumerate(["cat/anna_0.wav", "cat/bob_0.wav", "dog/anna_0.wav"]):
...     audio.write(f"{folder}/{name}", np.sin((1 + i) * np.arange(800)), 8000)
>>> from_folder(folder)
WordSet(3 clips, 2 words, 2 speakers, 8,000 Hz)
"""

import collections
import unicodedata
import urllib.parse
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot import audio, files
from earshot.datasets.speakers import Naming, speaker_of, speakers_of
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, some
from earshot.types import Array, PathLike

__all__ = ["Problems", "from_folder", "read_recordings", "told"]

LONGEST_S = 60.0  # a longer recording is no word and no phrase: it is not even read
SHORTEST_S = 0.01  # a shorter one is a slip of the keys: no speech sound is so short
SILENT = 2e-4  # between highest and lowest sample, six steps of 16 bits: silence, at any offset
NAMED = 4  # so many files are named for each kind of problem

Problems = dict[str, list[str]]
"""Names of files, or sentences about them, by what is wrong with them."""


def from_folder(
    folder: PathLike, *, sample_rate: int | None = None, speaker_of: Naming = speaker_of
) -> WordSet:
    """Read a folder of words, each a sub-folder of recordings of any kind and rate.

    The result has the sample rate (Hz) that is given, else that of most files. Who speaks is read
    from the names of the files (:func:`~earshot.datasets.speaker_of`), or told by ``speaker_of``:
    one name for all, a compiled regular expression, or a function of the path (see
    :func:`~earshot.datasets.speakers.speakers_of`); print the set to see who was found.

    One warning counts and names what was left out: files that cannot be read, silence, less than
    0.01 s (slips of the keys), more than a minute (no word; not even read), words without
    recordings. It also names what is kept, since only a person can tell what is right: the same
    sound under two words (which may sound alike, such as "two" and "too") and words that differ
    only in capitals or spaces. Names with a dot or underscore in front are passed over.
    """
    folder = Path(folder)
    names = [path.name for path in _inside(folder) if path.is_dir() and path.name[0] != "_"]
    paths, closed = [], {}
    for name in names:
        try:
            paths += _inside(folder / name)
        except EarshotError as error:
            closed[name] = str(error)
    clips, problems = read_recordings(paths)
    full = {path.parent.name for path, *_ in clips}
    if empty := [closed.get(name, name) for name in names if name not in full]:
        problems["without recordings"] = empty
    if not full:
        way_out = "give each word a sub-folder with recordings in it."
        raise EarshotError(f"{folder} holds no recordings of words: {way_out} {told(problems)}")
    names = [name for name in names if name in full]
    if said := f"{told(problems)} {told(_doubts(names, clips), 'Kept, but look at')}".strip():
        warnings.warn(said, EarshotWarning, stacklevel=2)
    if sample_rate is None:
        sample_rate = collections.Counter(rate for *_, rate in clips).most_common(1)[0][0]
    return WordSet(
        waveforms=[audio.resample(x, rate, sample_rate) for _, x, rate in clips],
        labels=np.array([names.index(path.parent.name) for path, *_ in clips]),
        class_names=tuple(urllib.parse.unquote(name) for name in names),
        speakers=np.array(speakers_of([path for path, *_ in clips], speaker_of)),
        sources=np.array([f"{path.parent.name}/{path.name}" for path, *_ in clips]),
        sample_rate=sample_rate,
        about=f"recordings in the folder {folder.name}",
    )


def _inside(folder):
    """Give the paths in a folder, sorted, without those that begin with a dot."""
    try:
        return sorted(path for path in folder.iterdir() if path.name[0] != ".")
    except (FileNotFoundError, NotADirectoryError) as error:
        way_out = "make it, with one sub-folder per word."
        raise EarshotError(f"There is no folder {folder}: {way_out}") from error
    except OSError as error:
        way_out = "get the right to read it."
        raise EarshotError(f"{folder} cannot be opened ({error.strerror}): {way_out}") from error


def read_recordings(paths: Sequence[Path]) -> tuple[list[tuple[Path, Array, int]], Problems]:
    """Read the recordings among some files: path, waveform and rate of each; and what is none."""
    clips, problems = [], collections.defaultdict(list)
    for path in tqdm(paths, desc="reading recordings", unit="clip", delay=1):
        name = f"{path.parent.name}/{path.name}"
        if path.suffix.lower() in files.RECORDINGS:
            try:
                if audio.duration(path) > LONGEST_S:  # by its header: a day would fill the memory
                    problems[f"longer than {LONGEST_S:g} s"].append(name)
                    continue
                x, rate = audio.read(path)
            except (EarshotError, OSError) as error:
                problems["unreadable"].append(str(error).rstrip("."))
                continue
            if len(x) < SHORTEST_S * rate:
                problems[f"shorter than {SHORTEST_S:g} s"].append(name)
            elif np.ptp(x) < SILENT:
                problems["silent"].append(name)
            else:
                clips.append((path, x, rate))
        elif (files.TYPES.guess_type(path.name)[0] or "").startswith(("audio/", "video/")):
            problems["of a kind that cannot be read (save it as WAV)"].append(name)
    return clips, problems


def told(problems: Problems, done: str = "Skipped") -> str:
    """Count and name problems for a message; empty when there are none."""
    kinds = [f"{len(who):,} {kind} ({some(who, NAMED, '; ')})" for kind, who in problems.items()]
    return f"{done}: {', '.join(kinds)}." if kinds else ""


def _doubts(names, clips):
    """Find words that differ only in how they are written, and sounds under several words."""
    spellings, sounds = collections.defaultdict(dict), collections.defaultdict(dict)
    for name in names:
        word = unicodedata.normalize("NFKC", urllib.parse.unquote(name)).casefold()
        spellings[" ".join(word.split())][name] = repr(name)
    for path, x, rate in clips:
        word = path.parent.name
        sounds[hash((rate, x.tobytes()))].setdefault(word, f"{word}/{path.name}")
    kinds = {"words but for capitals or spaces": spellings, "sounds under two words": sounds}
    found = {
        kind: [" and ".join(same.values()) for same in groups.values() if len(same) > 1]
        for kind, groups in kinds.items()
    }
    return {kind: who for kind, who in found.items() if who}
