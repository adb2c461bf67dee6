"""Speech rebuilt from log-mel spectrograms, against what others offer, on voices never trained on.

    python benchmarks/inversion.py [--speakers jackson nicolas]

For each speaker, networks that were trained on all the others are judged on that one, at the fine
setting (64 bands, every 8 ms) and at the recognizers' own (40 bands, every 10 ms, cut off at
45 dB). The committed ones were trained without jackson; recipes/inversion.py --without nicolas
makes those for another speaker. PESQ is ITU-T P.862, narrow-band (pip install pesq). The
log-spectral distance is the root mean square difference of log10 power over the frequencies of a
frame (Hann window of 256, hop of 64), averaged over the frames; what lies 60 dB below the loudest
point of the recording counts as that. The clips are recordings 0 to 4, of which the recognizer
knows nothing.
"""

import argparse
import importlib.util
import os
import sys
import time
import warnings
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
from report import ROOT, header, spoken_digit, table
from threadpoolctl import threadpool_limits

import earshot
from earshot import features, synthesis
from earshot.features import images

sys.path.insert(0, str(ROOT))
from recipes.inversion import folder_without

SETTINGS = {"64 bands, hop 64": "fine", "recognizers' own": "words"}
"""The networks' folders by what the tables call them."""


def librosa_60(db, front_end):
    """What librosa offers: a non-negative solver, and 60 rounds of Griffin-Lim."""
    import librosa

    power = np.power(10, db.T / 10)
    return librosa.feature.inverse.mel_to_audio(
        power, sr=front_end.sample_rate, n_fft=front_end.n_fft, hop_length=front_end.hop_length,
        n_iter=60, fmin=front_end.fmin_hz,
    )  # fmt: skip


def pseudo_inverse_32(db, front_end):
    """The usual short cut: pseudo-inverse of the filters, and librosa's Griffin-Lim."""
    import librosa

    bank = features.mel_filter_bank(
        front_end.sample_rate, front_end.n_fft, front_end.n_mels, front_end.fmin_hz,
        front_end.sample_rate / 2,
    )  # fmt: skip
    power = np.maximum(np.power(10, db / 10) @ np.linalg.pinv(bank), 1e-10)
    return librosa.griffinlim(np.sqrt(power.T), n_iter=32, hop_length=front_end.hop_length)


METHODS = {
    "librosa mel_to_audio, 60 rounds": librosa_60,
    "pseudo-inverse, 32 rounds": pseudo_inverse_32,
    "earshot griffin_lim, 32 rounds": synthesis.from_log_mel,
    "earshot griffin_lim, 4 rounds": lambda db, front_end: synthesis.from_log_mel(
        db, front_end, rounds=4
    ),
}


def log_spectral_distance(x, y):
    """Root mean square over frequencies, mean over frames, of the difference of log10 power."""
    a, b = (np.square(np.abs(features.stft(signal, 256, 64))) for signal in (x, y))
    floor = 1e-6 * a.max()
    difference = np.log10(np.maximum(a, floor)) - np.log10(np.maximum(b, floor))
    return float(np.mean(np.sqrt(np.mean(np.square(difference), axis=1))))


def judge(clips, front_end, invert, recognize):
    """Rebuild every clip; gives its quality, its distance, and whether its word is kept."""
    from pesq import NoUtterancesError, pesq

    rows = []
    for x, word in clips:
        power = front_end.mel_power(x)
        y = invert(front_end.to_db(power), front_end)
        x = x[: len(y)] / np.sqrt(power.max())  # the level of what is rebuilt
        y = y[: len(x)]
        try:
            quality = pesq(front_end.sample_rate, x, y, "nb")
        except NoUtterancesError:
            quality = 1.0  # nothing is left that sounds like speech
        rows.append((quality, log_spectral_distance(x, y), recognize(y) == word))
    return rows


def speeds(clips, front_end, methods):
    """Times real time, one word after the other, on one core; by the processor's time."""
    spectrograms = [front_end(x) for x, _ in clips]
    seconds = sum(len(x) for x, _ in clips) / front_end.sample_rate
    found = {}
    for name, invert in methods.items():
        for spectrogram in spectrograms[:4]:
            invert(spectrogram, front_end)  # what is compiled or kept, once
        started = time.process_time()
        for spectrogram in spectrograms:
            invert(spectrogram, front_end)
        found[name] = seconds / (time.process_time() - started)
    return found


def alone(function):
    """Let a function run on one core (on Linux; elsewhere on all)."""
    threads = [int(path.name) for path in Path("/proc/self/task").glob("*")]
    cores = os.sched_getaffinity(0) if threads else set()
    for thread in threads:
        os.sched_setaffinity(thread, {min(cores)})
    try:
        with threadpool_limits(1):
            return function()
    finally:
        for thread in threads:
            os.sched_setaffinity(thread, cores)


def noisy(x, snr_db, seed):
    """A recording in white noise."""
    noise = np.random.default_rng(seed).standard_normal(len(x))
    return (x + noise * x.std() * 10 ** (-snr_db / 20)).astype(np.float32)


def poor_spectrograms(clips, inverter, r):
    """Rebuild and recognize clean, noisy and coarse spectrograms of the recognizer's own kind."""
    from pesq import NoUtterancesError, pesq

    front_end, found = inverter.front_end, {}
    kinds = {
        "clean": lambda x, i: front_end(x),
        "noise, 10 dB below": lambda x, i: front_end(noisy(x, 10, i)),
        "noise, as loud": lambda x, i: front_end(noisy(x, 0, i)),
        "half the resolution": lambda x, i: images.coarser(front_end(x), 2),
        "a quarter of it": lambda x, i: images.coarser(front_end(x), 4),
    }
    for name, make in kinds.items():
        found[name] = []
        for i, (x, word) in enumerate(clips):
            spectrogram = make(x, i)
            y = inverter(spectrogram)
            n = min(len(x), len(y))
            try:
                quality = pesq(front_end.sample_rate, x[:n], y[:n], "nb")
            except NoUtterancesError:
                quality = 1.0
            heard = r.predict(y).word, r.predict_spectrogram(spectrogram, front_end).word
            found[name].append((quality, heard[0] == word, heard[1] == word))
    return found


def learned(speaker, setting):
    """Load both networks that have never heard a speaker."""
    folder = folder_without(speaker)
    if not folder.is_dir():
        raise SystemExit(f"Train them first: python recipes/inversion.py --without {speaker}")
    name = SETTINGS[setting]
    return {
        "earshot, learned": synthesis.load_inverter(folder / name),
        "earshot, learned, adversary": synthesis.load_inverter(folder / f"{name}_adversary"),
    }


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--speakers", nargs="+", default=["jackson"], help="left out, one by one")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if importlib.util.find_spec("pesq") is None:
        print("Nothing is measured without PESQ: pip install pesq (it needs a C compiler).")
        return
    digits = spoken_digit()
    r = earshot.load(ROOT / "models" / "spoken_digit")
    header(" ".join(["python benchmarks/inversion.py", *sys.argv[1:]]))
    found, minutes = {name: {} for name in SETTINGS}, []
    originals, poor, methods, front_ends = [], {}, {}, {}
    for speaker, _, test in digits.leave_one_speaker_out():
        if speaker not in options.speakers:
            continue
        _, test = test.official_split()  # the recognizer has not been trained on these either
        clips = [
            (x, test.class_names[label])
            for x, label in zip(test.waveforms, test.labels, strict=True)
        ]
        originals += [r.predict(x).word == word for x, word in clips]
        for setting in SETTINGS:
            methods[setting] = dict(METHODS)
            for name, inverter in learned(speaker, setting).items():
                front_ends[setting] = inverter.front_end
                methods[setting][name] = lambda db, _, inverter=inverter: inverter(db)
                minutes.append((setting, speaker, name, inverter.card["minutes"]))
            for name, invert in methods[setting].items():
                rows = judge(clips, front_ends[setting], invert, lambda y: r.predict(y).word)
                found[setting].setdefault(name, []).extend(rows)
        for kind, rows in poor_spectrograms(clips, inverter, r).items():
            poor.setdefault(kind, []).extend(rows)
    print(f"{len(originals)} words; of the originals {100 * np.mean(originals):.1f} % are known.\n")
    for setting, front_end in front_ends.items():
        rates = alone(lambda: speeds(clips, front_end, methods[setting]))  # noqa: B023
        rows = []
        for name, values in found[setting].items():
            quality, distance, kept = np.mean(values, axis=0)
            rows.append(
                [name, f"{quality:.2f}", f"{distance:.3f}", f"{100 * kept:.1f}",
                 f"{rates[name]:,.0f}"]
            )  # fmt: skip
        table([setting, "PESQ", "log-spectral distance", "words kept, %", "times real time"], rows)
    rows = [
        [kind, f"{q:.2f}", f"{100 * rebuilt:.1f}", f"{100 * read:.1f}"]
        for kind, (q, rebuilt, read) in ((k, np.mean(v, axis=0)) for k, v in poor.items())
    ]
    table(["spectrogram (the recognizers' own)", "PESQ of the rebuilt sound", "words in it, %",
           "words recognized in the spectrogram, then spoken, %"], rows)  # fmt: skip
    for setting, speaker, name, spent in minutes:
        print(f"{setting}, {name}, without {speaker}: {spent:g} minutes")


if __name__ == "__main__":
    main()
