"""JSON web signatures as clients make and check them: flattened JSON, Ed25519 (RFC 7515, RFC 8037).

The signature covers ``protected`` and ``payload`` as they were sent; nothing of the payload is read
before it was verified. No JOSE library: the form is so narrow that a parser of it is shorter than
the checks that a library would still need, and clients are spared a dependency. The compact form is
only made here; ``compact_jws`` verifies it.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ALGORITHM: Final = "EdDSA"
_MAX_BYTES: Final = 1 << 20
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


class Unreadable(Exception):
    """The bytes are not what they should be. The caller turns it into an error of its own."""


def key_thumbprint(public: bytes) -> str:
    """Return the JWK thumbprint (RFC 7638 §3, RFC 8037 §2) of a raw Ed25519 public key."""
    return members_thumbprint({"crv": "Ed25519", "kty": "OKP", "x": encode_base64url(public)})


def members_thumbprint(members: Mapping[str, str]) -> str:
    """Return the thumbprint of a key whose required *members* these are, and no others."""
    return encode_base64url(hashlib.sha256(_dump(members)).digest())


def sign_jws(payload: bytes, key: Ed25519PrivateKey, *, typ: str) -> bytes:
    """Return *payload* signed, as flattened JSON (RFC 7515 §7.2.2)."""
    kid = key_thumbprint(key.public_key().public_bytes_raw())
    protected = encode_base64url(_dump({"alg": _ALGORITHM, "kid": kid, "typ": typ}))
    body = encode_base64url(payload)
    signature = encode_base64url(key.sign(f"{protected}.{body}".encode()))
    return _dump({"payload": body, "protected": protected, "signature": signature})


def sign_compact_jws(payload: bytes, key: Ed25519PrivateKey, *, header: Mapping[str, Any]) -> str:
    """Return *payload* signed, in the compact form (RFC 7515 §7.1); ``alg`` joins the *header*."""
    protected = encode_base64url(_dump({"alg": _ALGORITHM, **header}))
    signed = f"{protected}.{encode_base64url(payload)}"
    return f"{signed}.{encode_base64url(key.sign(signed.encode()))}"


def verify_jws(data: bytes, public: bytes, *, typ: str) -> bytes:
    """Return the payload if *data* was signed by the raw key *public* and says to be of *typ*.

    The header must hold exactly the three members that :func:`sign_jws` writes, so there is no
    other algorithm and no ``crit``, ``jwk`` or ``jku`` to be followed. Raises :class:`Unreadable`.
    """
    if len(data) > _MAX_BYTES:
        raise Unreadable
    envelope = parse_object(data)
    if set(envelope) != {"payload", "protected", "signature"}:
        raise Unreadable
    if not all(isinstance(part, str) for part in envelope.values()):
        raise Unreadable
    protected, body = envelope["protected"], envelope["payload"]
    header = parse_object(parse_base64url(protected))
    if header != {"alg": _ALGORITHM, "kid": key_thumbprint(public), "typ": typ}:
        raise Unreadable
    payload, signature = parse_base64url(body), parse_base64url(envelope["signature"])
    try:
        key = Ed25519PublicKey.from_public_bytes(public)
        key.verify(signature, f"{protected}.{body}".encode())
    except (ValueError, InvalidSignature):
        raise Unreadable from None
    return payload


def parse_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object that *data* holds, or raise :class:`Unreadable`.

    Duplicate members are refused: two parsers would pick different ones (RFC 7515 §4).
    """
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique_members, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise Unreadable from None
    if not isinstance(value, dict):
        raise Unreadable
    return value


def encode_base64url(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def parse_base64url(text: str) -> bytes:
    """Decode base64url, refusing what a lenient decoder drops: foreign characters, unused bits.

    Raises :class:`Unreadable`.
    """
    if _BASE64URL.fullmatch(text) is None or len(text) % 4 == 1:
        raise Unreadable
    decoded = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_base64url(decoded) != text:
        raise Unreadable
    return decoded


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _dump(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
