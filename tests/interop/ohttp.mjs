// Chunked Oblivious HTTP (draft-ietf-ohai-chunked-ohttp-08) for a client: key lists, sealing a
// request, opening its answer. HPKE comes from `hpke`, X-Wing from `@panva/hpke-noble`.

import * as HPKE from "hpke";
import { KEM_MLKEM768_X25519 } from "@panva/hpke-noble";
import { ProtocolError, concat, decodeInteger, encodeInteger } from "./bhttp.mjs";

export const REQUEST_TYPE = "message/ohttp-chunked-req";
export const RESPONSE_TYPE = "message/ohttp-chunked-res";
export const X25519 = 0x0020;
export const XWING = 0x647a;

const KEMS = new Map([
  [X25519, { factory: HPKE.KEM_DHKEM_X25519_HKDF_SHA256, publicKeyBytes: 32 }],
  [XWING, { factory: KEM_MLKEM768_X25519, publicKeyBytes: 1216 }],
]);
const HKDF_SHA256 = 1;
const AES_256_GCM = 2;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_CHUNK_BYTES = 16384;

const ascii = (text) => new TextEncoder().encode(text);
const FINAL = ascii("final");
const NOTHING = new Uint8Array(0);

/** One key configuration (RFC 9458 §3.1); null for a mechanism or a cipher that is not ours. */
export function parseKeyConfig(bytes) {
  if (bytes.length < 3) throw new ProtocolError("a key configuration is cut short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const kem = view.getUint16(1);
  const known = KEMS.get(kem);
  if (!known) return null;
  const end = 3 + known.publicKeyBytes;
  if (bytes.length < end + 2 || bytes.length !== end + 2 + view.getUint16(end)) {
    throw new ProtocolError("a key configuration has a wrong length");
  }
  for (let at = end + 2; at + 4 <= bytes.length; at += 4) {
    if (view.getUint16(at) === HKDF_SHA256 && view.getUint16(at + 2) === AES_256_GCM) {
      return { keyId: bytes[0], kem, publicKey: bytes.slice(3, end) };
    }
  }
  return null;
}

/** The usable entries of an `application/ohttp-keys` body (RFC 9458 §3.2). */
export function parseKeyList(bytes) {
  const configs = [];
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at] << 8) | bytes[at + 1];
    const entry = bytes.subarray(at + 2, at + 2 + length);
    if (!(entry.length === length)) throw new ProtocolError("the key list is cut short");
    configs.push(parseKeyConfig(entry));
    at += 2 + length;
  }
  return configs.filter((config) => config !== null);
}

/** Seal *plaintext* for the key of *config*; return the body, and what opens the answer. */
export async function sealRequest(config, plaintext, maxChunkBytes = MAX_CHUNK_BYTES) {
  const header = new Uint8Array(7);
  const view = new DataView(header.buffer);
  view.setUint8(0, config.keyId);
  view.setUint16(1, config.kem);
  view.setUint16(3, HKDF_SHA256);
  view.setUint16(5, AES_256_GCM);
  const { factory } = KEMS.get(config.kem);
  const suite = new HPKE.CipherSuite(factory, HPKE.KDF_HKDF_SHA256, HPKE.AEAD_AES_256_GCM);
  const info = concat(ascii("message/bhttp chunked request"), Uint8Array.of(0), header);
  const publicKey = await suite.DeserializePublicKey(config.publicKey);
  const { encapsulatedSecret, ctx } = await suite.SetupSender(publicKey, { info });
  const parts = [header, encapsulatedSecret];
  let at = 0;
  for (; at + maxChunkBytes < plaintext.length; at += maxChunkBytes) {
    const sealed = await ctx.Seal(plaintext.subarray(at, at + maxChunkBytes));
    parts.push(encodeInteger(sealed.length), sealed);
  }
  parts.push(Uint8Array.of(0), await ctx.Seal(plaintext.subarray(at), FINAL));
  const secret = await ctx.Export(ascii("message/bhttp chunked response"), KEY_BYTES);
  return { body: concat(...parts), opener: new ResponseOpener(secret, encapsulatedSecret) };
}

/** Opens one answer: `feed()` returns what is verified, `finish()` demands the final chunk. */
export class ResponseOpener {
  #secret;
  #encapsulated;
  #keys = null;
  #counter = 0;
  #isFinal = false;
  #buffer = NOTHING;

  constructor(secret, encapsulated) {
    this.#secret = secret;
    this.#encapsulated = encapsulated;
  }

  async feed(bytes) {
    let buffer = concat(this.#buffer, bytes);
    if (!this.#keys && buffer.length >= KEY_BYTES) {
      this.#keys = await this.#derive(buffer.subarray(0, KEY_BYTES));
      buffer = buffer.subarray(KEY_BYTES);
    }
    const opened = [];
    while (this.#keys && !this.#isFinal) {
      const length = decodeInteger(buffer);
      if (length === null) break;
      if (length.value === 0) this.#isFinal = true; // its ciphertext reaches to the end
      if (length.value > MAX_CHUNK_BYTES + TAG_BYTES) throw new ProtocolError("a chunk is too long");
      const end = length.size + length.value;
      if (buffer.length < end) break;
      if (!this.#isFinal) opened.push(await this.#open(buffer.subarray(length.size, end), NOTHING));
      buffer = buffer.subarray(end);
    }
    if (this.#isFinal && buffer.length > MAX_CHUNK_BYTES + TAG_BYTES) {
      throw new ProtocolError("a chunk is too long");
    }
    this.#buffer = buffer;
    return concat(...opened);
  }

  async finish() {
    if (!this.#isFinal) throw new ProtocolError("the answer was cut short");
    return this.#open(this.#buffer, FINAL);
  }

  async #open(ciphertext, additionalData) {
    const iv = this.#keys.nonce.slice();
    const view = new DataView(iv.buffer);
    view.setUint32(NONCE_BYTES - 4, (view.getUint32(NONCE_BYTES - 4) ^ this.#counter++) >>> 0);
    const parameters = { name: "AES-GCM", iv, additionalData };
    try {
      return new Uint8Array(await crypto.subtle.decrypt(parameters, this.#keys.aead, ciphertext));
    } catch {
      throw new ProtocolError("the answer was altered or cut short");
    }
  }

  // RFC 9458 §4.4: extract with the encapsulated key and the response nonce, expand twice.
  async #derive(nonce) {
    const material = await crypto.subtle.importKey("raw", this.#secret, "HKDF", false, ["deriveBits"]);
    const salt = concat(this.#encapsulated, nonce);
    const expand = (label, bytes) =>
      crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info: ascii(label) }, material, bytes * 8);
    const key = await expand("key", KEY_BYTES);
    return {
      aead: await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]),
      nonce: new Uint8Array(await expand("nonce", NONCE_BYTES)),
    };
  }
}
