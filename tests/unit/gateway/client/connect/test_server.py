"""The listening socket and its end."""

import asyncio
import socket

import pytest

from gateway.client.connect.connection import Limits
from gateway.client.connect.options import Listen, WrongUse
from gateway.client.connect.relay import Relay
from gateway.client.connect.server import ConnectServer

GET = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"


def on_socket(path, transport) -> ConnectServer:
    """Return a server on a Unix socket."""
    relay = Relay("https://gateway.example", transport)
    return ConnectServer(Listen(path=path), relay=relay, limits=Limits(1000))


async def test_unix_socket(tmp_path, transport):
    """A Unix socket is its owner's alone, serves, and is gone afterwards."""
    path = tmp_path / "c.sock"
    server = on_socket(path, transport)
    await server.start()
    assert path.stat().st_mode & 0o777 == 0o600
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(GET)
    assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
    writer.close()
    await server.stop(grace_seconds=1)
    assert not path.exists()
    assert transport.is_closed


async def test_socket_that_was_left_behind(tmp_path, transport):
    """The socket of a process that died is replaced; one in use and other files are not."""
    path = tmp_path / "c.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    server = on_socket(path, transport)
    await server.start()
    with pytest.raises(WrongUse, match="in use"):
        await on_socket(path, transport).start()
    await server.stop(grace_seconds=0)
    path.write_text("a file")
    with pytest.raises(WrongUse, match="no socket"):
        await on_socket(path, transport).start()
    with pytest.raises(OSError, match="No such file"):
        await on_socket(tmp_path / "none" / "c.sock", transport).start()


async def test_stop_lets_answers_end(server, connect, transport):
    """Answers under way end properly; idle connections are closed and new ones refused."""
    more = asyncio.Event()
    transport.says(b"one", more, b"two")
    busy, idle = await connect(), await connect()
    busy.send(GET.replace(b"x", b"localhost"))
    await busy.until(b"one")
    stopping = asyncio.ensure_future(server.stop(grace_seconds=5))
    assert await idle.rest() == b""
    more.set()
    assert (await busy.rest()).endswith(b"two\r\n0\r\n\r\n")
    await stopping
    with pytest.raises(OSError, match="Connect call failed"):
        await connect()


async def test_stop_breaks_off_what_does_not_end(server, connect, transport):
    """After the time of grace an answer is broken off, visibly."""
    body = transport.says(b"one", None)
    peer = await connect()
    peer.send(GET.replace(b"x", b"localhost"))
    await peer.until(b"one")
    await server.stop(grace_seconds=0.05)
    assert b"0\r\n\r\n" not in await peer.rest()
    assert body.is_closed.is_set()


async def test_too_many_connections(server, connect):
    """Beyond the limit a connection is closed at once, and the others go on."""
    peers = [await connect() for _ in range(256)]
    await asyncio.sleep(0.05)
    surplus = await connect()
    with pytest.raises((ConnectionError, AssertionError)):
        assert await surplus.rest() != b""
    peers[0].send(GET.replace(b"x", b"localhost"))
    await peers[0].until(b"ok")


async def test_stop_before_start(tmp_path, transport):
    """Stopping what never started is harmless."""
    await on_socket(tmp_path / "c.sock", transport).stop(grace_seconds=0)
