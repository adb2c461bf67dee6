"""Sound files as bytes, such as archives and shards hold them.

>>> data = encoded(np.float32([0, 0.5, -0.25]), 8000)
>>> len(data), decoded(data, 8000, "beep.wav")
(50, array([ 0.  ,  0.5 , -0.25], dtype=float32))
"""

import functools
import io
import struct

import numpy as np

from earshot import audio
from earshot.errors import EarshotError
from earshot.types import Array

__all__ = ["as_int16", "decoded", "encoded", "plain", "sound_of"]

HEADER_BYTES = 44  # of a WAV file as everybody writes it
LONGEST_S = 600.0  # ten minutes: a longer sound is no word and no background, and fills the memory


def as_int16(x: Array) -> Array | None:
    """Give a waveform as samples of 16 bits, or None where that would lose something."""
    scaled = x * np.float32(audio.FULL_SCALE)
    with np.errstate(invalid="ignore"):  # what lies outside of 16 bits comes out different
        whole = scaled.astype(np.int16)
    return whole if np.array_equal(whole, scaled) else None


@functools.lru_cache(maxsize=256)
def _header(sample_rate: int, n_bytes: int) -> bytes:
    """The header of a mono WAV file of 16 bits."""
    kind = struct.pack("<IHHIIHH", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    size = HEADER_BYTES - 8 + n_bytes
    return b"".join([
        b"RIFF", struct.pack("<I", size), b"WAVEfmt ", kind, b"data", struct.pack("<I", n_bytes),
    ])  # fmt: skip


def encoded(x: Array, sample_rate: int) -> bytes:
    """Give the bytes of a WAV file; of 16 bits where that loses nothing, else of 32."""
    samples = x if x.dtype == np.int16 else as_int16(x)
    if samples is not None:
        data = samples.astype("<i2", copy=False).tobytes()
        return _header(sample_rate, len(data)) + data
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, x, sample_rate, format="WAV", subtype="FLOAT")
    return file.getvalue()


def plain(data: bytes, sample_rate: int | None) -> Array | None:
    """Give the waveform of a WAV file as :func:`encoded` makes it, quickly; of others, None."""
    n_bytes = len(data) - HEADER_BYTES
    if not sample_rate or n_bytes <= 0 or not data.startswith(_header(sample_rate, n_bytes)):
        return None
    x = np.frombuffer(data, "<i2", offset=HEADER_BYTES).astype(np.float32)
    x *= np.float32(1 / audio.FULL_SCALE)
    return x


def decoded(data: bytes, sample_rate: int, name: str) -> Array:
    """Give the waveform, at a rate in Hz, of a sound file's bytes; ``name`` is for messages."""
    if (x := plain(data, sample_rate)) is not None:
        return x
    x, rate = sound_of(data, name)
    return audio.resample(x, rate, sample_rate)


def sound_of(data: bytes, name: str) -> tuple[Array, int]:
    """Decode the bytes of any sound file: mono waveform and its rate in Hz."""
    import soundfile

    way_out = "it is damaged or of another kind; leave it out."
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.frames > LONGEST_S * file.samplerate:
                raise EarshotError(f"{name} is longer than {LONGEST_S:g} s: cut it into words.")
            x, rate = file.read(dtype="float32", always_2d=True).mean(axis=1), file.samplerate
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
        reason = str(error).rpartition(": ")[2].rstrip(".")
        raise EarshotError(f"{name} cannot be read as sound ({reason}): {way_out}") from error
    return audio.validate(x, name), rate
