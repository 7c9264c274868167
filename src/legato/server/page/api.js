// The server's HTTP side: voices, files, cloning, and the WebRTC handshake.

import { withSizes } from "./wav.js";

const KEY = "legato-api-key";

/** What the server said against a request, in one line for people. */
export class RequestFailed extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** An API key is kept for this tab only. */
export function keepKey(key) {
  sessionStorage.setItem(KEY, key);
}

async function request(path, options = {}) {
  const headers = new Headers(options.headers);
  const key = sessionStorage.getItem(KEY);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  let response;
  try {
    response = await fetch(new URL(path, document.baseURI), { ...options, headers });
  } catch {
    throw new RequestFailed(0, "The server does not answer.");
  }
  if (!response.ok) throw new RequestFailed(response.status, await reason(response));
  return response;
}

async function reason(response) {
  const retry = response.headers.get("Retry-After");
  if (response.status === 401) return "The server asks for an API key: see “Connection and keys”.";
  if (response.status === 503 && retry) return `The server is full. Try again in ${retry} seconds.`;
  try {
    const body = await response.json();
    return body.error?.message ?? `The server refused (${response.status}).`;
  } catch {
    return `The server refused (${response.status}).`;
  }
}

const asJson = (body) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

/** {narration, cloning, engines, languages, language, loading}: what this server offers a page. */
export const offered = async () => (await request("page/offered.json")).json();

/** [{id, name, languages, engine}]. */
export async function voices() {
  return (await (await request("v1/audio/voices")).json()).voices;
}

/** Exchanges an SDP offer for an answer. */
export const connect = async (offer) => (await request("v1/webrtc", asJson(offer))).json();

/** A text of any length as an audio file; `made` hears of its bytes as they come. */
export async function story(wanted, made) {
  const response = await request("v1/audio/story", asJson(wanted));
  const pieces = [];
  let bytes = 0;
  try {
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      made((bytes += value.length));
    }
  } catch {
    throw new RequestFailed(0, "The download broke off. Try again.");
  }
  return withSizes(new Blob(pieces, { type: response.headers.get("Content-Type") }));
}

/** Adds a voice made from a recording; returns it. */
export async function clone(form) {
  return (await request("v1/audio/voices", { method: "POST", body: form })).json();
}
