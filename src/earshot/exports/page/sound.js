"use strict";
// A microphone's samples to mel power: what earshot's audio.Resampler and LogMel do in Python.

/** Resamples a stream to the samples that scipy.signal.resample_poly gives of the whole. */
class Resampler {
  constructor(fromRate, toRate) {
    const divisor = commonDivisor(fromRate, toRate);
    this.up = toRate / divisor;
    this.down = fromRate / divisor;
    this.filter = lowPass(10 * Math.max(this.up, this.down), Math.max(this.up, this.down), this.up);
    this.kept = new Float32Array(0);
    this.keptFrom = 0; // number of the first sample that is kept
    this.next = 0; // number of the next sample to give
  }

  push(block) {
    this.kept = joined(this.kept, block);
    const reach = (this.filter.length - 1) / 2, certain = (this.keptFrom + this.kept.length) * this.up;
    return this.until(Math.ceil((certain - reach) / this.down));
  }

  flush() {
    return this.until(Math.ceil((this.keptFrom + this.kept.length) * this.up / this.down));
  }

  until(end) {
    const { up, down, filter, kept } = this, reach = (filter.length - 1) / 2;
    const out = new Float32Array(Math.max(end - this.next, 0));
    for (let i = 0; i < out.length; i++, this.next++) {
      const place = this.next * down;
      const first = Math.max(Math.ceil((place - reach) / up), this.keptFrom);
      const last = Math.min(Math.floor((place + reach) / up), this.keptFrom + kept.length - 1);
      let sum = 0;
      for (let k = first; k <= last; k++) sum += filter[reach + place - k * up] * kept[k - this.keptFrom];
      out[i] = sum;
    }
    const spare = Math.max(Math.ceil((this.next * down - reach) / up) - this.keptFrom, 0);
    this.kept = kept.slice(spare);
    this.keptFrom += Math.min(spare, kept.length);
    return out;
  }
}

/** A sinc of 2 * reach + 1 taps under a Kaiser window of 5, as resample_poly takes it. */
function lowPass(reach, step, gain) {
  const taps = Float64Array.from({ length: 2 * reach + 1 }, (_, i) => {
    const x = Math.PI * (i - reach) / step;
    const kaiser = bessel0(5 * Math.sqrt(1 - ((i - reach) / reach) ** 2));
    return (x === 0 ? 1 : Math.sin(x) / x) * kaiser;
  });
  const sum = taps.reduce((a, b) => a + b);
  return taps.map((tap) => tap / sum * gain);
}

function bessel0(x) {
  let sum = 1, term = 1;
  for (let k = 1; term > 1e-17 * sum; k++) sum += term *= (x / 2 / k) ** 2;
  return sum;
}

function commonDivisor(a, b) {
  return b ? commonDivisor(b, a % b) : a;
}

function joined(a, b) {
  const both = new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Mel power of a stream, frame by frame: settings of a LogMel, and its filters, (bins, n_mels). */
class MelPower {
  constructor({ n_fft: size, hop_length: hop, n_mels: nMels }, filters) {
    Object.assign(this, { size, hop, nMels, filters });
    this.window = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos(2 * Math.PI * i / size));
    this.kept = new Float32Array(size / 2);
    this.re = new Float64Array(size); // what a transform works in: a new one for each frame takes longer
    this.im = new Float64Array(size);
    this.bands = Array.from({ length: size / 2 + 1 }, (_, bin) => { // most bins are in two bands
      const row = filters.subarray(bin * nMels, (bin + 1) * nMels);
      return [...row.keys()].filter((band) => row[band] !== 0);
    });
  }

  push(samples) {
    this.kept = joined(this.kept, samples);
    const frames = [];
    let start = 0;
    for (; start + this.size <= this.kept.length; start += this.hop) frames.push(this.frame(start));
    this.kept = this.kept.slice(Math.min(start, this.kept.length));
    return frames;
  }

  flush() {
    return this.push(new Float32Array(this.size / 2));
  }

  frame(start) {
    const { size, nMels, filters, window, kept, re, im } = this;
    for (let i = 0; i < size; i++) re[i] = window[i] * kept[start + i];
    im.fill(0);
    fourier(re, im);
    const bands = new Float32Array(nMels);
    for (let bin = 0; bin <= size / 2; bin++) {
      const power = re[bin] ** 2 + im[bin] ** 2;
      for (const band of this.bands[bin]) bands[band] += power * filters[bin * nMels + band];
    }
    return bands;
  }
}

const turns = new Map(); // by the size of a transform: cosines, and sines downwards

function turnsOf(n) {
  if (!turns.has(n)) {
    const angles = Float64Array.from({ length: n / 2 }, (_, k) => 2 * Math.PI * k / n);
    turns.set(n, [angles.map(Math.cos), angles.map((angle) => -Math.sin(angle))]);
  }
  return turns.get(n);
}

/** Fourier transform in place, of a power of two: Cooley and Tukey (1965). */
function fourier(re, im) {
  const n = re.length, [cosines, sines] = turnsOf(n);
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
  }
  for (let half = 1, turn = n / 2; half < n; half *= 2, turn /= 2) {
    for (let k = 0; k < half; k++) {
      const cos = cosines[k * turn], sin = sines[k * turn];
      for (let a = k, b = k + half; a < n; a += 2 * half, b += 2 * half) {
        const x = re[b] * cos - im[b] * sin, y = re[b] * sin + im[b] * cos;
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}
