"""Client secrets: the same work for a missing client, and never more work than the machine has."""

from __future__ import annotations

import asyncio

import pytest

from gateway.control.secrets import (
    HashCost,
    SecretHasher,
    credential_id_of,
    new_credential_id,
    new_secret,
)
from gateway.core.errors import InvalidClient, RateLimited
from gateway.core.secret import Secret


async def test_right_secret_passes_and_wrong_fails() -> None:
    """Only the secret that was hashed verifies."""
    hasher, secret = SecretHasher(), new_secret("i")
    secret_hash = await hasher.hash(secret)
    await hasher.verify(secret, secret_hash=secret_hash)
    for wrong in (new_secret("i"), Secret("")):
        with pytest.raises(InvalidClient):
            await hasher.verify(wrong, secret_hash=secret_hash)


async def test_cost_is_what_was_chosen() -> None:
    """A hash costs what OWASP recommends unless somebody chose otherwise, and says what it cost."""
    secret = new_secret("i")
    cheap = SecretHasher(HashCost(memory_kib=8, iterations=1))
    usual_hash, cheap_hash = await SecretHasher().hash(secret), await cheap.hash(secret)
    assert usual_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert cheap_hash.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    await cheap.verify(secret, secret_hash=usual_hash)


async def test_missing_hash_costs_the_same() -> None:
    """Against no credential the same work is done as against a wrong one: a hash of equal cost."""
    checked: list[str] = []

    def match(_secret: Secret[str], secret_hash: str) -> bool:
        checked.append(secret_hash)
        return True  # even what matched the hash in its place would not pass

    hasher = SecretHasher(match=match)
    with pytest.raises(InvalidClient):
        await hasher.verify(new_secret("i"), secret_hash=None)
    await hasher.verify(new_secret("i"), secret_hash=await hasher.hash(new_secret("i")))
    missing, wrong = (secret_hash.split("$")[1:4] for secret_hash in checked)
    assert missing == wrong == ["argon2id", "v=19", "m=19456,t=2,p=1"]


async def test_last_word_before_the_hash() -> None:
    """Whatever refuses when it is a secret's turn does so before the hash, and frees the place."""
    hasher = SecretHasher(concurrency=1, queue=0)

    async def refuse() -> None:
        raise RateLimited

    for _ in range(3):
        with pytest.raises(RateLimited):
            await hasher.verify(new_secret("i"), secret_hash="no hash", before=refuse)
    with pytest.raises(InvalidClient):
        await hasher.verify(new_secret("i"), secret_hash=None)


async def test_event_loop_is_not_blocked() -> None:
    """Other tasks run while a secret is hashed."""
    hasher = SecretHasher()
    hashing = asyncio.create_task(hasher.hash(new_secret("i")))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10


async def test_queue_is_bounded() -> None:
    """More callers than slots and queue are told to come back."""
    hasher = SecretHasher(concurrency=1, queue=1)
    calls = (hasher.verify(new_secret("i"), secret_hash=None) for _ in range(4))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results].count(RateLimited) == 2


def test_secret_names_its_credential() -> None:
    """The credential can be read from a secret, and a foreign string gives some name."""
    credential_id = new_credential_id()
    assert credential_id_of(new_secret(credential_id)) == credential_id
    assert credential_id_of(Secret("")) == ""
