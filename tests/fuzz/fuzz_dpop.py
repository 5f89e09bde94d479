"""DPoP proofs: only a signed proof for this very call passes, every refusal is documented."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.dpop import DpopNonces, ProvenCall, access_token_hash, verify_proof
from gateway.core.errors import ProofRequired
from gateway.core.jwk import SigningAlgorithm, name_key, to_jwk
from gateway.core.jws import sign_compact_jws

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
JWK = to_jwk(name_key(KEY.public_key(), SigningAlgorithm.EDDSA))
HEADER = {"typ": "dpop+jwt", "jwk": JWK}
NONCES = DpopNonces([b"n" * 32])
CALL = ProvenCall("POST", "https://gateway.example/v1/chat/completions", "a.b.c")
CLAIMS = {
    "jti": "j",
    "htm": CALL.method,
    "htu": CALL.uri,
    "iat": int(NOW.timestamp()),
    "ath": access_token_hash("a.b.c"),
    "nonce": NONCES.issue(NOW),
}
PROOF = sign_compact_jws(json.dumps(CLAIMS).encode(), KEY, header=HEADER)


def _is_accepted(proof: str) -> bool:
    try:
        verify_proof(proof, CALL, nonces=NONCES, now=NOW)
    except ProofRequired:
        return False
    return True


def check(data: bytes) -> None:
    """No bytes are a proof, and signed claims or URIs of rubbish raise nothing else."""
    text = data.decode("latin-1")
    assert _is_accepted(text) == (text == PROOF)
    _is_accepted(sign_compact_jws(data, KEY, header=HEADER))
    for name in ("htu", "nonce", "jti", "ath"):
        claims = json.dumps({**CLAIMS, name: text}).encode()
        _is_accepted(sign_compact_jws(claims, KEY, header=HEADER))
