"""Log-mel spectrograms back to sound in one pass, by a network that has learned to do it.

From a spectrogram, the network predicts a complex spectrum, and the inverse STFT gives the waveform, as
in Kaneko and others (2022), "iSTFTNet", and Siuzdak (2024), "Vocos". It does not begin at nothing:
it corrects what :mod:`earshot.synthesis.griffin_lim` begins with, the magnitudes of all frequencies and the
steps of their phases from frame to frame, which are then summed up.
"""

import keras
import numpy as np

from earshot.features import log_mel
from earshot.features.log_mel import LogMel
from earshot.networks import saving
from earshot.synthesis import griffin_lim
from earshot.synthesis.layers import FirstAdvance, LinearMagnitude

__all__ = ["FINE", "Inverter", "load_inverter", "network"]

FINE = LogMel(hop_length=64, n_mels=64, fmin_hz=0.0, top_db=80.0, n_samples=None)
"""A finer spectrogram than the recognizers', from which speech comes back better: 64 bands, 8 ms."""
SETTINGS = "inverter.json"
ROUNDS = 4
"""Of Griffin-Lim, for the last touch; more of them take long and change little."""


class Inverter:
    """A network that makes sound of spectrograms, with the settings of these spectrograms.

    Parameters
    ----------
    model : keras.Model
        As :func:`network` builds it.
    front_end : earshot.features.LogMel
        The settings of the spectrograms; ``n_samples`` does not matter.
    card : dict, optional
        What a reader should know: data, date, figures.
    """

    def __init__(self, model, front_end, card=None):
        self.model, self.front_end, self.card = model, front_end, dict(card or {})

    def __call__(self, spectrogram):
        """Turn a spectrogram into sound.

        Parameters
        ----------
        spectrogram : ndarray, shape (frames, n_mels) or (batch, frames, n_mels)
            As the front end makes it.

        Returns
        -------
        ndarray of float32, shape ((frames - 1) * hop_length,), or (batch, ...)
            At the front end's sample rate; its loudest point has a mel power of 1.

        Raises
        ------
        EarshotError
            As :func:`earshot.features.check_log_mel` does.
        """
        db = log_mel.check_log_mel(spectrogram, self.front_end)
        answer = self.model.predict_on_batch(db.reshape(-1, *db.shape[-2:]))
        log_magnitude, advance = (x.reshape(*db.shape[:-1], -1) for x in answer)
        return griffin_lim.from_magnitude(
            np.exp(log_magnitude), hop_length=self.front_end.hop_length, rounds=ROUNDS,
            steps=advance,
        )  # fmt: skip

    def save(self, folder):
        """Write the network and its settings into a folder; one that was there is replaced."""
        settings = {
            "format": saving.FORMAT, "front_end": self.front_end.to_dict(), "card": self.card,
        }  # fmt: skip
        saving.write(folder, self.model, {SETTINGS: settings})


def load_inverter(folder):
    """Load an :class:`Inverter` from its folder.

    Raises
    ------
    EarshotError
        When the folder or a file in it is missing or damaged; the message names it.
    """
    readers = {SETTINGS: _read_settings, saving.NETWORK: saving.read_network}
    (front_end, card), model = saving.read(folder, readers, "inverter")
    return Inverter(model, front_end, card)


def _read_settings(path):
    settings = saving.read_settings(path)
    return LogMel(**settings["front_end"]), settings["card"]


def network(front_end, *, width=112, blocks=3, kernel=3):
    """Build the network: residual convolutions over time that correct a cheap first guess.

    Parameters
    ----------
    front_end : earshot.features.LogMel
    width, blocks, kernel : int
        Channels, residual blocks, and frames that each of them sees.

    Returns
    -------
    keras.Model
        From spectrograms (batch, frames, n_mels) in dB, any number of frames, to "log_magnitude" and
        "advance", each (batch, frames, 1 + n_fft // 2): the natural logarithms of the magnitudes,
        and how far each phase turns from the frame before, beyond its own frequency's turn.
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
