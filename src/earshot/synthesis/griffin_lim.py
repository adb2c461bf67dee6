"""Spectrograms back to sound by iteration: from magnitudes, and from log-mel spectrograms.

A spectrogram says how loud every frequency is, and nothing of its phase. Griffin and Lim go back
and forth between sound and spectrum until the phases suit the magnitudes.

>>> x = np.sin(np.arange(640, dtype=np.float32))
>>> from_magnitude(np.abs(stft(x, 256, 64)), hop_length=64).shape
(640,)
"""

from typing import Any

import numpy as np

from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel, check_log_mel
from earshot.features.mel import mel_matrices
from earshot.features.short_time import istft, stft
from earshot.types import Array

__all__ = ["first_phase", "from_log_mel", "from_magnitude", "linear_magnitude", "phase_advance"]

UPDATES = 10
"""Rounds that spread the power of mel bands over frequencies; later ones change little."""
SLOPE = 0.6
"""How many bins away the peak of a steady tone lies, with a Hann window, if the natural logarithm
of the magnitude rises by 1 a bin."""
STEEPEST = 1.5  # Bins: the longest way to a peak; beyond it, the slope belongs to another tone.


def from_magnitude(
    magnitude: Array, *, hop_length: int, rounds: int = 32, momentum: float = 0.99,
    seed: int | None = None, advance: Array | None = None, errors: list[float] | None = None,
) -> Array:  # fmt: skip
    """Turn a linear magnitude spectrogram into sound by Griffin-Lim with momentum.

    Griffin and Lim (1984); the momentum is that of Perraudin, Balazs and Søndergaard (2013),
    "A fast Griffin-Lim algorithm". Gives float32 of ((frames - 1) * hop_length,) or (batch, ...).

    Parameters
    ----------
    magnitude : shape (frames, 1 + n_fft // 2), or (batch, ...); with a Hann window; not in dB
    rounds : 0 gives the sound of the first phases
    momentum : 0 (none) to 1
    seed : draws the first phases at random; default: those of :func:`first_phase` (and its
        ``advance``), which saves about ten rounds
    errors : gets the error before every round and after the last: how far the magnitudes of the
        sound are from those asked for, in dB
    """
    magnitude = _checked_magnitude(magnitude)
    if rounds < 0 or not 0 <= momentum <= 1 or hop_length < 1:
        raise EarshotError(
            "Griffin-Lim needs rounds of at least 0, a momentum from 0 to 1 and a hop of at least "
            f"1, not {rounds}, {momentum} and {hop_length}."
        )
    n_fft = 2 * (magnitude.shape[-1] - 1)
    if seed is None:
        phase = first_phase(magnitude, hop_length, advance)
    else:
        angle = np.random.default_rng(seed).uniform(-np.pi, np.pi, magnitude.shape)
        phase = np.exp(1j * angle).astype(np.complex64)
    x, previous = istft(magnitude * phase, hop_length), None
    for _ in range(rounds):
        rebuilt = stft(x, n_fft, hop_length)
        if errors is not None:
            errors.append(_error_db(rebuilt, magnitude))
        ahead = rebuilt if previous is None else rebuilt + momentum * (rebuilt - previous)
        previous = rebuilt
        x = istft(ahead * (magnitude / np.maximum(np.abs(ahead), np.float32(1e-9))), hop_length)
    if errors is not None:
        errors.append(_error_db(stft(x, n_fft, hop_length), magnitude))
    return x


def from_log_mel(
    spectrogram: Array, front_end: LogMel, *, rounds: int = 32, momentum: float = 0.99,
    seed: int | None = None, errors: list[float] | None = None,
) -> Array:  # fmt: skip
    """Turn a log-mel spectrogram into sound: :func:`linear_magnitude`, then :func:`from_magnitude`.

    From the shape (frames, n_mels), or (batch, ...), in dB or quantized, to sound at its sample
    rate, the loudest point of which has a mel power of 1: how loud it was, no spectrogram tells.
    """
    magnitude = linear_magnitude(check_log_mel(spectrogram, front_end), front_end)
    return from_magnitude(
        magnitude, hop_length=front_end.hop_length, rounds=rounds, momentum=momentum, seed=seed,
        errors=errors,
    )  # fmt: skip


def linear_magnitude(db: Array, front_end: LogMel, *, updates: int = UPDATES) -> Array:
    """Spread mel bands over linear frequencies, without the slow non-negative solver.

    From ``db``, shape (..., frames, n_mels), to float32 of shape (..., frames, 1 + n_fft // 2).
    Multiplicative updates lower the Kullback-Leibler divergence between the bands of the result and
    those of the spectrogram, and keep it positive: Lee and Seung (2001), "Algorithms for
    non-negative matrix factorization", filters fixed; in optics, Richardson (1972), Lucy (1974).
    """
    bank, spread, back = mel_matrices(front_end)
    mel = np.power(np.float32(10), db / np.float32(10), dtype=np.float32)
    power = mel @ spread
    for _ in range(updates):
        power *= (mel / np.maximum(power @ bank, np.float32(1e-12))) @ back
    return np.sqrt(power)


def first_phase(magnitude: Array, hop_length: int, advance: Array | None = None) -> Array:
    """Guess phases in one pass, complex64 of absolute value 1, of the shape of ``magnitude``.

    Next to the peak of a steady tone, the slope of the log magnitude tells how far away the peak
    is, so the tone's frequency, so how far the phase turns from frame to frame: Prusa, Balazs and
    Søndergaard (2017), "A noniterative method for reconstruction of phase from STFT magnitude".
    The same tone is in the two neighbours of a bin, with phases half a turn apart: a phase is the
    mean of all three, weighted by magnitude. ``advance``: how far each phase turns from the frame
    before, beyond the turn of its own frequency, in radians; default: :func:`phase_advance`.
    """
    n_bins = magnitude.shape[-1]
    if advance is None:
        faintest = np.maximum(1e-4 * magnitude.max(axis=(-2, -1), keepdims=True), 1e-12)
        advance = phase_advance(np.log(np.maximum(magnitude, faintest)), hop_length)
    own = np.pi * (hop_length * np.arange(n_bins) % (2 * n_bins - 2)) / (n_bins - 1)
    turns = np.exp(1j * (advance + own).astype(np.float32)).astype(np.complex64)
    turns[..., 1:, :] *= magnitude[..., :-1, :]
    phase = np.empty_like(turns)
    phase[..., 0, :] = 1 - 2 * (np.arange(n_bins) % 2)
    after_silence = np.float32(1e-15) * phase[..., 0, :]
    for t in range(1, magnitude.shape[-2]):
        moved = turns[..., t, :] * phase[..., t - 1, :]
        mean = moved + after_silence
        mean[..., 1:] -= moved[..., :-1]
        mean[..., :-1] -= moved[..., 1:]
        np.divide(mean, np.abs(mean), out=phase[..., t, :])
    return phase


def phase_advance(log_magnitude: Any, hop_length: int, ops: Any = np) -> Any:
    """Read from slopes how far phases turn; natural logarithms of shape (..., frames, bins).

    ``ops`` does the arithmetic: NumPy, or ``keras.ops`` for tensors.
    """
    x, turn = log_magnitude, np.pi * hop_length / (log_magnitude.shape[-1] - 1)  # of a bin in a hop
    away = ops.clip(SLOPE / 2 * (x[..., 2:] - x[..., :-2]), -STEEPEST, STEEPEST) * turn
    away = ops.pad(away, [[0, 0]] * (len(x.shape) - 1) + [[1, 1]])
    return ops.concatenate(
        [away[..., :1, :], 0.5 * (away[..., 1:, :] + away[..., :-1, :])], axis=-2
    )


def _checked_magnitude(magnitude):
    magnitude = np.asarray(magnitude)
    if magnitude.ndim not in (2, 3) or magnitude.shape[-1] < 3 or 0 in magnitude.shape:
        raise EarshotError(
            f"The spectrogram has the shape {magnitude.shape}: it needs frames first and "
            "1 + n_fft // 2 frequencies last."
        )
    if magnitude.dtype.kind not in "fiu" or not np.isfinite(magnitude).all():
        raise EarshotError(
            "The spectrogram holds NaN, infinity, or no real numbers: take np.abs of the spectra."
        )
    if magnitude.min() < 0:
        raise EarshotError(
            f"The spectrogram goes down to {magnitude.min():.4g}, as if in dB, and magnitudes are "
            "expected: 10 ** (db / 20)."
        )
    return magnitude.astype(np.float32, copy=False)


def _error_db(spectra, magnitude):
    off = np.linalg.norm(np.abs(spectra) - magnitude)
    return float(20 * np.log10(max(off / max(np.linalg.norm(magnitude), 1e-12), 1e-9)))
