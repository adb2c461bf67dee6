"""Resampling a stream block by block: earshot's Resampler and soxr.ResampleStream, in one run.

    python benchmarks/resampling.py

soxr comes with librosa. Compared with what the whole recording gives at once (scipy's
resample_poly), on white noise and on noise without the highest fifth of the band, where all
filters should agree.
"""

import numpy as np
import soxr
from report import header, median_s, table
from scipy.signal import firwin, lfilter

from earshot import audio

RATES = ((44100, 16000), (48000, 16000), (16000, 8000), (8000, 16000), (22050, 8000))
BLOCK_S = 0.02
SECONDS = 5.0


class Soxr:
    """soxr's stream with the two methods of the Resampler."""

    def __init__(self, from_rate, to_rate):
        self.stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")

    def push(self, block):
        return self.stream.resample_chunk(block)

    def flush(self):
        return self.stream.resample_chunk(np.zeros(0, np.float32), last=True)


def along(resampler, x, rate):
    """Resample in blocks; gives the sound, and how late it came at most, in seconds of input."""
    size, parts, late = round(BLOCK_S * rate), [], []
    for start in range(0, len(x), size):
        parts.append(resampler.push(x[start : start + size]))
        late.append((min(start + size, len(x)), sum(map(len, parts))))
    parts.append(resampler.flush())
    y = np.concatenate(parts)
    ratio = len(y) / len(x)
    return y, max(taken - given / ratio for taken, given in late[len(late) // 2 :]) / rate


def difference_db(y, whole):
    """How far the two are apart, against the whole, in the middle of it."""
    n = min(len(y), len(whole))
    middle = slice(n // 10, n - n // 10)
    off = np.mean(np.square(y[middle] - whole[middle]))
    return 10 * np.log10(off / np.mean(np.square(whole[middle])) + 1e-20)


def main():
    """Measure."""
    header("python benchmarks/resampling.py")
    rng = np.random.default_rng(0)
    rows = []
    for from_rate, to_rate in RATES:
        white = 0.1 * rng.standard_normal(round(SECONDS * from_rate) + 7).astype(np.float32)
        limit = 0.8 * min(1, to_rate / from_rate)
        soft = lfilter(firwin(401, limit), 1, white).astype(np.float32)
        for name, make in (("earshot", audio.Resampler), ("soxr", Soxr)):
            apart, missing = [], 0
            for x in (white, soft):
                whole = audio.resample(x, from_rate, to_rate)
                y, late_s = along(make(from_rate, to_rate), x, from_rate)
                missing = max(missing, len(whole) - len(y))
                apart.append(f"{difference_db(y, whole):.0f} dB")
            seconds = median_s(lambda: along(make(from_rate, to_rate), white, from_rate), 5, 1)  # noqa: B023
            speed = f"{SECONDS / seconds:,.0f}"
            rows.append(
                [
                    f"{from_rate} to {to_rate}",
                    name,
                    f"{1000 * late_s:.0f} ms",
                    missing,
                    *apart,
                    speed,
                ]
            )
    head = ["Hz", "stream", "late at most", "samples missing", "from the whole, white noise",
            "without the highest fifth", "times real time"]  # fmt: skip
    table(head, rows)


if __name__ == "__main__":
    main()
