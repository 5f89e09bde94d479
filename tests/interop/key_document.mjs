// The signed key document at /encryption/keys: a JWS in flattened JSON over Ed25519. Whoever ends
// the TLS cannot forge it, keep it alive beyond its hour, or put an older one in its place.

import { parseKeyConfig } from "./ohttp.mjs";

const PIN_PREFIX = "sealgate-pin-ed25519:";
const TYPE = "sealgate-keys+jws";
const MAX_LIFETIME_SECONDS = 3600;
const CLOCKS_DIFFER_SECONDS = 120;

/** The document must not be used; `kind` is forged, malformed, expired or rolled-back. */
export class DocumentRefused extends Error {
  name = "DocumentRefused";

  constructor(kind) {
    super(`the gateway's key document is ${kind}`);
    this.kind = kind;
  }
}

function decode(text) {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text)) throw new DocumentRefused("forged");
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}

function encode(bytes) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const parse = (bytes) => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
const sha256 = async (bytes) => encode(await crypto.subtle.digest("SHA-256", bytes));

/** Return the raw public key of a pin as `sealgate keys pin` prints it. */
export function parsePin(pin) {
  const publicKey = pin.startsWith(PIN_PREFIX) ? decode(pin.slice(PIN_PREFIX.length)) : [];
  if (publicKey.length !== 32) throw new TypeError(`a pin is ${PIN_PREFIX} and 43 characters`);
  return publicKey;
}

/** Return the verified document. *lastSeq* is the highest number that this client has seen. */
export async function verifyKeyDocument(text, { pin, now = Date.now(), lastSeq = 0 }) {
  const payload = await verifySignature(text, parsePin(pin));
  let document;
  try {
    document = parse(payload);
  } catch {
    throw new DocumentRefused("malformed");
  }
  const numbers = [document?.seq, document?.iat, document?.exp];
  const lifetime = document?.exp - document?.iat;
  const isSound = numbers.every((n) => Number.isSafeInteger(n) && n >= 0) &&
    lifetime > 0 && lifetime <= MAX_LIFETIME_SECONDS && Array.isArray(document.keys);
  if (!isSound) throw new DocumentRefused("malformed");
  const seconds = now / 1000;
  if (document.iat - CLOCKS_DIFFER_SECONDS > seconds || document.exp <= seconds) {
    throw new DocumentRefused("expired");
  }
  if (document.seq < lastSeq) throw new DocumentRefused("rolled-back");
  return document;
}

/** The configurations to seal to now, the gateway's preference first. */
export async function activeConfigs(document, now = Date.now()) {
  const seconds = now / 1000;
  const usable = document.keys
    .filter((key) => key.status === "active" && (key.exp ?? Infinity) > seconds)
    .filter((key) => (key.nbf ?? 0) - CLOCKS_DIFFER_SECONDS <= seconds)
    .sort((a, b) => (a.preference ?? 0) - (b.preference ?? 0));
  const configs = [];
  for (const key of usable) {
    const bytes = decode(key.ohttp_config);
    const config = parseKeyConfig(bytes);
    if (config === null) continue; // of a later version
    if (key.kid !== (await sha256(bytes)) || key.key_id !== config.keyId) {
      throw new DocumentRefused("malformed");
    }
    configs.push(config);
  }
  return configs;
}

async function verifySignature(text, publicKey) {
  try {
    const { protected: header, payload, signature, ...others } = JSON.parse(text);
    const thumbprint = JSON.stringify({ crv: "Ed25519", kty: "OKP", x: encode(publicKey) });
    const kid = await sha256(new TextEncoder().encode(thumbprint));
    const { alg, kid: namedKid, typ, ...more } = parse(decode(header));
    // Exactly these members: a header that asks for anything else is not ours to interpret.
    const isOurs = alg === "EdDSA" && typ === TYPE && namedKid === kid &&
      !Object.keys(others).length && !Object.keys(more).length;
    const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
    const signed = new TextEncoder().encode(`${header}.${payload}`);
    if (isOurs && (await crypto.subtle.verify("Ed25519", key, decode(signature), signed))) {
      return decode(payload);
    }
  } catch {
    // What cannot be read was not signed either.
  }
  throw new DocumentRefused("forged");
}
