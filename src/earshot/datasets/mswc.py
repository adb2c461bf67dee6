"""The Multilingual Spoken Words Corpus: a second each of words in fifty languages.

M. Mazumder and others (2021), "Multilingual Spoken Words Corpus", NeurIPS Datasets and Benchmarks;
cut from Common Voice, CC BY 4.0: https://mlcommons.org/datasets/multilingual-spoken-words.

>>> PARTS["DEV"]
'validation'
"""

import csv
import io
import re
import warnings
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from earshot import audio
from earshot.datasets import archives, arrow
from earshot.datasets.commands import apart
from earshot.datasets.folders import told
from earshot.datasets.shards import from_shards
from earshot.datasets.sounds import decoded
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning
from earshot.types import PathLike

__all__ = ["PARTS", "spoken_words"]

BASE = "https://mswc.mlcommons-storage.org"
ABOUT = "Multilingual Spoken Words Corpus, {}, MLCommons, CC BY 4.0"
PARTS = {"TRAIN": "train", "DEV": "validation", "TEST": "test"}
SAMPLE_RATE = 16000  # in Hz, to which the clips were brought before they were packed as Opus
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]+)?")  # "de", "cnh", "sv-SE", "rm-sursilv"
SPEAKER_LENGTH = 16  # of the 128 digits that name a speaker: one in 2**64 is the same by chance

Known = dict[str, tuple[str, str, str]]
"""Word, speaker and part of a clip, by the end of its name."""


def spoken_words(
    language: str, data_dir: PathLike = "data", *, downloads: PathLike | None = None
) -> WordSet:
    """Give the words of a language, such as "de" or "sv-SE", with the official split in ``parts``.

    Two archives are looked for in the folder ``downloads``, that of EARSHOT_DOWNLOADS and
    ``<data_dir>/downloads``, else downloaded: ``mswc-splits-<language>.tar.gz`` and
    ``mswc-audio-<language>.tar.gz``, 10 MB to 33 GB. They are read once, into shards of 32 kB a
    clip in ``<data_dir>/mswc-<language>``, which :func:`from_shards` opens. Nobody speaks in two
    parts: clips of who also tests are in none, and a warning counts them.
    """
    if not LANGUAGE.fullmatch(language):
        raise EarshotError(f"A language has a code such as 'de' or 'sv-SE', not {language!r:.40}.")
    folder = Path(data_dir) / f"mswc-{language}"

    def fill(temporary: Path) -> None:
        splits, sounds = (
            archives.find(
                f"{BASE}/{kind}/{language}.tar.gz", f"mswc-{kind}-{language}.tar.gz", data_dir,
                downloads,
            )
            for kind in ("splits", "audio")
        )  # fmt: skip
        _prepare(_known(splits), sounds, temporary, ABOUT.format(language))

    arrow.prepare_once(folder, fill)
    return from_shards(folder)


def _known(splits: Path) -> Known:
    """Read what is known of each clip."""
    tables = (data for name, data in archives.members(splits) if name.endswith("_splits.csv"))
    table = next(tables, None)
    if table is None:
        raise EarshotError(f"{splits} holds no list of clips (_splits.csv): download it again.")
    try:
        rows = [
            (row["LINK"], row["WORD"], row["SPEAKER"][:SPEAKER_LENGTH], PARTS[row["SET"]])
            for row in csv.DictReader(io.StringIO(table.decode("utf-8-sig")))
        ]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        columns = "SET (TRAIN, DEV or TEST), LINK, WORD and SPEAKER"
        raise EarshotError(f"The list in {splits} lacks {columns}: download it again.") from error
    speakers, parts = (np.array([row[i] for row in rows], np.str_) for i in (2, 3))
    parts = apart(speakers, parts).tolist()
    return {row[0]: (*row[1:3], part) for row, part in zip(rows, parts, strict=True)}


def _prepare(known: Known, archive: Path, folder: Path, about: str) -> None:
    """Read the archive of clips into shards."""
    problems: dict[str, list[str]] = {"unreadable": [], "that no list knows": []}
    arrow.write(_rows(known, archive, problems), folder, None, SAMPLE_RATE, about)
    if any(problems.values()):
        said = told({kind: names for kind, names in problems.items() if names})
        warnings.warn(f"{archive.name}: {said}", EarshotWarning, stacklevel=5)


def _rows(
    known: Known, archive: Path, problems: dict[str, list[str]]
) -> Iterator[arrow.Row]:  # fmt: skip
    for name, data in archives.members(archive):
        source = "/".join(PurePosixPath(name).parts[-2:])
        if not source.endswith(".opus"):
            continue
        if source not in known:
            problems["that no list knows"].append(source)
            continue
        word, speaker, part = known[source]
        try:
            x = decoded(data, SAMPLE_RATE, source)
        except EarshotError as error:
            problems["unreadable"].append(str(error).rstrip("."))
            continue
        most = audio.FULL_SCALE - 1
        samples = np.rint(np.clip(x * audio.FULL_SCALE, -most, most)).astype(np.int16)
        yield samples, word, speaker, source, part
