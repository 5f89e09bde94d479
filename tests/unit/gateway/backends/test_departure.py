"""The moments at which a process closes, settles and ends."""

from __future__ import annotations

import asyncio

import pytest

from gateway.backends.departure import Departure, Patience
from tests.fakes.waiting import until

PATIENCE = Patience(grace=30, drain_grace=100, unready=5)


class Watch:
    """A clock to move, and which of the three moments have come."""

    def __init__(self) -> None:
        self.now = 0.0
        self.departure = Departure(PATIENCE, monotonic=lambda: self.now)

    async def reached(self) -> list[bool]:
        """Return whether it is time to close, to settle and to end."""
        waits = [
            asyncio.ensure_future(wait)
            for wait in (
                self.departure.time_to_close(),
                self.departure.time_to_settle(),
                self.departure.time_to_end(),
            )
        ]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        done = [wait.done() for wait in waits]
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        return done

    async def at(self, now: float) -> list[bool]:
        self.now = now
        return await self.reached()


async def test_nothing_ends_unless_it_is_told() -> None:
    """However long it takes."""
    watch = Watch()
    assert await watch.at(1e9) == [False, False, False]
    assert not watch.departure.is_stopping


async def test_stop_is_not_ready_then_closed_then_over() -> None:
    """First nobody should come, then nobody can, then whoever is still there is cut."""
    watch = Watch()
    watch.departure.stop()
    assert watch.departure.is_stopping
    assert await watch.at(4.9) == [False, False, False]
    assert await watch.at(5) == [True, True, False]
    assert await watch.at(35) == [True, True, True]


async def test_second_stop_is_at_once() -> None:
    """Who says it twice means it."""
    watch = Watch()
    watch.departure.stop()
    watch.departure.stop()
    assert await watch.reached() == [True, True, True]


async def test_drain_lingers_and_stays_ready() -> None:
    """Connections that have begun are served; whoever asks is told that the service is ready."""
    watch = Watch()
    watch.departure.drain()
    assert not watch.departure.is_stopping
    assert await watch.reached() == [True, False, False]
    assert await watch.at(PATIENCE.linger) == [True, True, False]
    assert await watch.at(100) == [True, True, True]


async def test_stop_shortens_a_drain() -> None:
    """When the whole service ends, what was drained has no more time than the others."""
    watch = Watch()
    watch.departure.drain()
    watch.departure.stop()
    assert await watch.at(29) == [True, True, False]
    assert await watch.at(30) == [True, True, True]


async def test_drain_does_not_lengthen_a_stop() -> None:
    """What is said later only brings the end nearer."""
    watch = Watch()
    watch.departure.stop()
    watch.departure.drain()
    assert await watch.at(35) == [True, True, True]


@pytest.mark.parametrize("told", ["stop", "drain"])
async def test_whoever_waits_is_woken(told: str) -> None:
    """A wait that began before anything was said ends when it is said."""
    departure = Departure(Patience(grace=0, drain_grace=0))
    waiting = asyncio.ensure_future(departure.time_to_end())
    await asyncio.sleep(0)
    getattr(departure, told)()
    await until(waiting.done)
