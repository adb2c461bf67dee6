"""Words laid into running speech and recorded noise, for the benchmarks of streams."""

import numpy as np

from earshot import audio

RATE = 16000
LEVEL = 0.05  # root mean square of the louder part of speech


def level(x):
    """Root mean square of the louder 40 % of frames."""
    n = RATE // 50
    power = np.sort(np.mean(x[: len(x) // n * n].reshape(-1, n) ** 2, axis=1))
    return np.sqrt(power[int(0.6 * len(power)) :].mean() + 1e-12)


def trimmed(x, sample_rate=RATE):
    """Cut what is silent around a word."""
    loud, margin = np.flatnonzero(np.abs(x) > 0.03 * np.abs(x).max()), sample_rate // 20
    return x[max(loud[0] - margin, 0) : loud[-1] + margin]


def read(folder):
    """All recordings of a folder, in the order of their names."""
    return [audio.read(path, RATE)[0] for path in sorted(folder.glob("*")) if path.is_file()]


def in_running_speech(speech, clips, every_s=6.0, seed=0):
    """Lay each clip into running speech; gives the stream, and (word, start, end) in seconds."""
    rng = np.random.default_rng(seed)
    todo = [(word, x) for word, xs in clips.items() for x in xs]
    parts, said, n, next_at = [], [], 0, 3 * RATE
    order, words = iter(np.resize(rng.permutation(len(speech)), 10**5)), rng.permutation(len(todo))
    for i in words:
        while n < next_at:
            parts.append(at_level(speech[next(order)], rng))
            n += len(parts[-1])
        word, x = todo[i]
        x = at_level(x, rng)
        said.append((word, n / RATE, (n + len(x)) / RATE))
        gap = np.zeros(int(rng.uniform(0, 0.4) * RATE), np.float32)
        parts += [x, gap]
        n += len(x) + len(gap)
        next_at = n + every_s * RATE * rng.uniform(0.5, 1.5)
    return np.concatenate(parts), said


def at_level(x, rng):
    """Bring speech to ``LEVEL``, up to 4 dB more or less."""
    return (x * (LEVEL * 10 ** (rng.uniform(-4, 4) / 20) / level(x))).astype(np.float32)


def noisy(x, noise, snr_db, seed=0):
    """Add a recorded noise, which goes round, so far below the speech."""
    start = np.random.default_rng(seed).integers(len(noise))
    noise = np.resize(np.roll(noise, -start), len(x))
    return (x + noise * (LEVEL * 10 ** (-snr_db / 20) / np.sqrt(np.mean(noise**2)))).astype("f4")
