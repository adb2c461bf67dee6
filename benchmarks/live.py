"""Words found along streams, in running speech and noise, against false alarms an hour.

    python benchmarks/live.py --recordings FOLDER [--only words|digits|cost] [--base models/base]

The folder holds `wake_words/WORD/*`, `other_speech/SET/*` and `noise/*`. Three words at a time are
learned from k clips each; other clips of them are laid into running speech of many people, one
every 6 seconds or so, and noise is added at so many dB below the speech. The digits are those of
the official test, with pauses of 0.15 to 1.5 s. Peer in the same run: the detector that waits for
energy above a floor and a pause after it (`gate.py`), and asks the same recognizer.
"""

import argparse
import os
import time
import warnings
from pathlib import Path

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # what one core does

import keras
import numpy as np
from gate import detect
from report import ROOT, header, spoken_digit, table

import earshot
from earshot import audio, recognition
from earshot.recognition import spotter

RATE = 8000
WORDS = ("android", "computer", "ey_ordenador", "hey_chatterbox")
NOISES = ("cafe", "traffic", "fridge", "dude_miaowing")
LEVEL = 0.05  # root mean square of the louder part of speech
PER_HOUR = (0.5, 3.0, 9.0)
NEAR_S = 0.25  # the middle of what is heard is so near to a word that was said


def level(x):
    """Root mean square of the louder 40 % of frames."""
    power = np.sort(np.mean(x[: len(x) // 160 * 160].reshape(-1, 160) ** 2, axis=1))
    return np.sqrt(power[int(0.6 * len(power)) :].mean() + 1e-12)


def trimmed(x, rate=RATE):
    """Cut what is silent around a word."""
    loud = np.flatnonzero(np.abs(x) > 0.03 * np.abs(x).max())
    return x[max(loud[0] - rate // 20, 0) : loud[-1] + rate // 20]


def read(folder):
    """All recordings of a folder, in the order of their names."""
    return [audio.read(path, RATE)[0] for path in sorted(folder.glob("*")) if path.is_file()]


def halves(folder, seed=0):
    """Clips of each word for learning, and others for the streams."""
    learn, test = {}, {}
    for word in WORDS:
        clips = [trimmed(x) for x in read(folder / word)]
        order = np.random.default_rng(seed).permutation(len(clips))
        learn[word] = [clips[i] for i in order[: len(clips) // 2]]
        test[word] = [clips[i] for i in order[len(clips) // 2 :]]
    return learn, test


def in_running_speech(speech, clips, every_s=6.0, seed=0):
    """Lay each clip into running speech; gives the stream, and (word, start, end) in seconds."""
    rng = np.random.default_rng(seed)
    todo = [(word, x) for word, xs in clips.items() for x in xs]
    parts, said, n, next_at = [], [], 0, 3 * RATE
    order, words = iter(np.resize(rng.permutation(len(speech)), 10**5)), rng.permutation(len(todo))
    for i in words:
        while n < next_at:
            parts.append(_at_level(speech[next(order)], rng))
            n += len(parts[-1])
        word, x = todo[i]
        x = _at_level(x, rng)
        said.append((word, n / RATE, (n + len(x)) / RATE))
        gap = np.zeros(int(rng.uniform(0, 0.4) * RATE), np.float32)
        parts += [x, gap]
        n += len(x) + len(gap)
        next_at = n + every_s * RATE * rng.uniform(0.5, 1.5)
    return np.concatenate(parts), said


def _at_level(x, rng):
    return (x * (LEVEL * 10 ** (rng.uniform(-4, 4) / 20) / level(x))).astype(np.float32)


def noisy(x, noise, snr_db, seed=0):
    """Add a recorded noise, which goes round, so far below the speech."""
    start = np.random.default_rng(seed).integers(len(noise))
    noise = np.resize(np.roll(noise, -start), len(x))
    return (x + noise * (LEVEL * 10 ** (-snr_db / 20) / np.sqrt(np.mean(noise**2)))).astype("f4")


def judged(heard, said, names):
    """Give the best score of each word that was said, and the scores of false alarms."""
    starts, ends = (np.array([one[k] for one in said]) for k in (1, 2))
    scores, false = {}, []
    for word, middle_s, score in heard:
        away_s = np.maximum(np.maximum(starts - middle_s, middle_s - ends), 0)
        i = int(away_s.argmin())
        near, true = away_s[i] < NEAR_S, said[i][0]
        if near and true == word:
            if i in scores:  # twice for once
                false.append(min(scores[i], score))
            scores[i] = max(scores.get(i, -np.inf), score)
        elif not (near and true not in names):  # a word of the set that is not learned: not judged
            false.append(score)
    wanted = [i for i, (word, *_) in enumerate(said) if word in names]
    return np.array([scores.get(i, -np.inf) for i in wanted]), np.sort(false)[::-1]


def features_along(base, x):
    """What the base says of each window of a stream, to which each draw adds its last layer."""
    layer = base.model.get_layer("embedding")
    names = [str(i) for i in range(layer.output.shape[-1])]
    trunk = recognition.Recognizer(
        keras.Model(base.model.input, layer.output), base.front_end, names
    )
    powers = spotter.powers_along(base.front_end, [(x, RATE)])
    return np.concatenate(list(spotter.answers_along(trunk, powers)))


def picked(r, features, threshold):
    """The words that are named at a threshold, with the middles of their windows."""
    kernel, bias = r.model.layers[-1].get_weights()
    scores = spotter.word_scores(features @ kernel + bias, r.class_names)
    picker = spotter.Picker(threshold, 0.0, round(spotter.REST_S / spotter.STEP_S))
    found = []
    for row in scores:
        if one := picker.push(row, row):
            middle_s = (one.window + 1) * spotter.STEP_S - 0.5
            found.append((r.class_names[one.word], middle_s, one.score))
    return found


def spotted_at(r, features, said, names, hours):
    """Shares found at the lowest thresholds that keep to the rates, and as it is set."""
    at = {}
    for threshold in np.arange(-1.0, 9.0, 0.25):
        scores, false = judged(picked(r, features, threshold), said, names)
        found, per_hour = np.mean(scores > -np.inf), len(false) / hours
        for rate in PER_HOUR:
            if per_hour <= rate:
                at[rate] = max(at.get(rate, 0.0), found)
    scores, false = judged(picked(r, features, r.spotting_threshold), said, names)
    return [*(at.get(rate, 0.0) for rate in PER_HOUR),
            np.mean(scores > -np.inf), len(false) / hours]  # fmt: skip


def gated(x):
    """The stretches that the gate finds, as a word set, and their middles."""
    found = [heard for words, _ in detect([(x, RATE)]) for heard in words]
    middles = [(heard.start_s + heard.end_s) / 2 for heard in found]
    n = len(found)
    clips = [heard.waveform for heard in found]
    sources = [str(i) for i in range(n)]
    return earshot.WordSet(clips, np.zeros(n, int), ("",), ["-"] * n, sources, RATE), middles


def gate_at(r, x, middles, said, names, hours):
    """The same shares for the gate, whose threshold is moved."""
    kernel, bias = r.model.layers[-1].get_weights()
    logits = x @ kernel + bias
    best = (logits[:, :-1] - logits[:, -1:]).max(axis=1)
    words = [r.class_names[i] for i in logits[:, :-1].argmax(axis=1)]
    scores, false = judged(list(zip(words, middles, best, strict=True)), said, names)
    at = [_found_at(scores, false, hours, rate) for rate in PER_HOUR]
    return [*at, np.mean(scores > 0), np.sum(false > 0) / hours]


def word_set(learn, names, k, rng):
    """k clips of each word."""
    clips = []
    for i, word in enumerate(names):
        clips += [(i, learn[word][j]) for j in rng.permutation(len(learn[word]))[:k]]
    labels, waveforms = np.array([i for i, _ in clips]), [x for _, x in clips]
    sources = [f"clip {i}" for i in range(len(clips))]
    return earshot.WordSet(waveforms, labels, tuple(names), ["-"] * len(clips), sources, RATE)


def words_along_streams(base, folder, draws=4, k=5):
    """Found at so many false alarms an hour, and as set, in quiet and in noise."""
    learn, test = halves(folder / "wake_words")
    speech = [
        x for part in sorted((folder / "other_speech").glob("voxforge_*")) for x in read(part)
    ]
    x, said = in_running_speech(speech, test)
    hours = len(x) / RATE / 3600
    noises = {
        name: audio.read(next((folder / "noise").glob(f"{name}.*")), RATE)[0] for name in NOISES
    }
    cases = {"quiet": x} | {
        f"{name}, {snr_db} dB": noisy(x, noises[name], snr_db)
        for snr_db in (10, 5) for name in NOISES
    }  # fmt: skip
    print(f"{len(said)} words in {60 * hours:.0f} minutes, {draws} draws of three words, {k} clips")
    rows = []
    for name, sound in cases.items():
        found = {"spotter": [], "gate": []}
        features = features_along(base, sound)
        clips, middles = gated(sound)
        of_clips = recognition.embed(base, clips)
        for draw in range(draws):
            rng = np.random.default_rng(draw)
            names = list(rng.permutation(WORDS)[:3])
            r = earshot.learn_words(base, word_set(learn, names, k, rng))
            found["spotter"].append(spotted_at(r, features, said, names, hours))
            found["gate"].append(gate_at(r, of_clips, middles, said, names, hours))
        for kind, values in found.items():
            *shares, per_hour = np.mean(values, axis=0)
            rows.append([name, kind, *(f"{100 * s:.1f} %" for s in shares), f"{per_hour:.1f}"])
    head = [f"found at {rate:g} an hour" for rate in PER_HOUR]
    table(["", "", *head, "found as set", "false alarms an hour as set"], rows)


def _found_at(scores, false, hours, per_hour):
    allowed = int(per_hour * hours)
    return np.mean(scores > (false[allowed] if len(false) > allowed else -np.inf))


def digits(folder):
    """Digits of the official test through `listen`: named right, of all said; and other answers."""
    r = earshot.load(ROOT / "models" / "spoken_digit")
    _, test = spoken_digit().official_split()
    rng, parts, said, n = np.random.default_rng(1), [np.zeros(RATE, np.float32)], [], RATE
    for i in rng.permutation(len(test)):
        x = _at_level(test.waveforms[i], rng)
        gap = np.zeros(int(rng.uniform(0.15, 1.5) * RATE), np.float32)
        said.append((test.class_names[test.labels[i]], n / RATE, (n + len(x)) / RATE))
        parts += [x, gap]
        n += len(x) + len(gap)
    x, rows = np.concatenate(parts), []
    for snr_db in (None, 20, 10, 5):
        for name in NOISES if snr_db else ("quiet",):
            noise = next((folder / "noise").glob(f"{name}.*"), None)
            sound = noisy(x, audio.read(noise, RATE)[0], snr_db) if snr_db else x
            row = [f"{name}, {snr_db} dB" if snr_db else name]
            found = [
                (h.word, (h.start_s + h.end_s) / 2, 0) for h in earshot.listen(r, [(sound, RATE)])
            ]
            gate = [
                (r.predict(h.waveform, RATE).word, (h.start_s + h.end_s) / 2, 0)
                for words, _ in detect([(sound, RATE)]) for h in words
            ]  # fmt: skip
            for heard in (found, gate):
                scores, false = judged(heard, said, test.class_names)
                row += [
                    f"{100 * np.mean(scores == 0):.1f} %",
                    f"{100 * len(false) / len(said):.1f} %",
                ]
            rows.append(row)
    table(["", "spotter, right", "other answers", "gate, right", "other answers"], rows)


def cost(base):
    """Time that listening takes, of blocks as a microphone gives them, and along a file."""
    words = earshot.synthetic(("lantern", "melody"), n_voices=5, n_takes=1, accents=False)
    r, rng = earshot.learn_words(base, words), np.random.default_rng(0)
    x = 0.1 * rng.standard_normal(60 * 16000).astype(np.float32)
    blocks = [(x[i : i + 320], 16000) for i in range(0, len(x), 320)]
    rows = []
    for name, sound in (("live, blocks of 20 ms at 16 kHz", blocks), ("a file", [(x, 16000)])):
        list(earshot.listen(r, sound))
        started = time.process_time()
        list(earshot.listen(r, sound))
        seconds = time.process_time() - started
        rows.append([name, f"{100 * seconds / 60:.1f} %", f"{60 / seconds:.0f}"])
    table(["one core", "of its time", "times real time"], rows)


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recordings", type=Path, required=True)
    parser.add_argument("--base", type=Path, default=ROOT / "models" / "base")
    parser.add_argument("--only", choices=("words", "digits", "cost"))
    options = parser.parse_args()
    warnings.simplefilter("ignore", earshot.EarshotWarning)
    base = earshot.load(options.base)
    header("python benchmarks/live.py --recordings FOLDER")
    if options.only in (None, "words"):
        words_along_streams(base, options.recordings)
    if options.only in (None, "digits"):
        digits(options.recordings)
    if options.only in (None, "cost"):
        cost(base)


if __name__ == "__main__":
    main()
