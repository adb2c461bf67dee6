"""Training of networks that turn spectrograms into sound."""

import keras
import numpy as np
import scipy.fft
from keras import ops
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from earshot import audio
from earshot.errors import EarshotError
from earshot.synthesis.inverter import FINE, Inverter, network
from earshot.synthesis.layers import Resynthesis, frames_of

__all__ = ["refine_inverter", "spectral_distance", "train_inverter"]

RESOLUTIONS = ((128, 32), (256, 64), (512, 128))
"""Window and hop, in samples, of the spectra that are compared."""
CROP_FRAMES = 48
SPEEDS = ((8, 7), (15, 14), (14, 15), (7, 8))
"""Each clip is also trained on played slower and faster, new samples for old: other voices."""


def spectral_distance(x, y):
    """Compare waveforms by their spectra at several resolutions; differentiable.

    The mean difference of log magnitudes, and that of magnitudes against the mean magnitude, over
    three windows: Yamamoto, Song and Kim (2020), "Parallel WaveGAN".

    Parameters
    ----------
    x, y : tensors, shape (batch, samples)
        What is right, and what is judged.

    Returns
    -------
    tensor
        A scalar.
    """
    total = 0
    for n_fft, hop in RESOLUTIONS:
        a, b = spectra(x, n_fft, hop), spectra(y, n_fft, hop)
        total += ops.mean(ops.abs(ops.log(a + 1e-4) - ops.log(b + 1e-4)))
        total += ops.mean(ops.abs(a - b)) / (ops.mean(a) + 1e-5)
    return total / len(RESOLUTIONS)


def spectra(x, n_fft, hop_length):
    """Magnitudes of waveforms (batch, samples), shape (batch, frames, 1 + n_fft // 2)."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype("float32")
    real, imaginary = ops.rfft(frames_of(x, n_fft, hop_length) * (window * 4 / n_fft**0.5))
    return ops.sqrt(real * real + imaginary * imaginary + 1e-10)


def _magnitude_loss(truth, prediction):
    return ops.mean(ops.abs(truth - ops.log(ops.exp(prediction) + 1e-4)))


def _advance_loss(truth, prediction):
    """One less the cosine of the error, where it is loud; truth is a vector of that length."""
    agreement = truth[..., 0] * ops.cos(prediction) + truth[..., 1] * ops.sin(prediction)
    length = ops.sqrt(ops.sum(ops.square(truth), axis=-1))
    return 1 - ops.mean(agreement) / (ops.mean(length) + 1e-6)


_LOSSES = {
    "waveform": (1.0, spectral_distance),
    "log_magnitude": (0.3, _magnitude_loss),
    "advance": (2.0, _advance_loss),
}
"""Weights and losses of what a network gives in training."""


def _with_sound(model, front_end):
    """Give the sound of a network's magnitudes beside its spectrum, for which it needs phases."""
    phase = keras.Input((None, front_end.n_fft // 2 + 1, 2), name="phase")
    log_magnitude, advance = model.outputs
    sound = Resynthesis(front_end.hop_length)(log_magnitude, phase)
    outputs = {"waveform": sound, "log_magnitude": log_magnitude, "advance": advance}
    return keras.Model([*model.inputs, phase], outputs)


class CropBatches(keras.utils.PyDataset):
    """Batches of stretches of spectrograms with the sound that belongs to them.

    Batch i of epoch e is the same whenever it is asked for.

    Parameters
    ----------
    words : earshot.datasets.WordSet
    front_end : earshot.features.LogMel
    steps : int
        Batches in an epoch.
    batch_size : int
    seed : int
    """

    def __init__(self, words, front_end, *, steps=200, batch_size=16, seed=0):
        super().__init__()
        self.front_end, self.steps = front_end, steps
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0
        clips = words.resampled(front_end.sample_rate).waveforms
        clips = clips + [audio.resample(x, old, new) for x in clips for new, old in SPEEDS]
        self.clips = [_with_spectrogram(x, front_end) for x in clips]

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        rng = np.random.default_rng((self.seed, self.epoch, index))
        n_fft, hop = self.front_end.n_fft, self.front_end.hop_length
        shape = (self.batch_size, CROP_FRAMES, self.front_end.n_mels)
        spectrograms = np.full(shape, -self.front_end.top_db, np.float32)
        sound = np.zeros((self.batch_size, (CROP_FRAMES - 1) * hop + n_fft), np.float32)
        for i, row in enumerate(rng.integers(len(self.clips), size=self.batch_size)):
            clip, spectrogram = self.clips[row]
            first = rng.integers(max(len(spectrogram) - CROP_FRAMES, 0) + 1)
            spectrogram = spectrogram[first : first + CROP_FRAMES]
            clip = clip[first * hop : first * hop + sound.shape[1]]
            spectrograms[i, : len(spectrogram)], sound[i, : len(clip)] = spectrogram, clip
        inside = sound[:, n_fft // 2 : -(n_fft // 2)]
        frames = np.lib.stride_tricks.sliding_window_view(sound, n_fft, axis=1)[:, ::hop]
        phase, spectrum = _spectrum_of(frames, hop)
        return (spectrograms, phase), {"waveform": inside, **spectrum}


def _with_spectrogram(x, front_end):
    """Half a window of silence on each side of a clip, at its spectrogram's level; and the spectrogram."""
    x = np.pad(x, (0, -len(x) % front_end.hop_length))
    power = front_end.mel_power(x)
    x = x / np.sqrt(max(power.max(), 1e-10))
    return np.pad(x, front_end.n_fft // 2).astype(np.float32), front_end.to_db(power)


def _spectrum_of(frames, hop):
    """True phases, as cosines and sines; log magnitudes and steps of phase, to be learned."""
    n_fft = frames.shape[-1]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
    spectrum = scipy.fft.rfft(frames * window, axis=-1)
    size = np.abs(spectrum)
    phase = spectrum / np.maximum(size, 1e-12)
    step = phase.copy()
    step[:, 1:] *= np.conj(phase[:, :-1])
    step *= np.exp(-2j * np.pi * hop / n_fft * np.arange(n_fft // 2 + 1))
    step[:, 1:] *= np.sqrt(np.minimum(size[:, 1:], size[:, :-1]))
    step[:, 0] = 0
    return _pairs(phase), {"log_magnitude": np.log(size + 1e-4), "advance": _pairs(step)}


def _pairs(z):
    return np.stack([z.real, z.imag], axis=-1).astype(np.float32)


class _Clock(keras.callbacks.Callback):
    """Give every epoch its own crops, and move a progress bar."""

    def __init__(self, crops, bar):
        super().__init__()
        self.crops, self.bar = crops, bar

    def on_epoch_begin(self, epoch, logs=None):
        self.crops.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        self.bar.set_postfix(loss=f"{logs['loss']:.3f}", refresh=False)
        self.bar.update()


def train_inverter(
    words, front_end=FINE, *, epochs=40, steps=200, learning_rate=2e-3, seed=0, **options
):
    """Train a network to turn spectrograms into sound.

    Losses: the distance of the sound's spectra at several resolutions
    (:func:`spectral_distance`), where the sound is that of the predicted magnitudes with the true
    phases; the distance of the log magnitudes; and the angle between steps of phase.

    Parameters
    ----------
    words : earshot.datasets.WordSet
        What is said does not matter, who says it does: no test speaker may be among them.
    front_end : earshot.features.LogMel
    epochs, steps : int
        Epochs, and batches in each.
    learning_rate : float
    seed : int
    options : dict
        For :func:`network`.

    Returns
    -------
    Inverter

    Raises
    ------
    EarshotError
        When there are no clips.
    """
    if len(words) == 0:
        raise EarshotError("There is nothing to train on: the word set has no clips.")
    keras.utils.set_random_seed(seed)
    model, crops = (
        network(front_end, **options),
        CropBatches(words, front_end, steps=steps, seed=seed),
    )
    trained = _with_sound(model, front_end)
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 10, max(epochs * steps - 100, 1), alpha=0.01,
        warmup_target=learning_rate, warmup_steps=100,
    )  # fmt: skip
    trained.compile(
        keras.optimizers.AdamW(schedule, weight_decay=1e-3, clipnorm=1.0),
        {name: loss for name, (_, loss) in _LOSSES.items()},
        loss_weights={name: weight for name, (weight, _) in _LOSSES.items()},
        jit_compile=keras.backend.backend() == "jax",
    )
    bar = tqdm(desc="learning to speak", total=epochs, unit="epoch")
    with bar, threadpool_limits(1, user_api="blas"):
        trained.fit(crops, epochs=epochs, callbacks=[_Clock(crops, bar)], verbose=0, shuffle=False)
    card = {"data": words.about, "clips": len(words), "epochs": epochs}
    return Inverter(model, front_end, {**card, "backend": keras.backend.backend()})


def refine_inverter(inverter, words, *, epochs=6, steps=200, learning_rate=4e-4, seed=0):
    """Train on against an adversary, which learns to tell rebuilt sound from recorded sound.

    The adversary looks at spectrograms of three resolutions, as in Jang and others (2021),
    "UnivNet"; least squares as its loss, and its features are matched, as in Kong, Kim and Bae
    (2020), "HiFi-GAN". The losses of :func:`train` stay. TensorFlow backend only.

    Parameters
    ----------
    inverter : Inverter
        As :func:`train` gave it; it stays as it is.
    words : earshot.datasets.WordSet
        The clips that it was trained on.
    epochs, steps : int
    learning_rate : float
    seed : int

    Returns
    -------
    Inverter
    """
    if keras.backend.backend() != "tensorflow":
        raise EarshotError("The adversary needs the TensorFlow backend: KERAS_BACKEND=tensorflow.")
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    model = keras.models.clone_model(inverter.model)
    model.set_weights(inverter.model.get_weights())
    trained = _with_sound(model, inverter.front_end)
    critics = [_critic(n_fft) for n_fft, _ in RESOLUTIONS]
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * steps, alpha=0.05)
    maker = keras.optimizers.AdamW(schedule, beta_1=0.8, clipnorm=1.0)
    judge = keras.optimizers.AdamW(2 * learning_rate, beta_1=0.8, clipnorm=1.0)
    judge_weights = [weight for critic in critics for weight in critic.trainable_variables]

    def judged(sound):
        """Judgements and features at every resolution."""
        views = (ops.log(spectra(sound, *size) + 1e-4)[..., None] for size in RESOLUTIONS)
        return [critic(view) for critic, view in zip(critics, views, strict=True)]

    @tf.function
    def step(inputs, truth):
        with tf.GradientTape() as maker_tape, tf.GradientTape() as judge_tape:
            made = trained(list(inputs), training=True)
            real, fake = judged(truth["waveform"]), judged(made["waveform"])
            loss = sum(weight * f(truth[name], made[name]) for name, (weight, f) in _LOSSES.items())
            judge_loss = 0.0
            for right, wrong in zip(real, fake, strict=True):
                judge_loss += ops.mean(ops.square(right[-1] - 1)) + ops.mean(ops.square(wrong[-1]))
                loss += 0.1 * ops.mean(ops.square(wrong[-1] - 1))
                for a, b in zip(right[:-1], wrong[:-1], strict=True):
                    loss += 0.2 * ops.mean(ops.abs(tf.stop_gradient(a) - b))
        weights = model.trainable_variables
        maker.apply(maker_tape.gradient(loss, [w.value for w in weights]), weights)
        judge.apply(
            judge_tape.gradient(judge_loss, [w.value for w in judge_weights]), judge_weights
        )
        return loss, judge_loss

    crops = CropBatches(words, inverter.front_end, steps=steps, seed=seed + 1)
    with threadpool_limits(1, user_api="blas"):
        for crops.epoch in tqdm(range(epochs), desc="against an adversary", unit="epoch"):
            for i in range(steps):
                losses = step(*crops[i])
                if not np.isfinite(losses).all():
                    raise EarshotError("The adversary won: lower learning_rate.")
    return Inverter(model, inverter.front_end, {**inverter.card, "adversarial epochs": epochs})


def _critic(n_fft):
    """Convolutions that judge each patch of a spectrogram; gives their features and judgements."""
    inputs = keras.Input((None, n_fft // 2 + 1, 1))
    x, given = keras.layers.Rescaling(0.25, offset=0.5)(inputs), []
    for width, stride in ((16, 2), (24, 2), (24, 2)):
        x = keras.layers.Conv2D(width, (3, 5), strides=(1, stride), padding="same")(x)
        x = keras.layers.LeakyReLU(0.2)(x)
        given.append(x)
    return keras.Model(inputs, [*given, keras.layers.Conv2D(1, 3, padding="same")(x)])
