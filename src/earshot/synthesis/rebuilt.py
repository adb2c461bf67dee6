"""Sounds rebuilt from a spectrogram in several ways: how far they are from the original, how soon.

>>> from earshot.synthesis import from_log_mel
>>> x = np.sin(np.arange(2000, dtype=np.float32))
>>> rebuilt = rebuild(x, FINE, {"by iteration": lambda db: from_log_mel(db, FINE)})
>>> [one.name for one in rebuilt], rebuilt[0].distance_db
(['original', 'by iteration'], 0.0)
"""

import dataclasses
import time
from collections.abc import Callable, Mapping

import numpy as np

from earshot import audio
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.synthesis.inverter import FINE
from earshot.types import Array

__all__ = ["Rebuilt", "compare", "rebuild"]

FAINTEST_DB = 60.0  # What lies further below the loudest point is not heard, and does not count.
N_TIMES = 5  # A way is taken so often to be timed, after once for what is prepared only once.


@dataclasses.dataclass(frozen=True, eq=False)
class Rebuilt:
    """A sound rebuilt from a spectrogram, beside the original.

    Attributes
    ----------
    spectrogram : of what came of it, shape (frames, n_mels), in dB
    difference : how much louder each point is than in the original, in dB; what lies
        60 dB below the loudest counts as silence
    times_real_time : seconds of sound made in a second of the processor's own time, which other
        programs do not change; None: not timed
    """

    name: str
    waveform: Array
    spectrogram: Array
    difference: Array
    times_real_time: float | None = None

    @property
    def distance_db(self) -> float:
        """Log-spectral distance: root mean square over the bands, mean over the frames."""
        return float(np.mean(np.sqrt(np.mean(np.square(self.difference), axis=1))))


def compare(x: Array, sounds: Mapping[str, Array], *, settings: LogMel = FINE) -> list[Rebuilt]:
    """Compare sounds, by name, with the original ``x``; gives the original first.

    All are at the rate of the ``settings``, with which their spectrograms are made. No spectrogram
    tells how loud a sound was: each is taken below its own loudest point.
    """
    x = audio.validate(x, "the original")
    compared = []
    for name, sound in {"original": x, **sounds}.items():
        sound = audio.validate(sound, name)
        n = min(len(x), len(sound))
        if n < settings.hop_length:
            raise EarshotError(f"There is nothing to compare: {name} has {n} samples.")
        a, b = settings(x[:n]), settings(sound[:n])
        difference = np.maximum(b, -FAINTEST_DB) - np.maximum(a, -FAINTEST_DB)
        compared.append(Rebuilt(name, sound, b, difference))
    return compared


def rebuild(
    x: Array, settings: LogMel, methods: Mapping[str, Callable[[Array], Array]], *,
    shown: LogMel = FINE,
) -> list[Rebuilt]:  # fmt: skip
    """Rebuild a sound, in several ways, from the spectrogram that ``settings`` make of it.

    A method, such as an :class:`earshot.synthesis.Inverter`, leads from the spectrogram, shape
    (frames, n_mels), to a waveform. Gives the original first, then what came of each method, with
    how fast it was; compared as in :func:`compare` with the settings ``shown``.
    """
    db, sounds, speeds = settings(x), {}, {}
    for name, method in methods.items():
        sounds[name] = method(db)
        started = time.process_time()
        for _ in range(N_TIMES):
            method(db)
        took_s = (time.process_time() - started) / N_TIMES
        speeds[name] = len(sounds[name]) / settings.sample_rate / max(took_s, 1e-9)
    return [
        dataclasses.replace(one, times_real_time=speeds.get(one.name))
        for one in compare(x, sounds, settings=shown)
    ]
