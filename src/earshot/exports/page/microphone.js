"use strict";
// The microphone, and a sentence for whatever is wrong with it.

const SILENT_S = 3; // of zeros, after which the microphone is doubted
const WHY = {
  NotAllowedError: "The browser may not use the microphone: allow it for this page, and start again.",
  NotFoundError: "There is no microphone: plug one in, and start again.",
  NotReadableError: "The microphone cannot be opened: close what else uses it, and start again.",
  insecure: "Browsers give the microphone to pages from https, localhost or the disk alone: open this page there.",
};
const TAKEN = "The microphone was taken away: start again when it is back.";
const MUTED = "The microphone gives silence: is it muted?";
const PAUSED = "The browser has paused the sound: stop, and start again.";

/**
 * Open the microphone; gives its `rate` and `close`. `heard(block, isMuted)` gets its samples,
 * `gone()` and `paused()` are called when it is taken away or the browser stops it.
 */
async function openMicrophone({ heard, gone, paused = () => {} }) {
  let stream = null, context = null, closed = false;
  const close = () => {
    closed = true;
    stream?.getTracks().forEach((track) => track.stop());
    context?.close();
  };
  try {
    if (!navigator.mediaDevices) throw { name: "insecure" };
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
    context = new AudioContext();
    const rate = context.sampleRate;
    await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(byId("ears").textContent)}`);
    const ears = new AudioWorkletNode(context, "ears", { numberOfOutputs: 0 });
    let zeros = 0;
    ears.port.onmessage = ({ data }) => {
      zeros = data.some((x) => x !== 0) ? 0 : zeros + data.length;
      if (!closed) heard(data, zeros > SILENT_S * rate);
    };
    stream.getAudioTracks()[0].onended = gone;
    context.onstatechange = () => {
      if (!closed && context.state !== "running") paused();
    };
    context.createMediaStreamSource(stream).connect(ears);
    await context.resume();
    return { rate, close };
  } catch (error) {
    close();
    throw new Error(WHY[error.name] ?? `The microphone cannot be used (${error.message}): reload the page.`);
  }
}
