"use strict";
// Clips varied a little, as datasets/augmentation.py does: another speed, place, room, noise, microphone, tract.

/** Random numbers of a seed, 0 to 1: mulberry32, by Tommy Ettinger. */
function randomness(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

const between = (random, low, high) => low + (high - low) * random();
const normal = (random, deviation) => deviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const powerOfTwo = (n) => 2 ** Math.ceil(Math.log2(n));

function white(random, n) {
  const noise = new Float64Array(n);
  for (let i = 0; i < n; i++) noise[i] = Math.sqrt(12) * (random() - 0.5);
  return noise;
}

/** Mel power of a clip of `n_samples`, or of a shorter one with zeros on both sides. */
function powerOf(clip, made, filters) {
  const mean = clip.reduce((sum, x) => sum + x, 0) / clip.length, padded = new Float32Array(made.n_samples);
  const before = made.pad === "center" ? (padded.length - clip.length) >> 1 : 0;
  padded.set(clip.map((x) => x - mean), before);
  const mel = new MelPower(made, filters);
  return [...mel.push(padded), ...mel.flush()];
}

/** Spectrogram of a clip, as the network takes it. */
function spectrogramOf(frames, made) {
  const power = new Float32Array(frames.length * made.n_mels);
  frames.forEach((frame, i) => power.set(frame, i * made.n_mels));
  return toDb(power, made);
}

/** Mel power of a variation; `how` are the settings of an Augmentation. */
function variation(clip, made, filters, how, random) {
  let x = placed(atSpeed(clip, how.speed, random), made, how.shift_s, random);
  if (random() < how.reverb) x = inRoom(x, made.sample_rate, how.room, random);
  if (random() < how.noise) x = inNoise(x, between(random, ...how.snr_db), how.noise_slope, random);
  const tilt = tilted(made.n_mels, how.tilt_db, random);
  const frames = powerOf(x, made, filters).map((frame) => frame.map((power, band) => power * tilt[band]));
  const factor = Math.exp(normal(random, how.warp));
  return inTime(frames.map((frame) => frame.map((_, band) => readAt(frame, band * factor))), how.tempo, random);
}

function atSpeed(clip, speed, random) {
  const limit = Math.log1p(speed), factor = Math.exp(between(random, -limit, limit));
  return new Float32Array(Math.max(Math.floor(clip.length / factor), 1)).map((_, i) => readAt(clip, i * factor));
}

function readAt(values, place) {
  const at = Math.min(Math.max(place, 0), values.length - 1), left = Math.floor(at);
  return left + 1 < values.length ? values[left] + (at - left) * (values[left + 1] - values[left]) : values[left];
}

function placed(clip, { n_samples: n, sample_rate: rate }, shiftS, random) {
  const first = Math.floor(random() * (Math.max(clip.length - n, 0) + 1));
  const kept = clip.subarray(first, first + n), spare = n - kept.length, x = new Float32Array(n);
  x.set(kept, Math.floor(Math.min(Math.max(spare / 2 + normal(random, shiftS * rate), 0), spare)));
  return x;
}

function inRoom(samples, rate, { decay_s: decayS, echo, echo_s: echoS }, random) {
  const length = Math.floor(echoS * rate), decay = between(random, ...decayS), first = between(random, ...echo);
  const size = powerOfTwo(samples.length + length), room = new Float64Array(size);
  room.set(white(random, length).map((one, i) => one * first * Math.exp(-Math.log(1000) * i / rate / decay)));
  room[0] = 1;
  const re = new Float64Array(size), im = new Float64Array(size), roomIm = new Float64Array(size);
  re.set(samples);
  fourier(re, im);
  fourier(room, roomIm);
  for (let i = 0; i < size; i++) {
    const x = re[i] * room[i] - im[i] * roomIm[i];
    im[i] = re[i] * roomIm[i] + im[i] * room[i];
    re[i] = x;
  }
  fourier(im, re); // exchanged, it is the transform back
  return samples.map((_, i) => re[i] / size);
}

function inNoise(x, snrDb, slopes, random) {
  const size = powerOfTwo(x.length), slope = between(random, ...slopes);
  const re = white(random, size), im = white(random, size); // a transform of white noise is white noise
  for (let i = 0; i < size; i++) {
    const weight = Math.max(Math.min(i, size - i), 1) ** -slope;
    re[i] *= weight;
    im[i] *= weight;
  }
  fourier(im, re);
  let loud = 0, noisy = 0, sounding = 0;
  for (let i = 0; i < x.length; i++) {
    loud += x[i] ** 2;
    noisy += re[i] ** 2;
    sounding += x[i] !== 0;
  }
  const level = Math.sqrt(loud / Math.max(sounding, 1) / (noisy / x.length)) * 10 ** (-snrDb / 20);
  return x.map((one, i) => one + level * re[i]);
}

function tilted(n, scale, random) {
  const waves = [1, 2, 3].map((k) => ({ k, phase: 2 * Math.PI * random(), size: normal(random, scale / k) }));
  const curve = (place) => waves.reduce((sum, { k, phase, size }) => sum + size * Math.cos(k * place + phase), 0);
  return Array.from({ length: n }, (_, band) => 10 ** (curve(Math.PI * band / (n - 1)) / 10));
}

function inTime(frames, tempo, random) {
  const factor = Math.exp(between(random, -tempo, tempo)), phase = 2 * Math.PI * random(), end = frames.length - 1;
  return frames.map((_, i) => {
    const time = 2 * i / end - 1, place = (time * factor + 0.08 * Math.sin(3 * time + phase) + 1) * end / 2;
    const at = Math.min(Math.max(place, 0), end), left = Math.floor(at), right = Math.min(left + 1, end);
    return frames[left].map((power, band) => power + (at - left) * (frames[right][band] - power));
  });
}
