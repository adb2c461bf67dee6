"""Nine variants of every training clip: slower and faster by lower and higher, kept on disk.

For training data only, never for a test.
"""

import contextlib
import json
import shutil
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot import files
from earshot.datasets.stretching import HALF_STEPS, STRETCHES, stretch_and_shift
from earshot.errors import EarshotError

__all__ = ["Store", "write_variants"]

SETTINGS = "settings.json"


def write_variants(words, folder, front_end, *, stretches=STRETCHES, half_steps=HALF_STEPS):
    """Make all variants of a word set, ready for training, and keep them on disk.

    Made once; what is there is used again. It is written piece by piece, and takes its name only
    when it is whole.

    Parameters
    ----------
    words : earshot.datasets.WordSet
        Training clips.
    folder : str or path
    front_end : LogMel or Samples
        Spectrograms take about 4.5 kB a variant (64x35), samples 35 kB (0.8 s).
    stretches, half_steps : sequence of float

    Returns
    -------
    Store

    Raises
    ------
    EarshotError
        When the folder holds something made with other settings, or the disk has no room.
    """
    folder = Path(folder)
    words = words.resampled(front_end.sample_rate)
    settings = {
        "clips": len(words),
        "words": list(words.class_names),
        "sources": f"{zlib.crc32(chr(10).join(words.sources).encode()):08x}",
        "front_end": front_end.to_dict(),
        "stretches": list(stretches),
        "half_steps": list(half_steps),
    }
    if folder.exists():
        store = Store(folder)
        different = [name for name in settings if settings[name] != store.settings.get(name)]
        if different:
            raise EarshotError(
                f"{folder} was made with other settings ({', '.join(different)}): delete it, or "
                "name another folder."
            )
        return store
    n_variants = len(stretches) * len(half_steps)
    n = len(words) * n_variants
    rows = {name: row[0] for name, row in front_end.pack([np.ones(1, np.float32)]).items()}
    needed = n * sum(row.nbytes for row in rows.values())
    folder.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder.parent).free
    if needed > free:
        raise EarshotError(
            f"{folder} needs {needed / 1e9:.1f} GB and the disk has {free / 1e9:.1f} GB left: free "
            "some space, or name a folder elsewhere."
        )

    def variants(i):
        return stretch_and_shift(words.waveforms[i], stretches=stretches, half_steps=half_steps)

    with (
        files.atomic_path(folder) as temporary,
        contextlib.ExitStack() as files_open,
        ThreadPoolExecutor() as threads,
    ):
        temporary.mkdir()
        (temporary / SETTINGS).write_text(json.dumps(settings, ensure_ascii=False))
        np.save(temporary / "labels.npy", np.repeat(words.labels, n_variants))
        arrays = {
            name: files_open.enter_context((temporary / f"{name}.npy").open("wb")) for name in rows
        }
        for name, row in rows.items():
            np.lib.format.write_array_header_1_0(
                arrays[name],
                {"descr": row.dtype.str, "fortran_order": False, "shape": (n, *row.shape)},
            )
        bar = tqdm(desc="stretching and shifting", total=len(words), unit="clip", delay=1)
        for start in range(0, len(words), 32):
            some = range(start, min(start + 32, len(words)))
            clips = [clip for clips in threads.map(variants, some) for clip in clips]
            for name, values in front_end.pack(clips).items():
                values.tofile(arrays[name])
            bar.update(len(some))
        bar.close()
        files_open.close()
    return Store(folder)


class Store:
    """What :func:`write_variants` made: read from the disk in pieces.

    Attributes
    ----------
    labels : ndarray of int, shape (n,)
    words : tuple of str
    shapes : dict
        Shapes of the files, by name.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        way_out = "delete it and make it again."
        try:
            self.settings = json.loads((self.folder / SETTINGS).read_text())
            self.labels = np.load(self.folder / "labels.npy", allow_pickle=False)
            self.class_names = tuple(self.settings["words"])
            self._names = sorted({path.stem for path in self.folder.glob("*.npy")} - {"labels"})
            self.shapes = {name: self._opened(name).shape for name in self._names}
        except (OSError, ValueError, KeyError) as error:
            raise EarshotError(
                f"{self.folder} is no store of variants or is damaged ({error}): {way_out}"
            ) from error
        if not self._names or any(shape[0] != len(self.labels) for shape in self.shapes.values()):
            raise EarshotError(f"{self.folder} is not whole: {way_out}")

    def __len__(self):
        return len(self.labels)

    def _opened(self, name):
        return np.load(self.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)

    def rows(self, chosen):
        """Read some rows, in any order; gives a dict of arrays."""
        order = np.argsort(chosen, kind="stable")  # the disk is read in one direction
        back = np.argsort(order, kind="stable")
        chosen = np.asarray(chosen)[order]
        # Opened anew each time: what a map has read counts as memory until it is closed.
        return {name: self._opened(name)[chosen][back] for name in self._names}
