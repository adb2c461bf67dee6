"use strict";
// New words, learned as recognition/new_words.py learns them; runs beside the page, which stays alive.
// A matrix is { n, d, x }: n rows of d values.

const MEMORY = 10; // steps that the minimizer remembers

let given = null; // settings, filters and what is remembered of other speech: see `begin`

/** Take what is told by Python, and the remembered features: int8, part after part. */
function begin(settings, filters, remembered) {
  given = { ...settings, filters, parts: {} };
  let at = 0;
  for (const [name, { rows, scale }] of Object.entries(settings.learning.parts)) {
    const d = settings.learning.n_features, bytes = new Int8Array(remembered.buffer, at, rows * d);
    given.parts[name] = { n: rows, d, x: Float32Array.from(bytes, (x) => x / scale) };
    at += rows * d;
  }
}

/** Spectrograms of the word in a recording: of itself, and of its variations. */
function varied(recording, seed) {
  const { front_end: made, filters, learning: { n_variations: n, variation: how } } = given, random = randomness(seed);
  const clip = wordStretch(recording, made, filters);
  const powers = [powerOf(clip, made, filters)];
  for (let i = 0; i < n; i++) powers.push(variation(clip, made, filters, how, random));
  return powers.map((frames) => spectrogramOf(frames, made));
}

/** Learn words, each { word, clips: features of each clip and of its variations }. */
function learned(words) {
  const { learning: how, parts } = given, n = words.length;
  const names = new Set(words.map(({ word }) => word.toLowerCase()));
  const own = words.map(({ clips }) => clips.flat());
  const others = rowsOf(parts.others).filter((_, i) => !names.has(how.other_words[i].toLowerCase()));
  const all = [...own, others], labels = all.flatMap((rows, label) => rows.map(() => label));
  const layer = regression(matrix(all.flat()), labels, n + 1, how);
  withMeans(layer, own, words, how);
  const accepted = setThreshold(layer, parts.held_out, how);
  const scores = alongStreams(layer, parts.along, how);
  const threshold = spottingThreshold(scores, how);
  const background = { scores: scores.slice(0, how.n_scores), hours: how.hours };
  return { ...layer, threshold, background: how.hours ? background : null, accepted, heldOut: parts.held_out.n };
}

function rowsOf({ n, d, x }) {
  return Array.from({ length: n }, (_, i) => x.subarray(i * d, (i + 1) * d));
}

function matrix(rows) {
  const d = rows[0].length, x = new Float32Array(rows.length * d);
  rows.forEach((row, i) => x.set(row, i * d));
  return { n: rows.length, d, x };
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function unit(x) {
  const length = Math.sqrt(dot(x, x));
  return length > 0 ? x.map((one) => one / length) : x;
}

/** Logistic regression, every class of the same weight; gives a layer: `columns` of classes, `bias`. */
function regression({ n, d, x }, labels, k, { c, tolerance, most_steps: mostSteps }) {
  const counts = new Array(k).fill(0), size = d + 1; // a class is a column and its bias
  labels.forEach((label) => counts[label]++);
  const ridge = 1 / ((k === 2 ? c / 2 : c) * n); // scikit-learn has one column for two classes
  const loss = (w, gradient) => {
    let sum = 0;
    gradient.fill(0);
    for (let j = 0; j < k; j++) {
      for (let i = 0; i < d; i++) {
        gradient[j * size + i] = ridge * w[j * size + i];
        sum += 0.5 * ridge * w[j * size + i] ** 2;
      }
    }
    const p = new Float64Array(k);
    for (let row = 0; row < n; row++) {
      const from = row * d, label = labels[row], weight = 1 / (k * counts[label]);
      for (let j = 0; j < k; j++) {
        let logit = w[j * size + d];
        for (let i = 0; i < d; i++) logit += w[j * size + i] * x[from + i];
        p[j] = logit;
      }
      const top = Math.max(...p), own = p[label];
      let total = 0;
      for (let j = 0; j < k; j++) total += p[j] = Math.exp(p[j] - top);
      sum += weight * (top + Math.log(total) - own);
      for (let j = 0; j < k; j++) {
        const error = weight * (p[j] / total - (j === label));
        for (let i = 0; i < d; i++) gradient[j * size + i] += error * x[from + i];
        gradient[j * size + d] += error;
      }
    }
    return sum;
  };
  const w = minimum(loss, k * size, tolerance, mostSteps);
  const columns = Array.from({ length: k }, (_, j) => w.subarray(j * size, j * size + d));
  return { columns, bias: columns.map((_, j) => w[j * size + d]) };
}

/** Where a smooth function is least, by L-BFGS: Liu and Nocedal (1989), "On the limited memory BFGS method". */
function minimum(of, size, tolerance, mostSteps) {
  let x = new Float64Array(size), gradient = new Float64Array(size), value = of(x, gradient);
  const past = [];
  for (let step = 0; step < mostSteps && gradient.some((one) => Math.abs(one) > tolerance); step++) {
    const direction = newtonStep(gradient, past), slope = dot(direction, gradient);
    let reach = past.length ? 1 : Math.min(1, 1 / Math.sqrt(-slope)), to, there, lower;
    do {
      to = x.map((one, i) => one + reach * direction[i]);
      there = new Float64Array(size);
      lower = of(to, there);
      reach /= 2;
    } while (lower > value + 2e-4 * reach * slope && reach > 1e-12);
    const s = to.map((one, i) => one - x[i]), y = there.map((one, i) => one - gradient[i]), curve = dot(s, y);
    if (curve > 0) past.push({ s, y, curve });
    if (past.length > MEMORY) past.shift();
    [x, gradient, value] = [to, there, lower];
  }
  return x;
}

function newtonStep(gradient, past) {
  const q = gradient.map((one) => -one), shares = [];
  for (const { s, y, curve } of past.toReversed()) {
    const share = dot(s, q) / curve;
    shares.unshift(share);
    for (let i = 0; i < q.length; i++) q[i] -= share * y[i];
  }
  const newest = past.at(-1), scale = newest ? newest.curve / dot(newest.y, newest.y) : 1;
  for (let i = 0; i < q.length; i++) q[i] *= scale;
  past.forEach(({ s, y, curve }, at) => {
    const share = shares[at] - dot(y, q) / curve;
    for (let i = 0; i < q.length; i++) q[i] += share * s[i];
  });
  return q;
}

/** Add likeness to the words' means, and what was known of words of these names: last_layer.with_means. */
function withMeans({ columns, bias }, own, words, { regression: least, mean_clips: meanClips, scale: full, old_clips: oldClips, old_words: oldWords }) {
  const n = Math.min(...words.map(({ clips }) => clips.length)), part = Math.max(n / (n + meanClips), least), scale = 2 * (1 - part) * full;
  const directions = rowsOf(given.parts.old);
  const means = own.map((rows) => unit(rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length)));
  const changes = words.map(({ word, clips }, at) => {
    const i = oldWords.indexOf(spoken(word));
    if (i < 0) return null;
    const old = unit(directions[i]), like = means.map((one) => dot(old, one));
    if (like.indexOf(Math.max(...like)) !== at) return null;
    return old.map((one, j) => oldClips / (oldClips + clips.length) * (one - means[at][j]));
  });
  const known = changes.filter((one) => one), common = means[0].map((_, j) => known.reduce((sum, one) => sum + one[j], 0) / (known.length || 1));
  columns.forEach((column, at) => {
    const mean = means[at], change = changes[at];
    for (let j = 0; j < column.length; j++) {
      column[j] = part * column[j] + (mean ? scale * (mean[j] + (change ? change[j] - common[j] : 0)) : 0);
    }
    bias[at] *= part;
  });
}

function spoken(name) {
  return name.replaceAll("_", " ").toLowerCase().split(/\s+/).filter((part) => part).join(" ");
}

/** How far the best word is above "unknown" in each row. */
function bestOf({ columns, bias }, { n, d, x }) {
  return Array.from({ length: n }, (_, row) => {
    const from = x.subarray(row * d, (row + 1) * d), logits = columns.map((column, j) => dot(column, from) + bias[j]);
    return Math.max(...logits.slice(0, -1)) - logits.at(-1);
  });
}

/** Lower the bias of the words until so few held-out clips are taken for one; gives how many are. */
function setThreshold(layer, heldOut, { false_acceptance: share, tie }) {
  const falling = bestOf(layer, heldOut).sort((a, b) => b - a);
  const lower = falling[Math.floor(share * falling.length)] + tie;
  for (let j = 0; j < layer.bias.length - 1; j++) layer.bias[j] -= lower;
  return falling.filter((x) => x > lower).length;
}

/** The highest score of any word in each second of streams without them, falling. */
function alongStreams(layer, along, { seconds, synthetic }) {
  const best = bestOf(layer, along), short = Math.floor(best.length / seconds), longer = best.length % seconds;
  const start = (second) => second * short + Math.min(second, longer); // as numpy.array_split
  const highest = (second) => Math.max(...best.slice(start(second), start(second + 1)));
  return Array.from({ length: seconds }, (_, second) => highest(second) + synthetic).sort((a, b) => b - a);
}

/** For so many false alarms an hour: thresholds.spotting_threshold. */
function spottingThreshold(falling, { hours, per_hour: perHour, tail }) {
  if (!hours) return 0;
  const n = Math.min(tail, falling.length - 1);
  const excess = falling.slice(0, n).reduce((sum, x) => sum + x, 0) / n - falling[n];
  return Math.max(falling[n] + excess * Math.log(n / hours / perHour), 0);
}

const calls = { begin, varied, learned };
globalThis.onmessage = ({ data: { id, call, inputs } }) => {
  try {
    postMessage({ id, result: calls[call](...inputs) });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
};
