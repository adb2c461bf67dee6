"""Words found along streams, in running speech and noise, against false alarms an hour.

    python benchmarks/live.py --recordings FOLDER [--only words|digits|cost] [--clips 5]
        [--words NAMES] [--peers PYTHON]

The folder holds `wake_words/WORD/*`, `other_speech/SET/*` and `noise/*`. Three words at a time are
learned from k clips each; other clips of them are laid into running speech of many people, one
every 6 seconds or so, and noise is added at so many dB below the speech. The digits are those of
the official test, with pauses of 0.15 to 1.5 s. Peers in the same run: the detector that waits for
energy above a floor and a pause after it (`gate.py`), and asks the same recognizer; with --peers,
webrtcvad in its place, and a logistic last layer on openWakeWord's embedding (`live_peers.py`,
which tells how that Python is made).
"""

import argparse
import os
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # what one core does

import keras
import numpy as np
from gate import detect
from new_words import sentences
from report import ROOT, header, spoken_digit, table
from running_speech import LEVEL, RATE, at_level, in_running_speech, level, noisy, read, trimmed
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import earshot
from earshot import audio, recognition
from earshot.recognition import spotter

WORDS = ("android", "computer", "ey_ordenador", "hey_chatterbox")
NOISES = ("cafe", "traffic", "fridge", "dude_miaowing")
MOST = 40  # clips of a word along the streams
PER_HOUR = (0.5, 3.0, 9.0)
VAD_S, PAUSE_S, SHORTEST_S, LONGEST_S, MARGIN_S = 0.03, 0.2, 0.15, 2.5, 0.08
EMBEDDING_S, FIRST_S, N_EMBEDDINGS = 0.08, 0.76, 16  # of openWakeWord: its models see 16 of them
REST_S = 0.8  # between two words of openWakeWord
NEAR_S = 0.25  # the middle of what is heard is so near to a word that was said


def halves(folder, words, seed=0):
    """Clips of each word for learning, and others for the streams."""
    learn, test = {}, {}
    for word in words:
        clips = [trimmed(x) for x in read(folder / word)]
        order = np.random.default_rng(seed).permutation(len(clips))
        learn[word] = [clips[i] for i in order[: len(clips) // 2]]
        test[word] = [clips[i] for i in order[len(clips) // 2 :][:MOST]]
    return learn, test


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
            middle_s = (one.window + 1 - spotter.SMOOTH // 2) * spotter.STEP_S - 0.5
            found.append((r.class_names[one.word], middle_s, one.score))
    return found


def spotted_at(r, features, said, names, hours):
    """Shares found at the lowest thresholds that keep to the rates, and as it is set."""
    at = {}
    for threshold in np.arange(0.0, 8.0, 0.5):
        scores, false = judged(picked(r, features, threshold), said, names)
        found, per_hour = np.mean(scores > -np.inf), len(false) / hours
        for rate in PER_HOUR:
            if per_hour <= rate:
                at[rate] = max(at.get(rate, 0.0), found)
    scores, false = judged(picked(r, features, r.spotting_threshold), said, names)
    return [*(at.get(rate, 0.0) for rate in PER_HOUR),
            np.mean(scores > -np.inf), len(false) / hours]  # fmt: skip


def gated(x):
    """The stretches that the gate finds."""
    return [(h.start_s, h.end_s) for words, _ in detect([(x, RATE)]) for h in words]


def spoken(flags):
    """The stretches in which webrtcvad hears speech; short pauses are bridged, 2.5 s are enough."""
    found = []
    for i in np.flatnonzero(flags):
        start_s, end_s = VAD_S * i, VAD_S * (i + 1)
        if found and start_s - found[-1][1] < PAUSE_S and end_s - found[-1][0] < LONGEST_S:
            found[-1] = (found[-1][0], end_s)
        else:
            found.append((start_s, end_s))
    return [(start_s, end_s) for start_s, end_s in found if end_s - start_s > SHORTEST_S]


def cut(x, stretches):
    """What is heard in stretches of a stream, with a margin, as a word set."""
    clips = [x[max(int((a - MARGIN_S) * RATE), 0) : int((b + MARGIN_S) * RATE)]
             for a, b in stretches]  # fmt: skip
    n = len(clips)
    sources = [str(i) for i in range(n)]
    return earshot.WordSet(clips, np.zeros(n, int), ("",), ["-"] * n, sources, RATE)


def stretches_at(r, x, stretches, said, names, hours):
    """The same shares for stretches that something else found; the threshold is moved."""
    middles = [(start_s + end_s) / 2 for start_s, end_s in stretches]
    kernel, bias = r.model.layers[-1].get_weights()
    logits = x @ kernel + bias
    best = (logits[:, :-1] - logits[:, -1:]).max(axis=1)
    words = [r.class_names[i] for i in logits[:, :-1].argmax(axis=1)]
    scores, false = judged(list(zip(words, middles, best, strict=True)), said, names)
    at = [_found_at(scores, false, hours, rate) for rate in PER_HOUR]
    return [*at, np.mean(scores > 0), np.sum(false > 0) / hours]


def word_set(learn, names, chosen):
    """The chosen clips of each word."""
    clips = [(i, learn[word][j]) for i, word in enumerate(names) for j in chosen[word]]
    labels, waveforms = np.array([i for i, _ in clips]), [x for _, x in clips]
    sources = [f"clip {i}" for i in range(len(clips))]
    return earshot.WordSet(waveforms, labels, tuple(names), ["-"] * len(clips), sources, RATE)


class Peers:
    """What openWakeWord's embedding and webrtcvad make of all sounds, asked once."""

    def __init__(self, python, cases, learn):
        speech, rng = np.concatenate(sentences().waveforms), np.random.default_rng(0)
        speech = speech * np.float32(LEVEL / level(speech))
        sounds, self.ends_s = {**cases, "speech": speech}, {}
        for word, xs in learn.items():
            for i, x in enumerate(xs):  # among other speech, as along the streams
                before, after = (speech[k : k + 3 * RATE // 2]
                                 for k in rng.integers(len(speech) - 2 * RATE, size=2))  # fmt: skip
                clip = x * np.float32(LEVEL / level(x))
                sounds[f"{word} {i}"] = np.concatenate([before, clip, after])
                self.ends_s[f"{word} {i}"] = 1.5 + len(x) / RATE - 0.05
        with tempfile.TemporaryDirectory() as folder:
            source, into = Path(folder) / "sounds.npz", Path(folder) / "found.npz"
            np.savez(source, **sounds)
            script = Path(__file__).with_name("live_peers.py")
            subprocess.run([python, script, source, into], check=True)
            with np.load(into) as found:
                self.found = dict(found)

    def rows(self, name):
        """16 embeddings in a row, and when the last of them ends."""
        x = self.found[f"embedding {name}"]
        rows = np.lib.stride_tricks.sliding_window_view(x, N_EMBEDDINGS, axis=0)
        ends_s = FIRST_S + EMBEDDING_S * (N_EMBEDDINGS - 1 + np.arange(len(rows)))
        return rows.reshape(len(rows), -1), ends_s

    def learned(self, names, chosen):
        """A logistic last layer of some words, against synthetic sentences."""
        rows, labels = [self.rows("speech")[0][::2]], []
        labels.append(np.full(len(rows[0]), len(names)))
        for i, word in enumerate(names):
            for j in chosen[word]:
                x, ends_s = self.rows(f"{word} {j}")
                after_s = ends_s - self.ends_s[f"{word} {j}"]
                rows.append(x[(after_s >= 0) & (after_s < 0.25)])
                labels.append(np.full(len(rows[-1]), i))
        machine = LogisticRegression(C=0.01, class_weight="balanced", max_iter=300)
        return make_pipeline(StandardScaler(), machine).fit(
            np.concatenate(rows), np.concatenate(labels)
        )

    def found_at(self, machine, name, said, names, hours):
        """Shares found, the highest scores first, each with a rest around it."""
        x, ends_s = self.rows(name)
        logits = machine.decision_function(x)
        scores = logits[:, :-1] - logits[:, -1:]
        best, heard, free = scores.max(axis=1), [], np.ones(len(scores), bool)
        for i in np.argsort(-best)[: len(best) // 10]:
            if free[i]:
                free[np.abs(ends_s - ends_s[i]) < REST_S] = False
                heard.append((names[scores[i].argmax()], ends_s[i] - 0.5, best[i]))
        found, false = judged(heard, said, names)
        at = [_found_at(found, false, hours, rate) for rate in PER_HOUR]
        return [*at, np.mean(found > 0), np.sum(false > 0) / hours]


def words_along_streams(base, folder, words, k, python=None, draws=4):
    """Found at so many false alarms an hour, and as set, in quiet and in noise."""
    learn, test = halves(folder / "wake_words", words)
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
    print(f"{len(said)} words in {60 * hours:.0f} minutes, {draws} draws, {k} clips of a word")
    peers, learned = Peers(python, cases, learn) if python else None, []
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        names = list(rng.permutation(words)[:3])
        chosen = {word: rng.permutation(len(learn[word]))[:k] for word in names}
        r = earshot.learn_words(base, word_set(learn, names, chosen))
        learned.append((names, r, peers and peers.learned(names, chosen)))
    rows = []
    for name, sound in cases.items():
        found = compared(base, name, sound, learned, peers, said, hours)
        for kind, values in found.items():
            *shares, per_hour = np.mean(values, axis=0)
            rows.append([name, kind, *(f"{100 * s:.1f} %" for s in shares), f"{per_hour:.1f}"])
    head = [f"found at {rate:g} an hour" for rate in PER_HOUR]
    table(["", "", *head, "found as set", "false alarms an hour as set"], rows)


def compared(base, name, sound, learned, peers, said, hours):
    """What the spotter and its peers find in a stream, for each draw of words."""
    features = features_along(base, sound)
    cutters = {"gate": gated(sound)}
    if peers:
        cutters["webrtcvad"] = spoken(peers.found[f"speech {name}"])
    clips = {kind: recognition.embed(base, cut(sound, found)) for kind, found in cutters.items()}
    found = {"spotter": [], **{kind: [] for kind in cutters}}
    if peers:
        found["openWakeWord's embedding"] = []
    for names, r, machine in learned:
        found["spotter"].append(spotted_at(r, features, said, names, hours))
        for kind, stretches in cutters.items():
            found[kind].append(stretches_at(r, clips[kind], stretches, said, names, hours))
        if peers:
            found["openWakeWord's embedding"].append(
                peers.found_at(machine, name, said, names, hours)
            )
    return found


def _found_at(scores, false, hours, per_hour):
    allowed = int(per_hour * hours)
    return np.mean(scores > (false[allowed] if len(false) > allowed else -np.inf))


def digits(folder):
    """Digits of the official test through `listen`: named right, of all said; and other answers."""
    r = earshot.load(ROOT / "models" / "spoken_digit")
    _, test = spoken_digit().official_split()
    test = test.resampled(RATE)
    rng, parts, said, n = np.random.default_rng(1), [np.zeros(RATE, np.float32)], [], RATE
    for i in rng.permutation(len(test)):
        x = at_level(test.waveforms[i], rng)
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
    parser.add_argument("--recordings", type=Path)
    parser.add_argument("--base", type=Path, default=ROOT / "models" / "base")
    parser.add_argument("--words", default=",".join(WORDS), help="that are learned and found")
    parser.add_argument("--clips", type=int, default=5, help="of each word that are learned")
    parser.add_argument("--peers", help="a Python for live_peers.py")
    parser.add_argument("--only", choices=("words", "digits", "cost"))
    options = parser.parse_args()
    if not options.recordings:
        print("Left out: name a folder with --recordings.")
        return
    warnings.simplefilter("ignore", earshot.EarshotWarning)
    base = earshot.load(options.base)
    header("python benchmarks/live.py --recordings FOLDER")
    if options.only in (None, "words"):
        words = options.words.split(",")
        words_along_streams(base, options.recordings, words, options.clips, options.peers)
    if options.only in (None, "digits"):
        digits(options.recordings)
    if options.only in (None, "cost"):
        cost(base)


if __name__ == "__main__":
    main()
