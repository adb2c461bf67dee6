"""Made-up clips that are easy to tell apart."""

import numpy as np

from earshot.datasets import WordSet


def make_beeps(rng, n=60, sample_rate=8000):
    """Make n clips of the words low and high."""
    waveforms, labels = [], []
    for i in range(n):
        t = np.arange(rng.integers(2000, 5000)) / sample_rate
        pitch_hz = (300, 1500)[i % 2] * rng.uniform(0.9, 1.1)
        clip = 0.3 * np.sin(2 * np.pi * pitch_hz * t) + 0.01 * rng.standard_normal(len(t))
        waveforms.append(clip.astype(np.float32))
        labels.append(i % 2)
    speakers = [("anna", "bob", "eve")[i % 3] for i in range(n)]
    sources = [f"{('low', 'high')[i % 2]}_{speakers[i]}_{i // 6}.wav" for i in range(n)]
    return WordSet(waveforms, np.array(labels), ("low", "high"), speakers, sources, sample_rate)


def make_beep(pitch_hz, sample_rate=8000, duration_s=0.4):
    """Make a beep: 300 Hz is the word "low", 1,500 Hz is "high"."""
    t = np.arange(int(duration_s * sample_rate)) / sample_rate
    noise = 0.01 * np.random.default_rng(5).standard_normal(len(t))
    return (0.3 * np.sin(2 * np.pi * pitch_hz * t) + noise).astype(np.float32)


def make_recognizer():
    """Train a recognizer of low and high beeps; its clips take half a second at 8 kHz."""
    import keras

    from earshot.features.log_mel import LogMel
    from earshot.networks import builders, training
    from earshot.recognition import Recognizer, model_card

    words = make_beeps(np.random.default_rng(1))
    keras.utils.set_random_seed(0)
    front_end = LogMel(n_samples=4000, hop_length=160, n_mels=16)
    model = builders.cnn(front_end.output_shape, 2, widths=(4, 8), dense=8)
    config = training.TrainingConfig(epochs=15, batch_size=8, learning_rate=1e-2)
    training.fit(model, words, front_end, config, progress=False)
    card = model_card(words, split="none", figures={"accuracy": 1.0})
    return Recognizer(model, front_end, words.class_names, card)
