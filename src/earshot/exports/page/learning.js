"use strict";
// The page that learns: words, clips of each, a button that learns them, and what can be saved.

const ENOUGH = 5; // clips of a word
const RECORDED_S = 2; // by a press of a button: of it, the second with the word counts
const IDLE_S = 60; // after which the microphone is closed
const SILENCE = 2e-4; // from peak to peak: recognition/prepare.py
const SHORTEST_S = 0.03;
const blank = document.documentElement.cloneNode(true); // the page as it came, from which another is made
const lessons = []; // { word, clips, row, list, button, count }, a clip { samples, rate, features }
const LISTED = 3; // words in a title
let nClips = 0; // ever recorded: the seeds of their variations
let ear = null; // the microphone, while it is open for recording
let taking = null; // { parts, left, done } while something is recorded
let learnedWords = null; // as they are saved
let isSaved = true;

function say(text) {
  byId("lesson-status").textContent = text;
}

// What runs beside the page

function startLearner() {
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(byId("learner").textContent)}`);
  const waiting = new Map();
  let n = 0;
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(result);
  };
  worker.onerror = () => {
    for (const { reject } of waiting.values()) reject(new Error("it runs no script beside the page"));
    waiting.clear();
  };
  return (call, ...inputs) => new Promise((resolve, reject) => {
    waiting.set(++n, { resolve, reject });
    worker.postMessage({ id: n, call, inputs });
  });
}

const learner = startLearner();
const isReady = unpacked("remembered").then((x) => learner("begin", settings, floats(byId("filters").textContent), x));
isReady.catch((error) => say(`This browser cannot learn (${error.message}): update it.`));

/** A recording at the network's rate, without its mean. */
function prepared(samples, rate) {
  const mean = samples.reduce((sum, x) => sum + x, 0) / samples.length;
  const resampler = new Resampler(rate, sampleRate), plain = samples.map((x) => x - mean);
  return rate === sampleRate ? plain : joined(resampler.push(plain), resampler.flush());
}

/** Features of a recording's word and of its variations, each of length one. */
async function featuresOf(recording, seed) {
  await isReady;
  const features = [];
  for (const spectrogram of await learner("varied", recording, seed)) {
    const told = await engine(spectrogram), length = Math.hypot(...told);
    features.push(told.map((x) => x / length));
  }
  return features;
}

// Words and their clips

function nameOf(text) {
  const word = text.normalize("NFC").trim().split(/\s+/).join(" "), same = word.toLowerCase();
  if (!word) throw new Error("Type a word first.");
  if (same === UNKNOWN) throw new Error("“unknown” is what stands for all other words: choose another name.");
  if (lessons.some((one) => one.word.toLowerCase() === same)) throw new Error(`There is a word ${word} already: choose another name.`);
  return word;
}

function press(text, label, does, parent) {
  const button = make("button", text, parent);
  button.type = "button";
  button.onclick = does;
  if (label) button.setAttribute("aria-label", label);
  return button;
}

function addWord(text) {
  const word = nameOf(text), row = make("li", "", byId("lessons")), lesson = { word, clips: [], row };
  const head = document.createElement("div"), line = document.createElement("p");
  row.append(head, line);
  make("b", word, head);
  lesson.count = make("small", "", head);
  press("Remove", `Remove the word ${word}`, () => removeWord(lesson), head).className = "plain";
  lesson.button = press("Record", `Record ${word}`, () => record(lesson), line);
  lesson.list = document.createElement("span");
  lesson.list.style.display = "contents";
  line.append(lesson.list);
  lessons.push(lesson);
  showLesson(lesson);
  return lesson;
}

function removeWord(lesson) {
  if (lesson.clips.length && !confirm(`Remove ${lesson.word} and its recordings?`)) return;
  lessons.splice(lessons.indexOf(lesson), 1);
  lesson.row.remove();
  byId("new-name").focus();
  say(`${lesson.word} is removed.`);
  showLearn();
}

/** Take a recording of a word, or say why not. */
function addClip(lesson, samples, rate) {
  const low = samples.reduce((a, b) => Math.min(a, b), 0), high = samples.reduce((a, b) => Math.max(a, b), 0);
  if (samples.length < SHORTEST_S * rate) throw new Error("That was too short: say the whole word.");
  if (high - low < SILENCE) throw new Error("That was silent: is the microphone muted?");
  const features = featuresOf(prepared(samples, rate), nClips++);
  features.catch(() => {}); // it is told when it is learned
  lesson.clips.push({ samples, rate, features });
  isSaved = false;
  showLesson(lesson);
}

function showLesson({ word, clips, list, count }) {
  list.replaceChildren(...clips.map((clip, i) => {
    const pair = document.createElement("span"), what = `recording ${i + 1} of ${word}`;
    pair.className = "clip";
    press(`▶ ${i + 1}`, `Play ${what}`, () => play(clip), pair).className = "plain";
    press("✕", `Discard ${what}`, () => discard(word, i), pair).className = "plain";
    return pair;
  }));
  count.textContent = `${clips.length} of ${ENOUGH}`;
  showLearn();
}

function discard(word, i) {
  const lesson = lessons.find((one) => one.word === word);
  lesson.clips.splice(i, 1);
  showLesson(lesson);
  lesson.button.focus();
  say(`Recording ${i + 1} of ${word} is discarded.`);
}

function play({ samples, rate }) {
  const context = new AudioContext(), source = context.createBufferSource();
  source.buffer = context.createBuffer(1, samples.length, rate);
  source.buffer.copyToChannel(samples, 0);
  source.connect(context.destination);
  source.onended = () => context.close();
  source.start();
}

const canLearn = () => lessons.length && lessons.every(({ clips }) => clips.length) && !taking && document.body.dataset.state !== "learning";

function showLearn() {
  byId("learn").setAttribute("aria-disabled", !canLearn());
}

// Recording

function hearClip(block) {
  clearTimeout(ear?.idle);
  if (ear) ear.idle = setTimeout(closeEar, 1000 * IDLE_S);
  if (!taking) return;
  taking.parts.push(block);
  taking.left -= block.length;
  if (taking.left <= 0) taking.done(taking.parts.reduce(joined));
}

function closeEar() {
  clearTimeout(ear?.idle);
  ear?.microphone.close();
  ear = null;
}

async function record(lesson) {
  if (taking) return;
  stop();
  if (!["untaught", "ready"].includes(document.body.dataset.state)) {
    say("The page is not ready: wait a moment.");
    return;
  }
  taking = { parts: [], left: Infinity }; // while it opens, which may take a second
  showLearn();
  try {
    const gone = () => {
      closeEar();
      taking?.failed(new Error(TAKEN));
    };
    ear ??= { microphone: await openMicrophone({ heard: hearClip, gone }) };
    const { rate } = ear.microphone;
    lesson.button.classList.add("recording");
    say(`Say ${lesson.word} now.`);
    const samples = await new Promise((done, failed) => { taking = { parts: [], left: RECORDED_S * rate, done, failed }; });
    addClip(lesson, samples, rate);
    goOn(lesson);
  } catch (error) {
    say(error.message);
  }
  taking = null;
  lesson.button.classList.remove("recording");
  showLearn();
}

/** Say how many are there, and go to the next word that has too few. */
function goOn(lesson) {
  const n = lesson.clips.length, next = lessons.find(({ clips }) => clips.length < ENOUGH);
  if (n < ENOUGH) say(`${lesson.word}: ${n} of ${ENOUGH}.`);
  else if (!next) say("That is enough: press Learn.");
  else say(`${lesson.word}: ${n} of ${ENOUGH}. The next word is ${next.word}.`);
  if (n >= ENOUGH && document.activeElement === lesson.button) (next?.button ?? byId("learn")).focus();
}

// Learning

/** Learn all words from all their clips; gives the seconds that it took. */
async function learn() {
  const began = performance.now(), words = [];
  for (const { word, clips } of lessons) words.push({ word, clips: await Promise.all(clips.map((clip) => clip.features)) });
  const made = await learner("learned", words), names = [...words.map(({ word }) => word), UNKNOWN];
  const kernel = Float32Array.from({ length: made.columns[0].length * names.length }, (_, i) => made.columns[i % names.length][Math.floor(i / names.length)]);
  const layer = { kernel: toBase64(kernel), bias: toBase64(Float32Array.from(made.bias)) };
  const { threshold: limit, background } = made, seconds = (performance.now() - began) / 1000;
  learnedWords = { words: names, threshold: limit, background, last: layer };
  useWords(learnedWords);
  byId("saving").hidden = false;
  return seconds;
}

async function learnAndListen() {
  if (!canLearn()) return;
  closeEar();
  stop();
  tell("Learning …", "learning");
  showLearn();
  try {
    const seconds = await learn(), few = lessons.filter(({ clips }) => clips.length < ENOUGH).map(({ word }) => word);
    const more = few.length ? ` With five recordings of ${few.join(", ")}, words are told apart far better.` : "";
    say(`Learned in ${seconds.toFixed(1)} s.${more}`);
    tell("Ready.", "ready");
    await start();
  } catch (error) {
    say(`The words could not be learned (${error.message}): reload the page, or update the browser.`);
    tell("Ready.", settings.words.length ? "ready" : "untaught");
  }
  showLearn();
}

// Saving

function toBase64(values) {
  const bytes = new Uint8Array(values.buffer);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** What recognition/learning_page.py reads: the last layer, and which network it belongs to. */
function savedWords() {
  const { words, threshold: limit, last: layer } = learnedWords, { base, layer: features } = settings.learning;
  const counts = lessons.map(({ clips }) => clips.length), date = new Date().toISOString().slice(0, 10);
  return JSON.stringify({ format: settings.learning.format, base, layer: features, words, ...layer, spotting_threshold: limit, counts, date });
}

/** The page without what learns, with the words that were learned. */
function savedPage() {
  const copy = blank.cloneNode(true), part = (id) => copy.querySelector(`#${id}`);
  for (const one of [part("learning"), part("learns"), ...copy.querySelectorAll("head script")]) one.remove();
  const names = learnedWords.words.slice(0, -1), listed = names.slice(0, LISTED).join(", ") + (names.length > LISTED ? ", …" : "");
  for (const one of copy.querySelectorAll("title, h1")) one.textContent = `Listening for ${listed}`;
  part("task").textContent = "Say one of the words.";
  const made = { made_by: "a page that learns", date: new Date().toISOString().slice(0, 10), data: `${names.length} words, learned in a browser` };
  part("settings").textContent = asJson({ ...settings, ...learnedWords, learning: undefined });
  part("card").textContent = asJson({ ...card, recognizer: made });
  part("about").replaceChildren();
  return `<!doctype html>\n${copy.outerHTML}`;
}

function asJson(content) {
  return JSON.stringify(content).replaceAll("<", "\\u003c"); // ends no script, whatever the words are
}

function save(name, text, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  isSaved = true;
  say(`${name} is saved where your browser keeps downloads.`);
}

byId("new-word").onsubmit = (event) => {
  event.preventDefault();
  try {
    addWord(byId("new-name").value);
    byId("new-name").value = "";
    say("");
  } catch (error) {
    say(error.message);
  }
};
byId("learn").onclick = learnAndListen;
byId("save-words").onclick = () => save("words.json", savedWords(), "application/json");
byId("save-page").onclick = () => save("words.html", savedPage(), "text/html;charset=utf-8");
globalThis.onbeforeunload = (event) => !isSaved && event.preventDefault();
globalThis.earshot = { hear, addWord, addClip, learn, savedWords, savedPage }; // for tests, too
