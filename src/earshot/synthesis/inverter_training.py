"""Training of networks that turn spectrograms into sound.

>>> sound = np.sin(np.arange(4000, dtype=np.float32))[None]
>>> float(spectral_distance(sound, sound))
0.0
"""

from typing import Any

import keras
import numpy as np
import scipy.fft
from keras import ops
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from earshot import audio
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.features.short_time import hann
from earshot.networks.batches import Batches
from earshot.networks.training import TrainingConfig, compile_and_fit
from earshot.synthesis.inverter import FINE, Inverter, network

__all__ = ["CropBatches", "refine_inverter", "spectral_distance", "train_inverter", "with_sound"]

INVERTER = TrainingConfig(epochs=40, batch_size=16, learning_rate=2e-3, weight_decay=1e-3)
"""What :func:`train_inverter` does by default."""
RESOLUTIONS = ((128, 32), (256, 64), (512, 128))
"""Window and hop, in samples, of the spectra that are compared."""
CROP_FRAMES = 48  # Length of a training example, about half a second.
SPEEDS = ((8, 7), (15, 14), (14, 15), (7, 8))
"""New length against old: each clip also trains in these tempos and pitches, as other voices."""
FAINTEST = 1e-4  # Added to magnitudes before their logarithm, so that silence does not count.


def spectral_distance(x: Any, y: Any) -> Any:
    """Compare waveforms (batch, samples) by their spectra at several resolutions; differentiable.

    The mean difference of log magnitudes, and that of magnitudes against the mean of ``x``, which
    is right: Yamamoto, Song and Kim (2020), "Parallel WaveGAN".
    """
    total = 0
    for n_fft, hop_length in RESOLUTIONS:
        a, b = _magnitudes(x, n_fft, hop_length), _magnitudes(y, n_fft, hop_length)
        total += ops.mean(ops.abs(ops.log(a + FAINTEST) - ops.log(b + FAINTEST)))
        total += ops.mean(ops.abs(a - b)) / (ops.mean(a) + 1e-5)
    return total / len(RESOLUTIONS)


def _magnitudes(x, n_fft, hop_length):
    """Magnitudes of waveforms (batch, samples), shape (batch, frames, 1 + n_fft // 2)."""
    real, imaginary = ops.stft(x, n_fft, hop_length, n_fft, center=False)
    return ops.sqrt((real * real + imaginary * imaginary) * (16 / n_fft) + 1e-10)


def _magnitude_loss(truth, prediction):
    return ops.mean(ops.abs(truth - ops.log(ops.exp(prediction) + FAINTEST)))


def _advance_loss(truth, prediction):
    """One less the cosine of the error, where it is loud; truth is a vector of that length."""
    agreement = truth[..., 0] * ops.cos(prediction) + truth[..., 1] * ops.sin(prediction)
    length = ops.sqrt(ops.sum(ops.square(truth), axis=-1))
    return 1 - ops.mean(agreement) / (ops.mean(length) + 1e-6)


LOSSES = {"waveform": spectral_distance, "log_magnitude": _magnitude_loss, "advance": _advance_loss}
"""Losses of what a network gives in training."""
WEIGHTS = {"waveform": 1.0, "log_magnitude": 0.3, "advance": 2.0}  # How much each of them counts.


def with_sound(model: keras.Model, front_end: LogMel) -> keras.Model:
    """Give the sound of a network's magnitudes, with phases, and its spectrum beside it.

    Half a window is left out at either end, where frames overlap less.
    """
    n_fft = front_end.n_fft
    phase = keras.Input((None, n_fft // 2 + 1, 2), name="phase")
    log_magnitude, advance = model.outputs
    magnitude = ops.exp(log_magnitude)
    spectra = magnitude * phase[..., 0], magnitude * phase[..., 1]
    sound = ops.istft(spectra, n_fft, front_end.hop_length, n_fft)[:, n_fft // 2 : -(n_fft // 2)]
    outputs = {"waveform": sound, "log_magnitude": log_magnitude, "advance": advance}
    return keras.Model([*model.inputs, phase], outputs)


class CropBatches(Batches):
    """Batches of stretches of spectrograms and phases, also at other speeds, with their sound."""

    def __init__(
        self, words: WordSet, front_end: LogMel, *, n_batches: int = 200, batch_size: int = 16,
        seed: int = 0,
    ):  # fmt: skip
        super().__init__(n_batches, batch_size=batch_size, seed=seed)
        if len(words) == 0:
            raise EarshotError("There is nothing to train on: the word set has no clips.")
        self.front_end = front_end
        clips = words.resampled(front_end.sample_rate).waveforms
        clips = [*clips, *(audio.resample(x, old, new) for x in clips for new, old in SPEEDS)]
        self.clips = [_with_spectrogram(x, front_end) for x in clips]

    def __getitem__(self, index):
        rng = self.rng(index)
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
        frames = np.lib.stride_tricks.sliding_window_view(sound, n_fft, axis=1)[:, ::hop]
        phase, spectrum = _spectrum_of(frames, hop)
        return (spectrograms, phase), {"waveform": sound[:, n_fft:-n_fft], **spectrum}


def _with_spectrogram(x, front_end):
    """A clip at its spectrogram's level, half a window of silence on each side; the spectrogram."""
    x = np.pad(x, (0, -len(x) % front_end.hop_length))
    power = front_end.mel_power(x)
    x = x / np.sqrt(max(power.max(), 1e-10))
    return np.pad(x, front_end.n_fft // 2).astype(np.float32), front_end.to_db(power)


def _spectrum_of(frames, hop_length):
    """True phases, as cosines and sines; log magnitudes and advances of phase, to be learned."""
    n_fft = frames.shape[-1]
    spectrum = scipy.fft.rfft(frames * hann(n_fft), axis=-1)
    size = np.abs(spectrum)
    phase = spectrum / np.maximum(size, 1e-12)
    step = phase.copy()
    step[:, 1:] *= np.conj(phase[:, :-1])
    step *= np.exp(-2j * np.pi * hop_length / n_fft * np.arange(n_fft // 2 + 1))
    step[:, 1:] *= np.sqrt(np.minimum(size[:, 1:], size[:, :-1]))
    step[:, 0] = 0
    return _pairs(phase), {"log_magnitude": np.log(size + FAINTEST), "advance": _pairs(step)}


def _pairs(z):
    return np.stack([z.real, z.imag], axis=-1).astype(np.float32)


def train_inverter(
    words: WordSet, front_end: LogMel = FINE, config: TrainingConfig = INVERTER, *,
    steps_per_epoch: int = 200, **network_options: Any,
) -> Inverter:  # fmt: skip
    """Train a network to turn spectrograms into sound.

    Losses: :func:`spectral_distance` of the sound of the predicted magnitudes with the true phases,
    the distance of the log magnitudes, and the angle between advances of phase. No test speaker may
    be among the ``words``; what they say does not matter. Clips vary in speed alone;
    ``network_options`` are for :func:`earshot.synthesis.inverter.network`.
    """
    keras.utils.set_random_seed(config.seed)
    model = network(front_end, **network_options)
    trained = with_sound(model, front_end)
    options = {"n_batches": steps_per_epoch, "batch_size": config.batch_size, "seed": config.seed}
    batches = CropBatches(words, front_end, **options)
    compile_and_fit(
        trained, batches, LOSSES, config, loss_weights=WEIGHTS, clipnorm=1.0,
        title="learning to speak",
    )  # fmt: skip
    card = {"data": words.about, "clips": len(words), "epochs": config.epochs}
    return Inverter(model, front_end, {**card, "backend": keras.backend.backend()})


def refine_inverter(
    inverter: Inverter, words: WordSet, *, epochs: int = 6, steps_per_epoch: int = 200,
    learning_rate: float = 4e-4, seed: int = 0,
) -> Inverter:  # fmt: skip
    """Train on against an adversary, which learns to tell rebuilt sound from recorded sound.

    It looks at spectrograms of three resolutions, as in Jang and others (2021), "UnivNet"; least
    squares is its loss, and its features are matched, as in Kong, Kim and Bae (2020), "HiFi-GAN".
    The losses of :func:`train_inverter` stay, and so does ``inverter``. ``words`` are those that it
    was trained on. TensorFlow backend only.
    """
    if keras.backend.backend() != "tensorflow":
        raise EarshotError("The adversary needs the TensorFlow backend: KERAS_BACKEND=tensorflow.")
    keras.utils.set_random_seed(seed)
    model = keras.models.clone_model(inverter.model)
    model.set_weights(inverter.model.get_weights())
    generator, n_steps = with_sound(model, inverter.front_end), epochs * steps_per_epoch
    step = _adversarial_step(generator, learning_rate, n_steps)
    batches = CropBatches(words, inverter.front_end, n_batches=steps_per_epoch, seed=seed + 1)
    with threadpool_limits(1, user_api="blas"):
        for batches.epoch in tqdm(range(epochs), desc="against an adversary", unit="epoch"):
            for i in range(steps_per_epoch):
                if not np.isfinite(step(*batches[i])).all():
                    raise EarshotError("The adversary won: lower learning_rate.")
    return Inverter(model, inverter.front_end, {**inverter.card, "adversarial epochs": epochs})


def _adversarial_step(generator, learning_rate, n_steps):
    """Give the function that trains generator and discriminators on a batch: to both losses."""
    import tensorflow as tf

    discriminators = [_discriminator(n_fft) for n_fft, _ in RESOLUTIONS]
    generator_weights = generator.trainable_variables
    discriminator_weights = [weight for one in discriminators for weight in one.trainable_variables]
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, n_steps, alpha=0.05)
    generator_optimizer = keras.optimizers.AdamW(schedule, beta_1=0.8, clipnorm=1.0)
    discriminator_optimizer = keras.optimizers.AdamW(2 * learning_rate, beta_1=0.8, clipnorm=1.0)

    def discriminated(sound):
        """Features and scores at every resolution."""
        views = (ops.log(_magnitudes(sound, *size) + FAINTEST)[..., None] for size in RESOLUTIONS)
        return [one(view) for one, view in zip(discriminators, views, strict=True)]

    @tf.function
    def step(inputs, truth):
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            made = generator(list(inputs), training=True)
            loss = sum(WEIGHTS[name] * LOSSES[name](truth[name], made[name]) for name in LOSSES)
            real, fake = discriminated(truth["waveform"]), discriminated(made["waveform"])
            adversarial, discriminator_loss = _adversarial_losses(real, fake)
            loss += adversarial
        gradients = generator_tape.gradient(loss, [w.value for w in generator_weights])
        generator_optimizer.apply(gradients, generator_weights)
        values = [w.value for w in discriminator_weights]
        gradients = discriminator_tape.gradient(discriminator_loss, values)
        discriminator_optimizer.apply(gradients, discriminator_weights)
        return loss, discriminator_loss

    return step


def _adversarial_losses(real, fake):
    """Losses of generator and discriminators, from features and scores of real and fake sound."""
    generator_loss = discriminator_loss = 0.0
    for a, b in zip(real, fake, strict=True):
        discriminator_loss += ops.mean(ops.square(a[-1] - 1)) + ops.mean(ops.square(b[-1]))
        generator_loss += 0.1 * ops.mean(ops.square(b[-1] - 1))
        for x, y in zip(a[:-1], b[:-1], strict=True):
            generator_loss += 0.2 * ops.mean(ops.abs(ops.stop_gradient(x) - y))
    return generator_loss, discriminator_loss


def _discriminator(n_fft):
    """Convolutions over a spectrogram; gives features, and a score of each patch: 1 is real."""
    inputs = keras.Input((None, n_fft // 2 + 1, 1))
    x, features = keras.layers.Rescaling(0.25, offset=0.5)(inputs), []
    for width, stride in ((16, 2), (24, 2), (24, 2)):
        x = keras.layers.Conv2D(width, (3, 5), strides=(1, stride), padding="same")(x)
        x = keras.layers.LeakyReLU(0.2)(x)
        features.append(x)
    return keras.Model(inputs, [*features, keras.layers.Conv2D(1, 3, padding="same")(x)])
