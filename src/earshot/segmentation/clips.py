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

import json
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

__all__ = ["cut_recording", "cut_set"]

PEAK = 0.9  # loudest sample of a recording's clips: all are changed by the same factor
SHORTEST_S = 0.01  # what a label track puts at less than this is a mistake


def cut_set(data_dir: PathLike, name: str, words: Sequence[str]) -> dict[Path, list[Segment]]:
    """Cut every recording ``<data_dir>/<name>_<who>.*`` of the words of a set, said in order.

    For ``animals``, ``animals_anna.wav`` is cut into ``animals/<word>/anna_0.wav``. Gives the
    segments by path. Having none raises :class:`EarshotError`; those that fail are warned of.
    """
    data_dir = Path(data_dir)
    paths = sorted(p for p in data_dir.glob(f"{name}_*") if p.suffix.lower() in audio.SUFFIXES)
    if not paths:
        missing = f"There is no recording {data_dir / name}_<who>.wav (or .flac, .ogg, .mp3)"
        way_out = f"record the words in order ({', '.join(words)}) and save them under such a name."
        raise EarshotError(f"{missing}: {way_out}")
    done, problems = {}, []
    for path in tqdm(paths, desc=f"cutting {name}", unit="recording", delay=1):
        speaker = path.stem.removeprefix(f"{name}_")
        try:
            done[path] = cut_recording(path, words, data_dir / name, who=speaker)
        except EarshotError as error:
            problems.append(str(error))
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
    track has changed, clips that are no longer right are moved to ``<folder>/_replaced/``. Files
    that come from elsewhere are never touched. ``who`` is the speaker's name.
    """
    path, folder = Path(path), Path(folder)
    if label_tracks.beside(path).is_file():
        segments = _labelled(path)
    else:
        segments = [segment for _, segment in align_words(path, words, onsets_s=onsets_s)]
    cuts = list(dict.fromkeys((round(s.start_s, 4), round(s.end_s, 4), s.word) for s in segments))
    note = folder / "_cuts" / f"{files.safe_name(who)}, {files.safe_name(path.name)}.json"
    names = _read_note(note)
    if list(names) != cuts:
        for name in (name for cut, name in names.items() if cut not in cuts):
            if (folder / name).is_file():
                target = folder / "_replaced" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                (folder / name).rename(target)
        names = _named(cuts, names, folder, who)
        with files.atomic_path(note) as temporary:
            rows = [[*cut, name] for cut, name in names.items()]
            temporary.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    _write_clips(path, {folder / name: cut for cut, name in names.items()})
    return segments


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


def _read_note(note):
    """Files of the clips that were cut from a recording before, by start, end and word."""
    try:
        rows = json.loads(note.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        rows = []  # clips of a damaged note count as somebody else's, and stay
    return {tuple(cut): name for *cut, name in rows}


def _named(cuts, names, folder, speaker):
    """Name a file for each cut: the one that it has, or one after all that were ever there."""
    names = names.copy()
    for cut in (cut for cut in cuts if cut not in names):
        place = files.safe_name(cut[2])
        number = files.next_number(speaker, folder / place, folder / "_replaced" / place)
        while (name := f"{place}/{files.clip_name(speaker, number)}") in names.values():
            number += 1
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
