"""Claims in groups: bounded in time and number, and none left waiting by any fault."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from gateway.backends import batched_replay
from gateway.backends.batched_replay import BatchedReplayStore
from gateway.core.errors import StoreUnavailable
from tests.fakes.control import FakeClock

ANSWER_SECONDS = batched_replay._ANSWER_SECONDS


@pytest.fixture(autouse=True)
def _patience(monkeypatch) -> None:
    """Let no claim be given up for the time it takes: what is refused is refused for its cause."""
    monkeypatch.setattr(batched_replay, "_ANSWER_SECONDS", 60.0)


class BreakingClock(FakeClock):
    """A clock that can break."""

    is_broken = False

    def __call__(self) -> datetime:
        if self.is_broken:
            raise RuntimeError
        return super().__call__()


class SlowTable:
    """A table that writes nothing before it is told to, and then takes everything."""

    def __init__(self) -> None:
        self.is_asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def insert(self, claims, *, now, forget_at_most) -> list[bool]:
        self.is_asked.set()
        await self.may_answer.wait()
        return [True] * len(claims)

    async def close(self) -> None:
        """Nothing is open."""


class QuickTable(SlowTable):
    """A table that takes everything at once."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer.set()


async def test_callers_do_not_wait_for_a_slow_table(monkeypatch) -> None:
    """A claim is refused while the table is still at it; nothing breaks when that answers."""
    monkeypatch.setattr(batched_replay, "_ANSWER_SECONDS", 0.05)
    table = SlowTable()
    store = BatchedReplayStore(table, FakeClock())
    until = datetime.now(UTC) + timedelta(days=30)
    with pytest.raises(StoreUnavailable):
        await store.claim(b"late", until=until)
    table.may_answer.set()
    await store.close()


class ThreadedTable(SlowTable):
    """A table that answers out of a thread, as a database does."""

    async def insert(self, claims, *, now, forget_at_most) -> list[bool]:
        return await asyncio.to_thread(lambda: [True] * len(claims))


async def test_answers_that_came_while_the_loop_was_busy_are_heard(monkeypatch) -> None:
    """A burst of requests may keep the loop busy for longer than a claim waits."""
    monkeypatch.setattr(batched_replay, "_ANSWER_SECONDS", 0.05)
    store = BatchedReplayStore(ThreadedTable(), FakeClock())
    claims = [
        asyncio.create_task(store.claim(bytes([n]) * 16, until=FakeClock()())) for n in range(3)
    ]
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the table has been asked
    time.sleep(0.2)  # noqa: ASYNC251  # the burst
    assert await asyncio.gather(*claims) == [None] * 3
    await store.close()


async def test_time_in_which_the_loop_was_busy_is_not_the_tables(monkeypatch) -> None:
    """A table that is asked in a burst of requests has its time when that is over."""
    monkeypatch.setattr(batched_replay, "_ANSWER_SECONDS", 0.3)
    table = SlowTable()
    store = BatchedReplayStore(table, FakeClock())
    claim = asyncio.create_task(store.claim(b"in a burst", until=FakeClock()()))
    await table.is_asked.wait()
    time.sleep(0.5)  # noqa: ASYNC251  # the burst
    for _ in range(50):  # then the loop has nothing to do but to wait for the table
        await asyncio.sleep(0)
    table.may_answer.set()
    await claim
    await store.close()


async def test_cancelled_writing_is_begun_again() -> None:
    """Also when the writing itself is cancelled its claims are answered and later ones pass."""
    clock, table = FakeClock(), SlowTable()
    store = BatchedReplayStore(table, clock)
    until = clock() + timedelta(minutes=4)
    claim = asyncio.create_task(store.claim(b"first", until=until))
    await table.is_asked.wait()
    store._flush.cancel()
    with pytest.raises(StoreUnavailable):
        await claim
    table.may_answer.set()
    await store.claim(b"next", until=until)
    await store.close()


def test_callers_wait_for_less_than_a_second() -> None:
    """What a caller waits for at most leaves room for the answer within a second."""
    assert ANSWER_SECONDS < 1


async def test_claims_after_a_fault_that_is_not_the_databases() -> None:
    """Whatever fails, the claims that waited are refused at once and the next ones are written."""
    clock = BreakingClock()
    store = BatchedReplayStore(QuickTable(), clock)
    until = clock() + timedelta(minutes=4)
    clock.is_broken = True
    async with asyncio.timeout(30):  # long before any claim is given up
        found = await asyncio.gather(
            *(store.claim(n.to_bytes(16, "big"), until=until) for n in range(600)),
            return_exceptions=True,
        )
    assert all(isinstance(outcome, StoreUnavailable) for outcome in found)
    clock.is_broken = False
    await store.claim(b"next", until=until)
    await store.close()


async def test_queue_is_bounded() -> None:
    """More claims than can wait are refused at once; those that wait are answered."""
    store = BatchedReplayStore(QuickTable(), FakeClock())
    until = FakeClock()() + timedelta(minutes=4)
    claims = [
        asyncio.create_task(store.claim(n.to_bytes(16, "big"), until=until)) for n in range(9000)
    ]
    await asyncio.sleep(0)  # each claim has asked; the writing begins after them
    refused = [claim for claim in claims if claim.done()]
    assert refused == claims[8192:]
    assert all(isinstance(claim.exception(), StoreUnavailable) for claim in refused)
    assert await asyncio.gather(*claims[:8192]) == [None] * 8192
    await store.close()
