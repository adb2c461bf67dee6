"""Keras layers of the package, registered so that saved models load with ``safe_mode=True``."""

import keras
import numpy as np
from keras import ops

from earshot.griffin_lim import SLOPE, mel_matrices
from earshot.spectrogram import LogMel, mel_filter_bank

__all__ = [
    "AllSteps",
    "AnyOfFrame",
    "FilterBank",
    "FirstAdvance",
    "Half",
    "Jitter",
    "LastStep",
    "LinearMagnitude",
    "LogMelLayer",
    "MeanOfFeatures",
    "Resynthesis",
    "SamplesLayer",
    "StateCell",
    "WordPooling",
]


@keras.saving.register_keras_serializable("earshot")
class LogMelLayer(keras.layers.Layer):
    """Waveforms (batch, samples) to log-mel pictures (batch, frames, n_mels).

    The numbers are those of :class:`earshot.spectrogram.LogMel` with the same settings; stamps
    come as whole float32 values from 0 to 255.

    Parameters
    ----------
    settings : dict
        As from :meth:`earshot.spectrogram.LogMel.to_dict`.
    """

    def __init__(self, settings, **kwargs):
        super().__init__(**kwargs)
        self.front_end = LogMel(**settings)

    def call(self, x):
        front_end = self.front_end
        n, length = front_end.n_samples, x.shape[-1]
        if n is not None and length != n:
            start = max(n - length, 0) // 2 if front_end.pad == "center" else 0
            x = ops.pad(x[:, :n], [[0, 0], [start, max(n - start - length, 0)]])
        n_fft = front_end.n_fft
        x = ops.pad(ops.cast(x, "float32"), [[0, 0], [n_fft // 2, n_fft // 2]])
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
        frames = ops.extract_sequences(x, n_fft, front_end.hop_length)
        real, imaginary = ops.rfft(frames * ops.cast(window, "float32"), fft_length=n_fft)
        bank = mel_filter_bank(
            front_end.sample_rate, n_fft, front_end.n_mels, front_end.fmin_hz, front_end._fmax_hz
        )
        power = ops.matmul(real * real + imaginary * imaginary, bank)
        loudest = ops.maximum(ops.max(power, axis=(1, 2), keepdims=True), 1e-10)
        relative = ops.maximum(power / loudest, 10.0 ** (-front_end.top_db / 10))
        db = 10 * ops.log10(relative)
        if front_end.bits is None:
            return db
        return ops.round((db / front_end.top_db + 1) * 255)

    def compute_output_shape(self, input_shape):
        n = self.front_end.n_samples or input_shape[-1]
        frames = None if n is None else 1 + n // self.front_end.hop_length
        return (input_shape[0], frames, self.front_end.n_mels)

    def get_config(self):
        return {**super().get_config(), "settings": self.front_end.to_dict()}


@keras.saving.register_keras_serializable("earshot")
class LinearMagnitude(keras.layers.Layer):
    """Log-mel pictures in dB to the logarithms of linear magnitudes.

    (batch, frames, n_mels) to (batch, frames, 1 + n_fft // 2); the numbers are those of
    :func:`earshot.griffin_lim.linear_magnitude`, after a natural logarithm.

    Parameters
    ----------
    settings : dict
        As from :meth:`earshot.spectrogram.LogMel.to_dict`.
    updates : int
    """

    def __init__(self, settings, updates=10, **kwargs):
        super().__init__(**kwargs)
        self.front_end, self.updates = LogMel(**settings), updates

    def call(self, db):
        bank, spread, back = mel_matrices(self.front_end)
        mel = ops.exp(db * (np.log(10) / 10))
        power = ops.matmul(mel, spread)
        for _ in range(self.updates):
            power *= ops.matmul(mel / ops.maximum(ops.matmul(power, bank), 1e-12), back)
        return 0.5 * ops.log(power + 1e-12)

    def get_config(self):
        settings = {"settings": self.front_end.to_dict(), "updates": self.updates}
        return {**super().get_config(), **settings}


@keras.saving.register_keras_serializable("earshot")
class FirstAdvance(keras.layers.Layer):
    """Log magnitudes to how far each phase turns from the frame before, beyond its bin's own turn.

    In radians; the steps from the slopes of :func:`earshot.griffin_lim.first_phase`. No gradient
    flows back through it.
    """

    def __init__(self, hop_length, **kwargs):
        super().__init__(**kwargs)
        self.hop_length = hop_length

    def call(self, log_magnitude):
        x = ops.stop_gradient(log_magnitude)
        turn = np.pi * self.hop_length / (x.shape[-1] - 1)  # of a bin in a hop
        away = ops.clip(SLOPE / 2 * (x[..., 2:] - x[..., :-2]), -1.5, 1.5) * turn
        away = ops.pad(away, [[0, 0], [0, 0], [1, 1]])
        return ops.concatenate([away[:, :1], 0.5 * (away[:, 1:] + away[:, :-1])], axis=1)

    def get_config(self):
        return {**super().get_config(), "hop_length": self.hop_length}


@keras.saving.register_keras_serializable("earshot")
class Resynthesis(keras.layers.Layer):
    """Log magnitudes and phases to waveforms, by the inverse STFT.

    Parameters
    ----------
    hop_length : int
    """

    def __init__(self, hop_length, **kwargs):
        super().__init__(**kwargs)
        self.hop_length = hop_length

    def call(self, log_magnitude, phase):
        """Give (batch, (frames - 1) * hop_length); phases are cosines and sines, (..., 2)."""
        n_fft, n_frames = 2 * (log_magnitude.shape[-1] - 1), ops.shape(log_magnitude)[1]
        window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype("float32")
        spectra = ops.exp(log_magnitude)[..., None] * phase
        frames = ops.irfft((spectra[..., 0], spectra[..., 1]), fft_length=n_fft) * window
        weight = ops.broadcast_to(ops.square(window), (1, n_frames, n_fft))
        weight = ops.maximum(overlapped(weight, self.hop_length), 0.05)
        x = overlapped(frames, self.hop_length) / weight
        return x[:, n_fft // 2 : n_fft // 2 + (n_frames - 1) * self.hop_length]

    def compute_output_spec(self, log_magnitude, phase):
        batch, frames, _ = log_magnitude.shape
        length = None if frames is None else (frames - 1) * self.hop_length
        return keras.KerasTensor((batch, length), log_magnitude.dtype)

    def get_config(self):
        return {**super().get_config(), "hop_length": self.hop_length}


def frames_of(x, n_fft, hop_length):
    """(batch, samples) to frames (batch, frames, n_fft), as many as fit."""
    n_hops = -(-n_fft // hop_length)
    n_frames = (ops.shape(x)[1] - n_fft) // hop_length + 1
    x = ops.pad(x, [[0, 0], [0, n_hops * hop_length - n_fft]])
    x = x[:, : (n_frames + n_hops - 1) * hop_length]
    pieces = ops.reshape(x, (-1, n_frames + n_hops - 1, hop_length))
    frames = [pieces[:, i : i + n_frames] for i in range(n_hops)]
    return ops.concatenate(frames, axis=-1)[..., :n_fft]


def overlapped(frames, hop_length):
    """Frames (batch, frames, n_fft), each a hop after the one before, to their sum (batch, ...)."""
    n_fft, n_frames = frames.shape[-1], ops.shape(frames)[1]
    n_hops = -(-n_fft // hop_length)
    frames = ops.pad(frames, [[0, 0], [0, 0], [0, n_hops * hop_length - n_fft]])
    pieces = ops.reshape(frames, (-1, n_frames, n_hops, hop_length))
    x = sum(ops.pad(pieces[:, :, i], [[0, 0], [i, n_hops - 1 - i], [0, 0]]) for i in range(n_hops))
    # What lies beyond the last frame comes from the padding alone.
    return ops.reshape(x, (-1, (n_frames + n_hops - 1) * hop_length))[
        :, : (n_frames - 1) * hop_length + n_fft
    ]


@keras.saving.register_keras_serializable("earshot")
class SamplesLayer(keras.layers.Layer):
    """Waveforms (batch, samples) to clips of one length with their masks, as :class:`Samples`."""

    def __init__(self, n_samples, **kwargs):
        super().__init__(**kwargs)
        self.n_samples = n_samples

    def call(self, x):
        n, length = self.n_samples, x.shape[-1]
        x = ops.cast(x, "float32")
        if length != n:
            x = ops.pad(x[:, :n], [[0, 0], [0, max(n - length, 0)]])
        peak = ops.max(ops.abs(x), axis=1, keepdims=True)
        real = ops.where(x != 0, ops.arange(1, n + 1), 0)
        mask = ops.arange(n) < ops.max(real, axis=1, keepdims=True)
        return x / ops.maximum(peak, 1e-9), mask

    def get_config(self):
        return {**super().get_config(), "n_samples": self.n_samples}


@keras.saving.register_keras_serializable("earshot")
class FilterBank(keras.layers.Layer):
    """Learned band-pass filters over raw samples: how loud each band is in each frame.

    Gabor filters, a sine and a cosine under a bell, of which the middle frequency and the length
    are learned, two numbers a filter; they begin spaced as mel bands are. Given on is the logarithm
    of the power. After Zeghidour and others (2021), "LEAF: a learnable frontend for audio
    classification". (Filters of which every weight is free learn the training clips by heart.)

    Parameters
    ----------
    frame : int
        Samples from one frame to the next; a filter is four frames long.
    n_filters : int
    sample_rate : int
        In Hz; of the first frequencies only.
    """

    def __init__(self, frame, n_filters, sample_rate, **kwargs):
        super().__init__(**kwargs)
        self.frame, self.n_filters, self.sample_rate = frame, n_filters, sample_rate

    def build(self, input_shape):
        top = min(4000.0, self.sample_rate / 2)
        bank = mel_filter_bank(self.sample_rate, 4096, self.n_filters, 60.0, top)
        cycles = bank.argmax(axis=0) / 4096  # a sample
        widths = np.clip(0.35 / np.gradient(cycles), self.frame / 4, self.frame)
        # Both are learned in steps of a comparable size: relative to where they begin.
        self.first = np.stack([cycles, widths / self.frame]).astype("float32")
        self.change = self.add_weight(shape=(2, self.n_filters), initializer="zeros", name="change")

    def call(self, x):
        """(batch, samples) to (batch, samples // frame, n_filters)."""
        cycles, width = ops.unstack(self.first * ops.exp(self.change), 2)
        time = ops.arange(-2 * self.frame, 2 * self.frame, dtype="float32")[:, None]
        bell = ops.exp(-0.5 * ops.square(time / (width * self.frame)))
        bell = bell / ops.sum(bell, axis=0)
        angle = 2 * np.pi * cycles * time
        kernel = ops.concatenate([bell * ops.cos(angle), bell * ops.sin(angle)], axis=1)
        y = ops.conv(x[..., None], kernel[:, None], strides=self.frame, padding="same")
        power = ops.square(y[..., : self.n_filters]) + ops.square(y[..., self.n_filters :])
        return ops.log(power + 1e-5)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], -(-input_shape[1] // self.frame), self.n_filters)

    def get_config(self):
        settings = {name: getattr(self, name) for name in ("frame", "n_filters", "sample_rate")}
        return {**super().get_config(), **settings}


@keras.saving.register_keras_serializable("earshot")
class AnyOfFrame(keras.layers.Layer):
    """Mask of samples (batch, samples) to mask of frames: real where any sample is."""

    def __init__(self, frame, n_steps, **kwargs):
        super().__init__(**kwargs)
        self.frame, self.n_steps = frame, n_steps

    def call(self, mask):
        missing = self.frame * self.n_steps - mask.shape[1]
        mask = ops.pad(ops.cast(mask, "int32"), [[0, 0], [0, missing]])
        return ops.any(ops.reshape(mask, (-1, self.n_steps, self.frame)) > 0, axis=2)

    def compute_output_spec(self, mask):
        return keras.KerasTensor((mask.shape[0], self.n_steps), dtype="bool")

    def get_config(self):
        return {**super().get_config(), "frame": self.frame, "n_steps": self.n_steps}


@keras.saving.register_keras_serializable("earshot")
class MeanOfFeatures(keras.layers.Layer):
    """(batch, steps, features) to (batch, steps): one value a step."""

    def call(self, x):
        return ops.mean(x, axis=-1)


@keras.saving.register_keras_serializable("earshot")
class LastStep(keras.layers.Layer):
    """(batch, steps, values) to (batch, values): the last step, where everything has been seen."""

    def call(self, x):
        return x[:, -1]


@keras.saving.register_keras_serializable("earshot")
class AllSteps(keras.layers.Layer):
    """Stands in the place of :class:`LastStep` where a network runs along a stream."""

    def call(self, x):
        return x


@keras.saving.register_keras_serializable("earshot")
class Half(keras.layers.Layer):
    """First (0) or second (1) half of the values of each step."""

    def __init__(self, which, **kwargs):
        super().__init__(**kwargs)
        self.which = which

    def call(self, x):
        return ops.split(x, 2, axis=-1)[self.which]

    def get_config(self):
        return {**super().get_config(), "which": self.which}


@keras.saving.register_keras_serializable("earshot")
class StateCell(keras.layers.LSTMCell):
    """An LSTM's cell that answers with its hidden state and its cell state, side by side."""

    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)
        self.output_size = 2 * self.units

    def call(self, x, states, training=False):
        hidden, (_, cell) = super().call(x, states, training=training)
        return ops.concatenate([hidden, cell], axis=-1), [hidden, cell]


@keras.saving.register_keras_serializable("earshot")
class WordPooling(keras.layers.Layer):
    """(batch, steps, features) to (batch, (n_parts + 1) * features): what comes when in a word.

    The mean over time forgets the order. Here is a mean for each of ``n_parts`` parts of the word,
    which fade into one another, and the maximum over time. How far the word has gone is the share
    of its features' sum, which are not negative, so that pauses before and after it count for
    nothing, and a word said slowly has the same parts as one said fast.
    """

    def __init__(self, n_parts=4, **kwargs):
        super().__init__(**kwargs)
        self.n_parts = n_parts

    def call(self, x):
        active = ops.sum(x, axis=2, keepdims=True)
        share = active / ops.maximum(ops.sum(active, axis=1, keepdims=True), 1e-6)
        gone = ops.cumsum(share, axis=1) - share / 2
        middles = ops.convert_to_tensor(np.arange(self.n_parts, dtype=np.float32) + 0.5)
        weights = ops.maximum(1 - ops.abs(self.n_parts * gone - middles), 0) * share * self.n_parts
        parts = ops.matmul(ops.transpose(weights, (0, 2, 1)), x)
        parts = ops.reshape(parts, (-1, self.n_parts * x.shape[2]))
        return ops.concatenate([parts, ops.max(x, axis=1)], axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], (self.n_parts + 1) * input_shape[2])

    def get_config(self):
        return {**super().get_config(), "n_parts": self.n_parts}


@keras.saving.register_keras_serializable("earshot")
class Jitter(keras.layers.Layer):
    """Vary what other voices and rooms vary, in training only; values run from about 0 to 1.

    Bands are stretched (another vocal tract), time is stretched and shifted a little, the spectrum
    is bent as by another microphone, a noise covers what is soft, and some neighbouring bands and
    steps are hidden (Park and others 2019, "SpecAugment").

    Parameters
    ----------
    strength : float
        1 is what served the experiments with LSTMs.
    """

    def __init__(self, strength=1.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.strength, self.seed = strength, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, real=None, training=False):
        """(batch, steps, bands) to the same; with a mask of the steps, to both."""
        if not training or not self.strength:
            return x if real is None else (x, real)
        n, steps, bands = ops.shape(x)[0], x.shape[1], x.shape[2]
        band, step = (ops.arange(size, dtype="float32") for size in (bands, steps))

        def draw(most, shape=(n, 1)):
            spread = keras.random.uniform(shape, -1, 1, seed=self.seed_generator)
            return self.strength * most * spread

        x = ops.matmul(x, ops.transpose(_reading(band * ops.exp(draw(0.22))), (0, 2, 1)))
        reading = _reading(step * ops.exp(draw(0.3)) + draw(0.08 * steps))
        x = ops.matmul(reading, x)
        place = ops.linspace(0.0, np.pi, bands)
        for k in (1, 2, 3):  # another microphone: a smooth curve over the bands
            x += draw(0.2 / k, (n, 1, 1)) * ops.cos(k * place + draw(np.pi, (n, 1, 1)))
        # Another room: a noise that covers what is softer, in half of the clips.
        noise = keras.random.normal((n, steps, bands), 0, 0.06, seed=self.seed_generator)
        noise += draw(0.1, (n, 1, 1)) * ops.cos(place + draw(np.pi, (n, 1, 1)))
        x = ops.maximum(x, noise + draw(0.7, (n, 1, 1)))
        hidden = _stretch_of(band, bands, 0.16 * self.strength, n, self.seed_generator)[:, None, :]
        hidden |= _stretch_of(step, steps, 0.14 * self.strength, n, self.seed_generator)[..., None]
        x = ops.where(hidden, 0.0, x)
        if real is None:
            return x
        return x, ops.matmul(reading, ops.cast(real, "float32")[..., None])[..., 0] > 0.5

    def compute_output_spec(self, x, real=None, training=False):
        like = [keras.KerasTensor(y.shape, y.dtype) for y in (x, real) if y is not None]
        return like[0] if real is None else tuple(like)

    def get_config(self):
        return {**super().get_config(), "strength": self.strength, "seed": self.seed}


def _reading(places):
    """Weights (n, size, size) that read values at fractional places (n, size)."""
    size = places.shape[1]
    places = ops.clip(places, 0, size - 1)
    away = ops.abs(places[..., None] - ops.arange(size, dtype="float32"))
    return ops.maximum(1 - away, 0)


def _stretch_of(index, size, share, n, seed):
    """Choose some neighbours among ``size``, at most a share of them, for each of n clips."""
    begin = keras.random.uniform((n, 1), 0, size, seed=seed)
    length = keras.random.uniform((n, 1), 0, share * size, seed=seed)
    return (index >= begin) & (index < begin + length)
