// The browser's microphone with start and stop keys; sound goes to the kernel in chunks.

const CHUNK_S = 0.5; // long messages get lost
const TAIL_MS = 150; // what was said before the stop key is still on its way
const LOWEST_DB = -60;

// Gives 16-bit blocks of about 20 ms, and what is left of one when it is asked to flush.
const WORKLET = `
registerProcessor("earshot-blocks", class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Int16Array(1024);
    this.n = 0;
    this.port.onmessage = () => { this.give(); this.port.postMessage(null); };
  }
  give() {
    const block = this.block.slice(0, this.n);
    this.port.postMessage(block, [block.buffer]);
    this.n = 0;
  }
  process([channels]) {
    if (!channels.length) return true;
    for (const value of channels[0]) {
      const clipped = Math.max(-1, Math.min(1, value));
      this.block[this.n++] = Math.min(32767, Math.round(clipped * 32768));
      if (this.n === this.block.length) this.give();
    }
    return true;
  }
});`;

async function openMicrophone(onBlock, onGone) {
  if (!navigator.mediaDevices) throw new DOMException("", "InsecureOrigin");
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false,
             autoGainControl: false },
  });
  const context = new AudioContext();
  await context.resume();
  const url = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
  await context.audioWorklet.addModule(url);
  URL.revokeObjectURL(url);
  const node = new AudioWorkletNode(context, "earshot-blocks", { numberOfOutputs: 0 });
  let flushed = () => {};
  await new Promise((running) => {
    node.port.onmessage = ({ data }) => { data ? onBlock(data) : flushed(); running(); };
    context.createMediaStreamSource(stream).connect(node);
  });
  const [track] = stream.getAudioTracks();
  track.onended = onGone;
  return {
    sampleRate: context.sampleRate,
    flush: () => new Promise((done) => {
      flushed = done;
      setTimeout(done, 1000);
      node.port.postMessage("flush");
    }),
    close: () => { track.onended = null; track.stop(); context.close(); },
  };
}

function explain(error) {
  const known = {
    InsecureOrigin: "The browser gives its microphone to secure pages only: open Jupyter over " +
      "https, or as http://localhost.",
    NotAllowedError: "The browser may not use the microphone: allow it (the icon beside the " +
      "address of the page), then click here again.",
    NotFoundError: "The browser finds no microphone: plug one in, then click here again.",
    NotReadableError: "Another program holds the microphone: close it, then click here again.",
  };
  return known[error.name] || `The microphone cannot be opened (${error.name}: ${error.message}).`;
}

function wav(blocks, sampleRate) {
  const size = 2 * blocks.reduce((n, block) => n + block.length, 0);
  const header = new DataView(new ArrayBuffer(44));
  const text = (at, s) => [...s].forEach((c, i) => header.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF"); header.setUint32(4, 36 + size, true); text(8, "WAVEfmt ");
  header.setUint32(16, 16, true); header.setUint16(20, 1, true); header.setUint16(22, 1, true);
  header.setUint32(24, sampleRate, true); header.setUint32(28, 2 * sampleRate, true);
  header.setUint16(32, 2, true); header.setUint16(34, 16, true);
  text(36, "data"); header.setUint32(40, size, true);
  return new Blob([header, ...blocks], { type: "audio/wav" });
}

function joined(blocks) {
  const all = new Int16Array(blocks.reduce((n, block) => n + block.length, 0));
  let at = 0;
  for (const block of blocks) { all.set(block, at); at += block.length; }
  return all;
}

function render({ model, el }) {
  const startKey = model.get("start_key"), stopKey = model.get("stop_key");
  el.innerHTML = `
    <div class="earshot-recorder" tabindex="0" data-lm-suppress-shortcuts="true">
      <div class="status" role="status"></div>
      <div class="level"><div></div></div>
      <button class="start" type="button"></button><button class="stop" type="button"></button>
      <audio controls hidden></audio>
      <div class="said"></div>
    </div>`;
  const box = el.firstElementChild;
  const [status, bar, startButton, stopButton, playback, said] =
    [".status", ".level div", ".start", ".stop", "audio", ".said"].map((s) => box.querySelector(s));
  startButton.textContent = `Record (${startKey})`;
  stopButton.textContent = `Stop (${stopKey})`;

  let opening = null; // the promise of a microphone
  let microphone = null;
  let before = []; // the latest blocks while nothing is recorded
  let take = null; // what is being recorded

  function show(state, text) {
    box.dataset.state = state;
    status.textContent = text;
    startButton.disabled = state === "recording" || state === "sending";
    stopButton.disabled = state !== "recording";
  }
  const showIdle = () => show("idle", `Click here, then press ${startKey} to record.`);
  const showReady = () => show("ready", `Press ${startKey} to record, ${stopKey} to stop.`);

  function showLevel(block) {
    let peak = 1;
    for (const value of block) peak = Math.max(peak, Math.abs(value));
    const db = 20 * Math.log10(peak / 32768);
    bar.style.width = `${100 * Math.max(0, 1 - db / LOWEST_DB)}%`;
    bar.className = peak >= 32767 ? "loud" : "";
  }

  function hear(block) {
    showLevel(block);
    if (!take) {
      const most = Math.ceil((model.get("pre_roll_s") * (microphone?.sampleRate ?? 48000)) / 1024);
      before = [...before, block].slice(-most);
      return;
    }
    add(block);
    const seconds = take.n / microphone.sampleRate;
    if (box.dataset.state !== "recording") return;
    status.textContent = `Recording ${seconds.toFixed(1)} s. Press ${stopKey} to stop.`;
    const longest = model.get("longest_s");
    if (seconds >= longest + model.get("pre_roll_s")) {
      stop(`The longest time, ${longest} s, is over.`);
    }
  }

  function add(block) {
    take.blocks.push(block);
    take.waiting.push(block);
    take.n += block.length;
    if (take.n - take.nSent >= CHUNK_S * microphone.sampleRate) send();
  }

  function send() {
    const chunk = joined(take.waiting);
    take.waiting = [];
    take.nSent += chunk.length;
    take.nChunks += 1;
    model.send({ kind: "sound" }, undefined, [chunk.buffer]);
  }

  function open() {
    opening ??= openMicrophone(hear, () => stop("The microphone went away.").then(close))
      .then((opened) => { microphone = opened; showReady(); })
      .catch((error) => { opening = null; show("error", explain(error)); });
    return opening;
  }

  function close() {
    microphone?.close();
    microphone = opening = null;
    before = [];
    bar.style.width = 0;
    if (box.dataset.state !== "error") showIdle();
  }

  async function start() {
    if (take) return;
    await open();
    if (!microphone || take) return;
    take = { blocks: [], waiting: [], n: 0, nSent: 0, nChunks: 0 };
    said.textContent = "";
    playback.hidden = true;
    model.send({ kind: "start", sample_rate: microphone.sampleRate });
    before.forEach(add);
    before = [];
    show("recording", `Recording. Press ${stopKey} to stop.`);
  }

  async function stop(reason = "") {
    if (box.dataset.state !== "recording") return;
    show("sending", "One moment ...");
    await new Promise((done) => setTimeout(done, TAIL_MS));
    await microphone.flush();
    finish(reason);
    if (box.contains(document.activeElement)) showReady(); else close();
  }

  function finish(reason) {
    send();
    model.send({ kind: "stop", reason, n_chunks: take.nChunks });
    URL.revokeObjectURL(playback.src);
    playback.src = URL.createObjectURL(wav(take.blocks, microphone.sampleRate));
    playback.hidden = false;
    take = null;
  }

  function hearKernel({ kind, text }) {
    if (kind === "said") said.textContent = text;
    else if (kind === "stop") stop(); // it cannot keep any more
  }

  box.addEventListener("focusin", open); // opening takes half a second: too long for a start key
  box.addEventListener("click", open); // once more after an error
  box.addEventListener("focusout", (event) => {
    if (!take && !box.contains(event.relatedTarget)) opening?.then(() => {
      if (!take && !box.contains(document.activeElement)) close();
    });
  });
  box.addEventListener("keydown", (event) => {
    event.stopPropagation(); // no shortcuts of the notebook in here
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === startKey) start();
    else if (key === stopKey) stop();
    else return;
    event.preventDefault();
  });
  startButton.addEventListener("click", () => { box.focus(); start(); });
  stopButton.addEventListener("click", () => { box.focus(); stop(); });
  model.on("msg:custom", hearKernel);
  showIdle();

  return () => {
    if (take) finish("The recorder was closed.");
    model.off("msg:custom", hearKernel);
    close();
  };
}

export default { render };
