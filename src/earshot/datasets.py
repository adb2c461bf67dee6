"""Recordings of words from many places, all as one :class:`WordSet`; speaker-aware splits."""

import collections
import dataclasses
import json
import logging
import mimetypes
import os
import re
import urllib.parse
import warnings
import zipfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot import audio, downloads, espeak, ibids
from earshot.cutting import folder_name, listed
from earshot.errors import EarshotError, EarshotWarning, some

__all__ = [
    "DIGITS",
    "WordSet",
    "folder_name",
    "from_folder",
    "from_ibids",
    "load",
    "pack",
    "spoken_digit",
    "synthetic",
]

log = logging.getLogger(__name__)

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ARCHIVE = "free-spoken-digit-dataset-1.0.9.tar.gz"
ARCHIVE_URL = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.9.tar.gz"
ABOUT_SPOKEN_DIGIT = (
    "Free Spoken Digit Dataset 1.0.9 by Zohar Jackson, César Souza, Jason Flaks, Yuxin Pan, "
    "Hereman Nicolas and Adhish Thite, CC BY-SA 4.0, doi:10.5281/zenodo.1342401"
)


@dataclasses.dataclass(frozen=True, eq=False)
class WordSet:
    """Recordings of single words: what was said, and by whom.

    Parameters
    ----------
    waveforms : list of ndarray of float32, each of shape (samples,)
    labels : ndarray of int, shape (n,)
        Index into ``words`` for each waveform; -1 where nobody knows what is said.
    words : tuple of str
    speakers : ndarray of str, shape (n,)
    sources : ndarray of str, shape (n,)
        File name, or whatever else tells where a waveform came from.
    sample_rate : int
        In Hz, the same for all.
    about : str
        Origin, licence and citation.
    """

    waveforms: list
    labels: np.ndarray
    words: tuple
    speakers: np.ndarray
    sources: np.ndarray
    sample_rate: int
    about: str = ""

    def __post_init__(self):
        labels = np.asarray(self.labels)
        if labels.dtype.kind not in "iu":
            raise EarshotError(
                f"Labels are whole numbers that count the words from 0, not {labels.dtype}."
            )
        if len(set(self.words)) < len(self.words):
            raise EarshotError(f"Every word must be there once: {', '.join(self.words)}.")
        set_field = object.__setattr__
        set_field(self, "labels", labels.astype(np.int64))
        set_field(self, "words", tuple(str(word) for word in self.words))
        set_field(self, "speakers", np.asarray(self.speakers, dtype=np.str_))
        set_field(self, "sources", np.asarray(self.sources, dtype=np.str_))
        clips = [audio.validate(x, f"clip {i}") for i, x in enumerate(self.waveforms)]
        set_field(self, "waveforms", clips)
        lengths = {len(self.waveforms), len(labels), len(self.speakers), len(self.sources)}
        if len(lengths) > 1:
            raise EarshotError(
                "A WordSet needs as many labels, speakers and sources as waveforms, "
                f"not {sorted(lengths)}."
            )
        if len(labels) and not -1 <= labels.min() <= labels.max() < len(self.words):
            raise EarshotError(
                f"Labels run from {labels.min()} to {labels.max()}, but there are "
                f"{len(self.words)} words: labels count from 0."
            )

    def __len__(self):
        return len(self.waveforms)

    def __repr__(self):
        return (
            f"WordSet({len(self):,} clips, {len(self.words)} words, "
            f"{len(np.unique(self.speakers))} speakers, {self.sample_rate:,} Hz)"
        )

    @property
    def durations_s(self):
        """Length of each clip in seconds, shape (n,)."""
        return np.array([len(x) for x in self.waveforms]) / self.sample_rate

    def counts(self):
        """Count the clips of each word, as a dict from word to int."""
        n = np.bincount(self.labels[self.labels >= 0], minlength=len(self.words))
        return {word: int(count) for word, count in zip(self.words, n, strict=True)}

    def subset(self, chosen):
        """Keep some clips.

        Parameters
        ----------
        chosen : array_like
            Indices, or booleans of shape (n,).
        """
        chosen = np.asarray(chosen)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        return dataclasses.replace(
            self,
            waveforms=[self.waveforms[i] for i in chosen],
            labels=self.labels[chosen],
            speakers=self.speakers[chosen],
            sources=self.sources[chosen],
        )

    def only(self, words):
        """Keep the clips of some words, which become the only ones, in the order given."""
        words = (words,) if isinstance(words, str) else words
        strangers = [word for word in words if word not in self.words]
        if strangers:
            raise EarshotError(
                f"{', '.join(strangers)} is no word of this set: choose among {some(self.words)}."
            )
        renumber = np.full(len(self.words) + 1, -1)
        renumber[[self.words.index(word) for word in words]] = np.arange(len(words))
        part = self.subset(renumber[self.labels] >= 0)
        return dataclasses.replace(part, words=words, labels=renumber[part.labels])

    def resampled(self, sample_rate):
        """Give the same clips at another sample rate (Hz)."""
        if sample_rate == self.sample_rate:
            return self
        waveforms = [audio.resample(x, self.sample_rate, sample_rate) for x in self.waveforms]
        return dataclasses.replace(self, waveforms=waveforms, sample_rate=sample_rate)

    def joined(self, other):
        """Add the clips of another set; words that are new come after the known ones."""
        other = other.resampled(self.sample_rate)
        words = self.words + tuple(word for word in other.words if word not in self.words)
        renumber = np.array([words.index(word) for word in other.words], dtype=np.int64)
        return WordSet(
            waveforms=self.waveforms + other.waveforms,
            labels=np.concatenate(
                [self.labels, np.where(other.labels < 0, -1, renumber[other.labels])]
            ),
            words=words,
            speakers=np.concatenate([self.speakers, other.speakers]),
            sources=np.concatenate([self.sources, other.sources]),
            sample_rate=self.sample_rate,
            about="; ".join(
                dict.fromkeys(
                    part for both in (self, other) for part in both.about.split("; ") if part
                )
            ),
        )

    def official_split(self):
        """Split as the Free Spoken Digit Dataset's README says: recordings 0 to 4 are the test.

        The same speakers are on both sides, so that this is the easy test.

        Returns
        -------
        train, test : WordSet
        """
        form = r"[^_/]+_[^_/]+_(\d+)(\.\w+)?$"  # digit_speaker_take
        takes = [re.match(form, source) for source in self.sources]
        if not takes or None in takes:
            raise EarshotError(
                "Only spoken_digit has an official split (its sources end in _0 to _49): "
                "use leave_one_speaker_out() or random_split()."
            )
        test = np.array([int(take[1]) < 5 for take in takes])
        if test.all() or not test.any():
            raise EarshotError("The official split needs recordings 0 to 4 and later ones.")
        return self.subset(~test), self.subset(test)

    def leave_one_speaker_out(self):
        """Go through the speakers: each is the test set once, all others train.

        Yields
        ------
        speaker : str
        train, test : WordSet
        """
        speakers = np.unique(self.speakers)
        if len(speakers) < 2:
            raise EarshotError(
                "Leaving one speaker out needs at least two speakers, and here is "
                f"{len(speakers)}: record somebody else, or use random_split()."
            )
        for speaker in speakers:
            out = self.speakers == speaker
            yield str(speaker), self.subset(~out), self.subset(out)

    def random_split(self, test_fraction=0.2, *, seed=0):
        """Split at random, the same share of every word on both sides.

        Returns
        -------
        train, test : WordSet
        """
        rng = np.random.default_rng(seed)
        test = np.zeros(len(self), dtype=bool)
        for label in range(len(self.words)):
            clips = rng.permutation(np.flatnonzero(self.labels == label))
            test[clips[: round(test_fraction * len(clips))]] = True
        if not test.any() or test.all():
            raise EarshotError(
                f"{len(self)} clips cannot be split with {test_fraction:.0%} for the test: "
                "record more of each word."
            )
        return self.subset(~test), self.subset(test)

    def save(self, path, *, front_end=None):
        """Pack everything into one ``.npz`` file (no pickle inside); see :func:`load`.

        Parameters
        ----------
        path : str or path
        front_end : earshot.spectrogram.LogMel, optional
            With it, the pictures of all clips are packed, too: ``pictures`` (float32) and
            ``stamps`` (the same with 8 bits), shape (n, frames, n_mels), and its settings as JSON
            (``front_end``).
        """
        path, pictures = Path(path), {}
        if front_end is not None:
            clips = self.resampled(front_end.sample_rate).waveforms
            power = front_end.mel_power(clips) if clips else np.zeros((0, *front_end.picture_shape))
            for name, bits in (("pictures", None), ("stamps", 8)):
                form = dataclasses.replace(front_end, bits=bits)
                pictures[name] = form.to_db(power) if clips else power
            pictures["front_end"] = np.array(json.dumps(front_end.to_dict()))
        flat = np.concatenate([*self.waveforms, np.zeros(0, np.float32)])
        whole = np.rint(flat * 32768)
        if np.array_equal(whole, flat * 32768) and np.abs(whole).max(initial=0) < 32768:
            flat = whole.astype(np.int16)
        with audio.atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                waveforms=flat,
                lengths=np.array([len(x) for x in self.waveforms], dtype=np.int64),
                labels=self.labels,
                words=np.array(self.words, dtype=np.str_),
                speakers=self.speakers,
                sources=self.sources,
                sample_rate=np.int64(self.sample_rate),
                about=np.array(self.about),
                **pictures,
            )

    def save_folder(self, folder):
        """Write ``<word>/<speaker>_<number>.wav`` for every clip; nothing is overwritten.

        Returns
        -------
        int
            The number of files written; clips whose file exists already are left alone.
        """
        written, numbers = 0, collections.Counter()
        for x, label, speaker in zip(self.waveforms, self.labels, self.speakers, strict=True):
            if label < 0:
                continue
            name = f"{folder_name(str(speaker))}_{numbers[label, speaker]}.wav"
            numbers[label, speaker] += 1
            path = Path(folder) / folder_name(self.words[label]) / name
            if not path.exists():
                audio.write(path, x, self.sample_rate)
                written += 1
        return written


def load(path):
    """Read a :class:`WordSet` that was packed by :meth:`WordSet.save`.

    Raises
    ------
    EarshotError
        When the file is missing, damaged, or was not made by ``save``.
    """
    path = Path(path)
    if not path.is_file():
        raise EarshotError(f"There is no file {path}: make it with WordSet.save.")
    try:
        with np.load(path, allow_pickle=False) as packed:
            flat, lengths = packed["waveforms"], packed["lengths"]
            if lengths.sum() != len(flat):
                raise ValueError("the lengths do not add up")
            if flat.dtype == np.int16:
                flat = flat.astype(np.float32) / 32768
            return WordSet(
                waveforms=np.split(flat, np.cumsum(lengths)[:-1]) if len(lengths) else [],
                labels=packed["labels"],
                words=tuple(packed["words"].tolist()),
                speakers=packed["speakers"],
                sources=packed["sources"],
                sample_rate=int(packed["sample_rate"]),
                about=str(packed["about"]),
            )
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, EarshotError) as error:
        raise EarshotError(
            f"{path} is not a packed WordSet or is damaged ({error}): delete it and pack it again."
        ) from error


def from_folder(folder, *, sample_rate=None, speaker_of=None):
    """Read a folder with one sub-folder per word.

    Parameters
    ----------
    folder : str or path
        Sub-folders are the words (sorted); the recordings in them may be of any kind that
        libsndfile reads, any sample rate and any number of channels. Names that start with a dot
        or an underscore are left alone.
    sample_rate : int, optional
        In Hz, of the result. Default: the rate that most of the files have.
    speaker_of : callable, optional
        Gets the path of a file and says who speaks. Default: the file's name without the word,
        take number and ending, so that ``cat/anna_2.wav`` is anna.

    Raises
    ------
    EarshotError
        When the folder is missing or holds fewer than two words with recordings.

    Warns
    -----
    EarshotWarning
        With a count and the names, when files or empty sub-folders were skipped.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise EarshotError(f"There is no folder {folder}: make it, with one sub-folder per word.")
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name[0] not in "._")
    files = [
        (name, path)
        for name in names
        for path in sorted((folder / name).iterdir())
        if path.name[0] != "."
    ]
    paths = [(name, path) for name, path in files if path.suffix.lower() in audio.SUFFIXES]
    clips = []
    skipped = [
        f"{path} is of a kind that cannot be read: save it as WAV."
        for name, path in files
        if path.suffix.lower() not in audio.SUFFIXES
        and (mimetypes.guess_type(path.name)[0] or "").startswith(("audio/", "video/"))
    ]
    for name, path in tqdm(paths, desc=f"reading {folder.name}", unit="clip", delay=1):
        try:
            clips.append((name, path, *audio.read(path)))
        except EarshotError as error:
            skipped.append(str(error))
    full = {name for name, *_ in clips}
    skipped += [f"{folder / name} has no recordings." for name in names if name not in full]
    if len(full) < 2:
        raise EarshotError(
            f"{folder} holds recordings of {len(full)} word{'s' * (len(full) != 1)}, and at least "
            f"2 are needed: give each word a sub-folder with recordings in it. {listed(skipped)}"
        )
    if skipped:
        warnings.warn(f"Skipped {listed(skipped)}", EarshotWarning, stacklevel=2)
    if sample_rate is None:
        sample_rate = collections.Counter(rate for *_, rate in clips).most_common(1)[0][0]
    names = [name for name in names if name in full]
    return WordSet(
        waveforms=[audio.resample(x, rate, sample_rate) for *_, x, rate in clips],
        labels=np.array([names.index(name) for name, *_ in clips], dtype=np.int64),
        words=tuple(urllib.parse.unquote(name) for name in names),
        speakers=[(speaker_of or _speaker_of)(path) for _, path, *_ in clips],
        sources=[f"{name}/{path.name}" for name, path, *_ in clips],
        sample_rate=sample_rate,
        about=f"recordings in the folder {folder.name}",
    )


def _speaker_of(path):
    if "_nohash_" in path.stem:  # the form of Speech Commands
        return path.stem.split("_nohash_")[0]
    stem = re.sub(r"(^|[ _-])\d+$", "", path.stem.removeprefix(f"{path.parent.name}_"))
    stem = re.sub(r"^\d+[ _-]", "", stem)
    return "unknown" if stem in ("", path.parent.name) else stem


def pack(data_dir, name, *, front_end, test_speakers=()):
    """Pack a folder of words with its pictures: ``<name>.npz``, and ``<name>-test.npz``.

    Parameters
    ----------
    data_dir : str or path
    name : str
        Of the set, and of its folder in ``data_dir``.
    front_end : earshot.spectrogram.LogMel
        How the pictures are made; it needs ``n_samples``.
    test_speakers : sequence of str
        Their clips go into the test file alone. So do recordings that lie loose in the folder
        ``<name>-test``: nobody knows what is said in them, their label is -1, and their source is
        the file's name.

    Returns
    -------
    train, test : WordSet
    """
    data_dir = Path(data_dir)
    words = from_folder(data_dir / name, speaker_of=_cut_from)
    strangers = sorted(set(test_speakers) - set(words.speakers))
    if strangers:
        raise EarshotError(
            f"{', '.join(strangers)} speaks nowhere in {data_dir / name}: the speakers are "
            f"{', '.join(np.unique(words.speakers))}."
        )
    held_out = np.isin(words.speakers, list(test_speakers))
    train, test = words.subset(~held_out), words.subset(held_out)
    loose, skipped = [], []
    for path in sorted((data_dir / f"{name}-test").glob("*")):
        if path.suffix.lower() in audio.SUFFIXES:
            try:
                loose.append((path.name, audio.read(path, words.sample_rate)[0]))
            except EarshotError as error:
                skipped.append(str(error))
    if skipped:
        warnings.warn(f"Skipped {listed(skipped)}", EarshotWarning, stacklevel=2)
    test = dataclasses.replace(
        test,
        waveforms=test.waveforms + [x for _, x in loose],
        labels=np.append(test.labels, np.full(len(loose), -1, np.int64)),
        speakers=np.append(test.speakers, ["unknown"] * len(loose)),
        sources=np.append(test.sources, [source for source, _ in loose]),
    )
    train.save(data_dir / f"{name}.npz", front_end=front_end)
    test.save(data_dir / f"{name}-test.npz", front_end=front_end)
    return train, test


def from_ibids(folder, data_dir="data"):
    """Give the words of the Dutch data set, cut from its recordings; see :mod:`earshot.ibids`.

    Parameters
    ----------
    folder : str or path
        The folder of the data set.
    data_dir : str or path
        Gets the sounds, uncut and cut.

    Returns
    -------
    WordSet
        The clips of these subjects, 16 kHz.
    """
    subjects = ibids.prepare(folder, data_dir)
    words = from_folder(
        Path(data_dir) / "words", sample_rate=ibids.SAMPLE_RATE, speaker_of=_cut_from
    )
    words = words.subset(np.isin(words.speakers, list(subjects)))
    return dataclasses.replace(words, about=ibids.ABOUT)


def _cut_from(path):
    """Who speaks in a clip that was cut by :mod:`earshot.cutting`."""
    return urllib.parse.unquote(re.sub(r"_\d+$", "", path.stem))


def synthetic(
    words=DIGITS, *, n_voices=5, n_takes=20, sample_rate=8000, accents=True, seed=0
):  # fmt: skip
    """Let many voices of eSpeak NG say words.

    Parameters
    ----------
    words : sequence of str
        English words.
    n_voices, n_takes : int
        Each voice, a vocal tract with a pitch and perhaps a foreign accent, says every word
        ``n_takes`` times, at different speeds.
    sample_rate : int
        In Hz.
    accents : bool
        Whether half of the voices speak with the sounds of another language.
    seed : int

    Returns
    -------
    WordSet
    """
    words = (words,) if isinstance(words, str) else words
    rng = np.random.default_rng(seed)
    tracts = {v for v in espeak.variants() if v.isalnum() and v not in _ODD_VARIANTS}
    tracts = sorted(tracts | _INSTEAD.keys())
    waveforms, labels, speakers, sources = [], [], [], []
    for voice_index in tqdm(range(n_voices), desc="speaking", unit="voice", delay=1):
        foreign = accents and voice_index % 2 == 1
        language = str(rng.choice(_FOREIGN if foreign else _ENGLISH))
        tract = str(rng.choice(tracts))
        voice = f"{language}+{_INSTEAD.get(tract, tract)}"
        pitch, pitch_range = int(rng.integers(15, 76)), int(rng.integers(10, 81))
        speaker = f"{voice.replace('+', '-')}-{voice_index}"
        for take in range(n_takes):
            speed_wpm = int(rng.integers(90, 201))
            for label, word in enumerate(words):
                try:
                    x, _ = espeak.say(
                        espeak.phonemes(word) if foreign else word, voice=voice,
                        speed_wpm=speed_wpm, pitch=pitch, pitch_range=pitch_range,
                        sample_rate=sample_rate, seed=seed + take,
                    )  # fmt: skip
                except EarshotError:
                    if not foreign:
                        raise
                    continue  # this voice has no such sounds
                loud = np.flatnonzero(np.abs(x) > 0.01 * np.abs(x).max(initial=0))
                if len(loud) < 0.05 * sample_rate:
                    continue  # or nearly none
                waveforms.append(x[loud[0] : loud[-1] + 1])
                labels.append(label)
                speakers.append(speaker)
                sources.append(f"{word}_{speaker}_{take}.wav")
    about = "synthetic speech: eSpeak NG voices, not people"
    return WordSet(waveforms, np.array(labels), words, speakers, sources, sample_rate, about)


_ENGLISH = ("en-us", "en", "en-gb-scotland", "en-029", "en-gb-x-rp", "en-us-nyc")
_FOREIGN = ("de", "fr", "nl", "es", "it", "el", "pt", "pl", "sv", "ru", "hi", "fi", "da", "tr")
_INSTEAD = {"rob": "robert"}
"""Of a voice that crashes: so that a seed goes on giving the voices that it gave before."""
_ODD_VARIANTS = frozenset(
    {"whisper", "whisperf", "Demonic", "UniRobot", "Tweaky", "fast", "kaukovalta", "anikaRobot"}
    | {f"robosoft{i}" for i in ("", *range(2, 9))}
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
        words=DIGITS,
        speakers=[names[i].split("_")[1] for i in order],
        sources=[names[i] for i in order],
        sample_rate=8000,
        about=ABOUT_SPOKEN_DIGIT,
    )
