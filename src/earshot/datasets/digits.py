"""The Free Spoken Digit Dataset.

>>> import tempfile
>>> data = Path(tempfile.mkdtemp())
>>> words = WordSet([[0.5] * 80], [3], DIGITS, ["theo"], ["3_theo_0.wav"], 8000)
>>> words.save(data / "spoken_digit.npz")  # what was prepared once is read from then on
>>> spoken_digit(data)
WordSet(1 clips, 10 words, 1 speakers, 8,000 Hz)
"""

import contextlib
import io
import logging
import warnings
from pathlib import Path

from tqdm import tqdm

from earshot import files
from earshot.datasets import archives, espeak
from earshot.datasets.packed import load
from earshot.datasets.speakers import speaker_of
from earshot.datasets.voices import synthetic
from earshot.datasets.word_set import DIGITS, WordSet
from earshot.errors import EarshotError, EarshotWarning
from earshot.types import PathLike

__all__ = ["ARCHIVE", "ARCHIVE_URL", "spoken_digit"]

ARCHIVE = "free-spoken-digit-dataset-1.0.9.tar.gz"
ARCHIVE_URL = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.9.tar.gz"
ARCHIVE_SHA256 = "8bc44cde129d505cbbb6b365c09f80c663f2aa77578afc634e6141a2f87100c0"
ABOUT = (
    "Free Spoken Digit Dataset 1.0.9 by Zohar Jackson, César Souza, Jason Flaks, Yuxin Pan, "
    "Hereman Nicolas and Adhish Thite, CC BY-SA 4.0, doi:10.5281/zenodo.1342401"
)


def spoken_digit(
    data_dir: PathLike = "data", *, downloads: PathLike | None = None, fallback: bool = True
) -> WordSet:
    """Give the Free Spoken Digit Dataset: 2,500 clips of ten digits by five speakers, 8 kHz.

    It is prepared by ``tensorflow_datasets`` once and then kept in ``<data_dir>/spoken_digit.npz``.
    The archive is looked for in the folder ``downloads``, that of the environment variable
    EARSHOT_DOWNLOADS and ``<data_dir>/downloads``, then downloaded. With ``fallback``, synthetic
    speech takes its place when it cannot be had; a warning says why.
    """
    data_dir = Path(data_dir)
    packed = data_dir / "spoken_digit.npz"
    if packed.is_file():
        return load(packed)
    try:
        tfds = _tfds()
        archive = archives.find(ARCHIVE_URL, ARCHIVE, data_dir, downloads, sha256=ARCHIVE_SHA256)
        with files.explained(packed), files.locked(packed):
            if not packed.is_file():  # or another process has made it meanwhile
                _prepared(tfds, archive, data_dir).save(packed)
    except EarshotError as error:
        if not (fallback and espeak.is_available()):
            raise
        instead = "Synthetic speech takes its place: figures on it say little about people."
        warnings.warn(f"{error} {instead}", EarshotWarning, stacklevel=2)
        return synthetic(DIGITS)
    return load(packed)


def _tfds():
    """Import TFDS, before anything is downloaded for it."""
    try:
        with warnings.catch_warnings(action="ignore"):  # pydub looks for ffmpeg, needless for WAV
            import importlib_resources  # noqa: F401 - TFDS needs both, and does not say so
            import pydub  # noqa: F401
            import tensorflow_datasets
    except ImportError as error:
        needed = "tensorflow_datasets, importlib_resources and pydub, which prepare spoken_digit"
        way_out = "pip install tensorflow-datasets importlib_resources pydub"
        raise EarshotError(f"Of {needed}, {error.name} is not installed: {way_out}.") from error
    return tensorflow_datasets


@contextlib.contextmanager
def _in_silence():
    """Keep what TFDS says of itself to itself."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _prepared(tfds, archive, data_dir):
    """Let TFDS unpack and read the archive."""
    with _in_silence():
        tfds.disable_progress_bar()  # it draws thousands of lines into a notebook
        builder = tfds.builder("spoken_digit", data_dir=data_dir / "tensorflow_datasets")
        config = tfds.download.DownloadConfig(manual_dir=archive.parent)
        builder.download_and_prepare(download_config=config)
    rows = tqdm(
        tfds.as_numpy(builder.as_dataset(split="train")),
        desc="preparing spoken_digit (once, about 20 s)", total=2500, unit="clip",
    )  # fmt: skip
    rows = sorted(rows, key=lambda row: row["audio/filename"])
    names = [row["audio/filename"].decode() for row in rows]
    waveforms, labels = [row["audio"] for row in rows], [row["label"] for row in rows]
    speakers = [speaker_of(name) for name in names]
    return WordSet(waveforms, labels, DIGITS, speakers, names, 8000, ABOUT)
