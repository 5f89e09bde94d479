// An OAuth client that is not ours: oauth4webapi gets and uses tokens, jose verifies them.
// One job for the tests in Python: JSON on standard input, JSON on standard output.

import * as jose from "jose";
import * as oauth from "oauth4webapi";
import { Agent, fetch as undiciFetch } from "undici";
import { SealgateClient } from "./sealgate_client.mjs";

const failure = (error) => ({
  name: error.name, code: error.code, error: error.error, status: error.status,
  challenges: Array.isArray(error.cause) ? error.cause.map(({ scheme, parameters }) => [scheme, parameters]) : undefined,
});

// A `fetch` that shows a client certificate, where there is one.
function fetcher({ certificate }) {
  if (!certificate) return fetch;
  const dispatcher = new Agent({ connect: { cert: certificate, key: certificate } });
  return (url, init) => undiciFetch(url, { ...init, dispatcher });
}

async function authentication({ secret, key, certificate, certificateIsProof }) {
  if (secret) return oauth.ClientSecretBasic(secret);
  if (key) return oauth.PrivateKeyJwt(await jose.importJWK(key, key.alg));
  if (certificate && certificateIsProof) return oauth.TlsClientAuth();
  return oauth.None();
}

// What every job begins with: the metadata, the client and how it proves itself.
async function open(told) {
  const issuer = new URL(told.issuer);
  const options = { [oauth.customFetch]: fetcher(told) };
  const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...options });
  const server = await oauth.processDiscoveryResponse(issuer, found);
  const client = { client_id: told.clientId };
  if (told.dpop) options.DPoP = oauth.DPoP(client, await oauth.generateKeyPair(told.dpop));
  return { server, client, options, proof: await authentication(told) };
}

// Do *request* once more when it was refused for want of a nonce, as RFC 9449 §8 has it.
async function withNonce(request, seen) {
  try {
    seen.attempts = 1;
    return await request();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    seen.attempts = 2;
    return await request();
  }
}

async function grant({ server, client, options, proof }, seen = {}) {
  return withNonce(async () => {
    const answer = await oauth.clientCredentialsGrantRequest(server, client, proof, {}, options);
    seen.cacheControl = answer.headers.get("cache-control");
    return oauth.processClientCredentialsResponse(server, client, answer);
  }, seen);
}

// Ask for the models with a token, in the clear or sealed; a refusal is a result too.
async function models(told, { options }, token) {
  const seen = {};
  const sealed = new SealgateClient({ origin: told.issuer, trustTls: true, ownAuthorization: true });
  const chosen = told.sealed ? { ...options, [oauth.customFetch]: sealed.fetch } : options;
  try {
    await withNonce(async () => {
      const url = new URL(`${told.issuer}/v1/models`);
      const answer = await oauth.protectedResourceRequest(token, "GET", url, new Headers(), null, chosen);
      seen.status = answer.status;
      seen.models = (await answer.json()).data?.map(({ id }) => id);
    }, seen);
  } catch (error) {
    seen.error = failure(error);
  }
  return seen;
}

const JOBS = {
  discover: async (told) => (await open(told)).server,

  // Get a token and call with it.
  async call(told) {
    const session = await open(told);
    const seen = {};
    try {
      seen.granted = await grant(session, seen);
    } catch (error) {
      return { error: failure(error) };
    }
    return { ...seen, call: await models(told, session, seen.granted.access_token) };
  },

  // Call with a token that somebody else was given.
  steal: async (told) => models(told, await open(told), told.token),

  // The life of a token as its own client, and another client, are told it.
  async life(told) {
    const session = await open(told);
    const other = { ...session, client: { client_id: told.other.clientId }, proof: oauth.ClientSecretBasic(told.other.secret) };
    const { access_token: token } = await grant(session);
    const introspect = async ({ server, client, proof, options }) => {
      const answer = await oauth.introspectionRequest(server, client, proof, token, options);
      return oauth.processIntrospectionResponse(server, client, answer);
    };
    const revoke = async ({ server, client, proof, options }) =>
      oauth.processRevocationResponse(await oauth.revocationRequest(server, client, proof, token, options));
    const seen = { own: await introspect(session), others: await introspect(other) };
    await revoke(other);
    seen.afterOthersRevocation = (await introspect(session)).active;
    await revoke(session);
    seen.afterRevocation = await introspect(session);
    seen.call = await models(told, session, token);
    return seen;
  },

  // Verify tokens with the published keys, the last one altered too.
  async verify({ issuer, audience, tokens }) {
    const keys = jose.createRemoteJWKSet(new URL(`${issuer}/oauth2/jwks`));
    const check = async (token) => {
      try {
        const { payload, protectedHeader } = await jose.jwtVerify(token, keys, { issuer, audience, typ: "at+jwt" });
        return { payload, header: protectedHeader };
      } catch (error) {
        return { error: error.code };
      }
    };
    const [head, body, signature] = tokens.at(-1).split(".");
    const claims = { ...jose.decodeJwt(tokens.at(-1)), client_id: "c-other" };
    const forged = [head, jose.base64url.encode(JSON.stringify(claims)), signature].join(".");
    return {
      verified: await Promise.all(tokens.map(check)), forged: await check(forged), cut: await check(`${head}.${body}.`),
      published: keys.jwks().keys.map(({ alg }) => alg),
    };
  },
};

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { job, ...told } = JSON.parse(Buffer.concat(chunks).toString());
process.stdout.write(JSON.stringify(await JOBS[job](told)));
