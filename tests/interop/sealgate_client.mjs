// A Sealgate client for JavaScript: `client.fetch` is a `fetch` whose requests travel sealed.
//
//   const client = new SealgateClient({ origin: "https://gateway.example", clientId, clientSecret, pin });
//   const openai = new OpenAI({ baseURL: "https://gateway.example/v1", apiKey: "unused", fetch: client.fetch });

import { ProtocolError, ResponseDecoder, concat, encodeRequest } from "./bhttp.mjs";
import { DocumentRefused, activeConfigs, verifyKeyDocument } from "./key_document.mjs";
import { REQUEST_TYPE, RESPONSE_TYPE, X25519, XWING, parseKeyList, sealRequest } from "./ohttp.mjs";
import { holdBackDone } from "./hold_back.mjs";

export { DocumentRefused, ProtocolError, X25519, XWING };

const GATEWAY = "/.well-known/ohttp-gateway";
const KEY_PROBLEM = "https://iana.org/assignments/http-problem-types#ohttp-key";
const RENEW_SECONDS = 60;
const KEYS_SECONDS = 300;
// Set anew inside, or about the connection to the gateway alone.
const NOT_FORWARDED = new Set([
  "accept-encoding", "authorization", "connection", "content-length", "cookie", "date", "expect",
  "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
]);

/** The gateway refused before it opened the request; what it said is not certain to be its word. */
export class RefusedOutside extends Error {
  name = "RefusedOutside";

  constructor(status, isKeyProblem = false) {
    super(`the gateway refused the sealed request: ${status}`);
    this.status = status;
    this.isKeyProblem = isKeyProblem;
  }
}

export class SealgateClient {
  #options;
  #transport;
  #keys = { configs: [], until: 0 };
  #token = { value: "", until: 0 };
  /** The highest document number seen; keep it over restarts and give it back as `lastSeq`. */
  lastSeq;

  /**
   * Give `pin`, or `trustTls: true` to believe the keys because TLS is. `entrance` is "well-known"
   * or "same-path". `transport` is a `fetch` of your own, for a proxy or an agent. With
   * `ownAuthorization: true` the request's own `Authorization` travels inside, as an OAuth library
   * sets it, and beside it `DPoP`.
   */
  constructor(options) {
    const defaults = { kems: [XWING, X25519], entrance: "well-known", lastSeq: 0 };
    this.#options = { ...defaults, ...options, origin: new URL(options.origin).origin };
    if (!options.pin === !options.trustTls) throw new TypeError("give a pin, or trustTls");
    if (!this.#options.origin.startsWith("https://")) throw new TypeError("the origin is https");
    this.#transport = options.transport ?? globalThis.fetch;
    this.lastSeq = this.#options.lastSeq;
    this.fetch = this.fetch.bind(this); // SDKs call it as a plain function
  }

  /** Like `fetch`; the body of the answer fails when it was cut or altered, even after [DONE]. */
  async fetch(resource, init) {
    const url = resource instanceof Request ? resource.url : resource;
    const request = new Request(new URL(url, this.#options.origin), resource instanceof Request ? resource : init);
    if (new URL(request.url).origin !== this.#options.origin) throw new TypeError("another origin");
    const body = new Uint8Array(await request.arrayBuffer());
    const signal = init?.signal ?? request.signal;
    let response;
    try {
      response = await this.#send(request, body, signal);
    } catch (error) {
      if (!error.isKeyProblem) throw error;
      this.#keys.until = 0;
      return this.#send(request, body, signal); // once, with keys fetched anew
    }
    const { token, ownAuthorization } = this.#options;
    if (response.status !== 401 || token || ownAuthorization) return response;
    this.#token.until = 0; // perhaps revoked: once more with another token
    await response.body?.cancel();
    return this.#send(request, body, signal);
  }

  async #send(request, body, signal) {
    const config = await this.#findConfig();
    const url = new URL(request.url);
    const headers = [...request.headers].filter(([name]) => !NOT_FORWARDED.has(name));
    const own = this.#options.ownAuthorization && request.headers.get("authorization");
    headers.push(["authorization", own || `Bearer ${await this.#findToken()}`]);
    headers.push(["date", new Date().toUTCString()]);
    const message = encodeRequest({
      method: request.method, authority: url.host, path: url.pathname + url.search, headers, body,
    });
    const sealed = await sealRequest(config, message, this.#options.maxChunkBytes);
    // No `fetch` can GET with a body, so same-path mode is for what POSTs.
    const isSamePath = this.#options.entrance === "same-path" && request.method === "POST";
    const target = isSamePath ? url.pathname + url.search : GATEWAY;
    const answer = await this.#transport(this.#options.origin + target, {
      method: "POST",
      headers: { "content-type": REQUEST_TYPE, accept: RESPONSE_TYPE, incremental: "?1" },
      body: sealed.body,
      redirect: "error",
      signal,
    });
    if (answer.status !== 200 || answer.headers.get("content-type") !== RESPONSE_TYPE) {
      throw await refusal(answer);
    }
    return openAnswer(answer.body.getReader(), sealed.opener);
  }

  async #findConfig() {
    if (Date.now() >= this.#keys.until) {
      const { configs, seconds } = await (this.#options.pin ? this.#pinnedKeys() : this.#tlsKeys());
      this.#keys = { configs, until: Date.now() + seconds * 1000 };
    }
    const byKem = new Map(this.#keys.configs.map((config) => [config.kem, config]).reverse());
    const kem = this.#options.kems.find((kem) => byKem.has(kem));
    if (kem === undefined) throw new ProtocolError("the gateway offers no key that this client knows");
    return byKem.get(kem);
  }

  async #tlsKeys() {
    const answer = await this.#get(GATEWAY, "application/ohttp-keys");
    return { configs: parseKeyList(new Uint8Array(await answer.arrayBuffer())), seconds: KEYS_SECONDS };
  }

  async #pinnedKeys() {
    const text = await (await this.#get("/encryption/keys", "application/jose+json")).text();
    const document = await verifyKeyDocument(text, { pin: this.#options.pin, lastSeq: this.lastSeq });
    this.lastSeq = document.seq;
    const left = document.exp - Date.now() / 1000;
    return { configs: await activeConfigs(document), seconds: Math.min(KEYS_SECONDS, left) };
  }

  async #get(path, accept) {
    const answer = await this.#transport(this.#options.origin + path, { headers: { accept }, redirect: "error" });
    if (!answer.ok) throw new RefusedOutside(answer.status);
    return answer;
  }

  async #findToken() {
    const { clientId, clientSecret, origin, token } = this.#options;
    if (token) return token; // one that the application obtained itself
    if (Date.now() < this.#token.until) return this.#token.value;
    const pair = [clientId, clientSecret].map((part) => new URLSearchParams({ v: part }).toString().slice(2));
    const answer = await this.#transport(`${origin}/oauth2/token`, {
      method: "POST",
      headers: {
        authorization: `Basic ${btoa(pair.join(":"))}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: "grant_type=client_credentials",
      redirect: "error",
    });
    if (!answer.ok) throw new RefusedOutside(answer.status);
    const granted = await answer.json();
    const until = Date.now() + (granted.expires_in - RENEW_SECONDS) * 1000;
    this.#token = { value: granted.access_token, until };
    return granted.access_token;
  }
}

async function refusal(answer) {
  let type = "";
  if (answer.headers.get("content-type") === "application/problem+json") {
    type = (await answer.json().catch(() => null))?.type;
  } else {
    await answer.body?.cancel();
  }
  return new RefusedOutside(answer.status, answer.status === 422 && type === KEY_PROBLEM);
}

// Read until the head inside is known, then let the rest flow.
async function openAnswer(reader, opener) {
  const decoder = new ResponseDecoder();
  let isOver = false;
  const read = async () => {
    const { done, value } = await reader.read();
    const content = decoder.feed(done ? await opener.finish() : await opener.feed(value));
    if (done) decoder.finish();
    isOver = done;
    return content;
  };
  const first = [];
  try {
    while (!decoder.head && !isOver) first.push(await read());
  } catch (error) {
    await reader.cancel().catch(() => {});
    throw error;
  }
  const { status, headers } = decoder.head;
  let early = concat(...first); // content that came along with the head
  const body = new ReadableStream({
    async pull(controller) {
      try {
        // A pull has to enqueue or close, or it is not called again.
        let content = early;
        early = new Uint8Array(0);
        while (!content.length && !isOver) content = await read();
        if (content.length) controller.enqueue(content);
        else controller.close();
      } catch (error) {
        await reader.cancel().catch(() => {});
        controller.error(error);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  const isStream = new Headers(headers).get("content-type")?.startsWith("text/event-stream");
  const hasNoBody = status === 204 || status === 304;
  return new Response(hasNoBody ? null : isStream ? body.pipeThrough(holdBackDone()) : body, { status, headers });
}
