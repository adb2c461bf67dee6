"""Who speaks in a recording, by the name of its file.

>>> speaker_of("cat/anna_0.wav"), speaker_of("cat/cat_bob_2.wav"), speaker_of("cat/sub-01.wav")
('anna', 'bob', 'sub-01')
"""

import re
import urllib.parse
from pathlib import Path

from earshot.types import PathLike

__all__ = ["speaker_of"]


def speaker_of(path: PathLike) -> str:
    """Read who speaks from names such as ``cat/anna_2.wav`` and ``cat/cat_anna_2.wav``.

    The word in front (the folder's name, or a number) and the take's number at the end are left
    out, where an underscore or a space sets them off; "unknown" when nothing else is there. Speech
    Commands' ``<speaker>_nohash_<number>`` is known, and %XX is read as a character.
    """
    path = Path(path)
    name, word = urllib.parse.unquote(path.stem), urllib.parse.unquote(path.parent.name)
    if "_nohash_" in name:
        return name.partition("_nohash_")[0]
    name = re.sub(r"(^|[ _])\d+$", "", name.removeprefix(f"{word}_"))
    name = re.sub(r"^\d+[ _]", "", name)
    return "unknown" if name in ("", word) else name
