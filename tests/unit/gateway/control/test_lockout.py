"""Lock-out: after a few bad credentials, for a growing time, and only where they came from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from gateway.backends.memory_lockout import MemoryLockoutStore
from gateway.control.lockout import Lockout
from gateway.core.errors import RateLimited
from gateway.core.lockout import FailureRecord, LockoutRules

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HERE = ip_address("192.0.2.7")
RULES = LockoutRules()


@pytest.fixture
def lockout() -> Lockout:
    """Return a lock-out over an empty memory."""
    return Lockout(MemoryLockoutStore())


async def fail(lockout: Lockout, times: int, *, address: str = "192.0.2.7") -> None:
    """Send *times* bad credentials for one client."""
    for _ in range(times):
        await lockout.count_failure(ip_address(address), "c-1", now=NOW)


async def wait_seconds(lockout: Lockout, *, now: datetime = NOW, address: str = "192.0.2.7") -> int:
    """Return how long the pair must wait; 0 when it need not."""
    try:
        await lockout.verify(ip_address(address), "c-1", now=now)
    except RateLimited as error:
        return error.retry_after_seconds
    return 0


async def test_the_time_said_is_the_true_one(lockout: Lockout) -> None:
    """Rounded up to the second, and over at its end."""
    await fail(lockout, RULES.failures)
    assert await wait_seconds(lockout) == 10
    assert await wait_seconds(lockout, now=NOW + timedelta(seconds=9.5)) == 1
    assert await wait_seconds(lockout, now=NOW + timedelta(seconds=10)) == 0


async def test_a_good_credential_starts_the_count_anew(lockout: Lockout) -> None:
    """Somebody who mistyped four times and then got it right has no record."""
    assert not await lockout.verify(HERE, "c-1", now=NOW)
    await fail(lockout, RULES.failures - 1)
    assert await lockout.verify(HERE, "c-1", now=NOW)
    for _ in range(2):
        await lockout.forget(HERE, "c-1")
    assert not await lockout.verify(HERE, "c-1", now=NOW)
    await fail(lockout, RULES.failures - 1)
    assert await wait_seconds(lockout) == 0


async def test_other_addresses_and_clients_are_not_locked(lockout: Lockout) -> None:
    """Only the pair is locked, so a stranger elsewhere cannot lock a client out."""
    await fail(lockout, RULES.failures)
    assert await wait_seconds(lockout, address="192.0.2.8") == 0
    assert not await lockout.verify(HERE, "c-2", now=NOW)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.8", False),
    ],
)
async def test_addresses_count_by_customer(
    lockout: Lockout, one: str, other: str, same: bool
) -> None:
    """An IPv6 site counts as one, an IPv4-mapped address as its IPv4 one."""
    await fail(lockout, RULES.failures, address=one)
    assert (await wait_seconds(lockout, address=other) > 0) is same


class Noted(MemoryLockoutStore):
    """A store that notes by which names it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[bytes] = []

    async def find(self, pair: bytes) -> FailureRecord | None:
        """Note the pair."""
        self.pairs.append(pair)
        return await super().find(pair)


async def test_store_learns_neither_address_nor_client() -> None:
    """It has 16 bytes for both together, others for the same text split in another place."""
    store = Noted()
    lockout = Lockout(store)
    for client_id in ("c-1", "c-2", "c-1\n"):
        await lockout.verify(HERE, client_id, now=NOW)
    assert [len(pair) for pair in store.pairs] == [16, 16, 16]
    assert len(set(store.pairs)) == 3
