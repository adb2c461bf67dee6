"""Long recordings on disk to folders with one sub-folder per word.

>>> import tempfile
>>> x = 0.001 * np.random.default_rng(0).standard_normal(24000)
>>> x[8000:12000] *= 100
>>> with tempfile.TemporaryDirectory() as folder:
...     audio.write(f"{folder}/animals_anna.wav", x, 8000)
...     cuts = cut_set(folder, "animals", ["cat"])
...     [path.name for path in Path(folder, "animals", "cat").iterdir()]
['anna_0.wav']
"""

import glob
import hashlib
import json
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from earshot import audio, files
from earshot.errors import EarshotError, EarshotWarning, listed
from earshot.segmentation import label_tracks
from earshot.segmentation.alignment import align_words
from earshot.segmentation.segments import Segment
from earshot.types import PathLike

__all__ = ["clips_of", "cut_recording", "cut_set"]

PEAK = 0.9  # loudest sample of a recording's clips: all are changed by the same factor
SHORTEST_S = 0.01  # what a label track puts at less than this is a mistake


def cut_set(data_dir: PathLike, name: str, words: Sequence[str]) -> dict[Path, list[Segment]]:
    """Cut every recording ``<data_dir>/<name>_<who>.*`` of the words of a set, said in order.

    For ``animals``, ``animals_anna.wav`` is cut into ``animals/<word>/anna_0.wav``. Where there is
    a folder ``animals_wild``, too, ``animals_wild_anna.wav`` is of that set: the longest name
    counts. While there is none, a warning tells that it was taken for a speaker ``wild_anna``.

    Gives the segments by path. Having no recording raises :class:`EarshotError`; those that fail
    are warned of.
    """
    data_dir = Path(data_dir)
    folder, done, problems, doubts = data_dir / name, {}, [], []
    try:
        paths = sorted(data_dir.glob(f"{glob.escape(name)}_*"))
        longer = tuple(f"{path.name}_" for path in paths if path.is_dir())
    except OSError as error:
        raise files.unwritable(data_dir, error) from error
    paths = [path for path in paths if path.suffix.lower() in files.RECORDINGS]
    if all(path.stem.startswith(longer) for path in paths):
        missing = f"There is no recording {folder}_<who>.wav (or .flac, .ogg, .mp3)"
        way_out = f"record the words in order ({', '.join(words)}) and save them under such a name."
        raise EarshotError(f"{missing}: {way_out}")
    for path in tqdm(paths, desc=f"cutting {name}", unit="recording", delay=1):
        who, is_other = path.stem.removeprefix(f"{name}_"), path.stem.startswith(longer)
        try:
            was_cut = _note_of(path, folder, who).exists()
            if "_" in who and is_other == was_cut:  # another set's, cut before, or perhaps, now
                doubts.append(f"{path.name} as {who} saying {name}.")
            if not is_other:
                done[path] = cut_recording(path, words, folder, who=who)
        except OSError as error:
            problems.append(str(files.unwritable(folder, error)))
        except EarshotError as error:
            problems.append(str(error))
    if doubts:
        way_out = f"What is of another set: delete its clips in {folder}, and cut that set first."
        warnings.warn(f"Taken were {listed(doubts)} {way_out}", EarshotWarning, stacklevel=2)
    if problems:
        warnings.warn(f"Not cut: {listed(problems)}", EarshotWarning, stacklevel=2)
    return done


def cut_recording(
    path: PathLike, words: Sequence[str], folder: PathLike, *, who: str, onsets_s: Any = None
) -> list[Segment]:
    """Cut one recording into ``<folder>/<word>/<who>_0.wav``; said again, ``_1.wav``.

    A label track beside the recording is taken as it is (see
    :mod:`earshot.segmentation.label_tracks`), else :func:`align_words` looks for the words, at
    ``onsets_s`` if given. The recording may be hours long. All clips are made
    louder or softer by the same factor, so that the peak of the recording is 0.9.

    What was cut is noted in ``<folder>/_cuts/``. Cutting again changes nothing; when the label
    track or the recording has changed, clips that are no longer right are moved to
    ``<folder>/_replaced/``, with a warning if the track of a changed recording is the old one.
    Files that come from elsewhere are never touched. ``who`` is the speaker's name.
    """
    path, folder = Path(path), Path(folder)
    track, note = label_tracks.beside(path), _note_of(path, folder, who)
    if track.is_file():
        segments = _labelled(path)
    else:
        segments = [segment for _, segment in align_words(path, words, onsets_s=onsets_s)]
    cuts = list(dict.fromkeys((round(s.start_s, 4), round(s.end_s, 4), s.word) for s in segments))
    try:
        with path.open("rb") as file:
            sound = hashlib.file_digest(file, "sha256").hexdigest()
        noted, names = _read_note(note, who)
        for place in {note.parent, *(_inside(folder, name).parent for name in names.values())}:
            files.tidy(place)
        changed = noted not in ("", sound)
        if changed and track.is_file() and {*cuts} == {*names}:
            same = f"{path} has changed since it was cut, and its label track {track.name} has not"
            way_out = "Look at its clips, or delete the track to have the words found anew."
            warnings.warn(f"{same}. {way_out}", EarshotWarning, stacklevel=2)
        if (noted, list(names)) != (sound, cuts):
            kept = {} if changed else {cut: names[cut] for cut in cuts if cut in names}
            for name in {*names.values()} - {*kept.values()}:
                _put_aside(folder, name, who)
            names = _named(cuts, kept, {*names.values()}, folder, who)
            with files.atomic_path(note) as temporary:
                content = {"recording": sound, "cuts": [[*cut, names[cut]] for cut in cuts]}
                temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        _write_clips(path, {_inside(folder, name): cut for cut, name in names.items()})
    except OSError as error:
        raise files.unwritable(folder, error) from error
    return segments


def clips_of(path: PathLike, folder: PathLike, *, who: str) -> dict[Path, Segment]:
    """Give the clips that :func:`cut_recording` made of a recording, with where they were in it.

    They come in the order of the recording. Raises :class:`EarshotError` when it was never cut.
    """
    note = _note_of(Path(path), Path(folder), who)
    _, names = _read_note(note, who)
    if not names:
        raise EarshotError(f"{path} was not cut into {folder}: cut it first, with cut_recording.")
    return {_inside(Path(folder), name): Segment(*cut) for cut, name in sorted(names.items())}


def _labelled(path):
    """Read the label track beside a recording, and refuse labels that hold no sound of it."""
    track, duration_s = label_tracks.beside(path), audio.duration(path)
    segments = [segment for segment in label_tracks.read(track) if segment.word]
    for segment in segments:
        if segment.duration_s < SHORTEST_S or segment.start_s >= duration_s:
            place = f"{segment.word!r} from {segment.start_s} to {segment.end_s} s"
            wrong = f"{track} puts {place}, and {path.name} has {duration_s:.2f} s"
            raise EarshotError(f"{wrong}: mend that line, or delete the track to cut anew.")
    return segments


def _note_of(path, folder, who):
    return folder / "_cuts" / f"{files.safe_name(who)}, {files.safe_name(path.name)}.json"


def _read_note(note, who):
    """Give what a recording was when it was cut, and the clips' files by start, end and word."""
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
        older = isinstance(content, list)  # a note that does not tell of which recording it is
        sound, rows = ("", content) if older else (str(content["recording"]), content["cuts"])
        names = {(float(start), float(end), word): name for start, end, word, name in rows}
        for (_, _, word), name in names.items():
            own = re.escape(f"{files.safe_name(word)}/{files.safe_name(who)}") + r"_\d+\.wav"
            if not re.fullmatch(own, name):
                raise ValueError(f"{name!r} is no clip of {who} saying {word}")
    except FileNotFoundError:
        return "", {}
    # Whatever JSON may hold in the place of a note, or of a part of it:
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, EarshotError) as e:
        way_out = f"delete it and the clips of {who} in {note.parent.parent}, and cut again."
        raise EarshotError(f"{note} is no note of what was cut ({e}): {way_out}") from e
    return sound, names


def _inside(folder, name):
    """Give the path of a clip, which no link may lead out of the folder of its set."""
    if not (folder / name).resolve().is_relative_to(folder.resolve()):
        wrong = f"{folder / name} is outside of {folder}, by a link"
        raise EarshotError(f"{wrong}: put a folder or file of its own in the place of the link.")
    return folder / name


def _put_aside(folder, name, who):
    """Move a clip that is no longer right, if it is there, and overwrite none moved before."""
    clip, target = _inside(folder, name), folder / "_replaced" / name
    if not clip.is_file():
        return
    if target.exists():
        number = files.next_number(who, clip.parent, target.parent)
        target = target.with_name(files.clip_name(who, number))
    target.parent.mkdir(parents=True, exist_ok=True)
    files.move(clip, target)


def _named(cuts, kept, taken, folder, speaker):
    """Name a file for each cut: the one that it has, or one after all that were ever there."""
    names = kept.copy()
    for cut in (cut for cut in cuts if cut not in names):
        place = files.safe_name(cut[2])
        number = files.next_number(speaker, folder / place, folder / "_replaced" / place)
        while (name := f"{place}/{files.clip_name(speaker, number)}") in taken:
            number += 1
        taken.add(name)
        names[cut] = name
    return {cut: names[cut] for cut in cuts}


def _write_clips(path, clips):
    """Write what is missing of the clips of a recording: start and end in seconds, by file."""
    missing = {clip: cut for clip, cut in clips.items() if not clip.exists()}
    if not missing:
        return
    peak = max(float(np.abs(block).max()) for block, _ in audio.blocks_of(path, None))
    for clip, (start_s, end_s, _) in missing.items():
        x, sample_rate = audio.read(path, start_s=start_s, end_s=end_s)
        audio.write(clip, PEAK / max(peak, 1e-9) * x, sample_rate)
