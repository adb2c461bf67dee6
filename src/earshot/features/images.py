"""Spectrograms in files, with the settings that they were made with.

A ``.npz`` keeps the numbers as they are. A ``.png`` is a grey image to look at, time to the right
and frequency upwards: 8 bits a point, and the settings in a text field of the image.

>>> import tempfile
>>> front_end = LogMel()
>>> with tempfile.TemporaryDirectory() as folder:
...     write(f"{folder}/tone.png", front_end(np.sin(np.arange(8000.0))), front_end)
...     spectrogram, settings = read(f"{folder}/tone.png")
>>> spectrogram.shape, spectrogram.dtype, settings.bits
((101, 40), dtype('uint8'), 8)
"""

import contextlib
import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from earshot import arrays, files
from earshot.errors import EarshotError, reason_of
from earshot.features.front_end import FrontEnd, from_settings, kind_of
from earshot.features.log_mel import LogMel, check_log_mel
from earshot.features.stream import StreamSpectrogram
from earshot.types import Array, PathLike

__all__ = ["coarser", "load_windows", "read", "save_windows", "write"]

FIELD = "front_end"  # name of the settings, as JSON, in both kinds of files
MOST_POINTS = 2**24  # of an image: more than an hour of 40 bands, a frame every 10 ms
INDEX = "index.json"  # class names, settings, and the file, class and source of each saved window
DAMAGE = OSError, LookupError, OverflowError, RecursionError, TypeError, ValueError
"""What goes wrong where JSON is damaged, or holds values of other kinds than it should."""


def write(path: PathLike, spectrogram: Array, front_end: LogMel) -> None:
    """Write a log-mel, shape (frames, n_mels), and its settings to ``.npz`` or ``.png``.

    A file that is there is replaced. Other settings' spectrograms raise :class:`EarshotError`.
    """
    path, db = Path(path), check_log_mel(spectrogram, front_end)
    if db.ndim != 2:
        raise EarshotError(f"A file holds one spectrogram, not {len(db)}: write them one by one.")
    is_image = _is_image(path)
    if is_image and db.size > MOST_POINTS:
        raise EarshotError(f"{path} would have {db.size:,} points: write a .npz, or parts of it.")
    with files.atomic_path(path, endings={".npz", ".png"}) as temporary:
        if is_image:
            _write_image(temporary, front_end.to_quantized(db), replace(front_end, bits=8))
        else:
            np.savez_compressed(temporary, spectrogram=spectrogram, front_end=_to_json(front_end))


def read(path: PathLike, front_end: LogMel | None = None) -> tuple[Array, LogMel]:
    """Read a spectrogram, shape (frames, n_mels), and its settings.

    Of an image the spectrogram is uint8, and the settings say ``bits=8``; one that was made
    elsewhere needs ``front_end``. What cannot be read raises :class:`EarshotError`.
    """
    path = Path(path)
    if _is_image(path):
        spectrogram, found = _read_image(path)
    else:
        packed = arrays.read(path, ["spectrogram", FIELD])
        with _named(path):
            spectrogram, found = packed["spectrogram"], _from_json(str(packed[FIELD]))
    settings = found or front_end
    if not isinstance(settings, LogMel):
        raise EarshotError(f"{path} does not say with which settings it was made: give front_end.")
    settings = replace(settings, bits=8) if spectrogram.dtype == np.uint8 else settings
    try:
        check_log_mel(spectrogram, settings)
    except EarshotError as error:
        raise EarshotError(f"{path}: {error}") from error
    return spectrogram, settings


def save_windows(
    folder: PathLike, windows: Array, labels: Array, class_names: Sequence[str],
    settings: StreamSpectrogram, *, source: str = "",
) -> None:  # fmt: skip
    """Save windows of a stream as 8-bit images, in a folder for each class, with an index.

    The folder is new. Windows are in [0, top_db], shape (n, n_frames, bands); labels are int,
    shape (n,). The index tells the ``source`` of the windows.
    """
    folder, labels, n_classes = Path(folder), np.asarray(labels), len(class_names)
    needed = (len(labels), *settings.output_shape)
    if folder.exists():
        raise EarshotError(f"{folder} exists already and is kept: choose another folder.")
    if windows.shape != needed or len(labels) == 0:
        raise EarshotError(f"These labels need windows of the shape {needed}, not {windows.shape}.")
    if labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < n_classes:
        raise EarshotError(f"Labels of {n_classes} classes are whole numbers from 0, not {labels}.")
    low, high = np.min(windows), np.max(windows)
    if not 0 <= low <= high <= settings.top_db:
        wrong = f"Windows hold values from 0 to {settings.top_db:g} dB, not {low:g} to {high:g}"
        raise EarshotError(f"{wrong}: differences can be saved with numpy.save.")
    with files.atomic_path(folder) as temporary:
        rows = []
        for i, (window, label) in enumerate(zip(windows, labels, strict=True)):
            file = f"{files.safe_name(class_names[label])}/{i:06d}.png"
            (temporary / file).parent.mkdir(parents=True, exist_ok=True)
            _write_image(temporary / file, settings.to_quantized(window), settings)
            rows.append({"file": file, "class_name": class_names[label], "source": source})
        about = {"class_names": list(class_names), "settings": settings.to_dict()}
        index = json.dumps({**about, "windows": rows}, indent=1)
        (temporary / INDEX).write_text(index, encoding="utf-8")


def load_windows(
    folder: PathLike, settings: StreamSpectrogram | None = None
) -> tuple[Array, Array, tuple[str, ...], StreamSpectrogram]:
    """Load the windows, labels, class names and settings that :func:`save_windows` saved.

    A file that is missing, damaged, or of other ``settings`` raises :class:`EarshotError`.
    """
    folder, windows = Path(folder), []
    with _named(folder / INDEX):
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        class_names, rows = tuple(index["class_names"]), index["windows"]
        paths = [folder / row["file"] for row in rows]
        labels = np.array([class_names.index(row["class_name"]) for row in rows])
        found = StreamSpectrogram(**index["settings"])
        named = all(isinstance(name, str) for name in class_names)
        if not named or not len(set(paths)) == len(paths) > 0:
            raise ValueError("it names no windows, or some twice, or classes without a name")
        if not all(path.resolve().is_relative_to(folder.resolve()) for path in paths):
            raise ValueError("it names files outside its folder")
    if settings not in (None, found):
        raise EarshotError(f"The windows in {folder} were made with other settings: {found}.")
    for path in paths:
        quantized, made_with = _read_image(path)
        with _named(path):
            if made_with != found or quantized.shape != found.output_shape:
                raise ValueError("another image")
        windows.append(found.from_quantized(quantized))
    return np.stack(windows), labels, class_names, found


def coarser(db: Array, times: int) -> Array:
    """Average the power of ``times`` frames by ``times`` bands, from (frames, n_mels) dB to dB."""
    n_frames, n_mels = db.shape
    sides = (0, -n_frames % times), (0, -n_mels % times)
    power = np.pad(np.power(10, db / 10), sides, mode="edge")
    power = power.reshape(len(power) // times, times, -1, times).mean(axis=(1, 3))
    power = power.repeat(times, axis=0).repeat(times, axis=1)[:n_frames, :n_mels]
    return 10 * np.log10(power / power.max())


def _write_image(path: Path, quantized: Array, front_end: FrontEnd) -> None:
    """Write values of 8 bits, shape (frames, bands), as a grey image with its settings."""
    text = PngImagePlugin.PngInfo()
    text.add_text(FIELD, _to_json(front_end))
    Image.fromarray(np.ascontiguousarray(quantized.T[::-1])).save(path, pnginfo=text)


def _read_image(path: Path) -> tuple[Array, FrontEnd | None]:
    """Read an image; gives values of 8 bits, shape (frames, bands), and settings if it has any."""
    with _named(path):
        try:
            with (
                warnings.catch_warnings(action="ignore"),
                Image.open(path, formats=["PNG"]) as image,
            ):
                if image.width * image.height > MOST_POINTS:
                    raise ValueError(f"{image.width:,} by {image.height:,} points")
                settings = image.info.get(FIELD)
                quantized = np.asarray(image.convert("L"))[::-1].T.copy()
        except OSError:
            raise
        except Exception as error:  # Pillow raises what struct, zlib and its own parsers raise
            raise ValueError(error) from error
        return quantized, _from_json(settings) if settings else None


def _to_json(front_end: FrontEnd) -> str:
    return json.dumps({"kind": kind_of(front_end), **front_end.to_dict()})


def _from_json(text: str) -> FrontEnd:
    settings = dict(json.loads(text))
    return from_settings(str(settings.pop("kind", "LogMel")), settings)


def _is_image(path: Path) -> bool:
    if path.suffix.lower() not in (".npz", ".png"):
        raise EarshotError(f"{path} is neither .npz nor .png: spectrograms are kept in these.")
    return path.suffix.lower() == ".png"


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in which something is missing or damaged."""
    files.check_file(path)
    try:
        yield
    except (*DAMAGE, EarshotError) as error:
        reason = reason_of(error)
        damaged = f"{path} holds no spectrogram, or is damaged ({reason})"
        raise EarshotError(f"{damaged}: write it again.") from error
