"""Proofs that the sender holds the key its token is bound to (RFC 9449), made by the client.

The key is Ed25519, made when a transport is made and never written anywhere, so a token is worth
nothing outside this process. The gateway's nonce is kept from its answers and put into the next
proof. Proofs for the model travel inside the seal like the token itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.bhttp import Request
from gateway.core.bhttp_fields import Fields
from gateway.core.hpke import RandomBytes
from gateway.core.jws import encode_base64url, sign_compact_jws
from gateway.core.secret import Secret

_JTI_BYTES: Final = 16
_NONCE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,64}")  # RFC 9449 §8.1


class DpopProver:
    """The key of one session and the gateway's newest nonce. A ``ProofOfPossession``."""

    def __init__(self, *, random_bytes: RandomBytes) -> None:
        self._random_bytes = random_bytes
        self._key = Ed25519PrivateKey.generate()
        public = encode_base64url(self._key.public_key().public_bytes_raw())
        self._header = {
            "typ": "dpop+jwt",
            "jwk": {"crv": "Ed25519", "kty": "OKP", "x": public},
        }
        self._nonce: str | None = None

    def inner_headers(self, request: Request, *, token: Secret[str], now: datetime) -> Fields:
        """Return the token with its scheme, and a proof for *request* and that token."""
        value = token.reveal().encode("ascii")
        digest = encode_base64url(hashlib.sha256(value).digest())
        uri = "https://" + (request.authority + request.path).decode("latin-1")
        proof = self._prove(request.method.decode("ascii"), uri, now=now, ath=digest)
        return ((b"authorization", b"DPoP " + value), (b"dpop", proof.encode("ascii")))

    def prove_token_request(self, uri: str, *, now: datetime) -> str:
        """Return a proof for a request for a token."""
        return self._prove("POST", uri, now=now)

    def take_nonce(self, nonce: str | None) -> bool:
        """Use *nonce* from now on; return whether it is another than before.

        What cannot be a nonce is left alone.
        """
        if nonce is None or nonce == self._nonce or _NONCE.fullmatch(nonce) is None:
            return False
        self._nonce = nonce
        return True

    def _prove(self, method: str, uri: str, *, now: datetime, **more: str) -> str:
        claims: dict[str, Any] = {
            "jti": encode_base64url(self._random_bytes(_JTI_BYTES)),
            "htm": method,
            "htu": uri.partition("?")[0],
            "iat": int(now.timestamp()),
            **more,
        }
        if self._nonce is not None:
            claims["nonce"] = self._nonce
        return sign_compact_jws(json.dumps(claims).encode(), self._key, header=self._header)
