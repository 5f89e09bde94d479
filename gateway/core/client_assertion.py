"""Client assertions: how a client proves itself with a key of its own (RFC 7523 §2.2, §3).

A client signs a small JWT for each call of the token endpoint; the gateway knows the public half
and nothing that could be stolen from it. An assertion is good once and for five minutes.
Verification costs the same whether the client it names exists or not, and however many keys it has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from gateway.core.compact_jws import (
    Claims,
    CompactForm,
    UnverifiedJws,
    parse_compact_jws,
    verify_compact_jws,
)
from gateway.core.jwk import PublicKey, SigningAlgorithm, VerificationKey, find_algorithm
from gateway.core.jws import Unreadable, parse_object

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""The one value of ``client_assertion_type`` (RFC 7523 §2.2)."""

MAX_ASSERTION_CHARS: Final = 4096
MAX_CLIENT_ID_CHARS: Final = 128
MAX_KEYS: Final = 4
"""Keys of one client that an assertion is tried against; as many tries are made with fewer."""

MAX_LIFE: Final = timedelta(minutes=5)
LEEWAY: Final = timedelta(seconds=30)
_MAX_JTI_CHARS: Final = 128
_TAG_BYTES: Final = 16
_CLOCKS_DIFFER: Final = timedelta(seconds=30)
_FORM: Final = CompactForm(
    types=frozenset({"JWT", "client-authentication+jwt"}),
    required=frozenset({"alg"}),
    optional=frozenset({"typ", "kid"}),
    max_chars=MAX_ASSERTION_CHARS,
    ed25519_named=True,
)


class UnverifiedAssertion(NamedTuple):
    """An assertion whose form is right. *unverified_client_id* says whose keys to look for."""

    unverified_client_id: str
    jws: UnverifiedJws


class ProvenAssertion(NamedTuple):
    """A good assertion: the key that made it, and what must be claimed once until *expires_at*."""

    key: VerificationKey
    jti_tag: bytes
    expires_at: datetime


def parse_client_assertion(assertion: str) -> UnverifiedAssertion:
    """Return *assertion* taken apart, none of it verified. Raises ``Unreadable``."""
    jws = parse_compact_jws(assertion, _FORM)
    return UnverifiedAssertion(_client_id(Claims(parse_object(jws.payload))), jws)


def verify_client_assertion(
    unverified_assertion: UnverifiedAssertion,
    keys: Sequence[VerificationKey],
    *,
    audiences: frozenset[str],
    now: datetime,
) -> ProvenAssertion:
    """Return what *unverified_assertion* proves of the client that owns *keys*.

    Whether the assertion was here before is for the caller to find out. Raises ``Unreadable``.

    1. the signature, by the named key or any of the algorithm
    2. ``iss`` and ``sub`` are the client (RFC 7523 §3)
    3. ``aud`` is one text and names us: a list could be taken to another server
    4. ``exp`` at most five minutes ahead, ``iat`` and ``nbf`` not in the future
    5. ``jti``
    """
    jws = unverified_assertion.jws
    key, claims = _verify_signature(jws, keys)  # 1
    client_id = _client_id(claims)  # 2
    if claims.text("aud") not in audiences:  # 3
        raise Unreadable
    issued_at, expires_at = claims.moment("iat"), claims.moment("exp")  # 4
    begins_at = claims.find_moment("nbf") or issued_at
    if max(issued_at, begins_at) > now + LEEWAY or issued_at < now - MAX_LIFE - LEEWAY:
        raise Unreadable
    if not now - LEEWAY < expires_at <= now + MAX_LIFE + LEEWAY or expires_at <= issued_at:
        raise Unreadable
    jti = claims.text("jti", max_chars=_MAX_JTI_CHARS)  # 5
    return ProvenAssertion(key, _jti_tag(client_id, jti), expires_at + LEEWAY + _CLOCKS_DIFFER)


def _verify_signature(
    jws: UnverifiedJws, keys: Sequence[VerificationKey]
) -> tuple[VerificationKey, Claims]:
    """Try :data:`MAX_KEYS` keys, decoys among them, and never stop early."""
    kid = Claims(jws.header).find_text("kid", max_chars=256)
    algorithm = find_algorithm(jws.header["alg"])
    assert algorithm is not None  # else it would not have been parsed
    fitting = [key for key in keys if key.algorithm is algorithm and kid in {None, key.kid}]
    fitting = fitting[:MAX_KEYS]
    found = None
    for key in (*fitting, *[None] * (MAX_KEYS - len(fitting))):
        try:
            claims = verify_compact_jws(jws, key or _DECOYS[algorithm])
        except Unreadable:
            continue
        if key is not None:
            found = key, claims
    if found is None:
        raise Unreadable
    return found


def _client_id(claims: Claims) -> str:
    client_id = claims.text("sub", max_chars=MAX_CLIENT_ID_CHARS)
    if claims.text("iss", max_chars=MAX_CLIENT_ID_CHARS) != client_id:
        raise Unreadable
    return client_id


def _jti_tag(client_id: str, jti: str) -> bytes:
    """Return what a store remembers; no other client can take the tag of this one."""
    digest = hashlib.sha256(f"sealgate client assertion\0{client_id}\0{jti}".encode())
    return digest.digest()[:_TAG_BYTES]


def _decoys() -> Mapping[SigningAlgorithm, VerificationKey]:
    """Return a key of each algorithm that costs what others cost and is never accepted."""
    modulus = int.from_bytes(b"\xff" + hashlib.shake_256(b"decoy").digest(255)) | 1
    rsa = RSAPublicNumbers(65537, modulus).public_key()
    publics: Mapping[SigningAlgorithm, PublicKey] = {
        SigningAlgorithm.EDDSA: Ed25519PrivateKey.from_private_bytes(b"\1" * 32).public_key(),
        SigningAlgorithm.ES256: ec.derive_private_key(1, ec.SECP256R1()).public_key(),
        SigningAlgorithm.RS256: rsa,
        SigningAlgorithm.PS256: rsa,
    }
    return MappingProxyType(
        {name: VerificationKey("decoy", name, public) for name, public in publics.items()}
    )


_DECOYS: Final = _decoys()
