"""How well recordings are cut into words, against what others offer, and how fast.

    python benchmarks/segmentation.py [--streams 8] [--noise FOLDER]

Streams of 20 words of spoken_digit, pauses of 0.25 to 1 s, over white noise, over the made-up rain,
dishes and exercise bicycle of household.py, and over the recordings in the folder (for instance the
_background_noise_ of Speech Commands). The network of earshot.segmentation was trained on george
and theo, over noises that recipes/speech.py makes up; here are the other three speakers. A segment
counts when intersection over union with a word is a half.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"  # one core

import numpy as np
from household import household
from report import ROOT, header, spoken_digit, table

import earshot
from earshot import audio
from earshot.datasets import backgrounds, make_stream

SPEAKERS = ("jackson", "nicolas", "yweweler")
SNRS_DB = (40, 20, 10, 5)
RATE = 16000


def librosa_split(top_db):
    def split(x):
        import librosa

        return [(a / RATE, b / RATE) for a, b in librosa.effects.split(x, top_db=top_db)]

    return split


def pydub_split(x):
    from pydub import AudioSegment, silence

    sound = AudioSegment(_int16(x).tobytes(), frame_rate=RATE, sample_width=2, channels=1)
    found = silence.detect_nonsilent(
        sound, min_silence_len=150, silence_thresh=sound.dBFS - 16, seek_step=10
    )
    return [(a / 1000, b / 1000) for a, b in found]


def auditok_split(x):
    import auditok

    regions = auditok.split(
        _int16(x).tobytes(), sampling_rate=RATE, sample_width=2, channels=1, min_dur=0.1,
        max_dur=5, max_silence=0.15, energy_threshold=60,
    )  # fmt: skip
    return [(region.start, region.end) for region in regions]


def webrtc_split(x):
    import webrtcvad

    vad, frame = webrtcvad.Vad(3), RATE // 100
    samples = _int16(x)
    on = np.array(
        [vad.is_speech(samples[i : i + frame].tobytes(), RATE)
         for i in range(0, len(samples) - frame + 1, frame)]
    )  # fmt: skip
    on = np.convolve(on, np.ones(15) / 15, "same") > 0.5
    borders = np.flatnonzero(np.diff(on, prepend=False, append=False)).reshape(-1, 2)
    return [(a / 100, b / 100) for a, b in borders if b - a >= 10]


def earshot_split(x):
    return [(s.start_s, s.end_s) for s in earshot.split_words(x, RATE)]


METHODS = {
    "librosa.effects.split, 20 dB": librosa_split(20),
    "librosa.effects.split, 30 dB": librosa_split(30),
    "pydub": pydub_split,
    "auditok, threshold 60": auditok_split,
    "webrtcvad, mode 3, smoothed": webrtc_split,
    "earshot": earshot_split,
}


def matches(found, truth):
    """Pair segments with words, best overlap first; gives the errors of their borders in s."""
    pairs = []
    for i, (a, b) in enumerate(found):
        for j, word in enumerate(truth):
            shared = min(b, word.end_s) - max(a, word.start_s)
            union = max(b, word.end_s) - min(a, word.start_s)
            if shared >= union / 2:
                pairs.append((shared / union, i, j))
    errors, used_i, used_j = [], set(), set()
    for _, i, j in sorted(pairs, reverse=True):
        if i not in used_i and j not in used_j:
            used_i.add(i)
            used_j.add(j)
            errors.append(abs(np.subtract(found[i], (truth[j].start_s, truth[j].end_s))))
    return errors


def streams(words, noises, snr_db, n):
    """Give n streams over each noise, each with 20 words of the speakers."""
    for name, noise in noises.items():
        for seed in range(n):
            rng = np.random.default_rng([seed, snr_db])
            chosen = rng.choice(len(words), 20, replace=False)
            yield name, make_stream(words.subset(chosen), noise, snr_db=snr_db, seed=1000 + seed)


def accuracy(words, noises, n):
    """Measure every method on the same streams."""
    rows, by_noise = {name: [] for name in METHODS}, []
    for snr_db in SNRS_DB:
        cases = list(streams(words, noises, snr_db, n))
        for name, split in METHODS.items():
            hits, total, right, errors, ours = 0, 0, 0, [], {}
            for noise, stream in cases:
                found = split(stream.waveform)
                matched = matches(found, stream.segments)
                hits += 2 * len(matched)
                total += len(found) + len(stream.segments)
                right += len(found) == len(stream.segments)
                errors += matched
                part = ours.setdefault(noise, [0, 0])
                part[0] += 2 * len(matched)
                part[1] += len(found) + len(stream.segments)
            rows[name].append((hits / total, right / len(cases), np.mean(errors or [np.nan])))
            if name == "earshot":
                by_noise.append([f"{h / t:.3f}" for h, t in ours.values()])
    head = [f"{what} at {db} dB" for what in ("F1", "right counts, %,") for db in SNRS_DB]
    head += [f"borders off at {db} dB, ms" for db in (40, 20)]
    table(
        ["method", *head],
        [
            [
                name,
                *(f"{f1:.3f}" for f1, _, _ in figures),
                *(f"{100 * right:.0f}" for _, right, _ in figures),
                *(f"{1000 * error:.0f}" for _, _, error in figures[:2]),
            ]
            for name, figures in rows.items()
        ],
    )
    table(
        ["earshot, F1", *noises],
        [[f"{db} dB", *row] for db, row in zip(SNRS_DB, by_noise, strict=True)],
    )


def hardships(words, n):
    """Measure what microphones and rooms do to a recording, at 30 dB."""
    t = np.arange(RATE * 120) / RATE
    rng = np.random.default_rng(0)

    def hum(hz):
        tone = sum(np.sin(2 * np.pi * hz * k * t) / k for k in (1, 2, 3, 5))
        return lambda x: x + 0.1 * tone[: len(x)]

    def clicks(x):
        x = x.copy()
        for start in rng.integers(0, len(x) - 100, 20):
            x[start : start + 20] += 0.9
        return x

    def louder_room(x):
        level = np.where(np.arange(len(x)) < len(x) / 2, 0.003, 0.03)
        return x + level * rng.standard_normal(len(x))

    kinds = {
        "plain": lambda x: x, "hum, 50 Hz": hum(50), "hum, 60 Hz": hum(60),
        "DC offset 0.3": lambda x: x + 0.3, "clipped at an eighth": lambda x: np.clip(8 * x, -1, 1),
        "20 clicks": clicks, "room 20 dB louder half-way": louder_room,
    }  # fmt: skip
    rows = []
    for name, change in kinds.items():
        hits = total = right = 0
        for _, stream in streams(words, {"white": None}, 30, n):
            found = earshot_split(change(stream.waveform).astype(np.float32))
            hits += 2 * len(matches(found, stream.segments))
            total += len(found) + len(stream.segments)
            right += len(found) == len(stream.segments)
        rows.append([name, f"{hits / total:.3f}", f"{100 * right / n:.0f}"])
    table(["at 30 dB", "F1", "right counts, %"], rows)


def recognition(words, n):
    """Measure whether cut words are recognized as well as the uncut originals."""
    known = earshot.load(ROOT / "models" / "spoken_digit")
    rows = []
    for snr_db in (40, 20):
        right = np.zeros(2)
        for _, stream in streams(words, {"white": None}, snr_db, n):
            truth = [segment.word for segment in stream.segments]
            cut = earshot.split_words(stream.waveform, RATE, n_words=len(truth))
            for k, segments in enumerate((stream.segments, cut)):
                clips = [segment.cut(stream.waveform, RATE) for segment in segments]
                heard = known.predict(clips, sample_rate=RATE)
                right[k] += np.mean([p.word == word for p, word in zip(heard, truth, strict=True)])
        rows.append([f"{snr_db} dB", *(f"{100 * share / n:.1f} %" for share in right)])
    table(["recognized", "true borders", "cut by earshot"], rows)


def speed(words, noises):
    """Measure time on one core, and memory for three hours in a file."""
    x = np.concatenate([s.waveform for _, s in streams(words, noises, 20, 4)])
    rows = []
    for name, split in METHODS.items():
        started = time.perf_counter()
        split(x)
        rows.append([name, f"{len(x) / RATE / (time.perf_counter() - started):,.0f}"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "three_hours.wav"
        audio.write(path, np.resize(x, 3 * 3600 * RATE), RATE)
        code = (
            "import sys; import earshot; earshot.split_words(sys.argv[1]);"
            "print(*(k for k in open('/proc/self/status') if 'VmHWM' in k))"  # Linux only
        )
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
        took_s = time.perf_counter() - started
    table(["one core", "times real time"], rows)
    peak_mb = int(done.stdout.split()[1]) // 1024
    print(f"A file of 3 hours: {took_s:.1f} s and {peak_mb} MB at most, Python included.\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--streams", type=int, default=8, help="for each noise and level")
    parser.add_argument("--noise", type=Path, default=ROOT / "data" / "noise")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name, package in (("auditok, threshold 60", "auditok"),
                          ("webrtcvad, mode 3, smoothed", "webrtcvad")):  # fmt: skip
        if importlib.util.find_spec(package) is None:
            print(f"{name} is left out: pip install {package}")
            del METHODS[name]
    recorded = backgrounds(options.noise, RATE) if options.noise.is_dir() else {}
    noises = {"white": None, **household()}
    noises |= {Path(name).stem: x for name, x in recorded.items()}
    digits = spoken_digit()
    words = digits.subset(np.isin(digits.speakers, SPEAKERS))
    header("python benchmarks/segmentation.py")
    print(f"{options.streams} streams for each of {len(noises)} noises and each level.\n")
    accuracy(words, noises, options.streams)
    hardships(words, options.streams)
    recognition(words, options.streams)
    speed(words, noises)


def _int16(x):
    return np.rint(np.clip(x, -1, 1) * 32767).astype(np.int16)


if __name__ == "__main__":
    main()
