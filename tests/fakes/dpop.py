"""A client's DPoP key that makes proofs, good ones unless a test says otherwise."""

from __future__ import annotations

import itertools
import json
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.dpop import access_token_hash
from gateway.core.jwk import SigningAlgorithm, name_key, to_jwk
from gateway.core.jws import sign_compact_jws


class DpopKey:
    """An Ed25519 key; *seed* tells several apart."""

    def __init__(self, seed: int = 1) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self._count = itertools.count()
        jwk = to_jwk(name_key(self._private.public_key(), SigningAlgorithm.EDDSA))
        self.jkt = jwk["kid"]
        self._jwk = {name: jwk[name] for name in ("kty", "crv", "x")}

    def prove(self, method: str, uri: str, token: str | None, *, at: datetime, **more: Any) -> str:
        """Return a proof for one call; *more* are further claims, None leaves one out."""
        claims = {
            "jti": f"proof-{next(self._count)}",
            "htm": method,
            "htu": uri,
            "iat": int(at.timestamp()),
            "ath": None if token is None else access_token_hash(token),
            **more,
        }
        payload = {name: value for name, value in claims.items() if value is not None}
        header = {"typ": "dpop+jwt", "jwk": self._jwk}
        return sign_compact_jws(json.dumps(payload).encode(), self._private, header=header)
