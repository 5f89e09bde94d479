"""Compact signatures: one spelling of what was signed, and one error for everything else."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.compact_jws import CompactForm, parse_compact_jws, verify_compact_jws
from gateway.core.jwk import SigningAlgorithm, name_key
from gateway.core.jws import Unreadable, encode_base64url, sign_compact_jws

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = name_key(KEY.public_key(), SigningAlgorithm.EDDSA)
FORM = CompactForm(frozenset({"x+jwt"}))
MESSAGE = sign_compact_jws(b'{"a":"b"}', KEY, header={"typ": "x+jwt", "kid": "k"})


def _is_accepted(message: str) -> bool:
    try:
        verify_compact_jws(parse_compact_jws(message, FORM), PUBLIC)
    except Unreadable:
        return False
    return True


def check(data: bytes) -> None:
    """Nothing but the signed message passes; signed rubbish raises no other error."""
    text = data.decode("latin-1")
    assert _is_accepted(text) == (text == MESSAGE)
    header, payload, _ = MESSAGE.split(".")
    for signed in (f"{header}.{encode_base64url(data)}", f"{encode_base64url(data)}.{payload}"):
        _is_accepted(f"{signed}.{encode_base64url(KEY.sign(signed.encode()))}")
