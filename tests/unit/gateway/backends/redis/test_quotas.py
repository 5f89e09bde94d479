"""Quotas in Redis: one count for all gateways, and a share of it while Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from gateway.backends.quotas import LimitsQuotaStore
from gateway.backends.redis.connections import RedisAddress, open_pool
from gateway.backends.redis.quotas import SharedQuotas, open_shared_quotas
from gateway.core.errors import QuotaExceeded, StoreUnavailable
from gateway.core.grants import Quota
from tests.fakes.engines import RedisServer


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@pytest.fixture
async def gateways(redis_server: RedisServer) -> AsyncIterator[list[LimitsQuotaStore]]:
    """Give the stores of two gateways on an empty server."""
    redis_server.run("FLUSHALL")
    place = RedisAddress(
        f"redis://127.0.0.1:{redis_server.port}", password_file=redis_server.password_file
    )
    pools = [open_pool(place) for _ in range(2)]
    yield [open_shared_quotas(pool, now) for pool in pools]
    for pool in pools:
        await pool.disconnect()


def passed(outcomes: list[object]) -> int:
    """Return how many were let through; the others must be refused for the quota."""
    refused = [outcome for outcome in outcomes if outcome is not None]
    assert all(isinstance(outcome, QuotaExceeded) for outcome in refused)
    return len(outcomes) - len(refused)


async def test_gateways_share_one_count(gateways: list[LimitsQuotaStore]) -> None:
    """Of fifty requests at once over two gateways as many pass as the quota says."""
    quota = Quota(requests_per_day=7)
    outcomes = await asyncio.gather(
        *(store.take("c-1", quota) for store in gateways * 25), return_exceptions=True
    )
    assert passed(outcomes) == 7
    await gateways[0].take("c-2", quota)


async def test_tokens_of_one_gateway_count_at_the_other(gateways: list[LimitsQuotaStore]) -> None:
    """What an answer cost at one gateway is used up at the other, and said so."""
    quota = Quota(tokens_per_day=10)
    await gateways[0].count_tokens("c-1", quota, 25)
    with pytest.raises(QuotaExceeded, match="tokens per day") as caught:
        await gateways[1].take("c-1", quota)
    assert 1 <= caught.value.retry_after_seconds <= 86_400


class Away:
    """A store that is away, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = True

    async def take(self, client_id: str, quota: Quota) -> None:
        self.asked += 1
        if self.is_away:
            raise StoreUnavailable

    async def count_tokens(self, client_id: str, quota: Quota, tokens: int) -> None:
        await self.take(client_id, quota)


@pytest.mark.parametrize(("gateways_", "share"), [(1, 5), (2, 3), (5, 1), (100, 1)])
async def test_share_while_the_server_is_away(gateways_: int, share: int) -> None:
    """Each gateway gives its share, rounded up, and never all of it."""
    store = SharedQuotas(Away(), LimitsQuotaStore.in_memory(now), gateways=gateways_)
    quota = Quota(requests_per_day=5)
    outcomes = await asyncio.gather(
        *(store.take("c-1", quota) for _ in range(9)), return_exceptions=True
    )
    assert passed(outcomes) == share


async def test_tokens_count_while_the_server_is_away() -> None:
    """What is spent meanwhile counts against the share; without a number nothing is limited."""
    store = SharedQuotas(Away(), LimitsQuotaStore.in_memory(now), gateways=2)
    await store.count_tokens("c-1", Quota(tokens_per_day=10), 5)
    with pytest.raises(QuotaExceeded):
        await store.take("c-1", Quota(tokens_per_day=10))
    await store.take("c-1", Quota())


async def test_server_that_is_away_is_asked_once_a_second() -> None:
    """Requests do not queue up before a server that does not answer, and find it again."""
    seconds, shared = [0.0], Away()
    store = SharedQuotas(
        shared, LimitsQuotaStore.in_memory(now), gateways=2, monotonic=lambda: seconds[0]
    )
    for _ in range(10):
        await store.take("c-1", Quota())
    assert shared.asked == 1
    seconds[0], shared.is_away = 1.1, False
    for _ in range(10):
        await store.take("c-1", Quota())
    assert shared.asked == 11
