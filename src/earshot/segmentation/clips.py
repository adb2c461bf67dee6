"""Long recordings on disk to folders with one sub-folder per word."""

import json
import warnings
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot import audio, files
from earshot.errors import EarshotError, EarshotWarning, listed
from earshot.files import safe_name
from earshot.segmentation import alignment, label_tracks

__all__ = ["cut_recording", "cut_set"]


def cut_set(data_dir, name, words):
    """Cut every recording ``<data_dir>/<name>_<who>.*`` of the words of a set, said in order.

    Parameters
    ----------
    data_dir : str or path
    name : str
        Of the set: ``animals`` takes ``animals_anna.wav`` and writes ``animals/<word>/anna.wav``.
    words : sequence of str

    Returns
    -------
    dict
        From the path of each recording to its list of Segment.

    Raises
    ------
    EarshotError
        When there is no such recording.

    Warns
    -----
    EarshotWarning
        With the names, when recordings could not be cut; the others are.
    """
    data_dir = Path(data_dir)
    paths = sorted(
        path for path in data_dir.glob(f"{name}_*") if path.suffix.lower() in audio.SUFFIXES
    )
    if not paths:
        raise EarshotError(
            f"There is no recording {data_dir / name}_<who>.wav (or .flac, .ogg, .mp3): record "
            f"the words in order ({', '.join(words)}) and save them under such a name."
        )
    done, problems = {}, []
    for path in tqdm(paths, desc=f"cutting {name}", unit="recording", delay=1):
        who = path.stem.removeprefix(f"{name}_")
        try:
            done[path] = cut_recording(path, words, data_dir / name, who=who)
        except EarshotError as error:
            problems.append(str(error))
    if problems:
        warnings.warn(f"Not cut: {listed(problems)}", EarshotWarning, stacklevel=2)
    return done


def cut_recording(path, words, folder, *, who, onsets_s=None):
    """Cut one recording into ``<folder>/<word>/<who>.wav``; said again, ``<who>_2.wav``.

    A label track beside the recording is taken as it is (see :mod:`earshot.segmentation.label_tracks`), else the
    words are looked for. All clips are made louder or softer by the same factor, so that the peak
    of the recording is 0.9.

    What was cut is noted in ``<folder>/_cuts/``. Cutting again changes nothing; when the label
    track has changed, clips that are no longer right are moved to ``<folder>/_replaced/``. Files
    that come from elsewhere are never touched.

    Parameters
    ----------
    path : str or path
        Read in pieces: it may be hours long.
    words : sequence of str
        What is said, in order.
    folder : str or path
    who : str
        The speaker.
    onsets_s : array_like, shape (n_words, 2), optional
        As for :func:`earshot.segmentation.align_words`.

    Returns
    -------
    list of Segment
        With their words, and how sure they are.
    """
    path, folder = Path(path), Path(folder)
    track = label_tracks.beside(path)
    if track.is_file():
        segments = [segment for segment in label_tracks.read(track) if segment.word]
        duration_s = audio.duration(path)
        for segment in segments:
            if segment.duration_s < 0.01 or segment.start_s >= duration_s:
                raise EarshotError(
                    f"{track} puts {segment.word!r} from {segment.start_s} to {segment.end_s} s, "
                    f"and {path.name} has {duration_s:.2f} s: mend that line, or delete the track "
                    "to have the recording cut anew."
                )
    else:
        pairs = alignment.align_words(path, words, onsets_s=onsets_s)
        segments = [segment for _, segment in pairs]
    note = folder / "_cuts" / f"{safe_name(who)}, {safe_name(path.name)}.json"
    noted = _read_note(note)
    wanted = [[round(s.start_s, 4), round(s.end_s, 4), s.word] for s in segments]
    if [entry[:3] for entry in noted] != wanted:
        for *_, name in noted:
            if (folder / name).is_file():
                _set_aside(folder / name, folder)
        names = _free_names(folder, wanted, who)
        noted = [[*entry, name] for entry, name in zip(wanted, names, strict=True)]
        with files.atomic_path(note) as temporary:
            temporary.write_text(json.dumps(noted, ensure_ascii=False), encoding="utf-8")
    missing = [entry for entry in noted if not (folder / entry[3]).exists()]
    if missing:
        peak = max(float(np.abs(block).max()) for block, _ in audio.blocks(path, 30.0))
        for start_s, end_s, _, name in missing:
            x, sample_rate = audio.read(path, start_s=start_s, end_s=end_s)
            audio.write(folder / name, 0.9 / max(peak, 1e-9) * x, sample_rate)
    return segments


def _read_note(note):
    """Start, end, word and file of each clip that was cut from a recording before."""
    try:
        return json.loads(note.read_text(encoding="utf-8")) if note.is_file() else []
    except ValueError:
        return []  # its clips count as somebody else's, and stay


def _free_names(folder, entries, who):
    """Name a file for each clip, beside all that is there already."""
    taken = set()
    for _, _, word in entries:
        take, stem = 1, f"{safe_name(word)}/{safe_name(who)}"
        while (name := f"{stem}{f'_{take}' if take > 1 else ''}.wav") in taken or (
            folder / name
        ).exists():
            take += 1
        taken.add(name)
        yield name


def _set_aside(clip, folder):
    place = folder / "_replaced" / clip.parent.name
    place.mkdir(parents=True, exist_ok=True)
    n = 1
    while (target := place / f"{clip.stem}-{n}{clip.suffix}").exists():
        n += 1
    clip.rename(target)
