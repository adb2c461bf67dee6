"use strict";
// LiteRT.js and the network, which lie in the page: nothing is fetched.

function fromBase64(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

function floats(text) {
  return new Float32Array(fromBase64(text).buffer);
}

/** The bytes of what a script element of the page holds, packed by gzip and as base64. */
async function unpacked(id) {
  const packed = fromBase64(document.getElementById(id).textContent);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The network: all first bytes of its values of 32 bits, then the second ones, and so on, put in order. */
async function networkOfPage() {
  const planes = await unpacked("network"), n = planes.length / 4;
  return planes.map((_, i) => planes[(i % 4) * n + (i >> 2)]);
}

async function run(id) {
  const script = document.createElement("script");
  script.textContent = new TextDecoder().decode(await unpacked(id));
  document.head.append(script);
}

/** Start the engine; gives a function from a spectrogram to an output of the network, one at a time. */
async function startEngine(shape, output) {
  if (!globalThis.WebAssembly || !globalThis.DecompressionStream || !globalThis.AudioWorkletNode) {
    throw new Error("This browser is too old for the page, which needs WebAssembly and an audio worklet: update it.");
  }
  await run("litert");
  await run("loader"); // what LiteRT.js would fetch; an empty script stands for it
  self.Module = { wasmBinary: await unpacked("wasm") };
  await LiteRt.loadLiteRt("data:text/javascript,0#.js");
  const network = await LiteRt.loadAndCompile(await networkOfPage(), { accelerator: "wasm" });
  const answer = async (spectrogram) => {
    const input = new LiteRt.Tensor(spectrogram, shape);
    const told = await network.run({ input_0: input });
    const values = Float32Array.from(told[output].toTypedArray());
    for (const tensor of [input, ...Object.values(told)]) tensor.delete();
    return values;
  };
  let turn = Promise.resolve();
  return (spectrogram) => {
    turn = turn.catch(() => {}).then(() => answer(spectrogram));
    return turn;
  };
}

/** Logits that a last layer makes of features: kernel, row by row of a feature, and bias. */
function lastLayer({ kernel, bias }) {
  const weights = floats(kernel), offsets = floats(bias), n = offsets.length;
  return (features) => Array.from(offsets, (offset, i) => features.reduce((sum, x, j) => sum + x * weights[j * n + i], offset));
}
