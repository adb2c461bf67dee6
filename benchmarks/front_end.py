"""Log-mel of 1,000 one-second clips on one core, against librosa in the same run."""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import librosa
import numpy as np
import scipy.fft
from report import header, median_s, table

import earshot
from earshot.features import LOG_MEL_64X64

N_CLIPS = 1000


def librosa_options(front_end):
    """The same settings in librosa's names."""
    return {
        "sr": front_end.sample_rate, "n_fft": front_end.n_fft, "n_mels": front_end.n_mels,
        "hop_length": front_end.hop_length, "fmin": front_end.fmin_hz, "fmax": front_end.fmax_hz,
    }  # fmt: skip


def one_by_one(clips, front_end):
    """What people write with librosa."""
    for x in clips:
        power = librosa.feature.melspectrogram(y=x, **librosa_options(front_end))
        librosa.power_to_db(power, ref=np.max, top_db=front_end.top_db)


def whole_batch(clips, front_end):
    """Librosa on the whole batch."""
    power = librosa.feature.melspectrogram(y=clips, **librosa_options(front_end))
    librosa.power_to_db(power, ref=np.max, top_db=front_end.top_db)


def only_ffts(clips, front_end):
    """The FFTs that cannot be avoided, on frames that are ready in the cache."""
    n_frames = len(clips) * front_end.output_shape[0]
    block = np.zeros((256, front_end.n_fft), np.float32)
    for _ in range(n_frames // 256):
        scipy.fft.rfft(block, axis=1)


def main():
    """Measure and print."""
    header("python benchmarks/front_end.py")
    rng = np.random.default_rng(0)
    settings = {
        "default, 8 kHz": earshot.LogMel(),
        "16 kHz, 64 bands": earshot.LogMel(
            sample_rate=16000, n_fft=512, hop_length=160, n_mels=64, n_samples=16000
        ),
        "classic 64x64, 8 kHz": LOG_MEL_64X64,
    }
    rows = []
    for name, front_end in settings.items():
        x = (0.1 * rng.standard_normal((N_CLIPS, front_end.n_samples))).astype(np.float32)
        seconds = N_CLIPS * front_end.n_samples / front_end.sample_rate
        ours = median_s(lambda: front_end(x), 5)  # noqa: B023
        single = median_s(lambda: one_by_one(x, front_end), 3, 1)  # noqa: B023
        batch = median_s(lambda: whole_batch(x, front_end), 3, 1)  # noqa: B023
        ffts = median_s(lambda: only_ffts(x, front_end), 5)  # noqa: B023
        expected = librosa.feature.melspectrogram(y=x[:50], **librosa_options(front_end))
        expected = expected.swapaxes(1, 2)
        difference = np.max(np.abs(front_end.mel_power(x[:50]) - expected) / expected)
        rows.append([
            name, f"{seconds / single:,.0f}", f"{seconds / batch:,.0f}", f"{seconds / ours:,.0f}",
            f"{seconds / ffts:,.0f}", f"{single / ours:.1f}x", f"{ffts / ours:.0%}",
            f"{difference:.0e}",
        ])  # fmt: skip
    head = ["times real time", "librosa, clip by clip", "librosa, batch", "earshot", "FFTs alone",
            "against clip by clip", "of the FFTs' speed", "relative difference"]  # fmt: skip
    table(head, rows)


if __name__ == "__main__":
    main()
