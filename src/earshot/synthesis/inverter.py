"""Log-mel spectrograms back to sound in one pass, by a network that has learned to do it.

The network predicts a complex spectrum, and the inverse STFT gives the waveform, as in Kaneko and
others (2022), "iSTFTNet", and Siuzdak (2024), "Vocos". It corrects what Griffin-Lim begins with:
magnitudes, and how far phases advance from frame to frame.

>>> invert = Inverter(network(FINE, width=8, blocks=1), FINE)
>>> invert(FINE(np.sin(np.arange(640, dtype=np.float32)))).shape
(640,)
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from earshot.errors import EarshotError
from earshot.features.front_end import from_settings
from earshot.features.log_mel import LogMel, check_log_mel
from earshot.features.mel import mel_matrices
from earshot.networks import saving
from earshot.synthesis.griffin_lim import UPDATES, from_magnitude, phase_advance
from earshot.types import Array, PathLike

__all__ = ["FINE", "FirstAdvance", "Inverter", "LinearMagnitude", "load_inverter", "network"]

FINE = LogMel(hop_length=64, n_mels=64, fmin_hz=0.0, top_db=80.0, n_samples=None)
"""Finer spectrograms than the recognizers', of which speech comes back better: 64 bands, 8 ms."""
SETTINGS = "inverter.json"  # The file of a folder that holds front end and card.
ROUNDS = 4  # Of Griffin-Lim, for the last touch; more of them take long and change little.


class Inverter:
    """A :func:`network` with its spectrograms' settings, and a ``card``: data, date, figures."""

    def __init__(self, model: keras.Model, front_end: LogMel, card: dict[str, Any] | None = None):
        self.model, self.front_end, self.card = model, front_end, dict(card or {})

    def __call__(self, spectrogram: Array) -> Array:
        """Give and raise what :func:`earshot.synthesis.from_log_mel` does."""
        db = check_log_mel(spectrogram, self.front_end)
        answer = self.model.predict_on_batch(db.reshape(-1, *db.shape[-2:]))
        log_magnitude, advance = (x.reshape(*db.shape[:-1], -1) for x in answer)
        return from_magnitude(
            np.exp(log_magnitude), hop_length=self.front_end.hop_length, rounds=ROUNDS,
            advance=advance,
        )  # fmt: skip

    def save(self, folder: PathLike) -> None:
        """Write the network and its settings into a folder; one that was there is replaced."""
        known = {"front_end": self.front_end.to_dict(), "card": self.card}
        saving.write(folder, self.model, {SETTINGS: {"format": saving.FORMAT, **known}})


def load_inverter(folder: PathLike) -> Inverter:
    """Load an :class:`Inverter` from its folder; what is missing or damaged there is named."""
    readers = {SETTINGS: _read_settings, saving.NETWORK: saving.read_network}
    (front_end, card), model = saving.read(folder, readers, "inverter")
    n_bins = front_end.n_fft // 2 + 1
    shapes = [shape[-1] for shape in (model.input_shape, *model.output_shape)]
    if shapes != [front_end.n_mels, n_bins, n_bins]:
        needed = f"from {front_end.n_mels} bands to twice {n_bins} frequencies"
        raise EarshotError(f"The network in {folder} does not go {needed}: copy the folder again.")
    return Inverter(model, front_end, card)


def _read_settings(path):
    settings = saving.read_settings(path)
    return from_settings("LogMel", settings["front_end"]), dict(settings["card"])


@keras.saving.register_keras_serializable("earshot")
class LinearMagnitude(keras.layers.Layer):
    """The logarithms of :func:`~earshot.synthesis.griffin_lim.linear_magnitude`, of a to_dict()."""

    def __init__(self, settings: dict[str, Any], updates: int = UPDATES, **kwargs: Any):
        super().__init__(**kwargs)
        self.front_end, self.updates = LogMel(**settings), updates

    def call(self, db: Any) -> Any:
        """Give them, shape (batch, frames, 1 + n_fft // 2)."""
        bank, spread, back = mel_matrices(self.front_end)
        mel = ops.exp(db * (np.log(10) / 10))
        power = ops.matmul(mel, spread)
        for _ in range(self.updates):
            power *= ops.matmul(mel / ops.maximum(ops.matmul(power, bank), 1e-12), back)
        return 0.5 * ops.log(power + 1e-12)


@keras.saving.register_keras_serializable("earshot")
class FirstAdvance(keras.layers.Layer):
    """:func:`~earshot.synthesis.griffin_lim.phase_advance` as a layer; no gradient flows back."""

    def __init__(self, hop_length: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.hop_length = hop_length

    def call(self, log_magnitude: Any) -> Any:
        """Give the advance of the phases, of the same shape."""
        return phase_advance(ops.stop_gradient(log_magnitude), self.hop_length, ops)


def network(
    front_end: LogMel, *, width: int = 112, blocks: int = 3, kernel: int = 3
) -> keras.Model:
    """Build the network: residual convolutions over time that correct a cheap first guess.

    From spectrograms (batch, frames, n_mels) in dB to "log_magnitude", natural logarithms, and
    "advance", how far each phase turns from the frame before, beyond its own frequency's turn, each
    (batch, frames, 1 + n_fft // 2). ``width``: channels; ``kernel``: frames that a block sees.
    """
    n_bins = front_end.n_fft // 2 + 1
    small = keras.initializers.RandomNormal(stddev=0.01, seed=0)
    inputs = keras.Input((None, front_end.n_mels), name="log_mel")
    guess = LinearMagnitude(front_end.to_dict())(inputs)
    x = keras.layers.Concatenate()([
        keras.layers.Rescaling(1 / front_end.top_db, offset=0.5)(inputs),
        keras.layers.Rescaling(0.25, offset=0.5)(guess),
    ])  # fmt: skip
    x = keras.layers.Conv1D(width, kernel, padding="same")(x)
    for _ in range(blocks):
        y = keras.layers.LayerNormalization()(x)
        y = keras.layers.Conv1D(width, kernel, padding="same", activation="gelu")(y)
        x = keras.layers.Add()([x, keras.layers.Dense(width)(y)])
    x = keras.layers.LayerNormalization()(x)
    correction = keras.layers.Dense(n_bins, kernel_initializer=small)(x)
    log_magnitude = keras.layers.Add(name="log_magnitude")([guess, correction])
    correction = keras.layers.Dense(n_bins, kernel_initializer=small)(x)
    first = FirstAdvance(front_end.hop_length)(log_magnitude)
    advance = keras.layers.Add(name="advance")([first, correction])
    return keras.Model(inputs, [log_magnitude, advance], name="inverter")
