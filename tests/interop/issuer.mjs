// An authorization server that is not ours: oidc-provider, told on standard input what to be.
//
// It issues access tokens as JWTs (RFC 9068) to clients that ask with a resource (RFC 8707); the
// resource says for which audience and with which algorithm.

import { createServer } from "node:http";
import Provider from "oidc-provider";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { port, keys, clients, resources, claims } = JSON.parse(Buffer.concat(chunks).toString());

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys },
  clients: clients.map(([client_id, client_secret]) => ({
    client_id, client_secret, grant_types: ["client_credentials"], redirect_uris: [], response_types: [],
  })),
  clientDefaults: { id_token_signed_response_alg: keys[0].alg },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({
        scope: "", accessTokenFormat: "jwt", accessTokenTTL: 600,
        audience: resources[resource].audience, jwt: { sign: { alg: resources[resource].alg } },
      }),
    },
  },
  extraTokenClaims: (_context, token) => claims[token.clientId],
});

createServer(provider.callback()).listen(port, "127.0.0.1");
