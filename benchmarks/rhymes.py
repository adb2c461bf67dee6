"""How often what sounds like a wake word is taken for it.

    python benchmarks/rhymes.py --recordings FOLDER [--draws 6]

The folder holds `wake_words/WORD/*`. One word at a time is learned from k clips. At the threshold
that accepts 95 % of its other clips, these are accepted: rhymes of it, and made-up words that begin
as it does and end in other vowels. Both are said by voices of eSpeak NG, which also trained the
base, and by the project's own voice in the manner of five people (`models/voice`).
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from report import ROOT, header, table
from running_speech import RATE, read, trimmed

import earshot
from earshot import synthesis

COUNTS = (5, 20)
PEOPLE = ("george", "jackson", "nicolas", "theo", "yweweler")
RHYMES = {
    "athena": ("medina", "katrina", "marina", "hyena", "arena"),
    "amelia": ("ophelia", "cornelia", "camellia", "aurelia", "bedelia"),
    "computer": ("commuter", "recruiter", "polluter", "disputer", "tutor"),
    "android": ("asteroid", "polaroid", "thyroid", "fibroid", "steroid"),
}
BEGIN_ALIKE = {
    "athena": ("atheeno", "athenay", "athoono"),
    "amelia": ("ameelow", "amelyo", "amalya"),
    "computer": ("computo", "compewtay", "compater"),
    "android": ("andrade", "androod", "andreed"),
}


def one_word(word, clips):
    """Clips of a word at the recordings' rate, as a word set."""
    n = len(clips)
    sources = [f"{word} {i}" for i in range(n)]
    return earshot.WordSet(clips, np.zeros(n, int), (word,), ["-"] * n, sources, RATE)


def lead(r, waveforms, sample_rate):
    """How far the word is above "unknown" in each clip that is answered, in logits."""
    given = [one.probabilities for one in r.predict(waveforms, sample_rate) if one.word]
    odds = np.array([[one[name] for name in r.class_names] for one in given]) + 1e-9
    return np.log(odds[:, 0] / odds[:, 1])


def accepted(base, word, clips, others, k, seed):
    """Learn k of the clips; shares of the others that are accepted where 95 % of the rest are."""
    order = np.random.default_rng(seed).permutation(len(clips))
    r = earshot.learn_words(base, one_word(word, [clips[i] for i in order[:k]]))
    threshold = np.quantile(lead(r, [clips[i] for i in order[k:]], RATE), 0.05)
    return [np.mean(lead(r, waveforms, 8000) >= threshold) for waveforms in others]


def said(words, seed):
    """Let voices of eSpeak NG, and of people, say each of the words; two lists, at 8 kHz."""
    voice = synthesis.load_voice(ROOT / "models" / "voice")
    people = [voice.say(word, speaker=who) for word in words for who in PEOPLE]
    return [*earshot.synthetic(words, n_voices=24, n_takes=1, seed=seed).waveforms], people


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recordings", type=Path)
    parser.add_argument("--base", type=Path, default=ROOT / "models" / "base")
    parser.add_argument("--draws", type=int, default=6, help="how many")
    options = parser.parse_args()
    if not options.recordings:
        print("Left out: name a folder with --recordings.")
        return
    warnings.simplefilter("ignore", earshot.EarshotWarning)
    base, rows = earshot.load(options.base), []
    header("python benchmarks/rhymes.py --recordings FOLDER")
    for seed, word in enumerate(RHYMES):
        clips = [trimmed(x) for x in read(options.recordings / "wake_words" / word)]
        clips = [x for x in clips if len(x) > RATE // 5]
        others = [*said(RHYMES[word], 300 + seed), *said(BEGIN_ALIKE[word], 300 + seed)]
        for k in COUNTS:
            shares = [accepted(base, word, clips, others, k, draw) for draw in range(options.draws)]
            rows.append([word, k, *np.mean(shares, axis=0)])
    means = [["mean", k, *np.mean([r[2:] for r in rows if r[1] == k], axis=0)] for k in COUNTS]
    head = ["wake word", "clips", "rhymes, eSpeak NG", "rhymes, people",
            "begins alike, eSpeak NG", "begins alike, people"]  # fmt: skip
    rows = [[word, k, *(f"{100 * x:.1f} %" for x in shares)] for word, k, *shares in rows + means]
    table(head, rows)


if __name__ == "__main__":
    main()
