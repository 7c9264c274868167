// The sizes in the header of a WAV file that was made as it came, when nobody knew how long it gets.

const HEADER = 256; // bytes that surely hold all before the samples

/** The same file (a Blob) with its true sizes; what is no WAV file stays as it is. */
export async function withSizes(file) {
  const head = new DataView(await file.slice(0, HEADER).arrayBuffer());
  if (head.byteLength < 12 || name(head, 0) !== "RIFF" || name(head, 8) !== "WAVE") return file;
  let at = 12;
  while (at + 8 <= head.byteLength && name(head, at) !== "data") at += 8 + head.getUint32(at + 4, true);
  if (at + 8 > head.byteLength) return file;
  head.setUint32(4, file.size - 8, true);
  head.setUint32(at + 4, file.size - at - 8, true);
  return new Blob([head, file.slice(head.byteLength)], { type: file.type });
}

const name = (view, at) => String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
