// Voice, language, engine, speed: what the server offers, and what is chosen.

import { offered, voices } from "./api.js";

export class Choices {
  /** onChange: the next speech needs another connection. */
  constructor(onChange) {
    this.fields = Object.fromEntries(
      ["voice", "language", "engine", "speed"].map((id) => [id, document.getElementById(id)]),
    );
    this.voices = [];
    for (const field of Object.values(this.fields)) field.addEventListener("change", onChange);
    this.fields.engine.addEventListener("change", () => this.#fillVoices());
    this.fields.language.addEventListener("change", () => this.#fillVoices());
    this.fields.speed.addEventListener("input", () => this.#showSpeed());
  }

  /** Asks the server; returns what it offers. */
  async load() {
    const offer = await offered();
    fill(this.fields.engine, offer.engines.map((name) => [name, name]));
    fill(this.fields.language, offer.languages.map((code) => [code, languageName(code)]), offer.language);
    document.getElementById("engine-field").hidden = offer.engines.length < 2;
    document.getElementById("language-field").hidden = offer.languages.length < 2;
    this.voices = await voices();
    this.#fillVoices();
    return offer;
  }

  /** Adds a voice that was just made, and chooses it. */
  async choose(id) {
    this.voices = await voices();
    this.#fillVoices();
    this.fields.voice.value = id;
  }

  /** As `POST /v1/webrtc` takes them. */
  get chosen() {
    const { voice, language, engine, speed } = this.fields;
    return {
      voice: voice.value,
      language: language.value,
      engine: engine.value,
      speed: Number(speed.value),
    };
  }

  #fillVoices() {
    const { voice, language, engine } = this.fields;
    const fits = ({ engine: own, languages: spoken }) =>
      (!own || !engine.value || own === engine.value) &&
      (!spoken?.length || !language.value || spoken.some((each) => matches(each, language.value)));
    const fitting = this.voices.filter(fits);
    fill(voice, [["", "Default"], ...fitting.map(({ id, name }) => [id, name || id])]);
  }

  #showSpeed() {
    const speed = Number(this.fields.speed.value).toFixed(1);
    document.getElementById("speed-text").textContent = `${speed}×`;
    this.fields.speed.setAttribute("aria-valuetext", `${speed} times`);
  }
}

const matches = (code, wanted) => code === wanted || code.startsWith(`${wanted}-`);

/** What was chosen before stays so, if it is still there; else `usual` is. */
function fill(select, options, usual = "") {
  const values = options.map(([value]) => value);
  const wanted = [select.value, usual].find((value) => value && values.includes(value));
  select.replaceChildren(...options.map(([value, name]) => new Option(name, value)));
  if (wanted) select.value = wanted;
}

function languageName(code) {
  try {
    return new Intl.DisplayNames(undefined, { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}
