"""Word sets packed into one file.

>>> import tempfile
>>> path = Path(tempfile.mkdtemp()) / "beeps.npz"
>>> WordSet([np.ones(800)], [0], ["beep"], ["anna"], ["beep/anna_0.wav"], 8000).save(path)
>>> load(path)
WordSet(1 clips, 1 words, 1 speakers, 8,000 Hz)
"""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from earshot import arrays, audio, files
from earshot.datasets.folders import from_folder, read_recordings, told
from earshot.datasets.speakers import Naming, speaker_of
from earshot.datasets.word_set import ARRAYS, WordSet
from earshot.errors import EarshotError, EarshotWarning, reason_of
from earshot.features.log_mel import LogMel
from earshot.types import PathLike

__all__ = ["load", "pack"]

MOST_CLIPS = 1_000_000  # each takes 200 bytes more than its samples; Speech Commands has 105,829


def load(path: PathLike, *, most_bytes: int | None = None) -> WordSet:
    """Read a :class:`WordSet` that was packed by :meth:`WordSet.save`; no pickle is opened.

    A damaged file raises :class:`EarshotError`, and so does one that would take far more memory
    than its size tells (``most_bytes`` allows it, see :func:`earshot.arrays.read`).
    """
    names = ("waveforms", "lengths", "words", "sample_rate", "about", *ARRAYS)
    packed = arrays.read(path, names, optional=["parts"], most_bytes=most_bytes)
    try:
        if max(packed[name].size for name in ("lengths", "words", *ARRAYS)) > MOST_CLIPS:
            raise ValueError(f"more than {MOST_CLIPS:,} clips")
        if packed["words"].ndim != 1 or packed["words"].dtype.kind != "U":
            raise ValueError("its words are no texts")
        flat, lengths = packed.pop("waveforms"), packed["lengths"].tolist()
        if flat.dtype not in (np.int16, np.float32):
            raise ValueError(f"samples of {flat.dtype}")
        if min(lengths, default=1) < 1 or sum(lengths) != flat.size:
            raise ValueError("the lengths do not add up")
        if flat.dtype == np.int16:  # at once: clip by clip it takes five times the memory
            flat = flat.astype(np.float32)
            flat /= audio.FULL_SCALE
        return WordSet(
            waveforms=np.split(flat, np.cumsum(lengths)[:-1]) if lengths else [],
            class_names=tuple(packed["words"]),
            sample_rate=packed["sample_rate"].item(),
            about=str(packed["about"]),
            parts=packed.get("parts", np.zeros(0, "U1")),  # not in older ones
            **{name: packed[name] for name in ARRAYS},
        )
    except (TypeError, ValueError, OverflowError, EarshotError) as error:
        problem = f"{path} is not a packed WordSet ({reason_of(error)})"
        raise EarshotError(f"{problem}: copy it again, or make it anew.") from error


def pack(
    data_dir: PathLike, name: str, *, front_end: LogMel, test_speakers: Sequence[str] = (),
    speaker_of: Naming = speaker_of,
) -> tuple[WordSet, WordSet]:  # fmt: skip
    """Pack the folder of words ``<name>`` with its spectrograms; gives what trains and what tests.

    Writes ``<name>.npz`` and ``<name>-test.npz``. The clips of the test speakers go into the test
    file alone; so do recordings loose in the folder ``<name>-test``, with the label -1 (unknown).
    Who speaks: see :func:`from_folder`. Both files take their names at the end, the test first
    loses its old one: who stops it finds the old files, or no test, never a speaker in both.
    """
    data_dir = Path(data_dir)
    words = from_folder(data_dir / name, speaker_of=speaker_of)
    if strangers := ", ".join(sorted(set(test_speakers) - set(words.speakers))):
        known = ", ".join(np.unique(words.speakers))
        raise EarshotError(f"{strangers} speaks nowhere in {name}: the speakers are {known}.")
    held_out = np.isin(words.speakers, list(test_speakers))
    train, test = words.subset(~held_out), words.subset(held_out)
    clips, problems = read_recordings(sorted((data_dir / f"{name}-test").glob("[!.]*")))
    if problems:
        warnings.warn(told(problems), EarshotWarning, stacklevel=2)
    if clips:
        loose = [audio.resample(x, rate, words.sample_rate) for _, x, rate in clips]
        labels, unknown = np.full(len(loose), -1), np.array(["unknown"] * len(loose))
        sources = np.array([path.name for path, *_ in clips])
        test = test.joined(WordSet(loose, labels, (), unknown, sources, words.sample_rate))
    targets = [data_dir / f"{name}{end}.npz" for end in ("-test", "")]
    with files.atomic_path(targets[0]) as held, files.atomic_path(targets[1]) as learned:
        train.save(learned, front_end=front_end)
        test.save(held, front_end=front_end)
        targets[0].unlink(missing_ok=True)
    return train, test
