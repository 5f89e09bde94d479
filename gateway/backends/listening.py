"""Runs several listeners in one event loop, from bound sockets to the end of the last answer.

The sockets may be shared with other processes: then connections that wait to be accepted are not
lost when this one stops to accept.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from gateway.backends.departure import Departure
from gateway.backends.http_server import Listener, Server

_BACKLOG: Final = 2048
_CUT_SECONDS: Final = 1.0  # for answers that were cut to leave their access records
_LOOK_SECONDS: Final = 0.01


Address = tuple[IPv4Address | IPv6Address, int]


def bind(addresses: Iterable[Address]) -> list[socket.socket]:
    """Return a socket that listens at each address.

    Raises ``OSError`` when one cannot be had; none is left open then. Without SO_REUSEPORT:
    processes share these very sockets, so no other program of the same user can bind a port beside
    them, and what one process does not accept another one does (ADR-0024).
    """
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(_listen(*address)) for address in addresses]
        stack.pop_all()
        return sockets


def _listen(host: IPv4Address | IPv6Address, port: int) -> socket.socket:
    family = socket.AF_INET6 if isinstance(host, IPv6Address) else socket.AF_INET
    return socket.create_server((str(host), port), family=family, backlog=_BACKLOG)


async def serve(
    listeners: Sequence[Listener],
    *,
    on_ready: Callable[[], None],
    departure: Departure | None = None,
    sockets: Sequence[socket.socket] = (),
) -> None:
    """Serve until *departure* is told to end, which SIGTERM and SIGINT do.

    *on_ready* is called once when every listener accepts connections. *sockets* listen already, one
    for each listener; without them they are bound here. Raises ``OSError`` when an address cannot
    be bound; none is left open then.
    """
    departure = departure or Departure()
    with contextlib.ExitStack() as stack:
        sockets = sockets or bind((listener.host, listener.port) for listener in listeners)
        for sock in sockets:
            stack.enter_context(sock)
        servers = [Server(listener) for listener in listeners]
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, departure.stop)
        running = [
            asyncio.ensure_future(server.serve(sockets=[sock]))
            for server, sock in zip(servers, sockets, strict=True)
        ]
        await _wait_until_started(servers, running)
        all_ended = asyncio.gather(*running)
        if all(server.started for server in servers):
            on_ready()
            await _first(all_ended, departure.time_to_close())
            _accept_no_more(servers, sockets)
            await _end(servers, all_ended, departure)
        await all_ended


def _accept_no_more(servers: Sequence[Server], sockets: Sequence[socket.socket]) -> None:
    for server, sock in zip(servers, sockets, strict=True):
        server.accept_no_more()
        sock.close()


async def _end(
    servers: Sequence[Server], all_ended: asyncio.Future[list[None]], departure: Departure
) -> None:
    await _first(all_ended, departure.time_to_settle())
    for server in servers:
        server.should_exit = True
    await _first(all_ended, departure.time_to_end())
    for server in servers:
        for task in server.server_state.tasks:
            task.cancel()
    await asyncio.wait({all_ended}, timeout=_CUT_SECONDS)
    for server in servers:
        server.force_exit = True


async def _first(
    all_ended: asyncio.Future[list[None]], moment: Coroutine[None, None, None]
) -> None:
    """Wait until *moment* comes or everything has ended, for whatever reason."""
    coming = asyncio.ensure_future(moment)
    both: set[asyncio.Future[Any]] = {all_ended, coming}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    coming.cancel()


async def _wait_until_started(
    servers: Sequence[Server], running: Sequence[asyncio.Future[None]]
) -> None:
    while not all(server.started for server in servers):
        if any(future.done() for future in running):
            return
        await asyncio.sleep(_LOOK_SECONDS)
