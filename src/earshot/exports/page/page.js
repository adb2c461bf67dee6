"use strict";
// The page: one button, a picture of the sound, bars, the words that were heard, the sensitivity.

const byId = (id) => document.getElementById(id);
const settings = JSON.parse(byId("settings").textContent);
const card = JSON.parse(byId("card").textContent);
const MOST_HEARD = 50; // that are shown
const TAKEN_S = 1; // for which a word is shown in bold
const SHOWN_S = 5; // of sound, in the picture
const TAIL = 30; // highest scores that show how fast false alarms become rarer: recognition/thresholds.py

let engine = null; // from a spectrogram to what the network says of it
let last = null; // the layer that makes logits of that, where the page learned it or was given it
let rows = []; // of the words
let listening = null; // { microphone, spotter } while the microphone is open
let threshold = 0;

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

/** Give logits of a spectrogram. */
async function ask(spectrogram) {
  const told = await engine(spectrogram);
  return last ? last(told) : Array.from(told);
}

// Words and their bars

/** Listen for these words from now on: their names, and what else of the settings belongs to them. */
function useWords(fresh) {
  Object.assign(settings, fresh);
  last = settings.last ? lastLayer(settings.last) : null;
  byId("words").replaceChildren();
  rows = settings.words.filter((word) => word !== UNKNOWN).map((word) => {
    const row = make("li", "", byId("words"));
    make("span", word, row).title = word;
    const bar = make("i", "", make("div", "", row));
    bar.parentNode.setAttribute("aria-hidden", "true"); // a screen reader reads the list of what was heard
    return { row, bar };
  });
  showThreshold();
}

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

const { sample_rate: sampleRate, hop_length: hopLength, n_mels: nBands } = settings.front_end;
const picture = new Picture(byId("spectrogram"), nBands, Math.round(SHOWN_S * sampleRate / hopLength));

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
  const of = { ...settings, threshold }, filters = floats(byId("filters").textContent);
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
  try {
    let work = Promise.resolve(), spotter = null;
    const before = picture.nFrames;
    const heard = (block, isMuted) => {
      const text = isMuted ? MUTED : "Listening: say a word.";
      if (listening && byId("status").textContent !== text) tell(text);
      work = work.then(() => spotter?.push(block) ?? []).then((found) => show(found, spotter, before)).catch(broken);
    };
    const paused = () => listening && tell(PAUSED);
    const microphone = await openMicrophone({ heard, gone: () => stop(TAKEN), paused });
    spotter = newSpotter(microphone.rate);
    listening = { microphone, spotter };
    tell("Listening: say a word.", "listening");
  } catch (error) {
    tell(error.message, "ready");
  }
}

function stop(text = "Stopped.") {
  if (!listening) return;
  listening.microphone.close();
  listening = null;
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
  useWords({});
  showAbout();
  try {
    engine = await startEngine([1, settings.n_frames, nBands], settings.output);
    if (settings.words.length) tell("Ready.", "ready");
    else tell("There is nothing to listen for yet.", "untaught");
  } catch (error) {
    broken(error);
  }
}

globalThis.earshot = { hear }; // for pages around this one, and for tests
begin();
