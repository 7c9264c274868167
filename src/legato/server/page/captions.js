// The words on the page, each in the colour of what was heard, is heard, and will be.

const MOST_CHUNKS = 300;
const SCROLL_REST_MS = 4000; // who scrolls by hand is left alone that long

export class Captions {
  constructor(box) {
    this.box = box;
    this.chunks = new Map(); // number -> {caption, element, words: [{sample, element}]}
    this.now = null;
    this.scrolledAt = -Infinity;
    for (const kind of ["wheel", "touchmove", "keydown"]) {
      box.addEventListener(kind, () => (this.scrolledAt = performance.now()), { passive: true });
    }
  }

  clear() {
    this.box.replaceChildren();
    this.chunks.clear();
    this.now = null;
  }

  /** Adds a caption, or puts one in the place of its estimate. */
  add(caption) {
    this.box.querySelector(".placeholder")?.remove();
    const element = document.createElement("span");
    element.dataset.chunk = caption.chunk;
    const words = split(caption).map(({ sample, at, text }) => {
      const word = document.createElement("span");
      word.className = "word";
      word.textContent = text.trimEnd();
      const space = text.slice(word.textContent.length);
      element.append(word, space);
      return { sample, at, element: word };
    });
    const known = this.chunks.get(caption.chunk);
    if (known) known.element.replaceWith(element);
    else this.#append(element, caption);
    this.chunks.set(caption.chunk, { caption, element, words });
    if (this.chunks.size > MOST_CHUNKS) this.chunks.delete(this.chunks.keys().next().value);
  }

  /** Colours the words for a listener at `sample`. */
  show(sample) {
    let now = null;
    for (const { caption, words } of this.chunks.values()) {
      if (caption.settled) continue;
      for (const word of words) {
        const begun = word.sample <= sample;
        word.element.classList.toggle("heard", begun);
        if (begun) now = word.element;
      }
      caption.settled = caption.exact && caption.sample_to < sample;
    }
    const last = [...this.chunks.values()].at(-1);
    if (last && sample >= last.caption.sample_to) now = null; // all was said
    if (now === this.now) return;
    this.now?.classList.remove("now");
    now?.classList.add("now");
    this.now = now;
    if (now) this.#keepInView(now);
  }

  /** Takes away what was not heard of an utterance: all from its character `heard` on. */
  cut(utterance, heard) {
    let before = null;
    for (const [number, { caption, words, element }] of this.chunks) {
      if (caption.utterance !== utterance) continue;
      for (const word of words.filter(({ at }) => at >= heard)) {
        word.element.nextSibling?.remove();
        word.element.remove();
      }
      caption.settled = true;
      if (element.childElementCount) before = element;
      else {
        element.remove();
        this.chunks.delete(number);
      }
    }
    if (!before) return;
    const mark = document.createElement("span");
    mark.className = "cut-mark";
    mark.textContent = "cut here";
    before.after(mark);
  }

  #append(element, caption) {
    const last = [...this.chunks.values()].at(-1);
    if (last && last.caption.utterance !== caption.utterance) this.box.append("\n\n");
    this.box.append(element);
  }

  #keepInView(word) {
    if (performance.now() - this.scrolledAt < SCROLL_REST_MS) return;
    const box = this.box.getBoundingClientRect();
    const at = word.getBoundingClientRect();
    if (at.top >= box.top + 0.1 * box.height && at.bottom <= box.top + 0.75 * box.height) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.box.scrollBy({
      top: at.top - box.top - 0.3 * box.height,
      behavior: calm ? "instant" : "smooth",
    });
  }
}

/** A caption's words: the sample and the character of the utterance at which each begins, and its
 * text; these join to the caption's. */
export function split(caption) {
  const letters = Array.from(caption.text); // the server counts characters, not UTF-16 units
  const starts = caption.words.map(([sample, at]) => ({ sample, at: at - caption.text_from }));
  const inside = starts.filter(({ at }, n) => at > 0 && at < letters.length && at > (starts[n - 1]?.at ?? 0));
  const first = starts.length && starts[0].at <= 0 ? starts[0].sample : caption.sample_from;
  const pieces = [{ sample: first, at: 0 }, ...inside];
  return pieces.map(({ sample, at }, n) => ({
    sample,
    at: caption.text_from + at,
    text: letters.slice(at, pieces[n + 1]?.at).join(""),
  }));
}
