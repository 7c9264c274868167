// The page: what is pressed goes to the server, what the server tells is shown.

import { clone, keepKey, story } from "./api.js";
import { Captions } from "./captions.js";
import { Choices } from "./choices.js";
import { Connection } from "./connection.js";
import { Playhead } from "./playhead.js";
import { Timeline } from "./timeline.js";

const MOST_IN_ONE_MESSAGE = 8_000;
const AGAIN_MS = 2_000;
const MOST_AGAIN_MS = 30_000;

const find = (id) => document.getElementById(id);
const captions = new Captions(find("captions"));
const timeline = new Timeline(find("timeline"));
const playhead = new Playhead();
const choices = new Choices(() => (outdated = true));

/** The connection in use, null before the first speech; tests look at it too. */
export let connection = null;

let outdated = false; // something was chosen that the connection does not have
let pending = 0; // utterances that are not over
let paused = false;
let askedAtMs = 0;

// -- state ---------------------------------------------------------------------------------------
const STATES = {
  idle: "Ready",
  connecting: "Connecting…",
  waiting: "Thinking…",
  speaking: "Speaking",
  paused: "Paused",
  failed: "Disconnected",
};

function setState(state) {
  const status = find("status");
  if (status.dataset.state === state) return;
  status.dataset.state = state;
  status.textContent = STATES[state];
  const busy = ["waiting", "speaking", "paused"].includes(state);
  for (const id of ["pause", "skip", "interrupt"]) find(id).disabled = !busy;
  find("pause").setAttribute("aria-pressed", String(state === "paused"));
  find("pause-label").textContent = state === "paused" ? "Go on" : "Pause";
}

function complain(message) {
  find("error").textContent = message;
  find("error").hidden = !message;
}

// -- what the server tells -----------------------------------------------------------------------
const heard = {
  caption(message) {
    captions.add(message);
    timeline.add({ ...message });
  },
  position(message) {
    playhead.report(message, performance.now());
    paused = message.paused;
    timeline.leadS = message.lead_s;
    find("lead").value = message.lead_s;
    find("lead-text").textContent = `${message.lead_s.toFixed(1)} s`;
    timeline.describe(message.sample);
    if (paused) setState("paused");
    else if (message.moving) setState("speaking");
    else if (pending) setState("waiting");
    else setState("idle");
  },
  first() {
    if (askedAtMs) find("fact-first").textContent = `${Math.round(performance.now() - askedAtMs)} ms`;
    askedAtMs = 0;
  },
  gap: (message) => timeline.gap(message),
  done(message) {
    pending = Math.max(0, pending - 1);
    if (message.state === "failed") complain(message.reason);
    if (message.state === "finished") return;
    const { utterance, heard_characters: heard } = message;
    captions.cut(utterance, heard);
    timeline.cut(utterance, heard, playhead.at(performance.now()));
  },
  cancelled() {
    pending = 0;
    paused = false;
    playhead.moving = false;
    timeline.leadS = 0;
    find("lead").value = 0;
    find("lead-text").textContent = "0.0 s";
    setState("idle");
  },
  error: (message) => complain(message.message),
};

async function connected() {
  if (connection?.open && !outdated) return connection;
  connection?.close();
  setState("connecting");
  captions.clear();
  timeline.clear();
  playhead.reset();
  pending = 0;
  outdated = false;
  const next = (connection = new Connection(find("voice-out")));
  next.addEventListener("message", ({ detail }) => heard[detail.type]?.(detail));
  next.addEventListener("stats", ({ detail }) => showFacts(detail));
  next.addEventListener("closed", () => {
    if (connection === next) setState(next.open ? "idle" : "failed");
  });
  try {
    await next.connect(choices.chosen);
  } catch (failure) {
    next.close();
    setState("failed");
    throw failure;
  }
  return next;
}

function showFacts({ delayMs, received, concealed, lost }) {
  find("fact-delay").textContent = `${Math.round(delayMs)} ms`;
  find("fact-concealed").textContent = `${((100 * concealed) / Math.max(1, received)).toFixed(2)} %`;
  find("fact-lost").textContent = String(lost);
}

// -- what is pressed -----------------------------------------------------------------------------
async function speak(event) {
  event.preventDefault();
  const text = find("text").value;
  if (!text.trim()) {
    complain("There is nothing to speak yet: write some text first.");
    find("text").focus();
    return;
  }
  complain("");
  find("voice-out").play().catch(() => {}); // some browsers ask that a press begins it
  find("speak").disabled = true;
  const asking = document.querySelector("[name=mode]:checked").value === "ask";
  try {
    const line = await connected();
    line.audio.muted = false;
    line.audio.play().catch(() => {});
    askedAtMs = performance.now();
    pending += 1;
    if (paused) line.send({ type: "resume" });
    if (asking) line.send({ type: "ask", text });
    else sendText(line, text);
    setState("waiting");
  } catch (failure) {
    complain(failure.message);
  } finally {
    find("speak").disabled = false;
  }
}

function sendText(line, text) {
  const letters = Array.from(text);
  for (let at = 0; at < letters.length; at += MOST_IN_ONE_MESSAGE) {
    line.send({ type: "text", text: letters.slice(at, at + MOST_IN_ONE_MESSAGE).join("") });
  }
  line.send({ type: "end" });
}

const actions = {
  pause: () => connection?.send({ type: paused ? "resume" : "pause" }),
  skip: () => connection?.send({ type: "skip" }),
  interrupt: () => connection?.interrupt(),
};

function press(id) {
  if (find(id).disabled) return;
  actions[id]();
}

async function download(button) {
  const text = find("text").value;
  if (!text.trim()) return complain("There is nothing to download yet: write some text first.");
  complain("");
  button.disabled = true;
  const { voice, engine, speed, language } = choices.chosen;
  const format = button.dataset.format;
  const told = find("download-status");
  const made = (bytes) => (told.textContent = `${(bytes / 1e6).toFixed(1)} MB made…`);
  told.textContent = "Making the file…";
  try {
    const wanted = { input: text, model: engine, voice, language, speed, response_format: format };
    const file = await story(wanted, made);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = `legato.${format}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (failure) {
    complain(failure.message);
  } finally {
    told.textContent = "";
    button.disabled = false;
  }
}

async function addVoice(event) {
  event.preventDefault();
  const told = find("clone-status");
  told.textContent = "Listening to the recording…";
  find("clone-submit").disabled = true;
  try {
    const voice = await clone(new FormData(event.target));
    await choices.choose(voice.id);
    told.textContent = `“${voice.name ?? voice.id}” can speak now.`;
    outdated = true;
    event.target.reset();
  } catch (failure) {
    told.textContent = failure.message;
  } finally {
    find("clone-submit").disabled = false;
  }
}

function askOrTell() {
  const asking = document.querySelector("[name=mode]:checked").value === "ask";
  find("text-label").textContent = asking ? "What to ask the narrator" : "Text to speak";
  find("speak").textContent = asking ? "Ask" : "Speak";
  find("text").placeholder = asking ? "I open the old door…" : "Once upon a time…";
}

function pressKey(event) {
  if (event.key === "Escape") press("interrupt");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find("composer").requestSubmit();
  if (event.target.closest("input, textarea, select, button, summary, [tabindex]") || event.ctrlKey) return;
  if (event.key === " ") {
    event.preventDefault();
    press("pause");
  }
  if (event.key === ".") press("skip");
}

let nextLoad = null; // the timer
let unloaded = ""; // what was said when it failed

/** Asks what is offered, and again while more may come: engines load, servers start anew. */
export async function load(waitedMs = 0) {
  clearTimeout(nextLoad);
  const again = (waitMs) => (nextLoad = setTimeout(() => load(waitMs), waitMs));
  try {
    const offer = await choices.load();
    find("modes").hidden = !offer.narration;
    find("clone").hidden = !offer.cloning;
    if (find("error").textContent === unloaded) complain("");
    if (offer.loading) again(AGAIN_MS);
  } catch (failure) {
    unloaded = failure.message;
    complain(unloaded);
    // Without a key nothing is gained by asking again.
    if (failure.status !== 401) again(Math.min(Math.max(AGAIN_MS, 2 * waitedMs), MOST_AGAIN_MS));
  }
}

// -- begin ---------------------------------------------------------------------------------------
find("composer").addEventListener("submit", speak);
find("clone-form").addEventListener("submit", addVoice);
find("modes").addEventListener("change", askOrTell);
find("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keepKey(find("key").value);
  load();
});
for (const id of Object.keys(actions)) find(id).addEventListener("click", () => press(id));
for (const button of document.querySelectorAll("[data-format]")) {
  button.addEventListener("click", () => download(button));
}
document.addEventListener("keydown", pressKey);
addEventListener("pagehide", () => connection?.close());

function frame(nowMs) {
  const sample = playhead.at(nowMs);
  captions.show(sample);
  timeline.draw(sample);
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
load();
