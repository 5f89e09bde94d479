"""Key material: fresh pairs, names made of the public half, private halves only wrapped."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest

from gateway.control.key_material import (
    ALGORITHMS,
    SIGNING_ALGORITHMS,
    create_key,
    derive_nonce_key,
    encode_public_config,
    load_conversation_keys,
    load_document_key,
    load_encryption_key,
    load_signing_key,
    load_verification_key,
)
from gateway.core.jwk import jwk_thumbprint
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse
from gateway.core.ohttp_keys import encode_key_config
from gateway.core.secret import Secret
from tests.fakes.control import make_wrap

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
async def test_signing_key_round_trip(algorithm: KeyAlgorithm) -> None:
    """The unwrapped half belongs to the public one; the kid is its RFC 7638 thumbprint."""
    wrap = make_wrap()
    key = await create_key(algorithm, wrap, use=KeyUse.SIGNING, key_id=None, now=NOW)
    assert (key.use, key.state, key.key_id) == (KeyUse.SIGNING, KeyState.PENDING, None)
    assert key.wrapped_private is not None
    private = load_signing_key(algorithm, await wrap.unwrap(key.wrapped_private, kid=key.kid))
    public = load_verification_key(key)
    assert private.public_key() == public.public
    assert public.kid == key.kid == jwk_thumbprint(public)
    assert public.algorithm is SIGNING_ALGORITHMS[algorithm]


async def test_document_key_round_trip() -> None:
    """A key that signs documents is Ed25519 and named like one that signs tokens."""
    wrap = make_wrap()
    key = await create_key(KeyAlgorithm.ED25519, wrap, use=KeyUse.DOCUMENT, key_id=None, now=NOW)
    assert key.wrapped_private is not None
    private = load_document_key(await wrap.unwrap(key.wrapped_private, kid=key.kid))
    assert private.public_key().public_bytes_raw() == key.public


@pytest.mark.parametrize("algorithm", ALGORITHMS[KeyUse.ENCRYPTION])
async def test_encryption_key_round_trip(algorithm: KeyAlgorithm) -> None:
    """The unwrapped half is a recipient key; the kid is the hash of its configuration."""
    wrap = make_wrap()
    key = await create_key(algorithm, wrap, use=KeyUse.ENCRYPTION, key_id=9, now=NOW)
    assert key.use is KeyUse.ENCRYPTION
    assert key.wrapped_private is not None
    recipient = load_encryption_key(key, await wrap.unwrap(key.wrapped_private, kid=key.kid))
    assert (recipient.key_id, recipient.config.public_key) == (9, key.public)
    assert encode_public_config(key) == encode_key_config(recipient.config)
    digest = hashlib.sha256(encode_key_config(recipient.config)).digest()
    assert urlsafe_b64encode(digest).rstrip(b"=").decode() == key.kid


async def test_pseudonym_key_round_trip() -> None:
    """The key is wrapped whole; what stands for its public half and its name say nothing of it."""
    wrap, algorithm = make_wrap(), KeyAlgorithm.HKDF_SHA256
    key = await create_key(algorithm, wrap, use=KeyUse.PSEUDONYM, key_id=None, now=NOW)
    assert key.wrapped_private is not None
    secret = await wrap.unwrap(key.wrapped_private, kid=key.kid)
    assert (len(secret.reveal()), len(key.public)) == (32, 32)
    assert key.public != secret.reveal()
    assert key.kid == urlsafe_b64encode(hashlib.sha256(key.public).digest()).rstrip(b"=").decode()
    again = load_conversation_keys(secret).key("c", "talk").reveal()
    assert load_conversation_keys(secret).key("c", "talk").reveal() == again


async def test_kid_never_looks_like_an_option() -> None:
    """A kid can be typed after a command: it never begins with a dash."""
    wrap = make_wrap()
    for _ in range(300):
        key = await create_key(KeyAlgorithm.ED25519, wrap, use=KeyUse.SIGNING, key_id=None, now=NOW)
        assert not key.kid.startswith("-")


def test_nonce_keys_follow_from_private_keys() -> None:
    """One private key gives one nonce key, another gives another, and neither shows the first."""
    one, again, other = (derive_nonce_key(Secret(bytes([n]) * 32)) for n in (1, 1, 2))
    assert one == again
    assert len({one, other, bytes([1]) * 32, bytes([2]) * 32}) == 4
