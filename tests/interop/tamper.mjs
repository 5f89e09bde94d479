// What somebody in the middle can do to a sealed message without any key: alter, cut, reorder.

import { concat, decodeInteger, encodeInteger } from "./bhttp.mjs";

export const REQUEST_PREFIX = (kem) => 7 + (kem === 0x647a ? 1120 : 32);
export const RESPONSE_PREFIX = 32;

const copy = (bytes) => Uint8Array.from(bytes);

function flip(bytes, at) {
  const flipped = copy(bytes);
  flipped.set([flipped.at(at) ^ 1], at < 0 ? flipped.length + at : at);
  return flipped;
}

/** Alterations by name: each takes {prefix, chunks, final} and returns the same, or plain bytes. */
export const ALTERATIONS = {
  "last byte cut": (m) => ({ ...m, final: m.final.slice(0, -1) }),
  "cut within a chunk": (m) => join({ ...m, final: null }).slice(0, -3),
  "cut after a chunk": (m) => ({ ...m, chunks: m.chunks.slice(0, 2), final: null }),
  "cut after the prefix": (m) => m.prefix,
  "cut within the prefix": (m) => m.prefix.slice(0, 20),
  "empty": () => new Uint8Array(0),
  "final chunk dropped": (m) => ({ ...m, final: null }),
  "first chunk dropped": (m) => ({ ...m, chunks: m.chunks.slice(1) }),
  "middle chunk dropped": (m) => ({ ...m, chunks: m.chunks.filter((_, i) => i !== 1) }),
  "chunk duplicated": (m) => ({ ...m, chunks: [...m.chunks.slice(0, 2), ...m.chunks.slice(1)] }),
  "chunks swapped": (m) => ({ ...m, chunks: [m.chunks[1], m.chunks[0], ...m.chunks.slice(2)] }),
  "byte of a chunk flipped": (m) => ({ ...m, chunks: [flip(m.chunks[0], 0), ...m.chunks.slice(1)] }),
  "byte of the final chunk flipped": (m) => ({ ...m, final: flip(m.final, 0) }),
  "byte of a tag flipped": (m) => ({ ...m, chunks: [flip(m.chunks[0], -1), ...m.chunks.slice(1)] }),
  "last byte of the prefix flipped": (m) => ({ ...m, prefix: flip(m.prefix, m.prefix.length - 1) }),
  "ordinary chunk sent as final": (m) => ({ ...m, chunks: m.chunks.slice(0, 1), final: m.chunks[1] }),
  "final chunk sent as ordinary": (m) => ({ ...m, chunks: [...m.chunks, m.final], final: null }),
  "bytes appended": (m) => ({ ...m, final: concat(m.final, Uint8Array.of(0, 0, 0)) }),
  "empty chunk inserted": (m) => ({ ...m, chunks: [new Uint8Array(16), ...m.chunks] }),
};

/** Alter a sealed message whose first *prefixBytes* are not chunks. */
export function alter(bytes, prefixBytes, name) {
  const altered = ALTERATIONS[name](split(bytes, prefixBytes));
  return altered instanceof Uint8Array ? altered : join(altered);
}

function split(bytes, prefixBytes) {
  const chunks = [];
  for (let at = prefixBytes; ; ) {
    const length = decodeInteger(bytes, at);
    const start = at + length.size;
    if (length.value === 0) {
      // Fewer would make some alterations no alteration at all.
      if (chunks.length < 3) throw new Error(`only ${chunks.length} chunks to alter`);
      return { prefix: bytes.slice(0, prefixBytes), chunks, final: bytes.slice(start) };
    }
    at = start + length.value;
    chunks.push(bytes.slice(start, at));
  }
}

function join({ prefix, chunks, final }) {
  const framed = chunks.map((chunk) => concat(encodeInteger(chunk.length), chunk));
  return concat(prefix, ...framed, ...(final ? [Uint8Array.of(0), final] : []));
}
