"use strict";
// Words along a stream: recognition/spotter.py once more, names and all. Who changes one changes the other.

const STEP_S = 0.12;
const SMOOTH = 3;
const REST_S = 0.7;
const RISE = 0.5;
const AGAIN = 7;
const OWN_WAIT = 2;
const OTHER_WAIT = 3;
const QUIET_DB = 20.0;
const LEAST_SURE = 0.6;
const LOUD_FROM_HZ = 180.0;
const LOUD_S = 0.06;
const KNOCK_DB = 6.0;
const UNKNOWN = "unknown";

/** Picks words from the scores of one window after another, each once, at its peak. */
class Picker {
  constructor(threshold, leastProbability, rest) {
    Object.assign(this, { threshold, leastProbability, rest });
    this.last = [];
    this.count = 0;
    this.best = this.before = null;
    this.named = -1;
    this.twice = false;
    this.highest = this.lowest = 0;
  }

  push(scores, probabilities) {
    this.last = [...this.last, { scores, probabilities }].slice(-SMOOTH);
    const score = mean(this.last.map((one) => one.scores));
    const sure = mean(this.last.map((one) => one.probabilities));
    const window = this.count++, word = score.indexOf(Math.max(...score));
    const again = this.isAgain(window, score);
    const accepted = score[word] > this.threshold && sure[word] >= this.leastProbability;
    const fresh = this.isFresh(window, score[word]) && (word !== this.named || again);
    let best = this.best;
    if (accepted && fresh && (!best || score[word] > best.score)) {
      const first = best ? best.first : window;
      best = { word, score: score[word], probability: sure[word], window, first };
    }
    const surest = Math.max(...scores);
    const wait = best && scores.indexOf(surest) === best.word ? OWN_WAIT : OTHER_WAIT;
    if (best && window - best.first < wait && surest > best.score) {
      this.best = best;
      return null;
    }
    this.best = null;
    if (best) {
      this.twice = this.twice && best.word === this.named;
      this.before = best;
      this.named = best.word;
      this.highest = this.lowest = score[best.word];
    }
    return best;
  }

  isFresh(window, score) {
    const before = this.before;
    return !before || window >= before.window + this.rest || score > before.score;
  }

  isAgain(window, score) {
    if (this.named < 0) return true;
    const own = score[this.named];
    let again = this.highest - this.lowest > RISE && own > this.lowest + RISE;
    if (own > this.highest) this.highest = this.lowest = own;
    this.lowest = Math.min(this.lowest, own);
    if (own <= this.threshold) {
      this.named = -1;
      this.twice = false;
    } else if (window === this.before.window + AGAIN && !this.twice) this.twice = again = true;
    return again;
  }
}

/**
 * Finds the words of a stream while it comes. `ask` gives the logits of a spectrogram, in time;
 * `seen(frame)` is told the mel power of each frame, `answered(probabilities)` each answer.
 */
class Spotter {
  constructor({ settings, filters, ask, rate, seen = () => {}, answered = () => {} }) {
    Object.assign(this, { settings, ask, seen, answered });
    const { front_end: made, n_frames: nFrames, words } = settings;
    this.framesPerS = made.sample_rate / made.hop_length;
    this.step = Math.max(Math.round(STEP_S * this.framesPerS), 1);
    const stepS = this.step / this.framesPerS;
    const least = words.includes(UNKNOWN) ? 0 : LEAST_SURE;
    this.picker = new Picker(settings.threshold, least, Math.round(REST_S / stepS));
    this.resampler = rate === made.sample_rate ? null : new Resampler(rate, made.sample_rate);
    this.mel = new MelPower(made, filters);
    this.power = new Float32Array(nFrames * made.n_mels); // of the newest frames
    this.loud = []; // the loudest band of each of the last frames
    this.lost = 0; // frames before them
    this.nFrames = 0;
    this.before = null; // the word that was named last
    this.firstLoud = settings.centres_hz.findIndex((hz) => hz >= LOUD_FROM_HZ);
  }

  async push(samples) {
    return this.follow(this.mel.push(this.resampler ? this.resampler.push(samples) : samples));
  }

  /** The stream is over: what its last words are. */
  async flush() {
    const rest = this.resampler ? this.mel.push(this.resampler.flush()) : [];
    const heard = await this.follow([...rest, ...this.mel.flush()]);
    const { n_frames: size, front_end: { n_mels: nMels } } = this.settings;
    const silence = Array.from({ length: size - this.step }, () => new Float32Array(nMels));
    return [...heard, ...await this.follow(silence, false)];
  }

  async follow(frames, isSound = true) {
    const { n_frames: size, front_end: { n_mels: nMels } } = this.settings;
    const heard = [];
    for (const frame of frames) {
      this.power.copyWithin(0, nMels);
      this.power.set(frame, this.power.length - nMels);
      if (isSound) {
        this.seen(frame);
        this.loud.push(Math.max(...frame));
      }
      this.nFrames++;
      if (this.nFrames % this.step === 0) heard.push(...await this.window());
    }
    const spare = Math.max(this.loud.length - 5 * size, 0); // far more is kept than is looked back at
    this.loud.splice(0, spare);
    this.lost += spare;
    return heard;
  }

  async window() {
    const { words } = this.settings;
    const logits = await this.ask(toDb(this.withoutKnocks(), this.settings.front_end));
    const probabilities = softmax(logits);
    this.answered(probabilities);
    const picked = this.picker.push(wordScores(logits, words.at(-1) === UNKNOWN), probabilities);
    return picked ? [this.heard(picked)] : [];
  }

  /** Mel power of the newest frames, with no knock that is far louder than what is said. */
  withoutKnocks() {
    const { front_end: { n_mels: nMels } } = this.settings, loudest = [];
    for (let at = 0; at < this.power.length; at += nMels) {
      loudest.push(Math.max(...this.power.subarray(at + this.firstLoud, at + nMels)));
    }
    const n = Math.max(Math.round(LOUD_S * this.framesPerS), 1);
    const limit = loudest.sort((a, b) => b - a)[n - 1] * 10 ** (KNOCK_DB / 10);
    return this.power.map((x) => Math.min(x, limit));
  }

  heard({ word, score, probability, window }) {
    const { words, n_frames: size } = this.settings;
    const end = (window + 1 - Math.floor(SMOOTH / 2)) * this.step;
    let from = Math.max(end - size, 0);
    if (this.before?.word === word) from = Math.max(from, Math.min(this.before.last, end - this.step));
    const [first, last] = this.extent(from, end);
    this.before = { word, last };
    const at = (frame) => frame / this.framesPerS;
    return { word: words[word], probability, score, startS: at(first), endS: at(last) };
  }

  /** From where to where it sounds between two frames. */
  extent(first, last) {
    const from = Math.max(first, this.lost);
    const loud = this.loud.slice(from - this.lost, Math.max(last - this.lost, 0));
    const limit = Math.max(0, ...loud) * 10 ** (-QUIET_DB / 10);
    if (limit === 0) return [first, last];
    const sounding = [...loud.keys()].filter((i) => loud[i] >= limit);
    return [from + sounding[0], from + sounding.at(-1) + 1];
  }
}

/** Mel power of a window as the network takes it: LogMel.to_db. */
function toDb(power, { top_db: topDb, bits }) {
  const loudest = power.reduce((a, b) => Math.max(a, b), 1e-10), least = 10 ** (-topDb / 10);
  const db = power.map((x) => 10 * Math.log10(Math.max(x / loudest, least)));
  return bits ? db.map((x) => Math.round((x / topDb + 1) * 255)) : db;
}

/** How far each word is above all that is not it: "unknown", the last one, or the others together. */
function wordScores(logits, hasUnknown) {
  if (hasUnknown) return logits.slice(0, -1).map((x) => x - logits.at(-1));
  if (logits.length === 1) return logits;
  return logits.map((x, word) => x - logSum(logits.filter((_, other) => other !== word)));
}

function logSum(logits) {
  const top = Math.max(...logits);
  return top + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - top), 0));
}

function softmax(logits) {
  const total = logSum(logits);
  return logits.map((x) => Math.exp(x - total));
}

function mean(rows) {
  return rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
}
