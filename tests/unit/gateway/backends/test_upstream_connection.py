"""A connection without a socket."""

from __future__ import annotations

import asyncio

import pytest

from gateway.backends.upstream_connection import Connection
from gateway.core.errors import UpstreamTimedOut
from tests.fakes.connections import connect


async def read(connection: Connection) -> bytes:
    """Return what arrives next."""
    await connection.arrival()
    return connection.take()


async def test_what_arrived_is_read_at_once() -> None:
    """A read takes all there is, the next one waits for more, and the end is no data."""
    connection, _ = connect()
    connection.data_received(b"a")
    connection.data_received(b"b")
    assert not connection.is_quiet()
    assert await read(connection) == b"ab"
    assert connection.is_quiet()
    waiting = asyncio.create_task(read(connection))
    await asyncio.sleep(0)
    connection.data_received(b"c")
    assert await waiting == b"c"
    connection.connection_lost(None)
    assert await read(connection) == b""


async def test_memory_is_bounded() -> None:
    """Nothing more is read from the socket while too much lies unread."""
    connection, transport = connect()
    connection.data_received(b"x" * 262_144)
    assert transport.is_reading
    connection.data_received(b"x")
    assert not transport.is_reading
    await read(connection)
    assert transport.is_reading


async def test_a_read_that_waits_too_long_is_cut() -> None:
    """One timer ends a read that gets nothing, and not one that does."""
    connection, transport = connect()
    connection.watch(idle_seconds=0.05, whole_seconds=60)
    for _ in range(4):
        asyncio.get_running_loop().call_later(0.02, connection.data_received, b"x")
        assert await read(connection) == b"x"
    with pytest.raises(UpstreamTimedOut):
        await read(connection)
    assert transport.aborted


async def test_a_reader_who_is_busy_is_not_blamed_on_the_server() -> None:
    """Time in which nobody waits is nobody's idleness."""
    connection, transport = connect()
    connection.watch(idle_seconds=0.02, whole_seconds=60)
    await asyncio.sleep(0.06)
    assert not transport.aborted
    connection.data_received(b"x")
    assert await read(connection) == b"x"
    connection.unwatch()


async def test_what_has_arrived_is_not_late() -> None:
    """What came while the loop was busy is read, although the time was over before it was."""
    connection, transport = connect()
    connection.watch(idle_seconds=0.01, whole_seconds=60)
    arrival = connection.arrival()
    connection.data_received(b"x")
    await asyncio.sleep(0.03)  # its reader is not yet back
    assert not transport.aborted
    await arrival
    assert connection.take() == b"x"
    connection.unwatch()


async def test_an_answer_that_trickles_for_ever_is_cut() -> None:
    """A byte now and then keeps no answer going beyond the time for all of it."""
    connection, transport = connect()
    connection.watch(idle_seconds=60, whole_seconds=0.05)

    async def read_on() -> None:
        while True:
            asyncio.get_running_loop().call_later(0.01, connection.data_received, b"x")
            await read(connection)

    with pytest.raises(UpstreamTimedOut):
        await read_on()
    assert transport.aborted


async def test_a_connection_that_lies_idle_is_not_watched() -> None:
    """The times are those of an answer."""
    connection, transport = connect()
    connection.watch(idle_seconds=0.01, whole_seconds=0.01)
    connection.unwatch()
    await asyncio.sleep(0.03)
    assert not transport.aborted
