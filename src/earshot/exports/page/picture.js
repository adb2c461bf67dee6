"use strict";
// The spectrogram, which moves to the left: a frame is a column. Words are written over it.

const VIRIDIS = [[68, 1, 84], [65, 68, 135], [42, 120, 142], [34, 168, 132], [122, 209, 81], [253, 231, 37]];
const RANGE_DB = 50; // of the colours
const FADE_DB = 0.02; // that the loudest fades by in a frame, so that the colours adapt
const WRITTEN = 20; // words that are written into it at most
const LETTERS = 16; // of a word that are written: the whole is in the list
const LINES = 3; // that words are written on in turn, for those that follow soon
const FONT_PX = 16;

class Picture {
  constructor(canvas, nMels, nFrames) {
    Object.assign(this, { canvas, nMels, width: nFrames, columns: [], labels: [], loudest: -100, nFrames: 0, drawn: 0, nWritten: 0 });
    this.pixels = new OffscreenCanvas(nFrames, nMels);
    this.context = canvas.getContext("2d");
  }

  push(power) {
    const db = Array.from(power, (x) => 10 * Math.log10(x + 1e-10));
    this.loudest = Math.max(this.loudest - FADE_DB, ...db);
    this.columns.push(db.map((x) => colour((x - this.loudest) / RANGE_DB + 1)));
    this.columns.splice(0, this.columns.length - this.width);
    this.nFrames++;
    if (!this.waiting) this.waiting = requestAnimationFrame(() => this.draw());
  }

  write(word, frame) {
    const letters = [...word], line = this.nWritten++ % LINES;
    const text = letters.length > LETTERS ? `${letters.slice(0, LETTERS - 1).join("")}…` : word;
    this.labels = [...this.labels, { text, frame, line }].slice(-WRITTEN);
  }

  draw() {
    this.waiting = 0;
    const { pixels, nMels, width } = this, inner = pixels.getContext("2d");
    const fresh = Math.min(this.nFrames - this.drawn, this.columns.length);
    this.drawn = this.nFrames;
    inner.drawImage(pixels, -fresh, 0);
    this.columns.slice(-fresh).forEach((column, i) => column.forEach((rgb, band) => {
      inner.fillStyle = rgb;
      inner.fillRect(width - fresh + i, nMels - 1 - band, 1, 1);
    }));
    this.show();
  }

  /** The picture is stretched to its place in the page, the letters are not: a pixel is one of the screen. */
  show() {
    const { canvas, context, pixels } = this, scale = globalThis.devicePixelRatio;
    const width = Math.max(Math.round(canvas.clientWidth * scale), 1), height = Math.max(Math.round(canvas.clientHeight * scale), 1);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.imageSmoothingEnabled = false;
    context.drawImage(pixels, 0, 0, width, height);
    context.font = `${FONT_PX * scale}px system-ui, sans-serif`;
    context.textAlign = "left"; // of Arabic, too
    context.fillStyle = "white";
    context.strokeStyle = "#0008"; // that they are read on yellow
    context.lineWidth = 3 * scale;
    for (const { text, frame, line } of this.labels) {
      const x = (1 - (this.nFrames - frame) / this.width) * width, y = (line * 1.2 + 1.1) * FONT_PX * scale;
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
  }
}

function colour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1), low = Math.min(Math.floor(place), VIRIDIS.length - 2);
  const rgb = VIRIDIS[low].map((x, i) => x + (place - low) * (VIRIDIS[low + 1][i] - x));
  return `rgb(${rgb.map(Math.round)})`;
}
