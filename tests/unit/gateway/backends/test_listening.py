"""Several listeners in one process, and their end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from gateway.backends.certificates import CertificateFiles, ensure_certificates, server_context
from gateway.backends.departure import Departure, Patience
from gateway.backends.http_server import Listener
from gateway.backends.listening import bind, serve
from tests.fakes.waiting import until
from tests.story.processes import free_port

LOOPBACK = ip_address("127.0.0.1")


@pytest.fixture
def files(tmp_path) -> CertificateFiles:
    """A certificate for loopback."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))
    return files


class Door:
    """An application whose answers wait, if asked for, until the test lets them go."""

    def __init__(self, name: bytes = b"done") -> None:
        self.name = name
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope, receive, send) -> None:
        if scope["path"] == "/wait":
            self.asked.set()
            await self.let_go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.name})


def listener(files: CertificateFiles, app: Door) -> Listener:
    context = server_context(files.certificate, files.key)
    return Listener(LOOPBACK, free_port(), context, app, refuse, clock=lambda: datetime.now(UTC))


def refuse(error, _address):
    return 400, [], b"refused"


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


class Caller:
    """A connection on which nothing was asked yet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, files: CertificateFiles, port: int) -> Caller:
        context = ssl.create_default_context(cafile=files.ca_certificate)
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=context))

    async def ask(self, path: bytes = b"/") -> None:
        self._writer.write(b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n")
        await self._writer.drain()

    async def rest(self) -> bytes:
        """Return all that comes until the connection is closed."""
        data = await asyncio.wait_for(self._reader.read(), 30)
        self._writer.close()
        await self._writer.wait_closed()
        return data


@asynccontextmanager
async def serving(one: Listener, departure: Departure, **options) -> AsyncIterator[asyncio.Task]:
    ready = asyncio.Event()
    task = asyncio.create_task(serve([one], on_ready=ready.set, departure=departure, **options))
    await asyncio.wait_for(ready.wait(), 30)
    try:
        yield task
    finally:
        departure.stop()
        departure.stop()
        await asyncio.wait_for(task, 30)


async def test_all_listeners_serve_until_the_signal(files) -> None:
    """Several listeners start together, answer over TLS without naming the server, and stop."""
    listeners, ready = [listener(files, Door(name)) for name in (b"one", b"two")], asyncio.Event()
    running = asyncio.create_task(serve(listeners, on_ready=ready.set))
    await asyncio.wait_for(ready.wait(), 30)
    callers = []
    for each in listeners:
        caller = await Caller.connect(files, each.port)
        await caller.ask()
        callers.append(caller)
    await asyncio.sleep(0.1)
    os.kill(os.getpid(), signal.SIGTERM)
    for expected, caller in zip((b"one", b"two"), callers, strict=True):
        data = await caller.rest()
        assert expected in data
        assert b"server:" not in data.lower()
    await asyncio.wait_for(running, 30)


async def test_taken_address_is_an_error(files) -> None:
    """An address that somebody else has is reported, and no other listener stays open."""
    first, second = listener(files, Door()), listener(files, Door())
    with socket.create_server(("127.0.0.1", second.port)), pytest.raises(OSError, match="in use"):
        await serve([first, second], on_ready=lambda: None)
    socket.create_server(("127.0.0.1", first.port)).close()


async def test_port_is_not_shared_with_other_programs(files) -> None:
    """Nobody else binds the port beside us, so nobody is handed a part of the connections."""
    port = free_port()
    (ours,) = bind([(LOOPBACK, port)])
    with ours, socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))


async def test_stop_finishes_answers_and_takes_no_connection(files) -> None:
    """After a stop nobody connects any more, while what runs is answered in full."""
    door, departure = Door(), Departure(Patience(grace=30))
    one = listener(files, door)
    async with serving(one, departure) as task:
        caller = await Caller.connect(files, one.port)
        await caller.ask(b"/wait")
        await asyncio.wait_for(door.asked.wait(), 30)
        departure.stop()
        await until(lambda: not accepts(one.port))
        assert not task.done()
        door.let_go.set()
        assert (await caller.rest()).endswith(b"done\r\n0\r\n\r\n")
        await asyncio.wait_for(task, 30)


async def test_answers_are_cut_when_their_time_is_over(files) -> None:
    """An answer that outlasts the grace ends the connection, and the process goes on to end."""
    door, departure = Door(), Departure(Patience(grace=0.05))
    one = listener(files, door)
    async with serving(one, departure) as task:
        caller = await Caller.connect(files, one.port)
        await caller.ask(b"/wait")
        await asyncio.wait_for(door.asked.wait(), 30)
        departure.stop()
        assert b"done" not in await caller.rest()
        await asyncio.wait_for(task, 30)


async def test_drained_process_leaves_the_socket_to_others(files) -> None:
    """The next connection is another's; those that have begun here are served and told to close."""
    departure, other = Departure(Patience(linger=0.3)), Departure()
    one = listener(files, Door(b"old"))
    two = replace(one, app=Door(b"new"))
    (shared,) = bind([(one.host, one.port)])
    with shared:
        async with serving(one, departure, sockets=[shared.dup()]) as task:
            early = await Caller.connect(files, one.port)
            departure.drain()
            async with serving(two, other, sockets=[shared.dup()]):
                late = await Caller.connect(files, one.port)
                await early.ask()
                answer = await early.rest()
                assert b"old" in answer
                assert b"connection: close" in answer
                await late.ask()
                other.stop()
                assert b"new" in await late.rest()
            await until(task.done)
