"""The only place where key pairs are made and private halves are wrapped and unwrapped."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gateway.core import hpke
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.ohttp_keys import KeyConfig, RecipientKey, encode_key_config, load_recipient_key
from gateway.core.ports import KeyWrap
from gateway.core.secret import Secret

ALGORITHMS: Mapping[KeyUse, tuple[KeyAlgorithm, ...]] = MappingProxyType(
    {
        KeyUse.SIGNING: (KeyAlgorithm.ED25519,),
        KeyUse.ENCRYPTION: (KeyAlgorithm.X25519,),
    }
)
"""The key pairs each use has, in the order in which clients are offered them."""

KEM_IDS: Mapping[KeyAlgorithm, int] = MappingProxyType({KeyAlgorithm.X25519: hpke.KEM_X25519})


class _Pair(NamedTuple):
    public: bytes
    private: Secret[bytes]


async def create_key(
    algorithm: KeyAlgorithm, wrap: KeyWrap, *, key_id: int | None, now: datetime
) -> StoredKey:
    """Return a fresh pending key whose private half is wrapped.

    *key_id* is given for encryption keys and only for them. The ``kid`` is a hash of the public
    half: the JWK thumbprint (RFC 7638) of a signing key, the SHA-256 of an encryption key's
    configuration. Raises ``StoreUnavailable`` when wrapping fails.
    """
    kid = "-"
    while kid.startswith("-"):  # a command line would take such a name for an option
        pair = _generate(algorithm)
        kid = _kid(algorithm, pair.public, key_id=key_id)
    return StoredKey(
        kid=kid,
        use=KeyUse.SIGNING if key_id is None else KeyUse.ENCRYPTION,
        algorithm=algorithm,
        state=KeyState.PENDING,
        key_id=key_id,
        created_at=now,
        activated_at=None,
        retires_at=None,
        revoked_at=None,
        public=pair.public,
        wrapped_private=await wrap.wrap(pair.private, kid=kid),
    )


def load_signing_key(private: Secret[bytes]) -> Ed25519PrivateKey:
    """Return the usable form of an unwrapped signing key."""
    return Ed25519PrivateKey.from_private_bytes(private.reveal())


def load_encryption_key(key: StoredKey, private: Secret[bytes]) -> RecipientKey:
    """Return the usable form of an unwrapped encryption key."""
    assert key.key_id is not None
    return load_recipient_key(key.key_id, private.reveal(), kem_id=KEM_IDS[key.algorithm])


def public_jwk(key: StoredKey) -> dict[str, str]:
    """Return the public half of a signing key as a JWK (RFC 8037 §2)."""
    return {**_jwk_members(key.public), "kid": key.kid, "use": "sig", "alg": "EdDSA"}


def _generate(algorithm: KeyAlgorithm) -> _Pair:
    private: Ed25519PrivateKey | X25519PrivateKey
    if algorithm is KeyAlgorithm.ED25519:
        private = Ed25519PrivateKey.generate()
    else:
        private = X25519PrivateKey.generate()
    return _Pair(private.public_key().public_bytes_raw(), Secret(private.private_bytes_raw()))


def _kid(algorithm: KeyAlgorithm, public: bytes, *, key_id: int | None) -> str:
    if key_id is None:
        return _thumbprint(public)
    return _hash_text(encode_key_config(KeyConfig(key_id, KEM_IDS[algorithm], public)))


def _jwk_members(public: bytes) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}


def _thumbprint(public: bytes) -> str:
    members = json.dumps(_jwk_members(public), sort_keys=True, separators=(",", ":"))
    return _hash_text(members.encode())


def _hash_text(data: bytes) -> str:
    return _base64url(hashlib.sha256(data).digest())


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
