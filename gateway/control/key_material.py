"""The only place where keys are made, and private halves or whole secrets wrapped and unwrapped."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.core import hpke
from gateway.core.conversation import ConversationKeys
from gateway.core.dpop import NONCE_KEY_LABEL
from gateway.core.errors import StoreUnavailable
from gateway.core.jwk import SigningAlgorithm, VerificationKey, name_key
from gateway.core.jws import encode_base64url, key_thumbprint
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.ohttp_keys import KeyConfig, RecipientKey, encode_key_config, load_recipient_key
from gateway.core.ports import KeyWrap
from gateway.core.secret import Secret
from gateway.core.tokens import SigningPrivateKey

ALGORITHMS: Mapping[KeyUse, tuple[KeyAlgorithm, ...]] = MappingProxyType(
    {
        KeyUse.SIGNING: (KeyAlgorithm.ED25519,),
        KeyUse.ENCRYPTION: (KeyAlgorithm.X25519, KeyAlgorithm.X_WING),
        KeyUse.DOCUMENT: (KeyAlgorithm.ED25519,),
        KeyUse.PSEUDONYM: (KeyAlgorithm.HKDF_SHA256,),
    }
)
"""The keys each use has, in the order of the key list: simple clients take the first.

Of the keys that sign tokens there is one at a time; configuration may choose P-256 for it.
"""

SIGNING_ALGORITHMS: Mapping[KeyAlgorithm, SigningAlgorithm] = MappingProxyType(
    {
        KeyAlgorithm.ED25519: SigningAlgorithm.EDDSA,
        KeyAlgorithm.P256: SigningAlgorithm.ES256,
    }
)
"""What each kind of key pair signs tokens with."""

PREFERENCES: Mapping[KeyAlgorithm, int] = MappingProxyType(
    {KeyAlgorithm.X_WING: 1, KeyAlgorithm.X25519: 2}
)
"""What the key document advises: the lowest number first, since X-Wing outlives X25519."""

KEM_IDS: Mapping[KeyAlgorithm, int] = MappingProxyType(
    {KeyAlgorithm.X25519: hpke.KEM_X25519, KeyAlgorithm.X_WING: hpke.KEM_XWING}
)


_SECRET_BYTES: Final = 32
_PUBLIC_LABEL: Final = b"sealgate name of a secret key"


class _Pair(NamedTuple):
    public: bytes
    private: Secret[bytes]


async def create_key(
    algorithm: KeyAlgorithm, wrap: KeyWrap, *, use: KeyUse, key_id: int | None, now: datetime
) -> StoredKey:
    """Return a fresh pending key whose private half is wrapped.

    *key_id* is given for encryption keys and only for them. The ``kid`` is a hash of the public
    half: the JWK thumbprint (RFC 7638) of a key that signs, the SHA-256 of an encryption key's
    configuration. A key without a public half has in its place a value derived from it (RFC 5869),
    which says nothing of the key. Raises ``StoreUnavailable`` when wrapping fails.
    """
    kid = "-"
    while kid.startswith("-"):  # a command line would take such a name for an option
        pair = _generate(algorithm)
        kid = _kid(algorithm, pair.public, key_id=key_id)
    return StoredKey(
        kid=kid,
        use=use,
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


def wrapped_private(key: StoredKey) -> bytes:
    """Return the wrapped private half of a usable key. Raises ``StoreUnavailable`` without one."""
    if key.wrapped_private is None:
        raise StoreUnavailable("The store holds a usable key without its private half.")
    return key.wrapped_private


async def rewrap_key(key: StoredKey, wrap: KeyWrap) -> bytes:
    """Return the private half of *key* wrapped anew, once that was seen to open.

    Raises ``StoreUnavailable`` when either form does not open.
    """
    private = await wrap.unwrap(wrapped_private(key), kid=key.kid)
    wrapped = await wrap.wrap(private, kid=key.kid)
    opened = await wrap.unwrap(wrapped, kid=key.kid)
    if not hmac.compare_digest(opened.reveal(), private.reveal()):
        raise StoreUnavailable("A key that was wrapped anew opens as another one.")
    return wrapped


def load_signing_key(algorithm: KeyAlgorithm, private: Secret[bytes]) -> SigningPrivateKey:
    """Return the usable form of an unwrapped key that signs tokens."""
    if algorithm is KeyAlgorithm.P256:
        return ec.derive_private_key(int.from_bytes(private.reveal()), ec.SECP256R1())
    return load_document_key(private)


def load_document_key(private: Secret[bytes]) -> Ed25519PrivateKey:
    """Return the usable form of an unwrapped key that signs key documents."""
    return Ed25519PrivateKey.from_private_bytes(private.reveal())


def load_verification_key(key: StoredKey) -> VerificationKey:
    """Return the public half of a signing key, as tokens are verified with it."""
    algorithm = SIGNING_ALGORITHMS[key.algorithm]
    if key.algorithm is KeyAlgorithm.P256:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.public)
        return VerificationKey(key.kid, algorithm, point)
    return VerificationKey(key.kid, algorithm, Ed25519PublicKey.from_public_bytes(key.public))


def derive_nonce_key(private: Secret[bytes]) -> bytes:
    """Return the key of DPoP nonces that goes with a signing key (RFC 5869).

    Every process that holds the signing key derives the same one, and it says nothing about it.
    """
    return HKDF(SHA256(), 32, salt=None, info=NONCE_KEY_LABEL).derive(private.reveal())


def load_conversation_keys(private: Secret[bytes]) -> ConversationKeys:
    """Return the usable form of an unwrapped pseudonym key."""
    return ConversationKeys(private)


def load_encryption_key(key: StoredKey, private: Secret[bytes]) -> RecipientKey:
    """Return the usable form of an unwrapped encryption key."""
    assert key.key_id is not None
    return load_recipient_key(key.key_id, private.reveal(), kem_id=KEM_IDS[key.algorithm])


def encode_public_config(key: StoredKey) -> bytes:
    """Return the encoded configuration (RFC 9458 §3.1) of an encryption key."""
    assert key.key_id is not None
    return encode_key_config(KeyConfig(key.key_id, KEM_IDS[key.algorithm], key.public))


def _generate(algorithm: KeyAlgorithm) -> _Pair:
    if algorithm is KeyAlgorithm.ED25519:
        signing = Ed25519PrivateKey.generate()
        return _Pair(signing.public_key().public_bytes_raw(), Secret(signing.private_bytes_raw()))
    if algorithm is KeyAlgorithm.P256:
        return _generate_p256()
    if algorithm is KeyAlgorithm.HKDF_SHA256:
        secret = secrets.token_bytes(_SECRET_BYTES)
        name = HKDF(SHA256(), _SECRET_BYTES, salt=None, info=_PUBLIC_LABEL).derive(secret)
        return _Pair(name, Secret(secret))
    # Both mechanisms take any random bytes for a private key.
    kem = hpke.KEMS[KEM_IDS[algorithm]]
    private = secrets.token_bytes(kem.private_key_bytes)
    return _Pair(kem.load_private_key(private).public_key, Secret(private))


def _generate_p256() -> _Pair:
    """Return the point uncompressed (SEC 1 §2.3.3) and the scalar as 32 bytes."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return _Pair(public, Secret(private.private_numbers().private_value.to_bytes(32)))


def _kid(algorithm: KeyAlgorithm, public: bytes, *, key_id: int | None) -> str:
    if algorithm is KeyAlgorithm.P256:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
        return name_key(point, SigningAlgorithm.ES256).kid
    if algorithm is KeyAlgorithm.HKDF_SHA256:
        return encode_base64url(hashlib.sha256(public).digest())
    if key_id is None:
        return key_thumbprint(public)
    config = encode_key_config(KeyConfig(key_id, KEM_IDS[algorithm], public))
    return encode_base64url(hashlib.sha256(config).digest())
