"use strict";
// The stretch of a recording in which its word is said, as segmentation/stretches.py finds it.

const NOISE = 0.2; // quantile of a band's levels that is its noise
const OUT_DB = 6.0; // above its noise, from which a band stands out of it
const MOST_DB = 30.0; // that a band counts
const RANGE_DB = 60.0; // below the loudest point
const AS_GOOD = 0.98; // share of the most that a stretch has, from which it holds the word as well

/** Cut the `n_samples` of a longer recording in which most stands out of the noise for longest. */
function wordStretch(x, made, filters) {
  const { n_samples: n, hop_length: hop } = made, mel = new MelPower(made, filters);
  if (x.length <= n) return x;
  const start = firstOfStretch([...mel.push(x), ...mel.flush()], Math.max(Math.floor(n / hop), 1)) * hop;
  return x.slice(Math.min(start, x.length - n)).slice(0, n);
}

/** Where a stretch of so many frames begins; `frames` are mel powers. */
function firstOfStretch(frames, n) {
  const rows = frames.length, bands = frames[0].length, out = new Float64Array(rows);
  const power = new Float32Array(rows * bands);
  frames.forEach((frame, i) => power.set(frame, i * bands));
  const db = toDb(power, { top_db: RANGE_DB });
  for (let band = 0; band < bands; band++) {
    const levels = Float32Array.from({ length: rows }, (_, i) => db[i * bands + band]);
    const limit = readAt(levels.slice().sort(), NOISE * (rows - 1)) + OUT_DB;
    levels.forEach((level, i) => { out[i] += Math.min(Math.max(level - limit, 0), MOST_DB); });
  }
  const total = new Float64Array(rows - n + 1);
  for (let i = 0; i < rows; i++) {
    for (let at = Math.max(i - n + 1, 0); at <= Math.min(i, rows - n); at++) total[at] += out[i];
  }
  const best = total.reduce((a, b) => Math.max(a, b)), middle = total.indexOf(best);
  const good = [...total.keys()].filter((i) => total[i] >= AS_GOOD * best && Math.abs(i - middle) < n);
  return Math.floor(good.reduce((sum, i) => sum + i, 0) / good.length);
}
