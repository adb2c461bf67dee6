"""A word to speech: by gTTS where there is internet, by eSpeak NG where there is none.

gTTS (https://gtts.readthedocs.io) asks a service of Google, sounds like a person, and gives MP3,
decoded here to WAV. eSpeak NG (:mod:`earshot.datasets.espeak`) sounds like a machine.

>>> print(Spoken("seven", Path("seven.wav"), "espeak"))
seven (espeak): seven.wav
"""

import dataclasses
import hashlib
import importlib.util
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from earshot import audio
from earshot.datasets import espeak
from earshot.errors import EarshotError, EarshotWarning
from earshot.features import images
from earshot.features.log_mel import LogMel
from earshot.files import safe_name
from earshot.types import Array, PathLike

__all__ = ["ENGINES", "Spoken", "say", "say_spectrogram"]

ENGINES = ("gtts", "espeak")  # The voices, best first.
TIMEOUT_S = 10  # So long gTTS may take to answer; then eSpeak NG speaks.
LONGEST_NAME = 200  # Bytes of a file's name; file systems take 255, and others add to it.
_ESPEAK_NAMES = {"zh": "cmn", "zh-cn": "cmn", "zh-tw": "cmn", "yue": "yue", "iw": "he", "no": "nb"}
"""Languages that eSpeak NG calls by another name than gTTS."""


@dataclasses.dataclass(frozen=True)
class Spoken:
    """A word that lies spoken in the WAV file ``path``, by the voice of ``engine``."""

    word: str
    path: Path
    engine: str

    def __str__(self):
        return f"{self.word} ({self.engine}): {self.path}"


class _OtherVoice(Exception):
    """Why gTTS gave nothing; eSpeak NG may still speak."""


def say(
    words: str | Sequence[str], *, language: str = "en", engine: str | None = None,
    folder: PathLike = "data/generated",
) -> Any:  # fmt: skip
    """Speak words into WAV files, one each; a word that lies there already is not asked for again.

    Gives a :class:`Spoken` for one, a list of them for several.

    Parameters
    ----------
    language : as both engines write it: "en", "de", "nl", "pt-BR" and so on
    engine : "gtts" or "espeak"; default: what lies in the folder, else gTTS, else eSpeak NG, with
        an :class:`EarshotWarning` that says why
    folder : gets ``<language>-<engine>/<word>.wav``; of a long text, the name is cut, and ends with
        a checksum of it
    """
    many = not isinstance(words, str)
    words = [_checked(word) for word in words] if many else [_checked(words)]
    if not words:
        raise EarshotError("There is nothing to say: the list of words is empty.")
    if engine not in (None, *ENGINES):
        raise EarshotError(f"There is no engine {engine!r}: it is 'gtts', 'espeak' or None.")
    if not isinstance(language, str) or not language.strip():
        raise EarshotError(f"A language is a short name such as 'en' or 'nl', not {language!r}.")
    engines, spoken = [engine] if engine else [*ENGINES], []
    for word in words:
        places = [
            Spoken(
                word, Path(folder) / _short_name(f"{language}-{e}") / f"{_short_name(word)}.wav", e
            )
            for e in engines
        ]
        there = [place for place in places if place.path.is_file()]
        spoken.append(there[0] if there else _speak(places, language))
        if spoken[-1].engine == "espeak" and "gtts" in engines and not there:
            engines.remove("gtts")  # nor is it asked for the words that follow
    return spoken if many else spoken[0]


def _short_name(text):
    """Name a file after a text of any length, each by another name."""
    name = safe_name(text)
    if len(name.encode()) <= LONGEST_NAME:
        return name
    checksum = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{name.encode()[:LONGEST_NAME].decode(errors='ignore')}-{checksum}"


def _speak(places, language):
    """Let the first engine speak that can; gives the file that it wrote."""
    for place in places:
        try:
            if place.engine == "gtts":
                x, rate = _gtts(place.word, language)
            else:
                voice = _ESPEAK_NAMES.get(language.lower(), language)
                x, rate = espeak.say(place.word, voice=voice)
        except _OtherVoice as problem:
            if place is places[-1]:
                message = f"gTTS cannot say {place.word!r}: {problem}; engine='espeak' is offline."
                raise EarshotError(message) from problem
            message = f"eSpeak NG speaks in place of gTTS: {problem}."
            warnings.warn(message, EarshotWarning, stacklevel=3)
        else:
            audio.write(place.path, x, rate, overwrite=True)
            return place


def say_spectrogram(
    recognizer: Any, spectrogram: Array | PathLike, front_end: LogMel | None = None, **options: Any
) -> tuple[Any, Spoken]:
    """Recognize the word of a log-mel spectrogram, and speak that: speech even of a poor one.

    The spectrogram, shape (frames, n_mels), or a file of :func:`earshot.features.images.write`, has
    the settings ``front_end``, by default those in the file, else the recognizer's. Gives the
    prediction, and the word that was spoken; ``options`` are for :func:`say`.
    """
    if isinstance(spectrogram, str | Path):
        spectrogram, front_end = images.read(spectrogram, front_end)
    prediction = recognizer.predict_spectrogram(spectrogram, front_end)
    return prediction, say(prediction.word, **options)


def _checked(word):
    sayable = isinstance(word, str) and word.strip().encode(errors="ignore").decode()
    if not sayable or len(sayable) < len(word.strip()):  # half a pair of UTF-16 is no letter
        raise EarshotError(f"Only words can be said, and {word!r} is none: give it some letters.")
    return word.strip()


def _gtts(word, language):
    """Ask gTTS, and decode what it gives; raises _OtherVoice when that is nothing."""
    if importlib.util.find_spec("gtts") is None:
        raise _OtherVoice("it is not installed (pip install gTTS)")
    import gtts

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answer.mp3"
        try:
            gtts.gTTS(word, lang=language, timeout=TIMEOUT_S).save(path)
            return audio.read(path)
        except gtts.gTTSError as error:
            raise _OtherVoice(_reason(error)) from error
        except ValueError as error:
            raise _OtherVoice(f"it does not know the language {language!r}") from error
        except AssertionError as error:  # how gTTS says that no letters are left
            message = f"gTTS cannot say {word!r}: give it letters or digits that can be spoken."
            raise EarshotError(message) from error
        except EarshotError as error:  # an empty answer, which gTTS takes for a good one
            raise _OtherVoice("its answer holds no sound") from error


def _reason(error):
    status = getattr(error.rsp, "status_code", None)
    known = {
        None: "cannot be reached (is there internet?)",
        429: "has had too many requests (429), try again later",
    }
    return f"its service {known.get(status, f'refuses ({status})')}"
