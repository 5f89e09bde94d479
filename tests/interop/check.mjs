// One job for the tests in Python: JSON on standard input, JSON on standard output.

import { BHttpDecoder, BHttpEncoder } from "bhttp-js";
import { encodeRequest } from "./bhttp.mjs";
import { activeConfigs, verifyKeyDocument } from "./key_document.mjs";
import { RESPONSE_TYPE, parseKeyList } from "./ohttp.mjs";
import { SealgateClient } from "./sealgate_client.mjs";
import { ALTERATIONS, REQUEST_PREFIX, RESPONSE_PREFIX, alter } from "./tamper.mjs";

const CHAT = "/v1/chat/completions";
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64"));
const question = (stream) => ({
  model: "tiny", stream, messages: [{ role: "user", content: "canary-prompt ".repeat(40) }],
});
const failure = (error) => ({
  name: error.name, kind: error.kind, status: error.status, message: error.message,
});

async function ask(client, stream, path = CHAT) {
  const began = performance.now();
  const seen = { status: 0, pieces: [] };
  try {
    const body = JSON.stringify(question(stream));
    const answer = await client.fetch(path, {
      method: "POST", headers: { "content-type": "application/json" }, body,
    });
    seen.status = answer.status;
    seen.contentType = answer.headers.get("content-type");
    const decoder = new TextDecoder();
    for await (const piece of answer.body) {
      seen.pieces.push([performance.now() - began, decoder.decode(piece, { stream: true })]);
    }
  } catch (error) {
    seen.error = failure(error);
  }
  return seen;
}

const JOBS = {
  chat: ({ client, stream, path }) => ask(new SealgateClient(client), stream, path),

  async models({ client }) {
    const answer = await new SealgateClient(client).fetch("/v1/models");
    return { status: answer.status, body: await answer.json() };
  },

  async keys({ origin }) {
    const answer = await fetch(`${origin}/.well-known/ohttp-gateway`);
    const body = new Uint8Array(await answer.arrayBuffer());
    const configs = parseKeyList(body).map(({ kem, keyId, publicKey }) => [keyId, kem, base64(publicKey)]);
    return { type: answer.headers.get("content-type"), body: base64(body), configs };
  },

  // Every byte of the sealed answer comes alone, as a network may deliver it.
  async trickle({ client, stream }) {
    const transport = async (url, init) => {
      const answer = await fetch(url, init);
      if (answer.headers.get("content-type") !== RESPONSE_TYPE) return answer;
      const whole = new Uint8Array(await answer.arrayBuffer());
      const body = new ReadableStream({
        start(controller) {
          for (const byte of whole) controller.enqueue(Uint8Array.of(byte));
          controller.close();
        },
      });
      return new Response(body, { status: answer.status, headers: answer.headers });
    };
    return ask(new SealgateClient({ ...client, transport }), stream);
  },

  // The same exchange under every alteration, of the request or of the answer.
  async alterations({ client, side }) {
    const results = {};
    for (const name of [null, ...Object.keys(ALTERATIONS)]) {
      const altered = new SealgateClient({
        ...client, maxChunkBytes: 256, transport: altering(side, name, client.kems[0]),
      });
      results[name ?? "unaltered"] = await ask(altered, true);
    }
    return results;
  },

  // The first *lists* key lists name keys that the gateway does not have.
  async stale({ client, lists }) {
    let fetched = 0;
    const transport = async (url, init) => {
      const answer = await fetch(url, init);
      if (init.method || !url.endsWith("/ohttp-gateway") || ++fetched > lists) return answer;
      const list = new Uint8Array(await answer.arrayBuffer());
      for (let at = 0; at < list.length; at += 2 + ((list[at] << 8) | list[at + 1])) list[at + 2] ^= 0xff;
      return new Response(list);
    };
    return { ...(await ask(new SealgateClient({ ...client, transport }), false)), fetched };
  },

  async openai({ client, broken }) {
    const { default: OpenAI } = await import("openai"); // the one job that needs it; it loads slowly
    const transport = broken ? altering("answer", "final chunk dropped") : undefined;
    const options = { baseURL: `${client.origin}/v1`, apiKey: "unused", maxRetries: 0 };
    const openai = new OpenAI({ ...options, fetch: new SealgateClient({ ...client, transport }).fetch });
    const seen = { text: "" };
    try {
      for await (const chunk of await openai.chat.completions.create(question(true))) {
        seen.text += chunk.choices[0]?.delta?.content ?? "";
      }
    } catch (error) {
      seen.error = failure(error);
    }
    return seen;
  },

  async document({ text, pin, now, lastSeq }) {
    try {
      const document = await verifyKeyDocument(text, { pin, now, lastSeq });
      return { seq: document.seq, kems: (await activeConfigs(document, now)).map(({ kem }) => kem) };
    } catch (error) {
      return { error: failure(error) };
    }
  },

  async decode({ requests, responses }) {
    const decoder = new BHttpDecoder();
    const all = [...requests.map((r) => decoder.decodeRequest(bytes(r))), ...responses.map((r) => decoder.decodeResponse(bytes(r)))];
    return Promise.all(all.map(async (message) => ({
      method: message.method, url: message.url, status: message.status,
      headers: [...message.headers], body: base64(await message.arrayBuffer()),
    })));
  },

  async encode({ body }) {
    const encoder = new BHttpEncoder();
    const headers = { "content-type": "application/json", "x-name": "value" };
    // Without a query: bhttp-js 0.2.1 leaves it out when it encodes.
    const url = "https://gateway.example:8443/v1/chat/completions";
    const own = { method: "POST", authority: "gateway.example:8443", path: "/v1/chat/completions?x=1" };
    return {
      request: base64(await encoder.encodeRequest(new Request(url, { method: "POST", headers, body: bytes(body) }))),
      response: base64(await encoder.encodeResponse(new Response(bytes(body), { status: 201, headers }))),
      own: base64(encodeRequest({ ...own, headers: Object.entries(headers), body: bytes(body) })),
    };
  },
};

function altering(side, name, kem) {
  return async (url, init) => {
    const isSealed = init.body instanceof Uint8Array;
    if (isSealed && name && side === "request") {
      init = { ...init, body: alter(init.body, REQUEST_PREFIX(kem), name) };
    }
    const answer = await fetch(url, init);
    if (side === "request" || !name || answer.headers.get("content-type") !== RESPONSE_TYPE) return answer;
    const body = alter(new Uint8Array(await answer.arrayBuffer()), RESPONSE_PREFIX, name);
    return new Response(body, { status: answer.status, headers: answer.headers });
  };
}

let input = "";
for await (const piece of process.stdin) input += piece;
const job = JSON.parse(input);
process.stdout.write(JSON.stringify(await JOBS[job.job](job)));
