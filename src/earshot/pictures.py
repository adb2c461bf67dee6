"""Log-mel pictures in files, with the settings that they were made with.

A ``.npz`` keeps the numbers as they are. A ``.png`` is a grey image to look at, time to the right
and frequency upwards: 8 bits a point, and the settings in a text field of the image.
"""

import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np

from earshot import audio
from earshot.errors import EarshotError
from earshot.griffin_lim import check_picture
from earshot.spectrogram import LogMel

__all__ = ["coarser", "read", "write"]

FIELD = "front_end"


def write(path, picture, front_end):
    """Write a picture and its settings; half a file never appears.

    Parameters
    ----------
    path : str or path
        Ends in ``.npz`` or ``.png``; one that is there is replaced.
    picture : ndarray, shape (frames, n_mels)
    front_end : earshot.spectrogram.LogMel
        The settings that it was made with.

    Raises
    ------
    EarshotError
        When the settings do not give such a picture, or the file cannot be written.
    """
    path, db = Path(path), check_picture(picture, front_end)
    if db.ndim != 2:
        raise EarshotError(f"A file holds one picture, not {len(db)}: write them one by one.")
    kind = _kind(path)
    with audio.atomic_path(path) as temporary:
        if kind == ".npz":
            settings = json.dumps(front_end.to_dict())
            np.savez_compressed(temporary, picture=np.asarray(picture), front_end=settings)
        else:
            from PIL import Image, PngImagePlugin

            stamp = np.rint((db / front_end.top_db + 1) * 255).astype(np.uint8)
            text = PngImagePlugin.PngInfo()
            settings = dataclasses.replace(front_end, bits=8).to_dict()
            text.add_text(FIELD, json.dumps(settings))
            Image.fromarray(stamp.T[::-1]).save(temporary, pnginfo=text)


def read(path, front_end=None):
    """Read a picture and its settings.

    Parameters
    ----------
    path : str or path
        As :func:`write` makes it, or a grey image made elsewhere.
    front_end : earshot.spectrogram.LogMel, optional
        Settings of an image that does not hold its own.

    Returns
    -------
    picture : ndarray, shape (frames, n_mels)
    front_end : earshot.spectrogram.LogMel

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
        picture, settings = read_as(path)
        front_end = LogMel(**json.loads(settings)) if settings else front_end
    except (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise EarshotError(
            f"{path} holds no picture, or is damaged ({type(error).__name__}): write it again."
        ) from error
    if front_end is None:
        raise EarshotError(
            f"{path} does not say with which settings it was made: give front_end, the LogMel."
        )
    if picture.dtype == np.uint8:
        front_end = dataclasses.replace(front_end, bits=8)
    check_picture(picture, front_end)
    return picture, front_end


def coarser(db, times):
    """Average neighbouring frames and bands in power, and bring the picture back to its size.

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
        raise EarshotError(f"{path} is neither .npz nor .png: pictures are kept in these.")
    return kind


def _read_npz(path):
    with np.load(path, allow_pickle=False) as packed:
        return packed["picture"], str(packed[FIELD])


def _read_png(path):
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("L"))[::-1].T.copy(), image.info.get(FIELD)
