"use strict";
// The page: one button, a picture of the sound, bars, the words that were heard, the sensitivity.

const byId = (id) => document.getElementById(id);
const settings = JSON.parse(byId("settings").textContent);
const card = JSON.parse(byId("card").textContent);
const MOST_HEARD = 50; // that are shown
const SILENT_S = 3; // of zeros, after which the microphone is doubted
const TAKEN_S = 1; // for which a word is shown in bold
const VIRIDIS = [[68, 1, 84], [65, 68, 135], [42, 120, 142], [34, 168, 132], [122, 209, 81], [253, 231, 37]];
const RANGE_DB = 50; // of the colours
const FADE_DB = 0.02; // that the loudest fades by in a frame, so that the colours adapt
const TAIL = 30; // highest scores that show how fast false alarms become rarer: recognition/thresholds.py
const WHY = {
  NotAllowedError: "The browser may not use the microphone: allow it for this page, and start again.",
  NotFoundError: "There is no microphone: plug one in, and start again.",
  NotReadableError: "The microphone cannot be opened: close what else uses it, and start again.",
  insecure: "Browsers give the microphone to pages from https, localhost or the disk alone: open this page there.",
};

let ask = null; // the network
let listening = null; // { context, stream, spotter } while the microphone is open
let threshold = settings.threshold;

function tell(text, state = document.body.dataset.state) {
  document.body.dataset.state = state;
  byId("status").textContent = text;
  byId("start").textContent = state === "listening" ? "Stop listening" : "Start listening";
  byId("start").setAttribute("aria-disabled", !["ready", "listening"].includes(state)); // it keeps the focus
  byId("file").disabled = state !== "ready";
}

function make(kind, text = "", parent = null) {
  const element = document.createElement(kind);
  element.textContent = text;
  element.dir = "auto"; // a word may be Arabic
  parent?.append(element);
  return element;
}

// Words and their bars

const rows = settings.words.filter((word) => word !== UNKNOWN).map((word) => {
  const row = make("li", "", byId("words"));
  make("span", word, row);
  const bar = make("i", "", make("div", "", row));
  bar.parentNode.setAttribute("aria-hidden", "true"); // a screen reader reads the list of what was heard
  return { row, bar };
});

function showAnswer(probabilities) {
  rows.forEach(({ bar }, i) => { bar.style.transform = `scaleX(${probabilities[i].toFixed(3)})`; });
}

function showHeard({ word, probability, startS }, frame) {
  const row = document.createElement("li"), list = byId("heard");
  make("b", word, row);
  make("time", `${startS.toFixed(2)} s`, row);
  make("small", `${(100 * probability).toFixed(0)} % sure`, row);
  list.prepend(row);
  while (list.children.length > MOST_HEARD) list.lastChild.remove();
  const { row: named } = rows[settings.words.indexOf(word)];
  named.classList.add("named");
  setTimeout(() => named.classList.remove("named"), 1000 * TAKEN_S);
  picture.write(word, frame);
}

// The spectrogram, which moves to the left: a frame is a column

class Picture {
  constructor(canvas, { n_mels: nMels }) {
    Object.assign(this, { canvas, nMels, columns: [], labels: [], loudest: -100, nFrames: 0, drawn: 0 });
    this.pixels = new OffscreenCanvas(canvas.width, nMels);
    this.context = canvas.getContext("2d");
  }

  push(power) {
    const db = Array.from(power, (x) => 10 * Math.log10(x + 1e-10));
    this.loudest = Math.max(this.loudest - FADE_DB, ...db);
    this.columns.push(db.map((x) => colour((x - this.loudest) / RANGE_DB + 1)));
    this.columns.splice(0, this.columns.length - this.canvas.width);
    this.nFrames++;
    if (!this.waiting) this.waiting = requestAnimationFrame(() => this.draw());
  }

  write(word, frame) {
    this.labels = [...this.labels, { word, frame }].slice(-20);
  }

  draw() {
    this.waiting = 0;
    const { canvas, context, pixels, nMels } = this, inner = pixels.getContext("2d");
    const fresh = Math.min(this.nFrames - this.drawn, this.columns.length), { width, height } = canvas;
    this.drawn = this.nFrames;
    inner.drawImage(pixels, -fresh, 0);
    this.columns.slice(-fresh).forEach((column, i) => column.forEach((rgb, band) => {
      inner.fillStyle = rgb;
      inner.fillRect(width - fresh + i, nMels - 1 - band, 1, 1);
    }));
    context.imageSmoothingEnabled = false;
    context.drawImage(pixels, 0, 0, width, height);
    context.font = "16px system-ui, sans-serif";
    context.fillStyle = "white";
    for (const { word, frame } of this.labels) context.fillText(word, width - this.nFrames + frame, 18, 120);
  }
}

function colour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1), low = Math.min(Math.floor(place), VIRIDIS.length - 2);
  const rgb = VIRIDIS[low].map((x, i) => x + (place - low) * (VIRIDIS[low + 1][i] - x));
  return `rgb(${rgb.map(Math.round)})`;
}

const picture = new Picture(byId("spectrogram"), settings.front_end);

// The sensitivity: the threshold, as in Python, falls to the right

function showThreshold() {
  const offset = -Number(byId("sensitivity").value);
  threshold = settings.threshold + offset;
  if (listening) listening.spotter.picker.threshold = threshold;
  const than = settings.words.at(-1) === UNKNOWN ? "“unknown”" : "all other words";
  const set = offset === 0 ? "as the recognizer is set" : `as set: ${settings.threshold.toFixed(2)}`;
  const text = `A word must be ${threshold.toFixed(2)} logits above ${than} (${set}).`;
  const perHour = falseAlarms(threshold);
  const about = perHour === null ? "" : ` About ${perHour < 9.5 ? perHour.toPrecision(1) : perHour.toFixed(0)} false alarms an hour.`;
  byId("meaning").textContent = text + about;
  byId("sensitivity").setAttribute("aria-valuetext", `${-offset} logits more sensitive than set.${about}`);
}

/** False alarms an hour, by the highest scores of hours without the words, and their exponential tail. */
function falseAlarms(limit) {
  const { scores, hours } = settings.background ?? {};
  if (!scores || limit < scores.at(-1)) return null;
  const above = scores.filter((x) => x > limit).length, n = Math.min(TAIL, scores.length - 1);
  if (above >= n) return above / hours;
  const excess = scores.slice(0, n).reduce((sum, x) => sum + x - scores[n], 0) / n;
  return n / hours * Math.exp((scores[n] - limit) / excess);
}

// Listening

function newSpotter(rate) {
  const bytes = Uint8Array.from(atob(byId("filters").textContent), (c) => c.charCodeAt(0));
  const filters = new Float32Array(bytes.buffer), of = { ...settings, threshold };
  return new Spotter({ settings: of, filters, ask, rate, seen: (x) => picture.push(x), answered: showAnswer });
}

function show(heard, spotter, picturesBefore) {
  for (const one of heard) showHeard(one, picturesBefore + Math.round(one.startS * spotter.framesPerS));
}

/** Listen to a whole waveform; gives the words that were heard, with their times in seconds. */
async function hear(samples, rate) {
  const spotter = newSpotter(rate), before = picture.nFrames;
  const heard = [...await spotter.push(samples), ...await spotter.flush()];
  show(heard, spotter, before);
  return heard;
}

async function start() {
  tell("Waiting for the microphone …", "opening");
  let context = null, stream = null;
  try {
    if (!navigator.mediaDevices) throw { name: "insecure" };
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
    context = new AudioContext();
    await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(byId("ears").textContent)}`);
    const ears = new AudioWorkletNode(context, "ears", { numberOfOutputs: 0 });
    const spotter = newSpotter(context.sampleRate), before = picture.nFrames;
    let work = Promise.resolve(), zeros = 0;
    ears.port.onmessage = ({ data }) => {
      zeros = data.some((x) => x !== 0) ? 0 : zeros + data.length;
      const silent = zeros > SILENT_S * context.sampleRate;
      const text = silent ? "The microphone gives silence: is it muted?" : "Listening: say a word.";
      if (listening && byId("status").textContent !== text) tell(text);
      work = work.then(() => spotter.push(data)).then((heard) => show(heard, spotter, before)).catch(broken);
    };
    stream.getAudioTracks()[0].onended = () => stop("The microphone was taken away: start again when it is back.");
    context.onstatechange = () => {
      if (listening && context.state !== "running") tell("The browser has paused the sound: stop, and start again.");
    };
    context.createMediaStreamSource(stream).connect(ears);
    await context.resume();
    listening = { context, stream, spotter };
    tell("Listening: say a word.", "listening");
  } catch (error) {
    stream?.getTracks().forEach((track) => track.stop());
    context?.close();
    tell(WHY[error.name] ?? `The microphone cannot be used (${error.message}): reload the page.`, "ready");
  }
}

function stop(text = "Stopped.") {
  if (!listening) return;
  const { context, stream } = listening;
  listening = null;
  stream.getTracks().forEach((track) => track.stop());
  context.close();
  tell(text, "ready");
}

function broken(error) {
  stop();
  tell(`The page cannot answer (${error.message}): reload it, or update the browser.`, "broken");
}

async function hearFile(file) {
  tell(`Listening to ${file.name} …`, "opening");
  try {
    const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(await file.arrayBuffer());
    const parts = Array.from({ length: sound.numberOfChannels }, (_, i) => sound.getChannelData(i));
    const mono = parts[0].map((_, i) => parts.reduce((sum, one) => sum + one[i], 0) / parts.length);
    const heard = await hear(mono, sound.sampleRate);
    tell(`Heard ${heard.length} words in ${file.name}, ${sound.duration.toFixed(1)} s.`, "ready");
  } catch (error) {
    tell(`${file.name} cannot be read as sound: choose a WAV, MP3 or Ogg file.`, "ready");
  }
}

function showAbout() {
  const made = card?.recognizer ?? {}, compared = card?.compared;
  const same = compared && `${(100 * compared.agreement).toFixed(1)} % of ${compared.n_clips} clips (${compared.about})`;
  const facts = {
    "Learned from": made.data, "Made by": made.made_by, "On": made.date, "Answers as Python does": same,
    "Precision of the weights": card?.precision, "Runs by": settings.engine, "Made with": "earshot",
  };
  for (const [name, value] of Object.entries(facts)) {
    if (value) make("dt", name, byId("about")), make("dd", value, byId("about"));
  }
}

async function begin() {
  byId("start").onclick = () => {
    if (listening) stop();
    else if (document.body.dataset.state === "ready") start();
  };
  byId("sensitivity").oninput = showThreshold;
  byId("file").onchange = ({ target }) => target.files[0] && hearFile(target.files[0]);
  showThreshold();
  showAbout();
  try {
    ask = await startEngine([1, settings.n_frames, settings.front_end.n_mels]);
    tell("Ready.", "ready");
  } catch (error) {
    broken(error);
  }
}

globalThis.earshot = { hear }; // for pages around this one, and for tests
begin();
