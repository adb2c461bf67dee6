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
