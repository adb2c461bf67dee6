"""src/earshot/segmentation/speech.npz: a network that tells speech from noise, to cut words.

    python recipes/speech.py [--into FILE] [--streams 3000] [--epochs 6]

Reads the Free Spoken Digit Dataset (data/spoken_digit.npz, else the archive in EARSHOT_DOWNLOADS,
else the internet), of which george and theo are trained on: the other three speakers are those of
benchmarks/segmentation.py. With them, voices of eSpeak NG say digits, other words and words that
mean nothing. All noises are made up here: no recording of any is trained on. Ten minutes on two
cores.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import made_up
import numpy as np
from keras import layers
from tqdm import tqdm

import earshot
from earshot import audio, files
from earshot.datasets import made_up_noise, make_stream, synthetic
from earshot.datasets.augmentation import change_speed, coloured_noise, reverberate
from earshot.segmentation import speech
from earshot.segmentation.noise_floor import N_BANDS, learn_noise_floor

ROOT = Path(__file__).resolve().parents[1]
RATE = 16000
SPEAKERS = ("george", "theo")
NOISE_S = 20
N_NOISES = 200
WINDOW = 800  # frames that are trained on together
N_CHANNELS = 32


def words():
    """Give what is said: by people, and by synthetic voices."""
    digits = earshot.spoken_digit(ROOT / "data", fallback=False)
    people = digits.subset(np.isin(digits.speakers, SPEAKERS)).resampled(RATE)
    found = list(synthetic(n_voices=60, n_takes=1, seed=11, sample_rate=RATE).waveforms)
    for said, n_voices in ((made_up.real_words(), 6), (made_up.meaningless_words(200), 4)):
        for i in range(0, len(said), 12):
            dozen = synthetic(
                said[i : i + 12], n_voices=n_voices, n_takes=1, seed=100 + i, sample_rate=RATE
            )
            found += dozen.waveforms
    return list(people.waveforms), found


def rings(n, rng, voices):
    """What is struck, and rings on: noise and tones that die away."""
    x, size = np.zeros(n), RATE
    time, hz = np.arange(size) / RATE, rng.uniform(200, 7000, rng.integers(1, 9))
    for at in rng.integers(0, n - size, 1 + rng.poisson(rng.uniform(0.5, 8) * n / RATE)):
        decay_s = np.exp(rng.uniform(np.log(0.002), np.log(0.2)))
        t = time[: int(7 * decay_s * RATE) + 1]
        if rng.random() < 0.3:
            hz = rng.uniform(200, 7000, len(hz))
        sound = rng.choice([0, rng.random()]) * rng.standard_normal(len(t))
        sound += rng.exponential(1, len(hz)) @ np.sin(2 * np.pi * hz[:, None] * t) / len(hz)
        x[at : at + len(t)] += rng.exponential(1) * np.exp(-t / decay_s) * sound
    return x


def rhythm(n, rng, voices):
    """A machine: hiss, or tones, that swell and fade again and again."""
    time = np.arange(n) / RATE
    per_s = np.exp(rng.uniform(np.log(0.5), np.log(25)))
    phase = 2 * np.pi * per_s * time + rng.uniform(0, 2) * np.sin(2 * np.pi * 0.3 * time)
    swell = (0.5 + 0.5 * np.sin(phase)) ** np.exp(rng.uniform(-1, 2.5))
    x = coloured_noise(1, n, rng)[0]
    if rng.random() < 0.5:
        turn = 2 * np.pi * rng.uniform(60, 1200) * time + rng.uniform(0, 0.5) * np.sin(phase)
        tones = sum(rng.exponential(1) / k * np.sin(k * turn) for k in range(1, 6))
        x = rng.uniform(0, 0.5) * x + tones
    return x * (rng.uniform(0, 0.3) + swell)


def babble(n, rng, voices):
    """Three to eight voices that speak at once."""
    x = np.zeros(n)
    for _ in range(rng.integers(3, 9)):
        at = 0
        while at < n:
            said = voices[rng.integers(len(voices))][: n - at]
            x[at : at + len(said)] += rng.uniform(0.3, 1) * said
            at += len(said) + int(rng.exponential(0.1) * RATE)
    return x


def calls(n, rng, voices):
    """Cries, howls and laughs, now and then."""
    x = np.zeros(n)
    for _ in range(1 + rng.poisson(0.5 * n / RATE)):
        call = audio.resample(made_up.call(rng), made_up.RATE, RATE)
        at = rng.integers(n - len(call))
        x[at : at + len(call)] += rng.uniform(0.2, 1) * call / np.abs(call).max()
    return x


def background(seed, voices):
    """Make up a noise of all kinds, with some of the above at any level."""
    rng, n = np.random.default_rng((78, seed)), NOISE_S * RATE
    x = made_up_noise(NOISE_S, RATE, seed=(77, seed))
    for kind in (calls, rings, rhythm, babble):
        if rng.random() < 0.2:
            y = kind(n, rng, voices)
            x = x / x.std() * 10 ** rng.uniform(-2, 0) + y / y.std()
    return x.astype(np.float32)


def no_words(n, rng):
    """Bursts of noise and tones: in a quiet room, whatever stands out is taken for a word."""
    clips = []
    for _ in range(n):
        time = np.arange(int(rng.uniform(0.1, rng.choice([1, 1, 1, 3])) * RATE)) / RATE
        tone = np.sin(2 * np.pi * np.exp(rng.uniform(np.log(120), np.log(3000))) * time)
        sound = rng.choice([tone, rng.standard_normal(len(time))])
        curve = np.interp(time, np.linspace(0, time[-1], 6), rng.normal(0, 0.4, 6))
        clips.append((sound * np.exp(curve)).astype(np.float32))
    return clips


def stream(seed, people, voices, noises):
    """Lay words over a noise; gives what the network gets, and where the words are."""
    rng = np.random.default_rng((5, seed))
    n, snr_db = rng.integers(4, 18), rng.uniform(*((-3, 30) if rng.random() < 0.8 else (30, 50)))
    noise = None if rng.random() < 0.12 else noises[rng.integers(len(noises))]
    pool, voice = people if rng.random() < 0.6 else voices, np.exp(rng.uniform(-0.25, 0.25))
    clips = [
        change_speed(pool[i], voice * np.exp(rng.normal(0, 0.05)))
        for i in rng.choice(len(pool), n)
    ]  # fmt: skip
    kind = rng.random()
    if kind < 0.06:
        clips, snr_db, noise = no_words(n, rng), rng.uniform(25, 45), None
    elif kind < 0.1:  # nothing is said
        snr_db, noise = -80.0, coloured_noise(1, NOISE_S * RATE, rng)[0]
    said = earshot.WordSet(clips, [0] * n, ["word"], ["-"] * n, list(map(str, range(n))), RATE)
    laid = make_stream(
        said, noise, snr_db=snr_db, equal_power=rng.random() < 0.6, sample_rate=RATE,
        pauses_s=(rng.choice([0.12, 0.2, 0.25]), rng.choice([0.6, 1, 1.5, 3])),
        audible=0.01 if snr_db > 25 else 0.02, seed=(9, seed),
    )  # fmt: skip
    x = hardships(laid.waveform, rng)
    rate = RATE if rng.random() < 0.7 else int(rng.choice([6000, 8000, 8000, 8000, 11025]))
    sound = learn_noise_floor(audio.resample(x, RATE, rate), rate)
    truth = np.zeros(len(sound.bands), np.float32)
    for segment in laid.segments if snr_db > -80 else []:
        truth[round(segment.start_s / sound.frame_s) : round(segment.end_s / sound.frame_s)] = 1
    return speech.network_input(sound, 0, len(truth)), truth


def hardships(x, rng):
    """Do what rooms and microphones do."""
    if rng.random() < 0.25:
        x = reverberate(x[None], RATE, rng)[0]
    if rng.random() < 0.1:
        x = np.clip(x * rng.uniform(2, 8), -1, 1)
    if rng.random() < 0.1:
        x = x + 0.3
    if rng.random() < 0.1:
        turn = 2 * np.pi * rng.choice([50, 60, 100]) * np.arange(len(x)) / RATE
        x = x + 0.1 * sum(np.sin(k * turn + k) / k for k in (1, 2, 3, 5))
    if rng.random() < 0.15:
        x = x.copy()
        for at in rng.integers(0, len(x) - 100, 20):
            x[at : at + rng.integers(3, 40)] += rng.uniform(0.2, 0.9)
    return x.astype(np.float32)


def training_set(n_streams):
    """Windows of streams, whether each step is speech, and whether it is in the stream at all."""
    people, voices = words()
    noises = [background(i, voices) for i in tqdm(range(N_NOISES), desc="noises")]
    inputs, truths, counts = [], [], []
    for seed in tqdm(range(n_streams), desc="streams"):
        x, truth = stream(seed, people, voices, noises)
        n = -(-len(x) // WINDOW)
        x = np.pad(x, ((0, n * WINDOW - len(x)), (0, 0))).reshape(n, WINDOW, N_BANDS)
        counted = np.arange(n * WINDOW) < len(truth)
        truth = np.pad(truth, (0, n * WINDOW - len(truth)))
        inputs.append(x.astype(np.float16))
        for found, frames in ((truths, truth), (counts, counted)):
            found.append(frames.reshape(n, -1, speech.STRIDE).mean(axis=2, dtype=np.float32))
    return [np.concatenate(parts) for parts in (inputs, truths, counts)]


def network():
    """Convolutions over time: the first to steps of two frames, then wider and wider, added up."""
    steps = inputs = keras.Input((None, N_BANDS))
    same = {"padding": "same", "activation": "relu"}
    steps = layers.Conv1D(N_CHANNELS, 5, strides=speech.STRIDE, **same)(steps)
    for dilation in speech.DILATIONS:
        wider = layers.Conv1D(N_CHANNELS, 3, dilation_rate=dilation, **same)(steps)
        steps = layers.Add()([steps, wider])
    return keras.Model(inputs, layers.Conv1D(1, 1)(steps))


def main():
    """Train the network, and keep its weights for NumPy."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--into", type=Path, default=speech.WEIGHTS)
    parser.add_argument("--streams", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    inputs, truths, counted = training_set(options.streams)
    keras.utils.set_random_seed(0)
    model, n_steps = network(), options.epochs * -(-len(inputs) // 24)
    rate = keras.optimizers.schedules.CosineDecay(
        1e-4, n_steps, warmup_target=3e-3, warmup_steps=99
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-3), weighted_metrics=[],
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )  # fmt: skip
    # Keras takes the mean over the steps of a window: each counts as long as it is.
    model.fit(inputs, truths[..., None], sample_weight=counted, batch_size=24,
              epochs=options.epochs, verbose=2)  # fmt: skip
    weights = [w.astype(np.float16) for w in model.get_weights()]
    names = [f"{name}_{i}" for i in range(len(weights) // 2) for name in ("weights", "bias")]
    with files.atomic_path(options.into) as path, path.open("wb") as file:
        np.savez_compressed(file, **dict(zip(names, weights, strict=True)))


if __name__ == "__main__":
    main()
