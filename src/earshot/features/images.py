"""Log-mel spectrograms in files, with the settings that they were made with.

A ``.npz`` keeps the numbers as they are. A ``.png`` is a grey image to look at, time to the right
and frequency upwards: 8 bits a point, and the settings in a text field of the image.
"""

import csv
import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np

from earshot import files
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel, check_log_mel
from earshot.features.stream import StreamSpectrogram
from earshot.files import safe_name

__all__ = ["coarser", "load_windows", "read", "save_windows", "write"]

FIELD = "front_end"


def write(path, spectrogram, front_end):
    """Write a spectrogram and its settings; half a file never appears.

    Parameters
    ----------
    path : str or path
        Ends in ``.npz`` or ``.png``; one that is there is replaced.
    spectrogram : ndarray, shape (frames, n_mels)
    front_end : earshot.features.LogMel
        The settings that it was made with.

    Raises
    ------
    EarshotError
        When the settings do not give such a spectrogram, or the file cannot be written.
    """
    path, db = Path(path), check_log_mel(spectrogram, front_end)
    if db.ndim != 2:
        raise EarshotError(f"A file holds one spectrogram, not {len(db)}: write them one by one.")
    kind = _kind(path)
    with files.atomic_path(path) as temporary:
        if kind == ".npz":
            settings = json.dumps(front_end.to_dict())
            np.savez_compressed(temporary, spectrogram=np.asarray(spectrogram), front_end=settings)
        else:
            from PIL import Image, PngImagePlugin

            stamp = np.rint((db / front_end.top_db + 1) * 255).astype(np.uint8)
            text = PngImagePlugin.PngInfo()
            settings = dataclasses.replace(front_end, bits=8).to_dict()
            text.add_text(FIELD, json.dumps(settings))
            Image.fromarray(stamp.T[::-1]).save(temporary, pnginfo=text)


def read(path, front_end=None):
    """Read a spectrogram and its settings.

    Parameters
    ----------
    path : str or path
        As :func:`write` makes it, or a grey image made elsewhere.
    front_end : earshot.features.LogMel, optional
        Settings of an image that does not hold its own.

    Returns
    -------
    spectrogram : ndarray, shape (frames, n_mels)
    front_end : earshot.features.LogMel

    Raises
    ------
    EarshotError
        When the file is missing, damaged, of another kind, or holds no settings.
    """
    path = Path(path)
    if not path.is_file():
        raise EarshotError(f"There is no file {path}: check the name and the folder.")
    read_as = _read_npz if _kind(path) == ".npz" else _read_png
    try:
        spectrogram, settings = read_as(path)
        front_end = LogMel(**json.loads(settings)) if settings else front_end
    except (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise EarshotError(
            f"{path} holds no spectrogram, or is damaged ({type(error).__name__}): write it again."
        ) from error
    if front_end is None:
        raise EarshotError(
            f"{path} does not say with which settings it was made: give front_end, the LogMel."
        )
    if spectrogram.dtype == np.uint8:
        front_end = dataclasses.replace(front_end, bits=8)
    check_log_mel(spectrogram, front_end)
    return spectrogram, front_end


def coarser(db, times):
    """Average neighbouring frames and bands in power, and bring the spectrogram back to its size.

    Parameters
    ----------
    db : ndarray of float, shape (frames, n_mels)
    times : int
        So many frames by so many bands become one.

    Returns
    -------
    ndarray of float, the same shape
        In dB below the loudest point.
    """
    n_frames, n_mels = db.shape
    sides = (0, -n_frames % times), (0, -n_mels % times)
    power = np.pad(np.power(10, db / 10), sides, mode="edge")
    power = power.reshape(len(power) // times, times, -1, times).mean(axis=(1, 3))
    power = power.repeat(times, axis=0).repeat(times, axis=1)[:n_frames, :n_mels]
    return 10 * np.log10(power / power.max())


def _kind(path):
    kind = path.suffix.lower()
    if kind not in (".npz", ".png"):
        raise EarshotError(f"{path} is neither .npz nor .png: spectrograms are kept in these.")
    return kind


def _read_npz(path):
    with np.load(path, allow_pickle=False) as packed:
        return packed["spectrogram"], str(packed[FIELD])


def _read_png(path):
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("L"))[::-1].T.copy(), image.info.get(FIELD)


INDEX, SETTINGS = "index.csv", "windows.json"


def save_windows(folder, windows, labels, words, settings, *, source=""):
    """Save windows as 8-bit PNG spectrograms, in a folder for each label, with an index.

    Parameters
    ----------
    folder : str or path
        Must not exist yet.
    windows : ndarray, shape (n, n_frames, bands)
        In [0, top_db], or quantized (uint8); time to the right and frequency upwards in the spectrograms.
    labels : ndarray of int, shape (n,)
    words : sequence of str
        Names of the labels.
    settings : Windows
    source : str
        Where the windows come from; it stands in the index.
    """
    from PIL import Image

    folder = Path(folder)
    if folder.exists():
        raise EarshotError(f"{folder} exists already and is kept: choose another folder.")
    labels = np.asarray(labels)
    if len(windows) != len(labels) or len(labels) == 0:
        raise EarshotError(f"{len(windows)} windows need as many labels, not {len(labels)}.")
    if labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < len(words):
        raise EarshotError(f"Labels of {len(words)} words are whole numbers from 0, not {labels}.")
    if len({safe_name(word) for word in words}) < len(words):
        raise EarshotError(f"Every word needs a folder of its own: {', '.join(words)}.")
    stamped = np.asarray(windows).dtype == np.uint8
    if not stamped and not (np.min(windows) >= 0 and np.max(windows) <= settings.top_db):
        raise EarshotError(
            f"Windows hold values from 0 to {settings.top_db:g} dB, not {np.min(windows):g} to "
            f"{np.max(windows):g}: differences can be saved with numpy.save."
        )
    with files.atomic_path(folder) as temporary:
        temporary.mkdir()
        rows = []
        for i, (window, label) in enumerate(zip(windows, labels, strict=True)):
            if window.shape != settings.output_shape:
                raise EarshotError(
                    f"Window {i} has the shape {window.shape}, and the settings make "
                    f"{settings.output_shape}: give the settings that it was cut with."
                )
            name = f"{safe_name(words[label])}/{i:06d}.png"
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            stamp = window if stamped else settings.to_quantized(window)
            Image.fromarray(np.ascontiguousarray(stamp.T[::-1])).save(path)
            rows.append((name, words[label], source))
        with (temporary / INDEX).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("file", "word", "source"), *rows])
        text = json.dumps({"words": list(words), **settings.to_dict()}, indent=2)
        (temporary / SETTINGS).write_text(text + "\n", encoding="utf-8")


def load_windows(folder, settings=None):
    """Load what :func:`save_spectrograms` wrote.

    Parameters
    ----------
    folder : str or path
    settings : Windows, optional
        Those that are wanted; spectrograms of other settings are refused.

    Returns
    -------
    windows : ndarray of float32, shape (n, n_frames, bands)
    labels : ndarray of int, shape (n,)
    words : tuple of str
    settings : Windows

    Raises
    ------
    EarshotError
        When a file is missing or damaged; it is named.
    """
    from PIL import Image

    folder = Path(folder)
    path = folder / SETTINGS
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
        words = tuple(found.pop("words"))
        try:
            found = StreamSpectrogram(**found)
        except EarshotError as error:
            raise ValueError(str(error)) from error
        path = folder / INDEX
        with path.open(newline="", encoding="utf-8") as file:
            rows = [(row["file"], words.index(row["word"])) for row in csv.DictReader(file)]
        if not rows:
            raise ValueError("it names no spectrograms")
        if settings is not None and settings != found:
            raise EarshotError(
                f"The spectrograms in {folder} were made with other settings: {found}."
            )
        windows = np.empty((len(rows), *found.output_shape), np.float32)
        for window, (name, _) in zip(windows, rows, strict=True):
            path = folder / name
            with Image.open(path) as spectrogram:
                if spectrogram.mode != "L" or spectrogram.size != found.output_shape:
                    raise ValueError(
                        f"{spectrogram.mode} of {spectrogram.size}, not L of {window.shape}"
                    )
                window[:] = found.from_quantized(np.asarray(spectrogram)[::-1].T)
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, csv.Error) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise EarshotError(
            f"{path} is missing or damaged ({reason}): save the spectrograms of {folder} again."
        ) from error
    return windows, np.array([label for _, label in rows], np.int64), words, found
