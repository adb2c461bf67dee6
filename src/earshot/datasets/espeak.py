"""The offline voice: eSpeak NG inside this process, from the optional ``espeakng-loader`` wheel.

eSpeak NG (https://github.com/espeak-ng/espeak-ng) is a formant synthesizer under GPL-3, which is
why it is an extra (``pip install "earshot[voice]"``) and nothing else in the package needs it.

>>> x, sample_rate = say("seven", sample_rate=8000)
>>> x.dtype, sample_rate
(dtype('float32'), 8000)
"""

import ctypes
import functools
import importlib.util
import itertools
from pathlib import Path

import numpy as np

from earshot.audio import resample, validate
from earshot.errors import EarshotError
from earshot.types import Array

__all__ = ["is_available", "phonemes", "say", "sounds", "timed", "variants"]

# Numbers of speak_lib.h.
_SYNCHRONOUS = 2  # output mode: espeak_Synth returns when all has been said
_DONT_EXIT = 0x8000  # option: a failure ends no process
_UTF8 = 0x01  # flag: coding of the text
_PHONEMES = 0x100  # flag: what stands in [[ ]] are sounds
_RATE = 1  # parameter: words a minute
_PITCH = 3  # parameter: 0 to 99
_RANGE = 4  # parameter: 0 to 99
_TELL_SOUNDS = 0x01  # option: an event for each phoneme
FASTEST_WPM = 450  # words a minute
_SOUND = 7  # type of such an event
_BETWEEN = "|"  # stands between the sounds that it names, as it is none of their letters


class _Event(ctypes.Structure):
    """An ``espeak_EVENT``; the last of a list is of type 0."""

    _fields_ = [
        ("type", ctypes.c_int), ("identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("position_ms", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("name", ctypes.c_char * 8),
    ]  # fmt: skip


def is_available() -> bool:
    """Tell whether the ``espeakng-loader`` wheel is installed."""
    return importlib.util.find_spec("espeakng_loader") is not None


def say(
    text: str, *, voice: str = "en-us", speed_wpm: int = 160, pitch: int = 50,
    pitch_range: int = 50, sample_rate: int | None = None, seed: int = 0,
) -> tuple[Array, int]:  # fmt: skip
    """Speak a text, or sounds from :func:`phonemes`; gives the waveform and its sample rate in Hz.

    Parameters
    ----------
    voice : a language such as "en-us" or "nl", or with a variant, such as "en-us+f3"
    speed_wpm : words a minute, 80 to 450
    pitch, pitch_range : 0 to 99
    sample_rate : in Hz; None: 22,050 Hz, the synthesizer's own
    seed : of the breath noise; equal calls in one process may differ in the last bits
    """
    x, own_rate, _ = _spoken(text, voice, speed_wpm, pitch, pitch_range, seed)
    sample_rate = sample_rate or own_rate
    return resample(x, own_rate, sample_rate), sample_rate


def timed(
    text: str, *, voice: str = "en-us", speed_wpm: int = 160, pitch: int = 50,
    pitch_range: int = 50, sample_rate: int | None = None, seed: int = 0,
) -> tuple[Array, int, list[tuple[str, float]]]:  # fmt: skip
    """Do what :func:`say` does, and tell when each sound begins, in seconds; "_" is a pause."""
    # After some thirty calls of sounds(), it forgets to tell the first sound of what it says next.
    _spoken("a", voice, FASTEST_WPM, pitch, pitch_range, seed)
    x, own_rate, events = _spoken(text, voice, speed_wpm, pitch, pitch_range, seed)
    sample_rate = sample_rate or own_rate
    return resample(x, own_rate, sample_rate), sample_rate, events


def _spoken(text, voice, speed_wpm, pitch, pitch_range, seed):
    library, own_rate, chunks, events = _library_with(voice)
    for parameter, value in ((_RATE, speed_wpm), (_PITCH, pitch), (_RANGE, pitch_range)):
        library.espeak_SetParameter(parameter, int(value), 0)
    library.espeak_ng_SetRandSeed(ctypes.c_long(seed))
    chunks.clear()
    events.clear()
    encoded = text.encode()
    failed = library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _UTF8 | _PHONEMES, None, None)
    if failed or not any(chunk.any() for chunk in chunks):
        raise EarshotError(f"eSpeak NG cannot say {text!r} with the voice {voice!r}.")
    x, told = validate(np.concatenate(chunks)), list(events)
    chunks.clear()
    return x, own_rate, told


def phonemes(text: str, *, voice: str = "en-us") -> str:
    """Give the sounds of a text as ``[[...]]``, which any voice can say, with its own accent."""
    library, *_ = _library_with(voice)
    pointer = ctypes.c_char_p(text.encode())
    return f"[[{library.espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, 0).decode()}]]"


def sounds(text: str, *, voice: str = "en-us") -> list[list[str]]:
    """Name the sounds of a text, clause by clause, without speaking; stress is a ' or , before."""
    library, *_ = _library_with(voice)
    pointer, clauses = ctypes.c_char_p(text.encode()), []
    while pointer.value is not None:
        told = library.espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, ord(_BETWEEN) << 8)
        names = told.decode().replace(" ", _BETWEEN).split(_BETWEEN)
        clauses.append([name for name in names if name and not name.startswith(("(", "_"))])
    return [clause for clause in clauses if clause]


@functools.cache
def variants() -> frozenset[str]:
    """Names that can follow a ``+``, without "rob": eSpeak NG 1.52 crashes, and Python with it."""
    _library()
    import espeakng_loader

    folder = Path(espeakng_loader.get_data_path()) / "voices" / "!v"
    return frozenset(path.name for path in folder.iterdir()) - {"rob"}


def _library_with(voice):
    """Give what :func:`_library` does, with a voice chosen."""
    library, own_rate, chunks, events = _library()
    variant = voice.partition("+")[2]
    if variant and variant not in variants():  # the library would pass over it in silence
        raise EarshotError(f"eSpeak NG has no variant {variant!r}: see espeak.variants().")
    if library.espeak_SetVoiceByName(voice.encode()):
        raise EarshotError(f"eSpeak NG has no voice {voice!r}: try 'en-us', 'en' or 'nl'.")
    return library, own_rate, chunks, events


@functools.cache
def _library():
    """Load and start eSpeak NG once a process; gives the library, its rate, its chunks, events."""
    if not is_available():
        raise EarshotError('eSpeak NG (GPL-3) is not installed: pip install "earshot[voice]".')
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    number, pointer = ctypes.c_uint, ctypes.c_void_p
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, number, ctypes.c_int, number, number, pointer, pointer
    ]  # fmt: skip
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [pointer, ctypes.c_int, ctypes.c_int]
    chunks, events = [], []
    samples_of, events_of = ctypes.POINTER(ctypes.c_short), ctypes.POINTER(_Event)

    @ctypes.CFUNCTYPE(ctypes.c_int, samples_of, ctypes.c_int, events_of)
    def collect(samples, n, told):
        if samples and n > 0:
            chunks.append(np.ctypeslib.as_array(samples, (n,)).copy())
        for event in itertools.takewhile(lambda event: event.type, told or ()):
            if event.type == _SOUND:
                events.append((event.name.decode(errors="replace"), event.position_ms / 1000))
        return 0

    data = espeakng_loader.get_data_path().encode()
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT | _TELL_SOUNDS)
    if rate <= 0:
        raise EarshotError("eSpeak NG does not start: reinstall espeakng-loader with pip.")
    library.espeak_SetSynthCallback(collect)
    library._keep_callback = collect  # eSpeak NG calls it for as long as the library lives
    return library, rate, chunks, events
