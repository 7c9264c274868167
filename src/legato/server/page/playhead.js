// Where the listener is in the stream now, between the server's reports.

export const RATE_HZ = 48_000;
const LONGEST_GUESS_MS = 400; // reports come every 250 ms

export class Playhead {
  constructor() {
    this.reset();
  }

  reset() {
    this.sample = 0;
    this.moving = false;
    this.atMs = 0;
  }

  /** position: a message of that type, which came at `nowMs`. */
  report(position, nowMs) {
    this.sample = position.sample;
    this.moving = position.moving && !position.paused;
    this.atMs = nowMs;
  }

  /** The sample that is heard at `nowMs`. */
  at(nowMs) {
    if (!this.moving) return this.sample;
    const sinceMs = Math.min(Math.max(0, nowMs - this.atMs), LONGEST_GUESS_MS);
    return this.sample + (sinceMs / 1000) * RATE_HZ;
  }
}
