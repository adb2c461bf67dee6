"""The Free Spoken Digit Dataset."""

import logging
import os
import warnings
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot.datasets import downloads, espeak
from earshot.datasets.packed import load
from earshot.datasets.voices import synthetic
from earshot.datasets.word_set import DIGITS, WordSet
from earshot.errors import EarshotError, EarshotWarning

__all__ = ["spoken_digit"]

log = logging.getLogger(__name__)
ARCHIVE = "free-spoken-digit-dataset-1.0.9.tar.gz"
ARCHIVE_URL = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.9.tar.gz"
ABOUT_SPOKEN_DIGIT = (
    "Free Spoken Digit Dataset 1.0.9 by Zohar Jackson, César Souza, Jason Flaks, Yuxin Pan, "
    "Hereman Nicolas and Adhish Thite, CC BY-SA 4.0, doi:10.5281/zenodo.1342401"
)


def spoken_digit(data_dir="data", *, downloads=None, fallback=True):
    """Give the Free Spoken Digit Dataset: 2,500 clips of ten digits by five speakers, 8 kHz.

    It is prepared by ``tensorflow_datasets`` once and then kept in ``<data_dir>/spoken_digit.npz``.

    Parameters
    ----------
    data_dir : str or path
    downloads : str or path, optional
        Folder that may hold the archive. Default: the environment variable EARSHOT_DOWNLOADS,
        else ``<data_dir>/downloads``. Without the archive, the network is asked.
    fallback : bool
        Whether synthetic speech takes its place when it cannot be had.

    Raises
    ------
    EarshotError
        When it cannot be had, and there is no synthetic voice either.

    Warns
    -----
    EarshotWarning
        When synthetic speech took its place, with the reason.
    """
    data_dir = Path(data_dir)
    packed = data_dir / "spoken_digit.npz"
    if packed.is_file():
        return load(packed)
    try:
        archive = _find_archive(data_dir, downloads)
        words = _prepare_spoken_digit(data_dir, archive)
    except EarshotError as error:
        if not (fallback and espeak.is_available()):
            raise
        warnings.warn(
            f"{error} Synthetic speech takes its place: figures on it say little about people.",
            EarshotWarning,
            stacklevel=2,
        )
        return synthetic(DIGITS)
    words.save(packed)
    return words


def _find_archive(data_dir, folder):
    kept = data_dir / "downloads" / ARCHIVE
    places = [Path(p) / ARCHIVE for p in (folder, os.environ.get("EARSHOT_DOWNLOADS")) if p]
    for path in (*places, kept):
        if path.is_file():
            return path
    try:
        return downloads.fetch(ARCHIVE_URL, kept)
    except EarshotError as error:
        raise EarshotError(
            f"{error} By hand: put it into {kept.parent} as {ARCHIVE}, or name its folder in "
            "EARSHOT_DOWNLOADS."
        ) from error


def _prepare_spoken_digit(data_dir, archive):
    """Let TFDS verify, unpack and read the archive."""
    log.info("preparing spoken_digit from %s", archive)
    bar = tqdm(desc="preparing spoken_digit (once, about 20 s)", total=2500, unit="clip")
    with warnings.catch_warnings(action="ignore"):  # pydub looks for ffmpeg, which WAV needs not
        import tensorflow_datasets as tfds

    tfds.disable_progress_bar()  # it draws thousands of lines into a notebook
    config = tfds.download.DownloadConfig(manual_dir=archive.parent)
    try:
        builder = tfds.builder("spoken_digit", data_dir=data_dir / "tensorflow_datasets")
        with warnings.catch_warnings(action="ignore"):
            builder.download_and_prepare(download_config=config)
    except tfds.download.download_manager.NonMatchingChecksumError as error:
        raise EarshotError(
            f"{archive} is not the archive that TFDS knows (its checksum differs): "
            f"delete it and download it again from {ARCHIVE_URL}."
        ) from error
    examples = []
    for example in tfds.as_numpy(builder.as_dataset(split="train")):
        examples.append(example)
        bar.update()
    bar.close()
    names = [example["audio/filename"].decode() for example in examples]
    order = np.argsort(names, kind="stable")
    return WordSet(
        waveforms=[examples[i]["audio"].astype(np.float32) / 32768 for i in order],
        labels=np.array([examples[i]["label"] for i in order]),
        class_names=DIGITS,
        speakers=[names[i].split("_")[1] for i in order],
        sources=[names[i] for i in order],
        sample_rate=8000,
        about=ABOUT_SPOKEN_DIGIT,
    )
