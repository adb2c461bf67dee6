"""Nine variants of every training clip: slower and faster by lower and higher, kept on disk.

For training data only, never for a test. Unlike :class:`~earshot.datasets.Augmentation`, which
varies clips anew in every epoch, nothing here is random.

>>> import tempfile
>>> words = WordSet([np.ones(4000)], [0], ["cat"], ["anna"], ["cat/anna_0.wav"], 8000)
>>> write_variants(words, f"{tempfile.mkdtemp()}/store", LogMel()).shapes
{'spectrograms': (9, 101, 40)}
"""

import contextlib
import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot import files
from earshot.datasets.stretching import SEMITONES, SPEEDS, stretch_and_shift
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.features.raw import RawWaveform
from earshot.types import Array, PathLike

__all__ = ["Store", "write_variants"]

SETTINGS = "settings.json"  # the file that says what a store was made of
CLIPS_AT_ONCE = 32  # so many clips are varied, and then written, at a time: memory stays small


class Store:
    """What :func:`write_variants` made, read in pieces; has labels, class names and shapes."""

    def __init__(self, folder: PathLike) -> None:
        self.folder = Path(folder)
        way_out = "delete it and make it again."
        try:
            self.settings = dict(json.loads((self.folder / SETTINGS).read_text(encoding="utf-8")))
            self.labels = np.array(self._opened("labels"))
            self.class_names = tuple(self.settings["words"])
            names = sorted({path.stem for path in self.folder.glob("*.npy")} - {"labels"})
            self.shapes = {name: self._opened(name).shape for name in names}
        # Foreign bytes: json, tokenize and NumPy raise half a dozen kinds of errors on them.
        except Exception as error:
            raise EarshotError(
                f"{self.folder} is no store of variants or is damaged ({error}): {way_out}"
            ) from error
        if {shape[:1] for shape in self.shapes.values()} != {self.labels.shape}:
            raise EarshotError(f"{self.folder} is not whole: {way_out}")

    def __len__(self) -> int:
        return len(self.labels)

    def _opened(self, name):
        return np.load(self.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)

    def rows(self, chosen: Array) -> dict[str, Array]:
        """Read some rows, in any order."""
        order = np.argsort(chosen, kind="stable")  # the disk is read in one direction
        back = np.argsort(order, kind="stable")
        chosen = np.asarray(chosen)[order]
        # Opened anew each time: what a map has read counts as memory until it is closed.
        return {name: self._opened(name)[chosen][back] for name in self.shapes}


def write_variants(
    words: WordSet, folder: PathLike, front_end: LogMel | RawWaveform, *,
    speeds: Sequence[float] = SPEEDS, semitones: Sequence[float] = SEMITONES,
) -> Store:  # fmt: skip
    """Make all variants of training clips by :func:`stretch_and_shift`, and keep them on disk.

    What is there is used again; an error tells when it was made of other recordings (one sample or
    label is enough) or with other settings. Spectrograms take about 4.5 kB a variant (64x35),
    samples 35 kB (0.8 s).
    """
    folder = Path(folder)
    words = words.resampled(front_end.sample_rate)
    settings = {
        "words": list(words.class_names),
        "recordings": words.fingerprint(),
        "front_end": front_end.to_dict(),
        "speeds": list(speeds),
        "semitones": list(semitones),
    }
    if not folder.exists():
        _write(words, folder, front_end, settings)
    store = Store(folder)
    if different := [name for name in settings if settings[name] != store.settings.get(name)]:
        raise EarshotError(
            f"{folder} was made with other settings ({', '.join(different)}): delete it to have it "
            "made anew, or name another folder."
        )
    return store


def _write(words, folder, front_end, settings):
    n_variants = len(settings["speeds"]) * len(settings["semitones"])
    n = len(words) * n_variants
    rows = {name: row[0] for name, row in front_end.pack([np.ones(1, np.float32)]).items()}
    needed = n * sum(row.nbytes for row in rows.values())
    with files.atomic_path(folder) as temporary, contextlib.ExitStack() as opened:
        if needed > (free := shutil.disk_usage(temporary.parent).free):
            raise EarshotError(
                f"{folder} needs {needed / 1e9:.1f} GB and the disk has {free / 1e9:.1f} GB left: "
                "free some space, or name a folder elsewhere."
            )
        temporary.mkdir()
        (temporary / SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
        np.save(temporary / "labels.npy", np.repeat(words.labels, n_variants))
        arrays = {}
        for name, row in rows.items():
            arrays[name] = opened.enter_context((temporary / f"{name}.npy").open("wb"))
            header = {"descr": row.dtype.str, "fortran_order": False, "shape": (n, *row.shape)}
            np.lib.format.write_array_header_1_0(arrays[name], header)
        for clips in _varied(words.waveforms, settings):
            for name, values in front_end.pack(clips).items():
                values.tofile(arrays[name])
        opened.close()  # before the folder gets its name


def _varied(waveforms, settings):
    """Go through the variants of all clips, some clips at a time."""
    kinds = {name: settings[name] for name in ("speeds", "semitones")}
    starts = range(0, len(waveforms), CLIPS_AT_ONCE)
    with ThreadPoolExecutor() as threads:
        for start in tqdm(starts, desc="stretching and shifting", unit="batch", delay=1):
            clips = waveforms[start : start + CLIPS_AT_ONCE]
            varied = threads.map(lambda x: stretch_and_shift(x, **kinds), clips)
            yield [one for several in varied for one in several]
