"""A Vault that says what a test wants, over plain HTTP on a free loopback port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.vault.connection import VaultAddress, VaultConnection
from gateway.backends.vault.logins import Lease
from gateway.backends.vault.session import VaultSession
from gateway.core.errors import KeyServiceUnavailable
from gateway.core.secret import Secret

Reply = tuple[int, Mapping[str, Any]] | bytes | None
"""A status and a JSON object; or the raw bytes of an answer; or no answer at all."""


@dataclass(frozen=True)
class Call:
    """What was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def token(self) -> str | None:
        """The token it came with."""
        return self.headers.get("x-vault-token")


@dataclass
class FakeVault:
    """Answers by *replies*, the newest for a path first; else with 404."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    replies: dict[str, Callable[[Call], Reply]] = field(default_factory=dict)
    delay_seconds: float = 0

    def reply(self, path: str, reply: Reply | Callable[[Call], Reply]) -> None:
        """Answer calls of ``/v1/`` *path* with *reply* from now on."""
        self.replies[f"/v1/{path}"] = reply if callable(reply) else lambda _call: reply

    def asked(self, path: str) -> list[Call]:
        """Return the calls of ``/v1/`` *path* so far."""
        return [call for call in self.calls if call.path == f"/v1/{path}"]

    def connection(self, **options: Any) -> VaultConnection:
        """Return a connection to it."""
        clock = options.pop("monotonic", None)
        address = VaultAddress(self.url, **options)
        return VaultConnection(address, **({} if clock is None else {"monotonic": clock}))

    def session(self) -> VaultSession:
        """Return a session with a token that never ends."""
        return VaultSession(self.connection(), FixedLogin(), meter=KeyServiceMeter())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the calls of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                request, *lines = head.decode().splitlines()
                fields = (line.split(": ", 1) for line in lines if line)
                headers = {name.lower(): value for name, value in fields}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                call = Call(*request.split()[:2], headers, json.loads(body or "{}"))
                self.calls.append(call)
                reply = self.replies.get(call.path, lambda _call: (404, {"errors": []}))(call)
                await asyncio.sleep(60 if reply is None else self.delay_seconds)
                writer.write(reply if isinstance(reply, bytes) else _encode(*(reply or (0, {}))))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class FixedLogin:
    """Gives tokens ``t-1``, ``t-2`` and so on, or refuses while *fault* is set."""

    def __init__(self, seconds: float | None = None, *, renewable: bool = True) -> None:
        self.seconds, self.renewable = seconds, renewable
        self.count = 0
        self.fault: KeyServiceUnavailable | None = None

    async def __call__(self, _connection: VaultConnection) -> Lease:
        """Return a fresh token."""
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        self.count += 1
        return Lease(Secret(f"t-{self.count}"), self.seconds, self.renewable)


@asynccontextmanager
async def fake_vault() -> AsyncIterator[FakeVault]:
    """Give a server for the length of a test."""
    vault = FakeVault()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(vault.serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    vault.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield vault
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _encode(status: int, body: Mapping[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(data), data)
