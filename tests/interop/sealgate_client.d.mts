export const X25519: 0x0020;
export const XWING: 0x647a;

export interface SealgateOptions {
  /** `https://host` or `https://host:port` of the gateway. */
  origin: string;
  clientId?: string;
  clientSecret?: string;
  /** An access token of your own instead of the two above. */
  token?: string;
  /** The request's own `Authorization` and `DPoP` travel inside, as an OAuth library sets them. */
  ownAuthorization?: boolean;
  /** `sealgate-pin-ed25519:…`, as the operator printed it. */
  pin?: string;
  /** Without a pin: believe the keys because TLS is. */
  trustTls?: boolean;
  /** The highest document number seen before this start; it needs a pin. */
  lastSeq?: number;
  /** Key encapsulation mechanisms, the preferred one first. */
  kems?: number[];
  entrance?: "well-known" | "same-path";
  maxChunkBytes?: number;
  transport?: typeof fetch;
}

export class SealgateClient {
  constructor(options: SealgateOptions);
  lastSeq: number;
  fetch: typeof globalThis.fetch;
}

/** What arrived is not a whole, genuine answer. */
export class ProtocolError extends Error {}

/** The request was refused before it was opened. */
export class RefusedOutside extends Error {
  status: number;
}

/** The key document must not be used. */
export class DocumentRefused extends Error {
  kind: "forged" | "malformed" | "expired" | "rolled-back";
}
