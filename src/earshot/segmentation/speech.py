"""How much each frame of a recording sounds like speech: a small network, run by NumPy.

It looks at the levels of the bands above the noise floor, a second and a quarter either way, in
steps of 20 ms. ``recipes/speech.py`` trained it.

>>> rng = np.random.default_rng(0)
>>> x = 0.001 * rng.standard_normal(24000)
>>> x[8000:12000] += 0.1 * rng.standard_normal(4000)
>>> speech = find_speech(x.astype(np.float32), 8000)
>>> bool(speech.score[110:140].min() > 0 > speech.score[:90].max())
True
"""

import functools
import typing
from pathlib import Path

import numpy as np

from earshot import arrays
from earshot.segmentation.noise_floor import AboveNoise, learn_noise_floor
from earshot.types import Array, Sound

__all__ = ["DILATIONS", "STRIDE", "Speech", "find_speech", "network_input"]

WEIGHTS = Path(__file__).with_name("speech.npz")
RANGE_DB = (-10.0, 50.0)  # a band counts so far below and above its floor
SCALE_DB = 10.0  # what is 1 to the network
STRIDE = 2  # frames to a step of the network: words have no borders that are sharper
DILATIONS = (1, 2, 4, 8, 16, 32)  # steps from tap to tap of the network's layers after the first
REACH = 2 * sum(DILATIONS) + 4  # frames that an answer depends on, either way; a multiple of STRIDE
BLOCK_FRAMES = 3000  # that are looked at together, to save memory; a multiple of STRIDE


class Speech(typing.NamedTuple):
    """How much a recording sounds like speech, frame by frame."""

    score: Array  # logarithm of the odds, shape (frames,): above 0 where speech is more likely
    frame_s: float
    duration_s: float
    name: str  # of the recording, for messages


def find_speech(recording: Sound, sample_rate: int | None) -> Speech:
    """Learn the noise floor of a recording, and judge its frames; a waveform needs its rate."""
    sound = learn_noise_floor(recording, sample_rate)
    n, score = len(sound.bands), []
    for i in range(0, n, BLOCK_FRAMES):
        lead = min(i, REACH)
        answers = _network(network_input(sound, i - lead, i + BLOCK_FRAMES + REACH))
        score.append(answers[lead // STRIDE :][: BLOCK_FRAMES // STRIDE])
    middle = STRIDE * np.arange(-(-n // STRIDE)) + (STRIDE - 1) / 2  # of each step, in frames
    score = np.interp(np.arange(n), middle, np.concatenate(score)).astype(np.float32)
    return Speech(score, sound.frame_s, sound.duration_s, sound.name)


def network_input(sound: AboveNoise, first: int, last: int) -> Array:
    """Give what the network gets of some frames, shape (frames, N_BANDS)."""
    return np.clip(sound.above_db(first, last), *RANGE_DB) / np.float32(SCALE_DB)


def _network(x):
    """Answer for every step, shape (steps,): convolutions over time, added up."""
    first, *layers, last = _layers()
    x = np.maximum(_convolved(np.pad(x, ((0, len(x) % STRIDE), (0, 0))), *first, STRIDE), 0)
    for (weights, bias), dilation in zip(layers, DILATIONS, strict=True):
        x += np.maximum(_convolved(x, weights, bias, 1, dilation), 0)
    return _convolved(x, *last)[:, 0]


def _convolved(x, weights, bias, stride=1, dilation=1):
    """Convolve over time, as Keras does with "same" padding; weights are (taps, in, out)."""
    reach = (len(weights) - 1) * dilation
    n_steps = len(x) // stride
    before = (reach + 1 - stride) // 2
    x = np.pad(x, ((before, reach - before), (0, 0)))
    y = np.tile(bias, (n_steps, 1))
    for k, tap in enumerate(weights):
        y += x[k * dilation :: stride][:n_steps] @ tap
    return y


@functools.cache
def _layers():
    """Weights and bias of each layer."""
    known = arrays.read(WEIGHTS)
    whole = {name: values.astype(np.float32) for name, values in known.items()}
    return [(whole[f"weights_{i}"], whole[f"bias_{i}"]) for i in range(len(whole) // 2)]
