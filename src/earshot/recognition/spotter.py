"""Words found along a stream: the recognizer is asked about every second of it.

>>> import numpy as np
>>> from earshot import LogMel, networks, recognition
>>> r = recognition.Recognizer(networks.cnn((101, 40), 2), LogMel(), ("yes", "no"))  # not trained
>>> [words for words, _ in spot(r, [(np.sin(0.3 * np.arange(16000)), 8000)], threshold=1.0)][-1]
[]
"""

import collections
import dataclasses
import itertools
from collections.abc import Iterable, Iterator

import numpy as np
from scipy.special import logsumexp, softmax

from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.features.stream import power_along
from earshot.recognition.recognizer import UNKNOWN, Recognizer
from earshot.types import Array, Blocks

__all__ = ["Heard", "Picker", "answers_along", "averaged", "best_in_each_second", "least_sure",
           "powers_along", "spot", "without_knocks", "word_scores"]  # fmt: skip

STEP_S = 0.12  # from one window to the next
AT_ONCE = (128, 16, 1)  # windows that go through the network together
SMOOTH = 3  # windows over which scores are averaged
REST_S = 0.7  # after a word what is left of it, or comes before the next, may sound like another
RISE = 0.5  # logits that a word's score falls and rises by between being said twice
AGAIN = 7  # windows after its peak in which a word that is still heard has been said twice
OWN_WAIT = 2  # windows in which a word is waited for while it grows surer
OTHER_WAIT = 3  # and in which another one is surer: "softer" begins like "stop"
QUIET_DB = 20.0  # a word reaches from the first to the last frame this far below its loudest
MARGIN_S = 0.08  # kept before and after a word: onsets are soft
LOUD_FROM_HZ = 180.0  # what is louder below it is rumble, wind, or a knock on the table
LOUD_S = 0.06  # a window is as loud as it is for so long: a click is shorter
KNOCK_DB = 6.0  # above that, and what is louder is no part of a word: vowels have peaks

LEAST_SURE = 0.6  # probability from which a recognizer without "unknown" names a word


@dataclasses.dataclass(frozen=True)
class Heard:
    """A word that was heard, where, in seconds from the start of the stream, and how surely.

    The score is how many logits the word is above all that is not it; the waveform, at the rate of
    the stream, has a margin on both sides.
    """

    word: str
    probability: float
    score: float
    start_s: float
    end_s: float
    waveform: Array = dataclasses.field(repr=False)
    sample_rate: int = dataclasses.field(repr=False)

    def __str__(self) -> str:
        return f"{self.start_s:7.2f} s  {self.word} ({self.probability:.1%})"


@dataclasses.dataclass(frozen=True)
class Picked:
    """The best window of a word: its score, its probability, and the windows' numbers."""

    word: int
    score: float
    probability: float
    window: int
    first_window: int


class Picker:
    """Takes the scores of one window after another, and picks the words: each once, at its peak.

    A word is named when its score, averaged over the last windows, is above the threshold and in
    the newest window no word is surer. For a while after it only what is surer is named. The same
    word is named again when its score has fallen and rises, or, once, when it stays above the
    threshold for longer than one word is in a window.
    """

    def __init__(self, threshold: float, least_probability: float, rest: int):
        self.threshold, self.least_probability, self.rest = threshold, least_probability, rest
        self._last: collections.deque[tuple[Array, Array]] = collections.deque(maxlen=SMOOTH)
        self._n = 0
        self._best: Picked | None = None  # while it may become surer still
        self._before: Picked | None = None  # the last that was named
        self._named: int | None = None  # its word, while its score is above the threshold
        self._twice = False  # and it has been named again for its length
        self._highest = self._lowest = 0.0  # what it reached since, and what it fell to from there

    def push(self, scores: Array, probabilities: Array) -> Picked | None:
        """Take scores and probabilities of the next window, (n_words,); give a word that peaked."""
        self._last.append((scores, probabilities))
        score, sure = (np.mean(x, axis=0) for x in zip(*self._last, strict=True))
        window, self._n = self._n, self._n + 1
        word, best = int(score.argmax()), self._best
        again = self._is_again(window, score)
        accepted = score[word] > self.threshold and sure[word] >= self.least_probability
        fresh = self._is_fresh(window, score[word]) and (word != self._named or again)
        if accepted and fresh and (best is None or score[word] > best.score):
            first = best.first_window if best else window
            best = Picked(word, float(score[word]), float(sure[word]), window, first)
        wait = OWN_WAIT if best and scores.argmax() == best.word else OTHER_WAIT
        if best and window - best.first_window < wait and scores.max() > best.score:
            self._best = best
            return None
        self._best = None
        if best:
            self._twice &= best.word == self._named
            self._before, self._named = best, best.word
            self._highest = self._lowest = score[best.word]
        return best

    def _is_fresh(self, window: int, score: float) -> bool:
        """Tell whether a word may be named: it is no remainder of the one before."""
        before = self._before
        return before is None or window >= before.window + self.rest or score > before.score

    def _is_again(self, window: int, score: Array) -> bool:
        """Tell whether the word that was named last is said again, not still."""
        if self._named is None or self._before is None:
            return True
        own = score[self._named]
        fell = self._highest - self._lowest > RISE
        again = bool(fell and own > self._lowest + RISE)
        if own > self._highest:
            self._highest = self._lowest = own
        self._lowest = min(self._lowest, own)
        if own <= self.threshold:
            self._named, self._twice = None, False
        elif window == self._before.window + AGAIN and not self._twice:
            self._twice = again = True
        return again


def word_scores(logits: Array, class_names: Iterable[str]) -> Array:
    """Say how far each word is above all that is not it: logits, shape (windows, n_words).

    That is "unknown", the last class, or, without it, the other words together.
    """
    if (*class_names,)[-1] == UNKNOWN:
        return logits[:, :-1] - logits[:, -1:]
    n = logits.shape[1]
    others = [logsumexp(np.delete(logits, word, axis=1), axis=1) for word in range(n)]
    return logits - np.stack(others, axis=1) if n > 1 else logits


def least_sure(recognizer: Recognizer) -> float:
    """Give the least probability of a word where nothing else is said: 0 with "unknown"."""
    return 0.0 if UNKNOWN in recognizer.class_names else LEAST_SURE


class _Past:
    """The last seconds of a stream, as it came and as loudness of its mel frames."""

    def __init__(self, seconds: float, frames_per_s: float):
        self.seconds, self.frames_per_s = seconds, frames_per_s
        self.rate = 0
        self._x, self._x_from = np.zeros(0, np.float32), 0
        self._loud, self._loud_from = np.zeros(0, np.float32), 0

    @property
    def duration_s(self) -> float:
        """Length of what came by now."""
        return (self._x_from + len(self._x)) / self.rate

    def sound(self, blocks: Blocks) -> Blocks:
        """Let blocks pass, several together where they are short: a network is asked per step."""
        waiting: list[Array] = []
        for block, self.rate in blocks:
            waiting.append(np.asarray(block, np.float32))
            if sum(map(len, waiting)) >= STEP_S / 2 * self.rate:
                yield self._keep(waiting), self.rate
                waiting = []
        if waiting:
            yield self._keep(waiting), self.rate

    def _keep(self, parts: list[Array]) -> Array:
        x = np.concatenate(parts)
        kept = np.concatenate([self._x, x])
        self._x = kept[max(len(kept) - len(x) - round(self.seconds * self.rate), 0) :]
        self._x_from += len(kept) - len(self._x)
        return x

    def frames(self, powers: Iterable[Array]) -> Iterator[Array]:
        """Let mel power pass."""
        for power in powers:
            kept = np.concatenate([self._loud, power.max(axis=1)])
            most = len(power) + round(self.seconds * self.frames_per_s)
            self._loud = kept[max(len(kept) - most, 0) :]
            self._loud_from += len(kept) - len(self._loud)
            yield power

    def extent_s(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Say from where to where it sounds between two times."""
        first, last = (
            max(round(t * self.frames_per_s) - self._loud_from, 0) for t in (start_s, end_s)
        )
        loud = self._loud[first:last]
        if not loud.any():
            return start_s, end_s
        sounding = np.flatnonzero(loud >= loud.max() * 10 ** (-QUIET_DB / 10))
        first += self._loud_from
        start, end = (first + sounding[0], first + sounding[-1] + 1)
        return start / self.frames_per_s, end / self.frames_per_s

    def waveform(self, start_s: float, end_s: float) -> Array:
        """Give the sound between two times, with a margin."""
        first = round((start_s - MARGIN_S) * self.rate) - self._x_from
        last = round((end_s + MARGIN_S) * self.rate) - self._x_from
        return self._x[max(first, 0) : max(last, 0)].copy()


def answers_along(recognizer: Recognizer, powers: Iterable[Array]) -> Iterator[Array]:
    """Ask a recognizer about one window of a stream after another, each as it sees a clip.

    From mel power, shape (frames, n_mels), to the logits of the windows that are certain by then,
    shape (windows, n_classes). The first window ends a step after the beginning of the stream, the
    last one begins a step before its end; what is missing of them is silence.
    """
    front_end = log_mel_of(recognizer)
    n_frames, n_mels = recognizer.network.input_shape[1:]
    step = frames_per_step(front_end)
    silence = np.zeros((n_frames - step, n_mels), np.float32)
    kept, nothing = silence, np.zeros((0, len(recognizer.class_names)), np.float32)
    for power in itertools.chain(powers, [silence]):
        kept, found = np.concatenate([kept, power]), [nothing]
        for n in AT_ONCE:
            while len(kept) >= n_frames + (n - 1) * step:
                windows = np.lib.stride_tricks.sliding_window_view(kept, n_frames, axis=0)
                steady = without_knocks(front_end, windows[: n * step : step].swapaxes(1, 2))
                found.append(recognizer.network.predict_on_batch(front_end.to_db(steady)))
                kept = kept[n * step :]
        yield np.concatenate(found)


def without_knocks(front_end: LogMel, power: Array) -> Array:
    """Hold mel power, shape (windows, frames, n_mels), down to the loudness of what is said.

    A spectrogram is in dB below its loudest point. That of a clip is in the word; in a window of a
    stream it may be a click or rumble, below which words would vanish: there nothing is more than
    ``KNOCK_DB`` above what is loud for ``LOUD_S`` where speech is loud, above ``LOUD_FROM_HZ``.
    """
    speech = power[..., np.searchsorted(front_end.centres_hz, LOUD_FROM_HZ) :]
    n = max(round(LOUD_S * front_end.sample_rate / front_end.hop_length), 1)
    loudest = np.partition(speech.max(axis=-1), -n, axis=-1)[..., -n, None, None]
    return np.minimum(power, loudest * np.float32(10 ** (KNOCK_DB / 10)))


def log_mel_of(recognizer: Recognizer) -> LogMel:
    """Give the front end of a recognizer that can be asked along streams; refuse others."""
    if not isinstance(recognizer.front_end, LogMel):
        kind = type(recognizer.front_end).__name__
        raise EarshotError(f"A recognizer that reads a {kind} does not listen for words.")
    return recognizer.front_end


def frames_per_step(front_end: LogMel) -> int:
    """Give the mel frames from one window to the next."""
    return max(round(STEP_S * front_end.sample_rate / front_end.hop_length), 1)


def powers_along(front_end: LogMel, blocks: Blocks) -> Iterator[Array]:
    """Give a stream's mel power, shape (frames, n_mels), as it becomes certain."""
    return power_along(front_end, blocks, dataclasses.replace(front_end, n_samples=None).mel_power)


def best_in_each_second(recognizer: Recognizer, blocks: Blocks) -> Array:
    """Give the best score of any word in each second of a stream, averaged as for picking.

    Of a stream that is too short to be averaged there is none.
    """
    front_end = log_mel_of(recognizer)
    logits = np.concatenate([*answers_along(recognizer, powers_along(front_end, blocks))])
    if len(logits) < SMOOTH:
        return np.zeros(0, np.float32)
    best = averaged(word_scores(logits, recognizer.class_names)).max(axis=1)
    seconds = len(best) * frames_per_step(front_end) * front_end.hop_length / front_end.sample_rate
    return np.array([part.max() for part in np.array_split(best, max(round(seconds), 1))])


def averaged(rows: Array) -> Array:
    """Give the mean of every ``SMOOTH`` rows that follow one another."""
    return np.lib.stride_tricks.sliding_window_view(rows, SMOOTH, axis=0).mean(axis=-1)


def spot(
    recognizer: Recognizer, blocks: Blocks, *, threshold: float = 0.0
) -> Iterator[tuple[list[Heard], float]]:
    """Find the words of a stream while it comes.

    For each step, or block if that is longer, and at the end: the words that were over by then, and
    up to where, in seconds, no other word can be found. ``threshold``: least probability, 0 to 1.
    """
    front_end = log_mel_of(recognizer)
    frames_per_s = front_end.sample_rate / front_end.hop_length
    step_s = frames_per_step(front_end) / frames_per_s
    window_s = recognizer.network.input_shape[1] / frames_per_s
    reach_s = window_s + (SMOOTH + OTHER_WAIT) * step_s
    past = _Past(reach_s + 1.0, frames_per_s)
    picker = Picker(recognizer.spotting_threshold, threshold, round(REST_S / step_s))
    names = [name for name in recognizer.class_names if name != UNKNOWN]
    powers = past.frames(powers_along(front_end, past.sound(blocks)))
    n_windows, before = 0, None
    for logits in answers_along(recognizer, powers):
        heard = []
        scores = word_scores(logits, recognizer.class_names)
        probabilities = softmax(logits, axis=1)
        for row, sure in zip(scores, probabilities, strict=True):
            if picked := picker.push(row, sure[: len(names)]):
                end_s = (picked.window + 1 - SMOOTH // 2) * step_s  # of the middle one
                first_s = max(end_s - window_s, 0)
                if before and before.word == names[picked.word]:  # itself may be in the window
                    first_s = max(first_s, min(before.end_s, end_s - step_s))
                start_s, end_s = past.extent_s(first_s, end_s)
                x = past.waveform(start_s, end_s)
                word, how = names[picked.word], (picked.probability, picked.score)
                before = Heard(word, *how, start_s, end_s, x, past.rate)
                heard.append(before)
        n_windows += len(logits)
        yield heard, max(n_windows * step_s - reach_s, 0.0)
    if past.rate:
        yield [], past.duration_s
