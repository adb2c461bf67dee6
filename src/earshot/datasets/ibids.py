"""The Dutch brain-recording data set SingleWordProductionDutch-iBIDS: its sounds and words.

Ten people read a hundred Dutch words aloud, each shown for two seconds, while their brains were
recorded with electrodes. Here only the microphone and the words are used.

Verwoert, M., Ottenhoff, M. C., Goulis, S. and others (2022), "Dataset of speech production in
intracranial electroencephalography", Scientific Data 9, 434, doi:10.1038/s41597-022-01542-9.

>>> NAME  # the folder in data/ of which from_ibids makes a WordSet
'SingleWordProductionDutch-iBIDS'
"""

import csv
import dataclasses
import itertools
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot import audio, files
from earshot.datasets import downloads, espeak
from earshot.datasets.folders import from_folder
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, listed
from earshot.segmentation import clips, label_tracks
from earshot.segmentation.segments import Segment
from earshot.types import Array, PathLike

__all__ = ["ABOUT", "NAME", "URL", "from_ibids", "obtain", "prepare", "read_subject",
           "stand_in"]  # fmt: skip

NAME = "SingleWordProductionDutch-iBIDS"
URL = "https://osf.io/download/g6q5m"  # a part of osf.io/nrgx6
ABOUT = (
    "SingleWordProductionDutch-iBIDS, M. Verwoert, M. C. Ottenhoff, S. Goulis and others, "
    "Scientific Data 9, 434 (2022), doi:10.1038/s41597-022-01542-9"
)
SAMPLE_RATE = 16000  # in Hz, of the sounds that are taken out
EXAMPLES = ("appel", "fiets")  # Dutch: apple, bicycle
LATE_S = 1.0  # a word is begun while it is shown, or at most so much later


def obtain(data_dir: PathLike = "data") -> Path:
    """Give the data set's folder in ``data_dir``: what is there, else its zip, else a download.

    When it is nowhere to be had, an :class:`EarshotError` says how to put it there by hand.
    """
    folder = Path(data_dir) / NAME
    if not folder.is_dir():
        archive = Path(data_dir) / f"{NAME}.zip"
        try:
            downloads.fetch(URL, archive)
        except EarshotError as error:
            raise EarshotError(f"{error} By hand: get {URL} and save it as {archive}.") from error
        downloads.unzip(archive, folder)
    inside = sorted(folder.rglob("participants.tsv"))
    if inside:
        return inside[0].parent
    raise EarshotError(f"{folder} has no participants.tsv, so is not {NAME}: move it away.")


def from_ibids(folder: PathLike, data_dir: PathLike = "data") -> WordSet:
    """Give the words of the data set in a folder, cut by :func:`prepare`, at 16 kHz."""
    subjects = prepare(folder, data_dir)
    words = from_folder(Path(data_dir) / "words", sample_rate=SAMPLE_RATE)
    words = words.subset(np.isin(words.speakers, list(subjects)))
    return dataclasses.replace(words, about=ABOUT)


def stand_in(words: Sequence[str] = EXAMPLES) -> WordSet:
    """Give Dutch words by two synthetic voices, for where the data set is not; nothing is kept."""
    voices = ("nl", "nl+f3")
    clips = [
        (espeak.say(word, voice=voice, sample_rate=SAMPLE_RATE)[0], label, voice, f"{word}/{voice}")
        for voice in voices
        for label, word in enumerate(words)
    ]
    waveforms, labels, speakers, sources = zip(*clips, strict=True)
    about = "synthetic speech: eSpeak NG voices, not people, in the place of Dutch speakers"
    return WordSet(
        list(waveforms), np.array(labels), tuple(words), np.array(speakers), np.array(sources),
        SAMPLE_RATE, about,
    )  # fmt: skip


def prepare(folder: PathLike, data_dir: PathLike = "data") -> dict[str, list[Segment]]:
    """Take sounds and words out of all subjects, and cut them into clips.

    Writes ``uncut_audios_dir/<subject>/audio.wav`` (16 kHz), ``words.txt`` and ``stimulus.txt`` (a
    label track of when each word was shown), then ``words/<word>/<subject>_<number>.wav``. What is
    there is kept; a subject that cannot be read is left out with a warning.
    """
    folder, done, problems = Path(folder), {}, []
    for subject in tqdm(_subjects(folder), desc="subjects", delay=1):
        place = Path(data_dir) / "uncut_audios_dir" / subject
        try:
            if not (place / "stimulus.txt").is_file():
                _take_out(folder, subject, place)
            shown = label_tracks.read(place / "stimulus.txt")
            words, target = [segment.word for segment in shown], Path(data_dir) / "words"
            onsets_s = [(segment.start_s, segment.end_s + LATE_S) for segment in shown]
            done[subject] = clips.cut_recording(
                place / "audio.wav", words, target, who=subject, onsets_s=onsets_s
            )
        except EarshotError as error:
            problems.append(str(error))
    if not done:
        raise EarshotError(f"No subject of {folder} could be read. {listed(problems)}")
    if problems:
        warnings.warn(f"Left out: {listed(problems)}", EarshotWarning, stacklevel=2)
    return done


def _subjects(folder):
    table = folder / "participants.tsv"
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t")
            subjects = [row["participant_id"].strip() for row in rows]
    except FileNotFoundError as error:
        raise EarshotError(f"There is no {table}: name the folder of {NAME}.") from error
    except (KeyError, AttributeError, UnicodeDecodeError, csv.Error) as error:
        raise EarshotError(f"{table} is no table of participants: unpack it again.") from error
    if not subjects:
        raise EarshotError(f"{table} lists no participants: unpack it again.")
    if strange := [name for name in subjects if not re.fullmatch(r"[\w-]+", name)]:
        raise EarshotError(f"{table} names {strange[0]!r}, no participant: unpack it again.")
    return subjects


def _take_out(folder, subject, place):
    path = folder / subject / "ieeg" / f"{subject}_task-wordProduction_ieeg.nwb"
    x, sample_rate, shown = read_subject(path)
    x = np.clip(audio.resample(x, sample_rate, SAMPLE_RATE), -1, 1)
    if not (place / "audio.wav").is_file():
        audio.write(place / "audio.wav", x, SAMPLE_RATE)
    with files.atomic_path(place / "words.txt") as temporary:
        temporary.write_text("".join(f"{s.word}\n" for s in shown), encoding="utf-8")
    label_tracks.write(place / "stimulus.txt", shown)  # the last one: it says that all is there


def read_subject(path: PathLike) -> tuple[Array, int, list[Segment]]:
    """Read a subject's waveform (peak 1 at most), its rate in Hz, and when each word was shown.

    The file ``sub-XX_task-wordProduction_ieeg.nwb`` has ``acquisition['Audio']`` and
    ``acquisition['Stimulus']`` (the word being shown, a string per sample, empty between).
    """
    path = Path(path)
    if not path.is_file():
        raise EarshotError(f"There is no file {path}: unpack or download the data set again.")
    with warnings.catch_warnings(action="ignore"):  # versions of the schema, cached namespaces
        try:
            from pynwb import NWBHDF5IO
        except ImportError as error:
            needed = f"pynwb, which reads {path.name}, is not installed"
            raise EarshotError(f"{needed}: pip install pynwb.") from error
        try:
            with NWBHDF5IO(path, mode="r") as file:
                acquisition = file.read().acquisition
                if absent := [name for name in ("Audio", "Stimulus") if name not in acquisition]:
                    raise EarshotError(
                        f"{path} has no acquisition {' and no '.join(absent)}: it is another kind "
                        "of recording; take the file of this subject from the data set again."
                    )
                x, sample_rate, start_s = _series(acquisition["Audio"], path)
                words, words_rate, words_start_s = _series(acquisition["Stimulus"], path)
            x = x.astype(np.float32).squeeze()
        except EarshotError:
            raise
        # Foreign bytes: HDF5, hdmf, pynwb and NumPy raise a dozen kinds of errors on them.
        except Exception as error:
            raise EarshotError(
                f"{path} cannot be read as NWB ({error}): unpack or download it again."
            ) from error
    x = x.mean(axis=1) if x.ndim > 1 else x
    x = audio.validate(x / max(float(np.abs(x).max(initial=0)), 1e-9), name=f"Audio of {path}")
    shown = _shown(words, words_rate, words_start_s - start_s)
    if not shown:
        raise EarshotError(f"{path} shows no words in its Stimulus: it cannot be cut.")
    return x, sample_rate, shown


def _series(series, path):
    """Samples, rate in Hz and time of the first in s, from whichever way the series gives them."""
    samples = np.asarray(series.data[:])
    if series.rate is not None:
        rate, start_s = series.rate, float(series.starting_time or 0.0)
    else:
        times_s = series.timestamps[:]
        if len(times_s) < 2 or times_s[-1] <= times_s[0]:
            raise EarshotError(f"{path}: {series.name} has no usable timestamps.")
        rate, start_s = (len(times_s) - 1) / (times_s[-1] - times_s[0]), float(times_s[0])
    if not (0.5 < rate < np.inf and np.isfinite(start_s)):
        raise EarshotError(f"{path}: {series.name} begins at {start_s} s with {rate} Hz: no time.")
    return samples, round(rate), start_s


def _shown(words, rate, start_s):
    """Join equal words that follow each other to segments."""
    words = [(w.decode() if isinstance(w, bytes) else str(w)).strip() for w in words]
    shown, at = [], 0
    for word, run in itertools.groupby(words):
        begin, at = at, at + len(list(run))
        if word:
            shown.append(Segment(*(max(float(start_s + n / rate), 0.0) for n in (begin, at)), word))
    return shown
