"""Who speaks in a recording, by the name of its file.

>>> speaker_of("cat/anna_0.wav"), speaker_of("cat/cat_bob_2.wav"), speaker_of("cat/sub-01.wav")
('anna', 'bob', 'sub-01')
>>> speakers_of(["cat/3-anna.wav"], re.compile("-(.+)")), speakers_of(["cat/1.wav"], "bob")
(['anna'], ['bob'])
"""

import re
import unicodedata
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path

from earshot.types import PathLike

__all__ = ["UNKNOWN", "Naming", "speaker_of", "speakers_of"]

UNKNOWN = "unknown"  # the speaker where a name does not tell
Naming = str | re.Pattern[str] | Callable[[Path], str]
"""How speakers are found: see :func:`speakers_of`."""


def speaker_of(path: PathLike) -> str:
    """Read who speaks from the name of a file in the folder of a word.

    | name | speaker |
    | --- | --- |
    | ``anna.wav``, ``anna_2.wav``, ``anna 2.wav`` (a take's number) | ``anna`` |
    | ``anna_2_0.wav`` (only the last number is the take's) | ``anna_2`` |
    | ``cat_anna_2.wav``, ``anna_cat_2.wav`` in the folder ``cat`` | ``anna`` |
    | ``7_jackson_32.wav`` (spoken_digit; a number in front is a word's) | ``jackson`` |
    | ``0a7c2a8d_nohash_1.wav`` (Speech Commands) | ``0a7c2a8d`` |
    | ``sub-01.wav``, ``sub-01_task-words_run-2_audio.wav`` (BIDS) | ``sub-01`` |
    | ``0001.wav``, ``cat.wav``, ``cat_3.wav`` (nobody is named) | ``unknown`` |

    Underscores and spaces set parts off, hyphens do not. %XX is read as a character, composed and
    decomposed umlauts are the same. Other names: see :func:`speakers_of`.
    """
    path = Path(path)
    name, word = (_text(part) for part in (path.stem, path.parent.name))
    name = re.sub(rf"^{re.escape(word)}[ _]", "", name, flags=re.IGNORECASE)
    if found := re.match(r"(.+?)_nohash_|(sub-[^\W_]+)_", name):
        return found[1] or found[2]
    name = re.sub(r"(^|[ _])\d+$", "", name)
    name = re.sub(rf"[ _]{re.escape(word)}$", "", name, flags=re.IGNORECASE)
    name = re.sub(r"^\d+[ _]", "", name)
    return UNKNOWN if name.casefold() in ("", word.casefold()) else name


def speakers_of(paths: Sequence[PathLike], naming: Naming = speaker_of) -> list[str]:
    """Tell who speaks in each of some files.

    ``naming`` is the name of the one who speaks in all of them; or a compiled regular expression,
    which is searched in a file's name without its ending, and whose first group is the speaker; or
    a function of the path. Where it finds nobody, the speaker is "unknown".
    """
    if isinstance(naming, str):
        return [naming] * len(paths)
    if isinstance(naming, re.Pattern):
        found = [naming.search(_text(Path(path).stem)) for path in paths]
        return [match[min(naming.groups, 1)] or UNKNOWN if match else UNKNOWN for match in found]
    return [naming(Path(path)) or UNKNOWN for path in paths]


def _text(name: str) -> str:
    return unicodedata.normalize("NFC", urllib.parse.unquote(name))
