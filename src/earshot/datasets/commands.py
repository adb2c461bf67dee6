"""Google's Speech Commands: single English words by thousands of people, and their official split.

P. Warden (2018), "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition",
arXiv:1804.03209.

>>> part_of("yes/0a7c2a8d_nohash_0.wav"), part_of("no/0a7c2a8d_nohash_3.wav")
('train', 'train')
"""

import dataclasses
import hashlib
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from earshot.datasets import archives, arrow
from earshot.datasets.folders import told
from earshot.datasets.lazy import Lazy
from earshot.datasets.noises import backgrounds
from earshot.datasets.shards import from_shards
from earshot.datasets.sounds import decoded
from earshot.datasets.speakers import UNKNOWN, speakers_of
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, some
from earshot.types import Array, PathLike

__all__ = ["COMMANDS", "VERSIONS", "apart", "part_of", "speech_commands", "twelve_classes"]

BASE = "https://storage.googleapis.com/download.tensorflow.org/data/"
VERSIONS = {
    "0.02": (
        "speech_commands_v0.02.tar.gz", 2_428_923_189,
        "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
    ),
    "0.01": (
        "speech_commands_v0.01.tar.gz", 1_489_096_277,
        "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
    ),
    "mini": (
        "mini_speech_commands.zip", 182_082_353,
        "49650f2341b26d886b46b3f4fb8fed59e30300b17550f1ee4a768b3106cf93a0",
    ),
    "test-0.02": (
        "speech_commands_test_set_v0.02.tar.gz", 112_563_277,
        "cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
    ),
}  # fmt: skip
"""Archives by version: file name, bytes and SHA-256. Those of 0.02 are TFDS', that of 0.01 is
torchaudio's; that of mini is what several projects, independently, found."""
ABOUT = "Speech Commands {} by Pete Warden, Google, CC BY 4.0, arXiv:1804.03209"
SAMPLE_RATE = 16000  # in Hz, of all clips
COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
SILENCE = "silence"
SHARE = 0.1  # of unknown words, and of silence, against the commands: the paper's recipe
LISTS = {"validation_list.txt": "validation", "testing_list.txt": "test"}
NOISE = "_background_noise_"  # the folder in the archives
SPEAKER = re.compile("([0-9a-f]{8})_nohash_")
MOST_HASHES = 2**27 - 1  # of the rule by which the lists were made
PERCENT = 10  # of the speakers that validate, and of those that test


def speech_commands(
    version: str = "0.02", data_dir: PathLike = "data", *, n_classes: int | None = None,
    downloads: PathLike | None = None, seed: int = 0,
) -> WordSet:  # fmt: skip
    """Give Speech Commands, with its official split in ``parts``: "train", "validation", "test".

    Parameters
    ----------
    version : "0.02" (105,829 clips of 35 words), "0.01" (64,721 of 30), "mini" (8,000 of 8), or
        "test-0.02" (4,890 of the twelve classes: the official test of that task)
    n_classes : 12 gives the task of :func:`twelve_classes`; by default all words
    downloads : folder of the archive; else it is looked for in that of EARSHOT_DOWNLOADS and in
        ``<data_dir>/downloads``, then downloaded there
    seed : of the unknown words and the silence of the twelve classes

    The archive is compared with its checksum and read once, into shards in
    ``<data_dir>/speech_commands-<version>``, which :func:`from_shards` opens. Recordings of noise
    are kept in ``noise`` there, for :func:`backgrounds`. Parts are those of the archive's lists, of
    "mini" those of the rule by which the lists were made (:func:`part_of`); nobody speaks in two.
    """
    if version not in VERSIONS:
        raise EarshotError(f"There is no version {version!r}: choose one of {some([*VERSIONS])}.")
    name, n_bytes, sha256 = VERSIONS[version]
    folder = Path(data_dir) / f"speech_commands-{version}"

    def fill(temporary: Path) -> None:
        known: Any = {"sha256": sha256, "n_bytes": n_bytes}
        archive = archives.find(BASE + name, name, data_dir, downloads, **known)
        _prepare(archive, temporary, ABOUT.format(version))

    arrow.prepare_once(folder, fill)
    words = from_shards(folder)
    parts = np.full(len(words), "test") if version.startswith("test") else _parts(words, folder)
    words = dataclasses.replace(words, parts=apart(words.speakers, parts))
    if n_classes == 12 and SILENCE not in words.class_names:
        noise = folder / "noise"
        return twelve_classes(words, backgrounds(noise) if noise.is_dir() else {}, seed=seed)
    if n_classes not in (None, len(words.class_names)):
        choice = f"{len(words.class_names)} or 12"
        raise EarshotError(f"Speech Commands {version} has {choice} classes, not {n_classes}.")
    return words


def _prepare(archive: Path, folder: Path, about: str) -> None:
    """Read an archive into shards; lists and noises are files beside them."""
    problems: dict[str, list[str]] = {"unreadable": []}
    rows = _rows(archive, folder, problems["unreadable"])
    arrow.write(rows, folder, None, SAMPLE_RATE, about)
    if problems["unreadable"]:
        warnings.warn(f"{archive.name}: {told(problems)}", EarshotWarning, stacklevel=5)


def _rows(archive: Path, folder: Path, unreadable: list[str]) -> Iterator[arrow.Row]:
    """Give the clips of an archive; what belongs beside them is written at once."""
    for name, data in archives.members(archive):
        path = PurePosixPath(name)
        if path.name in LISTS:
            (folder / path.name).write_bytes(data)
        elif path.suffix != ".wav" or path.name.startswith("."):  # as macOS leaves in the zip
            continue
        elif path.parent.name == NOISE:
            (folder / "noise").mkdir(exist_ok=True)
            (folder / "noise" / path.name).write_bytes(data)
        else:
            word = path.parent.name
            source = f"{word}/{path.name}"
            try:
                x = decoded(data, SAMPLE_RATE, source)
            except EarshotError as error:
                unreadable.append(str(error).rstrip("."))
                continue
            (speaker,) = speakers_of([path], SPEAKER)
            yield x, word.strip("_"), speaker, source, ""


def _parts(words: WordSet, folder: Path) -> Array:
    """Give the part of each clip by the official lists, or by the rule behind them."""
    sources = np.asarray(words.sources)
    if not any((folder / name).is_file() for name in LISTS):
        return np.array([part_of(source) for source in sources])
    parts = np.full(len(words), "train", "U10")
    for name, part in LISTS.items():
        if (folder / name).is_file():
            listed = (folder / name).read_text(encoding="utf-8").split()
            parts[np.isin(sources, listed)] = part
    return parts


def part_of(source: str) -> str:
    """Give the part that a clip belongs to, by its speaker: the rule of the data set's README."""
    speaker = PurePosixPath(source).name.partition("_nohash_")[0]
    digest = int(hashlib.sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16)
    percent = digest % (MOST_HASHES + 1) * 100 / MOST_HASHES
    return "validation" if percent < PERCENT else "test" if percent < 2 * PERCENT else "train"


def apart(speakers: Array, parts: Array) -> Array:
    """Take clips out of the parts so that nobody speaks in two: who tests, never trains.

    Their part is "" then, and a warning counts them. Speakers whom nobody knows stay.
    """
    parts = parts.copy()
    for part, others in (("test", ("train", "validation")), ("validation", ("train",))):
        heard = np.unique(speakers[parts == part])
        both = np.isin(speakers, heard[heard != UNKNOWN]) & np.isin(parts, others)
        if both.any():
            warnings.warn(
                f"{np.count_nonzero(both):,} clips belong to no part: their speakers are in "
                f"{part!r}, too.", EarshotWarning, stacklevel=3,
            )  # fmt: skip
            parts[both] = ""
    return parts


def twelve_classes(
    words: WordSet, noises: dict[str, Array], *, share: float = SHARE, seed: int = 0
) -> WordSet:
    """Make the task of twelve classes: ten commands, "unknown" and "silence", in every part.

    As in the paper and TensorFlow's ``speech_commands`` example: of the other words, as many clips
    as a ``share`` of the commands' clips; and as many seconds of silence, each from a random place
    of one of the noises, at a random loudness from none to all of it.
    """
    rng = np.random.default_rng(seed)
    if missing := [word for word in COMMANDS if word not in words.class_names]:
        raise EarshotError(f"The twelve classes need all commands: {some(missing)} is missing.")
    long_enough = {name: x for name, x in noises.items() if len(x) > words.sample_rate}
    if not long_enough:
        raise EarshotError("Silence is made from recordings of noise, and there are none: give it.")
    class_names = (*COMMANDS, UNKNOWN, SILENCE)
    renumber = np.array([
        class_names.index(word if word in COMMANDS else UNKNOWN) for word in words.class_names
    ])  # fmt: skip
    labels = renumber[words.labels]
    known = labels < len(COMMANDS)
    chosen, silent = [np.flatnonzero(known)], []
    for part in np.unique(words.parts):
        inside = words.parts == part
        n = math.ceil(share * np.count_nonzero(known & inside))
        others = np.flatnonzero(~known & inside)
        chosen.append(rng.choice(others, min(n, len(others)), replace=False))
        silent += [str(part)] * n
    rows = np.sort(np.concatenate(chosen))
    kept = dataclasses.replace(words.subset(rows), labels=labels[rows], class_names=class_names)
    return kept.joined(_silence(long_enough, silent, words.sample_rate, rng))


def _silence(
    noises: dict[str, Array], parts: Sequence[str], sample_rate: int, rng: np.random.Generator
) -> WordSet:
    """Make a second of silence for each part that is named."""
    places = []
    for name in rng.choice([*noises], len(parts)):
        begin = int(rng.integers(len(noises[name]) - sample_rate))
        places.append((str(name), begin, np.float32(rng.uniform())))

    def sound(place: tuple[str, int, Any]) -> Array:
        name, begin, loudness = place
        return loudness * noises[name][begin : begin + sample_rate]

    sources = [f"{name} from {begin / sample_rate:.2f} s" for name, begin, _ in places]
    return WordSet(
        Lazy([places]).mapped(sound), np.zeros(len(parts), int), (SILENCE,),
        np.full(len(parts), UNKNOWN), np.array(sources, np.str_), sample_rate,
        parts=np.array(parts, np.str_),
    )  # fmt: skip
