"""One suite for every idempotency store: the port's promises, in memory, SQLite, PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.backends.database.idempotency import DatabaseIdempotencyStore
from gateway.backends.memory_idempotency import MemoryIdempotencyStore
from gateway.core.idempotency import CallClaim
from gateway.core.ports import IdempotencyStore

NOW = datetime(2026, 11, 23, 10, 0, 0, 123_456, tzinfo=UTC)
DAY = timedelta(days=1)
CLAIM = CallClaim("t" * 64, "f" * 64, "c-1", claimed_at=NOW, expires_at=NOW + DAY)
OTHER = replace(CLAIM, claim_id="c-2", fingerprint="g" * 64, claimed_at=NOW + DAY / 2)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[IdempotencyStore]:
    """Give an empty store of each kind."""
    if request.param == "memory":
        opened: IdempotencyStore = MemoryIdempotencyStore()
    else:
        opened = DatabaseIdempotencyStore.open(request.getfixturevalue(f"{request.param}_url"))
    yield opened
    await opened.close()


async def test_first_claim_holds_the_tag(store: IdempotencyStore) -> None:
    """The second claim gets the first one back, as it was made, and then with its answer."""
    assert await store.claim(CLAIM) == CLAIM
    assert await store.claim(OTHER) == CLAIM
    answered = replace(CLAIM, answer=b"\x00wrapped\xff")
    await store.finish(answered)
    assert await store.claim(OTHER) == answered
    assert await store.claim(replace(OTHER, tag="u" * 64)) == replace(OTHER, tag="u" * 64)


async def test_released_tag_is_free(store: IdempotencyStore) -> None:
    """What was released is as if it had never been claimed."""
    await store.claim(CLAIM)
    await store.release(CLAIM)
    assert await store.claim(OTHER) == OTHER


async def test_other_attempt_changes_nothing(store: IdempotencyStore) -> None:
    """Only the attempt that holds the tag finishes or releases it."""
    await store.claim(CLAIM)
    await store.finish(replace(OTHER, answer=b"no"))
    await store.release(OTHER)
    assert await store.claim(OTHER) == CLAIM


async def test_expired_claim_makes_room(store: IdempotencyStore) -> None:
    """At its end a claim is over, to the microsecond, and its attempt has no say any more."""
    await store.claim(CLAIM)
    just_before = replace(OTHER, claimed_at=CLAIM.expires_at - timedelta(microseconds=1))
    assert await store.claim(just_before) == CLAIM
    later = replace(OTHER, claimed_at=CLAIM.expires_at, expires_at=CLAIM.expires_at + DAY)
    assert await store.claim(later) == later
    await store.finish(replace(CLAIM, answer=b"too late"))
    assert await store.claim(replace(CLAIM, claimed_at=later.claimed_at)) == later


async def test_expired_claims_are_forgotten(store: IdempotencyStore) -> None:
    """Those that are over are erased, the others stay."""
    lasting = replace(OTHER, tag="u" * 64, expires_at=NOW + 2 * DAY)
    await store.claim(CLAIM)
    await store.claim(lasting)
    assert await store.forget_expired(now=CLAIM.expires_at - timedelta(microseconds=1)) == 0
    assert await store.forget_expired(now=CLAIM.expires_at) == 1
    assert await store.forget_expired(now=CLAIM.expires_at) == 0
    assert await store.claim(replace(lasting, claim_id="c-3")) == lasting
    assert await store.claim(replace(OTHER, claim_id="c-3")) == replace(OTHER, claim_id="c-3")


async def test_of_several_claims_at_once_one_wins(store: IdempotencyStore) -> None:
    """Exactly one of those who claim at the same time gets its own claim back."""
    claims = [replace(CLAIM, claim_id=f"c-{number}") for number in range(8)]
    held = await asyncio.gather(*(store.claim(claim) for claim in claims))
    assert sum(one == claim for one, claim in zip(held, claims, strict=True)) == 1
    assert len(set(held)) == 1
