// One WebRTC connection: Opus in, JSON messages both ways, and what this page delays.

import { connect } from "./api.js";

const REPORT_EVERY_MS = 500;
const TARGET_MS = 120; // of the jitter buffer: the server is up to 100 ms late on a busy machine
const UNMUTE_MARGIN_MS = 60; // new speech is at least twice that behind the answer to `cancel`

export class Connection extends EventTarget {
  /** Emits "message" (detail: the message), "stats" (detail: numbers) and "closed". */
  constructor(audio) {
    super();
    this.audio = audio;
    this.stream = null;
    this.open = false;
    this.delayMs = TARGET_MS;
  }

  /** options: voice, language, engine, speed. Throws RequestFailed. */
  async connect(options) {
    const peer = (this.peer = new RTCPeerConnection());
    const transceiver = peer.addTransceiver("audio", { direction: "recvonly" });
    if ("jitterBufferTarget" in transceiver.receiver) transceiver.receiver.jitterBufferTarget = TARGET_MS;
    peer.ontrack = ({ track }) => this.#hear(track);
    peer.onconnectionstatechange = () => {
      if (["failed", "closed"].includes(peer.connectionState)) this.close();
    };
    this.channel = peer.createDataChannel("legato");
    const opened = new Promise((resolve, reject) => {
      this.channel.onopen = resolve;
      this.channel.onclose = () => {
        reject(new Error("The connection was closed."));
        this.close();
      };
    });
    opened.catch(() => {}); // where nobody came to wait for it
    this.channel.onmessage = ({ data }) => this.#received(JSON.parse(data));
    await peer.setLocalDescription(await peer.createOffer());
    await allCandidates(peer);
    const { type, sdp } = peer.localDescription;
    await peer.setRemoteDescription(await connect({ type, sdp, ...options }));
    await opened;
    this.open = true;
    this.reporting = setInterval(() => this.#report(), REPORT_EVERY_MS);
  }

  send(message) {
    if (this.channel?.readyState === "open") this.channel.send(JSON.stringify(message));
  }

  /** Silent at once, whatever is still on its way; heard again once that has passed. */
  interrupt() {
    this.audio.muted = true;
    this.send({ type: "cancel" });
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    this.open = false;
    clearInterval(this.reporting);
    this.peer?.close();
    this.dispatchEvent(new Event("closed"));
  }

  #hear(track) {
    this.stream = new MediaStream([track]);
    this.audio.srcObject = this.stream;
    this.audio.play().catch(() => {}); // it plays on the next press of a button
  }

  #received(message) {
    if (message.type === "cancelled") {
      setTimeout(() => (this.audio.muted = false), this.delayMs + UNMUTE_MARGIN_MS);
    }
    this.dispatchEvent(new CustomEvent("message", { detail: message }));
  }

  async #report() {
    const stats = await this.peer.getStats();
    let inbound = null;
    let roundTripS = 0;
    for (const report of stats.values()) {
      if (report.type === "inbound-rtp" && report.kind === "audio") inbound = report;
      if (report.type === "candidate-pair" && report.nominated) {
        roundTripS = report.currentRoundTripTime ?? 0;
      }
    }
    if (!inbound || this.closed) return;
    const before = this.inbound ?? { jitterBufferDelay: 0, jitterBufferEmittedCount: 0 };
    this.inbound = inbound;
    const emitted = inbound.jitterBufferEmittedCount - before.jitterBufferEmittedCount;
    if (emitted > 0) {
      const bufferedS = (inbound.jitterBufferDelay - before.jitterBufferDelay) / emitted;
      this.delayMs = 1000 * (bufferedS + roundTripS / 2);
      this.send({ type: "playout", delay_s: Math.round(this.delayMs) / 1000 });
    }
    const concealed = inbound.concealedSamples - inbound.silentConcealedSamples;
    this.dispatchEvent(
      new CustomEvent("stats", {
        detail: {
          delayMs: this.delayMs,
          received: inbound.totalSamplesReceived,
          concealed,
          lost: inbound.packetsLost,
        },
      }),
    );
  }
}

function allCandidates(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState === "complete") resolve();
    });
  });
}
