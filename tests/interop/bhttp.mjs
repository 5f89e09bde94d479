// Binary HTTP (RFC 9292): a request to bytes, and a response from bytes while they arrive.
// Known-length requests are written; responses are read in both forms.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** What the peer sent is not what the protocol says, or it ended too early. */
export class ProtocolError extends Error {
  name = "ProtocolError";
}

export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** A QUIC integer (RFC 9000 §16); nothing here is longer than four bytes can say. */
export function encodeInteger(value) {
  if (value < 0x40) return Uint8Array.of(value);
  if (value < 0x4000) return Uint8Array.of(0x40 | (value >> 8), value & 0xff);
  if (value >= 0x40000000) throw new ProtocolError("the message is too long");
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, 0x80000000 + value);
  return bytes;
}

/** Return {value, size} of the integer at *at*, or null while it is incomplete. */
export function decodeInteger(bytes, at = 0) {
  if (at >= bytes.length) return null;
  const size = 1 << (bytes[at] >> 6);
  if (bytes.length < at + size) return null;
  let value = bytes[at] & 0x3f;
  for (let i = 1; i < size; i++) value = value * 256 + bytes[at + i];
  if (!Number.isSafeInteger(value)) throw new ProtocolError("a length is out of range");
  return { value, size };
}

const prefixed = (bytes) => concat(encodeInteger(bytes.length), bytes);
const text = (value) => prefixed(encoder.encode(value));

/** *headers* are pairs; *padTo* rounds the length up with zeros, so that it tells less. */
export function encodeRequest({ method, authority, path, headers, body, padTo = 1024 }) {
  const fields = headers.map(([name, value]) => concat(text(name.toLowerCase()), text(value)));
  const message = concat(
    Uint8Array.of(0), // known length, request
    text(method), text("https"), text(authority), text(path),
    prefixed(concat(...fields)),
    prefixed(body),
    Uint8Array.of(0), // no trailers
  );
  return concat(message, new Uint8Array((padTo - (message.length % padTo)) % padTo));
}

/** Reads one response: `feed()` returns content, `head` is set early, `finish()` demands the end. */
export class ResponseDecoder {
  head = null; // {status, headers: [[name, value], …]}
  #buffer = new Uint8Array(0);
  #at = 0;
  #step = "framing";
  #streamed = false;
  #left = 0;
  #mayEnd = false;

  feed(bytes) {
    this.#buffer = concat(this.#buffer.subarray(this.#at), bytes);
    this.#at = 0;
    const content = [];
    // Every step reads one whole part or leaves the position where it was.
    while (this.#advance(content));
    return concat(...content);
  }

  finish() {
    if (!this.#mayEnd || this.#at < this.#buffer.length) {
      throw new ProtocolError("the response inside is cut short");
    }
  }

  #advance(content) {
    if (this.#step === "content") return this.#readContent(content);
    if (this.#step === "padding") return this.#readPadding();
    const start = this.#at;
    const done = this.#readPart();
    if (!done) this.#at = start;
    return done;
  }

  #readPart() {
    if (this.#step === "trailers") {
      const complete = this.#fields() !== null;
      if (complete) this.#step = "padding";
      return complete;
    }
    const first = this.#integer();
    if (first === null) return false;
    switch (this.#step) {
      case "framing":
        if (first !== 1 && first !== 3) throw new ProtocolError("this is no response");
        this.#streamed = first === 3;
        this.#step = "status";
        return true;
      case "status": {
        const headers = this.#fields();
        if (headers === null) return false;
        if (first < 100 || first > 599) throw new ProtocolError("the status is not allowed");
        if (first < 200) return true; // an interim response: the next status follows
        this.head = { status: first, headers };
        this.#mayEnd = true;
        this.#step = "length";
        return true;
      }
      default: // the length of the content, or of its next chunk
        this.#left = first;
        this.#mayEnd = first === 0;
        this.#step = first ? "content" : "trailers";
        return true;
    }
  }

  #readContent(content) {
    const piece = this.#buffer.subarray(this.#at, this.#at + this.#left);
    if (!piece.length) return false;
    content.push(piece);
    this.#at += piece.length;
    this.#left -= piece.length;
    if (!this.#left) {
      this.#step = this.#streamed ? "length" : "trailers";
      this.#mayEnd = !this.#streamed;
    }
    return true;
  }

  #readPadding() {
    const rest = this.#buffer.subarray(this.#at);
    if (rest.some((byte) => byte !== 0)) throw new ProtocolError("the padding is not zero");
    this.#at = this.#buffer.length;
    return false;
  }

  #integer() {
    const found = decodeInteger(this.#buffer, this.#at);
    if (found === null) return null;
    this.#at += found.size;
    return found.value;
  }

  #fields() {
    const length = this.#streamed ? Infinity : this.#integer();
    if (length === null) return null;
    const end = this.#at + length;
    if (!this.#streamed && end > this.#buffer.length) return null;
    const fields = [];
    while (this.#at < end) {
      const size = this.#integer();
      if (size === null) return null;
      if (size === 0 && this.#streamed) return fields; // the terminator of the streamed form
      const name = this.#string(size);
      const valueSize = name === null ? null : this.#integer();
      const value = valueSize === null ? null : this.#string(valueSize);
      if (value === null) return null;
      fields.push([name, value]);
    }
    if (this.#at !== end) throw new ProtocolError("a field goes over its section");
    return fields;
  }

  #string(size) {
    if (this.#at + size > this.#buffer.length) return null;
    this.#at += size;
    return decoder.decode(this.#buffer.subarray(this.#at - size, this.#at));
  }
}
