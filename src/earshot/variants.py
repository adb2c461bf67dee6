"""Nine variants of every training clip: slower and faster by lower and higher, kept on disk.

For training data only, never for a test.
"""

import contextlib
import functools
import json
import shutil
import zlib
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot import audio
from earshot.errors import EarshotError

__all__ = ["HALF_STEPS", "STRETCHES", "Store", "stretch_and_shift", "write_variants"]

STRETCHES = (0.7, 1.0, 1.3)
"""Speeds: 0.7 is slower, and longer."""
HALF_STEPS = (-1, 0, 1)
N_FFT, HOP = 2048, 512
SETTINGS = "settings.json"


def stretch_and_shift(x, *, stretches=STRETCHES, half_steps=HALF_STEPS):
    """Make a clip slower or faster without changing its pitch, and the other way round.

    A phase vocoder (Flanagan and Golden 1966; as ``librosa.effects.time_stretch``), followed by
    resampling where the pitch moves. One analysis serves all variants, and stretching and shifting
    are one pass instead of two.

    Parameters
    ----------
    x : ndarray, shape (samples,)
    stretches : sequence of float
        Speeds.
    half_steps : sequence of float
        Of the scale, upwards.

    Returns
    -------
    list of ndarray of float32, each of shape (about samples / stretch,)
        All half-steps at the first speed, then at the second, and so on.
    """
    from scipy.fft import rfft
    from scipy.signal import resample_poly

    x = audio.validate(x, "the clip")
    window = _hann()
    padded = np.pad(x, N_FFT // 2)
    padded = np.pad(padded, (0, max(N_FFT - len(padded), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]
    spectrum = rfft(frames * window, axis=1)
    size, angle = np.abs(spectrum), np.angle(spectrum)
    size = np.pad(size, ((0, 2), (0, 0)))
    # How far the phase of each bin moves on between a frame and the next, silence at the end.
    move = np.diff(angle, axis=0, append=0 * angle[:1])
    result = []
    for stretch in stretches:
        for half_step in half_steps:
            pitch = 2.0 ** (half_step / 12)
            speed = stretch / pitch
            length = round(len(x) / speed)
            y = x if speed == 1 else _resynthesised(size, angle[0], move, speed, length)
            if half_step:
                up, down, window = _resampling(pitch)
                y = resample_poly(y, up, down, window=window).astype(np.float32)
                wanted = round(len(x) / stretch)
                y = np.pad(y[:wanted], (0, max(wanted - len(y), 0)))
            result.append(y)
    return result


@functools.lru_cache
def _hann():
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)


@functools.lru_cache
def _resampling(pitch):
    """Whole numbers whose ratio is a pitch (84 / 89 for a half-step up), and the filter."""
    from scipy.signal import firwin

    ratio = Fraction(1 / pitch).limit_denominator(100)
    up, down = ratio.numerator, ratio.denominator
    most = max(up, down)
    return up, down, firwin(20 * most + 1, 1 / most, window=("kaiser", 5.0)).astype(np.float32)


def _resynthesised(size, first, move, speed, length):
    """Read the frames of a spectrum at another speed, with phases that go on smoothly."""
    from scipy.fft import irfft

    at = np.arange(0, len(move), speed)
    left = at.astype(int)
    part = (at - left)[:, None].astype(np.float32)
    magnitude = (1 - part) * size[left] + part * size[left + 1]
    phase = np.concatenate([first[None], move[left[:-1]]]).cumsum(axis=0, dtype=np.float32)
    spectrum = np.empty(magnitude.shape, np.complex64)
    spectrum.real, spectrum.imag = magnitude * np.cos(phase), magnitude * np.sin(phase)
    window = _hann()
    frames = irfft(spectrum, axis=1) * window
    overlap = N_FFT // HOP
    out = np.zeros((len(frames) + overlap - 1, HOP), np.float32)
    weight = np.zeros_like(out)
    for i in range(overlap):
        out[i : i + len(frames)] += frames[:, i * HOP : (i + 1) * HOP]
        weight[i : i + len(frames)] += np.square(window[i * HOP : (i + 1) * HOP])
    y = (out / np.maximum(weight, 1e-3)).ravel()[N_FFT // 2 :][:length]
    return np.pad(y, (0, length - len(y)))


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
        Pictures take about 4.5 kB a variant (64x35), samples 35 kB (0.8 s).
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
        "words": list(words.words),
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
        audio.atomic_path(folder) as temporary,
        contextlib.ExitStack() as files_open,
        ThreadPoolExecutor() as threads,
    ):
        temporary.mkdir()
        (temporary / SETTINGS).write_text(json.dumps(settings, ensure_ascii=False))
        np.save(temporary / "labels.npy", np.repeat(words.labels, n_variants))
        files = {
            name: files_open.enter_context((temporary / f"{name}.npy").open("wb")) for name in rows
        }
        for name, row in rows.items():
            np.lib.format.write_array_header_1_0(
                files[name],
                {"descr": row.dtype.str, "fortran_order": False, "shape": (n, *row.shape)},
            )
        bar = tqdm(desc="stretching and shifting", total=len(words), unit="clip", delay=1)
        for start in range(0, len(words), 32):
            some = range(start, min(start + 32, len(words)))
            clips = [clip for clips in threads.map(variants, some) for clip in clips]
            for name, values in front_end.pack(clips).items():
                values.tofile(files[name])
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
            self.words = tuple(self.settings["words"])
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
