"""A word to speech: by gTTS where there is internet, by eSpeak NG where there is none.

gTTS (https://gtts.readthedocs.io) asks a service of Google, sounds like a person, and always gives
MP3, which is decoded here: a ``.wav`` is a WAV. eSpeak NG (:mod:`earshot.datasets.espeak`) works offline and
sounds like a machine.
"""

import dataclasses
import importlib.util
import tempfile
import warnings
from pathlib import Path

from earshot import audio
from earshot.datasets import espeak
from earshot.errors import EarshotError, EarshotWarning
from earshot.features import images
from earshot.files import safe_name

__all__ = ["ENGINES", "Spoken", "say", "say_spectrogram"]

ENGINES = ("gtts", "espeak")
"""The voices, best first."""
TIMEOUT_S = 10
_ESPEAK_NAMES = {"zh": "cmn", "zh-cn": "cmn", "zh-tw": "cmn", "yue": "yue", "iw": "he", "no": "nb"}


@dataclasses.dataclass(frozen=True)
class Spoken:
    """A word that lies spoken on the disk.

    Parameters
    ----------
    word : str
    path : pathlib.Path
        The WAV file.
    engine : {"gtts", "espeak"}
        Whose voice it is.
    """

    word: str
    path: Path
    engine: str

    def __str__(self):
        return f"{self.word} ({self.engine}): {self.path}"


class _OtherVoice(Exception):
    """Why gTTS gave nothing; eSpeak NG may still speak."""


def say(words, *, language="en", engine=None, folder="data/generated"):
    """Speak words into WAV files, one each; a word that lies there already is not asked for again.

    Parameters
    ----------
    words : str, or sequence of str
        A recognizer's ``words``, for instance.
    language : str
        As both engines write it: "en", "de", "nl", "pt-BR" and so on.
    engine : {None, "gtts", "espeak"}
        Default: what lies in the folder; else gTTS, and eSpeak NG when gTTS gives nothing.
    folder : str or path
        Gets ``<language>-<engine>/<word>.wav``.

    Returns
    -------
    Spoken, or list of Spoken
        A list for a list.

    Raises
    ------
    EarshotError
        When there is nothing to say, a word cannot be said, the folder cannot be written, or no
        engine that was asked for gives a sound. No file is left half-written.

    Warns
    -----
    EarshotWarning
        When gTTS gave nothing and eSpeak NG spoke in its place, with the reason.
    """
    many = not isinstance(words, str)
    words = [_checked(word) for word in words] if many else [_checked(words)]
    if not words:
        raise EarshotError("There is nothing to say: the list of words is empty.")
    if engine not in (None, *ENGINES):
        raise EarshotError(f"There is no engine {engine!r}: it is 'gtts', 'espeak' or None.")
    if not isinstance(language, str) or not language.strip():
        raise EarshotError(f"A language is a short name such as 'en' or 'nl', not {language!r}.")
    engines, spoken = [engine] if engine else list(ENGINES), []
    for word in words:
        paths = {
            name: Path(folder) / safe_name(f"{language}-{name}") / f"{safe_name(word)}.wav"
            for name in engines
        }
        name = next((name for name in engines if paths[name].is_file()), None)
        while name is None:
            try:
                _speak(engines[0], word, language, paths[engines[0]])
                name = engines[0]
            except _OtherVoice as problem:
                if engine:
                    raise EarshotError(
                        f"gTTS cannot say {word!r}: {problem}; engine='espeak' speaks offline."
                    ) from problem
                engines.remove("gtts")  # nor is it asked for the words that follow
                message = f"eSpeak NG speaks in place of gTTS: {problem}."
                warnings.warn(message, EarshotWarning, stacklevel=2)
        spoken.append(Spoken(word, paths[name], name))
    return spoken if many else spoken[0]


def say_spectrogram(recognizer, spectrogram, front_end=None, **options):
    """Recognize the word of a log-mel spectrogram, and speak that: speech even of a poor spectrogram.

    Parameters
    ----------
    recognizer : earshot.recognition.Recognizer
    spectrogram : ndarray of shape (frames, n_mels), or str or path
        A file as :func:`earshot.features.images.write` makes it.
    front_end : earshot.features.LogMel, optional
        The settings of the spectrogram. Default: those in the file, else the recognizer's own.
    options : dict
        For :func:`say`.

    Returns
    -------
    prediction : earshot.recognition.Prediction
        What was recognized, and how surely.
    spoken : Spoken
        That word, in a WAV file.

    Raises
    ------
    EarshotError
        When the spectrogram is none of these settings, or the word cannot be said.
    """
    if isinstance(spectrogram, str | Path):
        spectrogram, front_end = images.read(spectrogram, front_end)
    prediction = recognizer.predict_spectrogram(spectrogram, front_end)
    return prediction, say(prediction.word, **options)


def _checked(word):
    if not isinstance(word, str) or not word.strip():
        raise EarshotError(f"Only words can be said, and {word!r} is none: give it some letters.")
    return word.strip()


def _speak(engine, word, language, path):
    if engine == "gtts":
        x, rate = _gtts(word, language)
    else:
        x, rate = espeak.say(word, voice=_ESPEAK_NAMES.get(language.lower(), language))
    audio.write(path, x, rate, overwrite=True)


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
            raise EarshotError(
                f"gTTS cannot say {word!r}: give it letters or digits that can be spoken."
            ) from error
        except EarshotError as error:  # an empty answer, which gTTS takes for a good one
            raise _OtherVoice("its answer holds no sound") from error


def _reason(error):
    status = getattr(getattr(error, "rsp", None), "status_code", None)
    if status is None:
        return "its service cannot be reached (is there internet?)"
    if status == 429:
        return "its service has had too many requests (429), try again later"
    return f"its service refuses ({status})"
