"""Keys are made while no transaction is open, each once, and a fault shows where it is missed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.control.fresh_keys import Blank, FreshKeys, KeyNeeded
from gateway.core.errors import Conflict, KeyServiceUnavailable
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from tests.fakes.control import LosableKeyWrap

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SIGNING = Blank(KeyUse.SIGNING, KeyAlgorithm.ED25519, None)
ENCRYPTION = Blank(KeyUse.ENCRYPTION, KeyAlgorithm.X25519, 7)


async def test_work_begins_anew_until_it_has_all_keys() -> None:
    """Each key that is missed is made outside, and the same one is there the next time."""
    wrap = LosableKeyWrap()
    fresh, attempts = FreshKeys(wrap, now=NOW), []

    async def work() -> list[StoredKey]:
        attempts.append(wrap.wraps)
        return [fresh.take(SIGNING), fresh.take(ENCRYPTION)]

    signing, encryption = await fresh.complete(work)
    assert attempts == [0, 1, 2]
    assert (signing.use, signing.state, signing.created_at) == (SIGNING.use, KeyState.PENDING, NOW)
    assert (encryption.algorithm, encryption.key_id) == (ENCRYPTION.algorithm, 7)
    assert fresh.take(SIGNING) is signing


async def test_nothing_is_made_that_nobody_needs() -> None:
    """Work that needs no key asks nobody to wrap one."""
    wrap = LosableKeyWrap()

    async def work() -> str:
        return "done"

    assert await FreshKeys(wrap, now=NOW).complete(work) == "done"
    assert wrap.wraps == 0


async def test_fault_is_raised_inside() -> None:
    """What needs the key decides what it does without: here it goes on."""
    wrap = LosableKeyWrap()
    wrap.lost = True
    fresh = FreshKeys(wrap, now=NOW)

    async def work() -> str:
        try:
            fresh.take(SIGNING)
        except KeyServiceUnavailable:
            return "without"
        return "with"

    assert await fresh.complete(work) == "without"


async def test_endless_need_is_a_conflict() -> None:
    """When each attempt needs another key, somebody else is changing them."""
    fresh, wrap = None, LosableKeyWrap()
    fresh = FreshKeys(wrap, now=NOW)
    numbers = iter(range(200))

    async def work() -> None:
        fresh.take(ENCRYPTION._replace(key_id=next(numbers)))

    with pytest.raises(Conflict):
        await fresh.complete(work)
    assert wrap.wraps < 50


def test_need_is_no_refusal() -> None:
    """It names the key, and no handler of refusals catches it."""
    with pytest.raises(KeyNeeded) as caught:
        FreshKeys(LosableKeyWrap(), now=NOW).take(SIGNING)
    assert caught.value.blank == SIGNING
