"""Recordings by synthetic voices, where nobody has recorded a set of words yet.

They lie in a folder of their own, so that they never mix with what people said.

>>> import tempfile
>>> place = stand_ins(tempfile.mkdtemp(), "animals", ["cat", "dog"], n_voices=1, n_loose=1)
>>> place.name, sorted(path.suffix for path in place.rglob("*.*"))
('synthetic', ['.wav', '.wav'])
"""

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from earshot import audio, files
from earshot.datasets.streams import make_stream
from earshot.datasets.voices import synthetic
from earshot.types import PathLike

__all__ = ["SYNTHETIC", "stand_ins"]

SYNTHETIC = "synthetic"  # the folder in data/ for what no people said
SAMPLE_RATE = 16000  # in Hz, of the recordings
LEVELS = (0.3, 0.6, 0.15, 0.9)  # of their loudness, as people sit nearer or farther away
SNR_DB = 30.0  # of the recordings: a quiet room


def stand_ins(
    data_dir: PathLike, name: str, words: Sequence[str], *, n_voices: int = 4, n_loose: int = 0,
    seed: int = 0,
) -> Path:  # fmt: skip
    """Give the folder with the recordings ``<name>_<who>.*`` of a set, said in order.

    It is ``data_dir`` when there are some. Else it is ``<data_dir>/synthetic``, where ``n_voices``
    of eSpeak NG say them, and one more the first ``n_loose`` words alone, which become recordings
    without a name in ``<name>-test/``. What is there already is kept.
    """
    data_dir = Path(data_dir)
    mine = data_dir.glob(f"{glob.escape(name)}_*")
    if any(path.suffix.lower() in files.RECORDINGS for path in mine):
        return data_dir
    place = data_dir / SYNTHETIC
    manner: dict[str, Any] = {"n_takes": 1, "accents": False, "sample_rate": SAMPLE_RATE}
    spoken = synthetic(words, n_voices=n_voices, seed=seed, **manner)
    for i, speaker in enumerate(np.unique(spoken.speakers)):
        path = place / f"{name}_{speaker}.wav"
        if not path.exists():
            said = make_stream(spoken.subset(spoken.speakers == speaker), snr_db=SNR_DB, seed=seed)
            audio.write(path, LEVELS[i % len(LEVELS)] * said.waveform, said.sample_rate)
    if n_loose:
        loose = synthetic(words[:n_loose], n_voices=1, seed=seed + 1, **manner)
        for i, x in enumerate(loose.waveforms):
            path = place / f"{name}-test" / f"loose_{i}.wav"
            if not path.exists():
                audio.write(path, x, SAMPLE_RATE)
    return place
