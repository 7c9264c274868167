// The last seconds and the next ones: chunks as blocks, gaps in red, the listener in the middle.

import { RATE_HZ } from "./playhead.js";

const BEHIND_S = 6;
const AHEAD_S = 12;

export class Timeline {
  constructor(canvas) {
    this.canvas = canvas;
    this.clear();
    new ResizeObserver(() => this.#fit()).observe(canvas);
    this.#fit();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#colours());
    this.#colours();
  }

  clear() {
    this.chunks = new Map();
    this.gaps = [];
    this.leadS = 0;
  }

  add(caption) {
    this.chunks.set(caption.chunk, caption);
  }

  gap({ sample, ms }) {
    this.gaps.push({ sample, ms });
  }

  /** Forgets what was not heard of an utterance: all from its character `heard` on, which is
   * `sample`. */
  cut(utterance, heard, sample) {
    for (const [number, caption] of this.chunks) {
      if (caption.utterance !== utterance || caption.text_to <= heard) continue;
      if (caption.text_from >= heard) this.chunks.delete(number);
      else caption.sample_to = Math.min(caption.sample_to, Math.max(sample, caption.sample_from));
    }
  }

  draw(sample) {
    const { canvas, colours } = this;
    const pen = canvas.getContext("2d");
    const [width, height] = [canvas.width, canvas.height];
    const scale = width / ((BEHIND_S + AHEAD_S) * RATE_HZ);
    const x = (at) => (at - sample + BEHIND_S * RATE_HZ) * scale;
    const unit = height / 52;
    pen.clearRect(0, 0, width, height);
    pen.font = `${11 * unit}px ${colours.font}`;
    pen.textBaseline = "middle";
    for (const [number, caption] of this.chunks) {
      if (x(caption.sample_to) < -width) this.chunks.delete(number);
      else if (x(caption.sample_to) > 0 && x(caption.sample_from) < width) this.#block(pen, caption, x, unit, sample);
    }
    this.gaps = this.gaps.filter((gap) => x(gap.sample) > -width);
    pen.fillStyle = colours.warn;
    for (const gap of this.gaps) pen.fillRect(x(gap.sample) - 1.5 * unit, 6 * unit, 3 * unit, 40 * unit);
    pen.fillStyle = colours.accent;
    pen.fillRect(x(sample), 48 * unit, this.leadS * RATE_HZ * scale, 3 * unit);
    pen.fillStyle = colours.ink;
    pen.fillRect(x(sample) - unit, 4 * unit, 2 * unit, 44 * unit);
  }

  /** For those who do not see it. */
  describe(sample) {
    const ahead = [...this.chunks.values()].filter((caption) => caption.sample_from > sample);
    const gaps = this.gaps.length ? `, ${this.gaps.length} gaps so far` : "";
    const lead = this.leadS.toFixed(1);
    this.canvas.ariaLabel = `Timeline of the speech: ${lead} seconds ready, ${ahead.length} phrases to come${gaps}`;
  }

  #block(pen, caption, x, unit, sample) {
    const { colours } = this;
    const left = x(caption.sample_from) + unit;
    const wide = Math.max(2, x(caption.sample_to) - left - unit);
    pen.globalAlpha = caption.sample_to <= sample ? 0.5 : 1;
    pen.fillStyle = colours.soft;
    pen.strokeStyle = colours.accent;
    pen.beginPath();
    pen.roundRect(left, 10 * unit, wide, 32 * unit, 6 * unit);
    pen.fill();
    if (caption.exact === false) pen.setLineDash([4 * unit, 3 * unit]);
    pen.stroke();
    pen.setLineDash([]);
    pen.save();
    pen.clip();
    pen.fillStyle = colours.ink;
    pen.fillText(caption.text.trim(), Math.max(left, 0) + 8 * unit, 26.5 * unit);
    pen.restore();
    pen.globalAlpha = 1;
  }

  #fit() {
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
    this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
  }

  #colours() {
    const style = getComputedStyle(document.documentElement);
    const named = (name) => style.getPropertyValue(name).trim();
    this.colours = {
      accent: named("--accent"),
      soft: named("--accent-soft"),
      ink: named("--ink"),
      warn: named("--warn"),
      font: named("--sans"),
    };
  }
}
