"""Spectrograms back to sound by iteration: from magnitudes, and from log-mel spectrograms.

A spectrogram says how loud every frequency is, and nothing of its phase. Griffin and Lim go back and
forth between sound and spectrum until the phases suit the magnitudes. No TensorFlow in here.
"""

import numpy as np

from earshot.errors import EarshotError
from earshot.features.log_mel import check_log_mel
from earshot.features.mel import mel_matrices
from earshot.features.short_time import istft, stft

__all__ = ["first_phase", "from_log_mel", "from_magnitude", "linear_magnitude"]

UPDATES = 10
"""Rounds that spread the power of mel bands over frequencies; later ones change little."""
SLOPE = 0.6
"""Bins by which a Hann window's peak lies away from a bin, for one neper a bin of slope there."""


def from_magnitude(
    magnitude, *, hop_length, rounds=32, momentum=0.99, seed=None, steps=None, errors=None
):
    """Turn a linear magnitude spectrogram into sound by Griffin-Lim with momentum.

    Griffin and Lim (1984); the momentum is that of Perraudin, Balazs and Søndergaard (2013),
    "A fast Griffin-Lim algorithm".

    Parameters
    ----------
    magnitude : ndarray, shape (frames, 1 + n_fft // 2) or (batch, frames, 1 + n_fft // 2)
        At least 0, not in dB; with a Hann window.
    hop_length : int
        In samples.
    rounds : int
        0 gives the sound of the first phases.
    momentum : float
        From 0 (none) to 1; larger values may not settle.
    seed : int, optional
        Begin with phases drawn at random from this seed. Default: with those of
        :func:`first_phase`, which saves about ten rounds.
    steps : ndarray, optional
        For :func:`first_phase`.
    errors : list, optional
        Gets the error before every round and after the last: how far the magnitudes of the sound
        are from those asked for, in dB.

    Returns
    -------
    ndarray of float32, shape ((frames - 1) * hop_length,), or (batch, ...)

    Raises
    ------
    EarshotError
        When the magnitude has no frames, holds NaN or infinity, or is in dB.
    """
    magnitude = _checked_magnitude(magnitude)
    if rounds < 0 or not 0 <= momentum <= 1 or hop_length < 1:
        raise EarshotError(
            "Griffin-Lim needs rounds of at least 0, a momentum from 0 to 1 and a hop of at least "
            f"1, not {rounds}, {momentum} and {hop_length}."
        )
    n_fft = 2 * (magnitude.shape[-1] - 1)
    if seed is None:
        phase = first_phase(magnitude, hop_length, steps)
    else:
        angle = np.random.default_rng(seed).uniform(-np.pi, np.pi, magnitude.shape)
        phase = np.exp(1j * angle).astype(np.complex64)
    spectra = magnitude * phase
    x, previous = istft(spectra, hop_length), None
    for _ in range(rounds):
        rebuilt = stft(x, n_fft, hop_length)
        _note_error(errors, rebuilt, magnitude)
        ahead = rebuilt if previous is None else rebuilt + momentum * (rebuilt - previous)
        previous = rebuilt
        spectra = ahead * (magnitude / np.maximum(np.abs(ahead), np.float32(1e-9)))
        x = istft(spectra, hop_length)
    if errors is not None:
        _note_error(errors, stft(x, n_fft, hop_length), magnitude)
    return x


def from_log_mel(spectrogram, front_end, *, rounds=32, momentum=0.99, seed=None, errors=None):
    """Turn a log-mel spectrogram into sound: :func:`linear_magnitude`, then :func:`from_magnitude`.

    Parameters
    ----------
    spectrogram : ndarray, shape (frames, n_mels) or (batch, frames, n_mels)
        In dB below the loudest point, as ``front_end`` makes it; quantized, when it makes those.
    front_end : earshot.features.LogMel
        The settings of the spectrogram.
    rounds, momentum, seed, errors
        As for :func:`from_magnitude`.

    Returns
    -------
    ndarray of float32, shape ((frames - 1) * hop_length,), or (batch, ...)
        At the front end's sample rate. How loud the sound was is not in the spectrogram: its loudest
        point gets a mel power of 1.

    Raises
    ------
    EarshotError
        When the spectrogram has another shape than the settings give, or values that they cannot give.
    """
    db = check_log_mel(spectrogram, front_end)
    return from_magnitude(
        linear_magnitude(db, front_end), hop_length=front_end.hop_length, rounds=rounds,
        momentum=momentum, seed=seed, errors=errors,
    )  # fmt: skip


def linear_magnitude(db, front_end, *, updates=UPDATES):
    """Spread mel bands over linear frequencies, without the slow non-negative solver.

    Multiplicative updates lower the Kullback-Leibler divergence between the bands of the result and
    those of the spectrogram, and keep it positive: Lee and Seung (2001), "Algorithms for non-negative
    matrix factorization", with the filters fixed; in optics, Richardson (1972) and Lucy (1974).

    Parameters
    ----------
    db : ndarray, shape (..., frames, n_mels)
        As :func:`check_spectrogram` gives it.
    front_end : earshot.features.LogMel
    updates : int

    Returns
    -------
    ndarray of float32, shape (..., frames, 1 + n_fft // 2)
    """
    bank, spread, back = mel_matrices(front_end)
    mel = np.power(np.float32(10), db / np.float32(10), dtype=np.float32)
    power = mel @ spread
    for _ in range(updates):
        power *= (mel / np.maximum(power @ bank, np.float32(1e-12))) @ back
    return np.sqrt(power)


def first_phase(magnitude, hop_length, steps=None):
    """Guess phases in one pass, frame after frame.

    Next to the peak of a steady tone, the logarithm of the magnitude is the steeper the further
    away the peak is, so that the slope tells the frequency, and the frequency how far the phase
    turns from frame to frame: Prusa, Balazs and Søndergaard (2017), "A noniterative method for
    reconstruction of phase from STFT magnitude". In each frame, every frequency then listens to its
    two neighbours, the louder the more, because the same tone is in all three, with phases half a
    turn apart.

    Parameters
    ----------
    magnitude : ndarray, shape (..., frames, 1 + n_fft // 2)
    hop_length : int
    steps : ndarray, optional
        How far each phase turns from the frame before, beyond the turn of its own frequency, in
        radians, the same shape. Default: from the slopes.

    Returns
    -------
    ndarray of complex64, the same shape
        Of absolute value 1.
    """
    n_bins = magnitude.shape[-1]
    if steps is None:
        steps = _steps(magnitude, hop_length)
    own = np.pi * (hop_length * np.arange(n_bins) % (2 * n_bins - 2)) / (n_bins - 1)
    turns = np.exp(1j * (steps + own).astype(np.float32)).astype(np.complex64)
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


def _steps(magnitude, hop_length):
    loudest = magnitude.max(axis=(-2, -1), keepdims=True)
    log = np.log(np.maximum(magnitude, np.maximum(1e-4 * loudest, 1e-12)))
    steps = np.zeros(magnitude.shape, np.float32)
    away = np.clip(SLOPE / 2 * (log[..., 2:] - log[..., :-2]), -1.5, 1.5)
    steps[..., 1:-1] = np.pi * hop_length / (magnitude.shape[-1] - 1) * away
    steps[..., 1:, :] = (steps[..., 1:, :] + steps[..., :-1, :]) / 2
    return steps


def _checked_magnitude(magnitude):
    magnitude = np.asarray(magnitude)
    if magnitude.ndim not in (2, 3) or magnitude.shape[-1] < 3 or 0 in magnitude.shape:
        raise EarshotError(
            f"The spectrogram has the shape {magnitude.shape}: it needs frames first and "
            "1 + n_fft // 2 frequencies last."
        )
    if magnitude.dtype.kind not in "fiu" or not np.isfinite(magnitude).all():
        raise EarshotError(
            "The spectrogram holds NaN, infinity, or no real numbers: make it again, with np.abs "
            "of the complex spectra."
        )
    if magnitude.min() < 0:
        raise EarshotError(
            f"The spectrogram goes down to {magnitude.min():.4g}, so it seems to be in dB, and "
            "magnitudes are expected: 10 ** (db / 20)."
        )
    return magnitude.astype(np.float32, copy=False)


def _note_error(errors, spectra, magnitude):
    if errors is not None:
        off = np.linalg.norm(np.abs(spectra) - magnitude)
        errors.append(float(20 * np.log10(max(off / max(np.linalg.norm(magnitude), 1e-12), 1e-9))))
