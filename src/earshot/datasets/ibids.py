"""The Dutch brain-recording data set SingleWordProductionDutch-iBIDS: its sounds and words.

Ten people read a hundred Dutch words aloud, each shown for two seconds, while their brains were
recorded with electrodes. Here only the microphone and the words are used.

Verwoert, M., Ottenhoff, M. C., Goulis, S. and others (2022), "Dataset of speech production in
intracranial electroencephalography", Scientific Data 9, 434, doi:10.1038/s41597-022-01542-9.
"""

import csv
import dataclasses
import itertools
import logging
import warnings
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot import audio, files
from earshot.datasets import downloads
from earshot.datasets.folders import from_folder
from earshot.datasets.packed import cut_from
from earshot.errors import EarshotError, EarshotWarning, listed
from earshot.segmentation import clips, label_tracks
from earshot.segmentation.segments import Segment

__all__ = ["ABOUT", "NAME", "URL", "from_ibids", "obtain", "prepare", "read_subject"]

log = logging.getLogger(__name__)
NAME = "SingleWordProductionDutch-iBIDS"
URL = "https://osf.io/download/g6q5m"
"""A part of osf.io/nrgx6."""
ABOUT = (
    "SingleWordProductionDutch-iBIDS, M. Verwoert, M. C. Ottenhoff, S. Goulis and others, "
    "Scientific Data 9, 434 (2022), doi:10.1038/s41597-022-01542-9"
)
SAMPLE_RATE = 16000
LATE_S = 1.0
"""A word is begun while it is shown, or at most so much later."""


def obtain(data_dir="data"):
    """Give the folder of the data set: what is there, else the zip beside it, else the network.

    Parameters
    ----------
    data_dir : str or path
        Holds, or gets, the folder ``SingleWordProductionDutch-iBIDS`` or the archive
        ``SingleWordProductionDutch-iBIDS.zip``.

    Returns
    -------
    Path

    Raises
    ------
    EarshotError
        When it is nowhere to be had; the message says how to put it there by hand.
    """
    folder = Path(data_dir) / NAME
    if not folder.is_dir():
        archive = Path(data_dir) / f"{NAME}.zip"
        try:
            downloads.fetch(URL, archive)
        except EarshotError as error:
            raise EarshotError(
                f"{error} By hand: get {URL} (osf.io/nrgx6) and save it as {archive}."
            ) from error
        downloads.unzip(archive, folder)
    inside = sorted(folder.rglob("participants.tsv"))
    if not inside:
        raise EarshotError(
            f"{folder} has no participants.tsv: it is not {NAME}; move it away and run this again."
        )
    return inside[0].parent


def prepare(folder, data_dir="data"):
    """Take sounds and words out of all subjects, and cut them into clips.

    Writes ``uncut_audios_dir/<subject>/audio.wav`` (16 kHz), ``words.txt`` and ``stimulus.txt`` (a
    label track of when each word was shown), then ``words/<word>/<subject>.wav``. What is there
    already is kept, so that a second run changes nothing.

    Parameters
    ----------
    folder : str or path
        With ``participants.tsv`` and a folder for each subject.
    data_dir : str or path

    Returns
    -------
    dict
        From each subject to its list of Segment.

    Raises
    ------
    EarshotError
        When the folder is not the data set, or no subject can be read.

    Warns
    -----
    EarshotWarning
        With the names, when subjects could not be read; the others are.
    """
    data_dir, done, problems = Path(data_dir), {}, []
    for subject in tqdm(_subjects(Path(folder)), desc="subjects", delay=1):
        place = data_dir / "uncut_audios_dir" / subject
        try:
            if not (place / "stimulus.txt").is_file():
                _uncut(Path(folder), subject, place)
            shown = label_tracks.read(place / "stimulus.txt")
            done[subject] = clips.cut_recording(
                place / "audio.wav",
                [segment.word for segment in shown],
                data_dir / "words",
                who=subject,
                onsets_s=[(segment.start_s, segment.end_s + LATE_S) for segment in shown],
            )
        except EarshotError as error:
            problems.append(str(error))
    if not done:
        raise EarshotError(f"No subject of {folder} could be read. {listed(problems)}")
    if problems:
        warnings.warn(f"Left out: {listed(problems)}", EarshotWarning, stacklevel=2)
    return done


def read_subject(path):
    """Read the sound and the words shown from one subject's file.

    Parameters
    ----------
    path : str or path
        ``sub-XX_task-wordProduction_ieeg.nwb``, with ``acquisition['Audio']`` and
        ``acquisition['Stimulus']`` (the word being shown, a string per sample, empty between).

    Returns
    -------
    x : ndarray of float32, shape (samples,)
        Peak 1 at most.
    sample_rate : int
        In Hz.
    shown : list of Segment
        When each word was shown.

    Raises
    ------
    EarshotError
        When the file is missing, damaged, or has no sound or no words.
    """
    path = Path(path)
    if not path.is_file():
        raise EarshotError(f"There is no file {path}: unpack or download the data set again.")
    with warnings.catch_warnings(action="ignore"):  # versions of the schema, cached namespaces
        from pynwb import NWBHDF5IO

        try:
            with NWBHDF5IO(path, mode="r") as file:
                acquisition = file.read().acquisition
                absent = [name for name in ("Audio", "Stimulus") if name not in acquisition]
                if absent:
                    raise EarshotError(
                        f"{path} has no acquisition {' and no '.join(absent)}: it is another kind "
                        "of recording; take the file of this subject from the data set again."
                    )
                sound, words = acquisition["Audio"], acquisition["Stimulus"]
                x = np.asarray(sound.data[:], np.float32).squeeze()
                stimulus = [w.decode() if isinstance(w, bytes) else str(w) for w in words.data[:]]
                sample_rate, sound_start_s = _clock(sound, path)
                words_rate, words_start_s = _clock(words, path)
        except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise EarshotError(
                f"{path} cannot be read as NWB ({error}): unpack or download it again."
            ) from error
    if x.ndim > 1:
        x = x.mean(axis=1)
    x = audio.validate(x / max(float(np.abs(x).max(initial=0)), 1e-9), name=f"Audio of {path}")
    shown, at = [], 0
    for word, run in itertools.groupby(word.strip() for word in stimulus):
        begin, at = at, at + len(list(run))
        if word:
            times_s = (words_start_s - sound_start_s + n / words_rate for n in (begin, at))
            shown.append(Segment(*(max(float(t), 0.0) for t in times_s), word))
    if not shown:
        raise EarshotError(f"{path} shows no words in its Stimulus: it cannot be cut.")
    return x, sample_rate, shown


def _clock(series, path):
    """Rate in Hz and time of the first sample in s, from whichever way the series gives them."""
    if series.rate is not None:
        return round(series.rate), float(series.starting_time or 0.0)
    times_s = series.timestamps[:]
    if len(times_s) < 2 or times_s[-1] <= times_s[0]:
        raise EarshotError(f"{path}: {series.name} has no usable timestamps.")
    return round((len(times_s) - 1) / (times_s[-1] - times_s[0])), float(times_s[0])


def _subjects(folder):
    table = folder / "participants.tsv"
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        subjects = [row["participant_id"].strip() for row in rows]
    except FileNotFoundError as error:
        raise EarshotError(f"There is no {table}: name the folder of {NAME}.") from error
    except (KeyError, AttributeError, UnicodeDecodeError, csv.Error) as error:
        raise EarshotError(f"{table} is no table of participants: unpack it again.") from error
    if not subjects:
        raise EarshotError(f"{table} lists no participants: unpack it again.")
    return subjects


def _uncut(folder, subject, place):
    path = folder / subject / "ieeg" / f"{subject}_task-wordProduction_ieeg.nwb"
    x, sample_rate, shown = read_subject(path)
    log.info("%s: %d words in %.0f s", subject, len(shown), len(x) / sample_rate)
    x = np.clip(audio.resample(x, sample_rate, SAMPLE_RATE), -1, 1)
    if not (place / "audio.wav").is_file():
        audio.write(place / "audio.wav", x, SAMPLE_RATE)
    with files.atomic_path(place / "words.txt") as temporary:
        temporary.write_text("".join(f"{s.word}\n" for s in shown), encoding="utf-8")
    label_tracks.write(place / "stimulus.txt", shown)  # the last one: it says that all is there


def from_ibids(folder, data_dir="data"):
    """Give the words of the Dutch data set, cut from its recordings; see :mod:`earshot.datasets.ibids`.

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
    subjects = prepare(folder, data_dir)
    words = from_folder(Path(data_dir) / "words", sample_rate=SAMPLE_RATE, speaker_of=cut_from)
    words = words.subset(np.isin(words.speakers, list(subjects)))
    return dataclasses.replace(words, about=ABOUT)
