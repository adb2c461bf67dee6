"use strict";
// LiteRT.js and the network, which lie in the page: nothing is fetched.

/** The bytes of what a script element of the page holds, packed by gzip and as base64. */
async function unpacked(id) {
  const packed = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function run(id) {
  const script = document.createElement("script");
  script.textContent = new TextDecoder().decode(await unpacked(id));
  document.head.append(script);
}

/** Start the engine; gives a function from a spectrogram to logits, one call at a time. */
async function startEngine(shape) {
  if (!globalThis.WebAssembly || !globalThis.DecompressionStream || !globalThis.AudioWorkletNode) {
    throw new Error("This browser is too old for the page, which needs WebAssembly and an audio worklet: update it.");
  }
  await run("litert");
  await run("loader"); // what LiteRT.js would fetch; an empty script stands for it
  self.Module = { wasmBinary: await unpacked("wasm") };
  await LiteRt.loadLiteRt("data:text/javascript,0#.js");
  const network = await LiteRt.loadAndCompile(await unpacked("network"), { accelerator: "wasm" });
  return async (spectrogram) => {
    const input = new LiteRt.Tensor(spectrogram, shape);
    const told = await network.run({ input_0: input });
    const answer = Array.from(told.logits.toTypedArray());
    for (const tensor of [input, ...Object.values(told)]) tensor.delete();
    return answer;
  };
}
