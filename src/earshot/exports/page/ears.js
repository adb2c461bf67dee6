registerProcessor("ears", class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(1024); // 20 ms
    this.filled = 0;
  }

  process([channels]) {
    for (let i = 0; channels.length && i < channels[0].length; i++) {
      this.block[this.filled++] = channels.reduce((sum, one) => sum + one[i], 0) / channels.length;
      if (this.filled === this.block.length) {
        this.port.postMessage(this.block.slice());
        this.filled = 0;
      }
    }
    return true;
  }
});
