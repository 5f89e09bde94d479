"""Calls to Vault end in time, whatever the server does, and say nothing of what was in them."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from pathlib import Path

import pytest

from gateway.backends.vault.connection import VaultAddress, VaultConnection
from gateway.core.errors import KeyServiceUnavailable
from gateway.core.secret import Secret
from tests.fakes.control import FakeClock
from tests.fakes.vault import FakeVault

TOKEN = Secret("canary-token")


async def refusal(connection: VaultConnection, path: str = "x") -> str:
    """Return the detail with which a call is refused."""
    with pytest.raises(KeyServiceUnavailable) as caught:
        await connection.call("GET", path, token=TOKEN, body={"secret": "canary-body"})
    assert "canary" not in caught.value.detail
    return caught.value.detail


async def test_call_and_answer(vault: FakeVault) -> None:
    """Method, path, token, namespace and body arrive, and status and object come back."""
    vault.reply("transit/encrypt/k", (200, {"data": {"a": 1}}))
    connection = vault.connection(namespace="team/a")
    answer = await connection.call("POST", "transit/encrypt/k", token=TOKEN, body={"b": 2})
    await connection.close()
    assert (answer.status, answer.body) == (200, {"data": {"a": 1}})
    (call,) = vault.calls
    assert (call.method, call.token, call.body) == ("POST", "canary-token", {"b": 2})
    assert call.headers["x-vault-namespace"] == "team/a"
    assert call.headers["x-vault-request"] == "true"


async def test_without_token_or_namespace_neither_is_sent(vault: FakeVault) -> None:
    """A login carries no token, and an empty answer is an empty object."""
    vault.reply("auth/x/login", b"HTTP/1.1 204 X\r\n\r\n")
    connection = vault.connection()
    assert await connection.call("POST", "auth/x/login") == (204, {})
    await connection.close()
    assert not {"x-vault-token", "x-vault-namespace"} & set(vault.calls[0].headers)


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_refusals_of_vault_are_answers(vault: FakeVault, status: int) -> None:
    """What Vault refuses is for the caller to judge, and the next call goes through."""
    vault.reply("x", (status, {"errors": ["no"]}))
    connection = vault.connection()
    for _ in range(2):
        assert (await connection.call("GET", "x")).status == status
    await connection.close()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (503, "sealed"),
        (501, "not initialised"),
        (429, "standby"),
        (472, "standby"),
        (500, "cannot"),
    ],
)
async def test_server_that_cannot_serve(vault: FakeVault, status: int, reason: str) -> None:
    """The state of the server is told in words of ours, never in its own."""
    vault.reply("x", (status, {"errors": ["canary from upstream"]}))
    connection = vault.connection()
    assert reason in await refusal(connection)
    await connection.close()


async def test_redirect_is_not_followed(vault: FakeVault) -> None:
    """A token is not carried to wherever a server points."""
    where = f"Location: {vault.url}/v1/other".encode()
    vault.reply("x", b"HTTP/1.1 307 X\r\n" + where + b"\r\nContent-Length: 0\r\n\r\n")
    connection = vault.connection()
    await refusal(connection)
    await connection.close()
    assert [call.path for call in vault.calls] == ["/v1/x"]


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 X\r\nContent-Length: 50\r\n\r\n{}",
        b"HTTP/1.1 200 X\r\nContent-Length: 2000000\r\n\r\n" + b" " * 2_000_000,
        b"garbage\r\n\r\n",
    ],
)
async def test_lying_server(vault: FakeVault, raw: bytes) -> None:
    """No JSON, no object, less or far more than a wrapped key: refused in time."""
    vault.reply("x", raw)
    connection = vault.connection(timeout_seconds=0.3)
    await refusal(connection)
    await connection.close()


async def test_silent_server_costs_one_wait(vault: FakeVault) -> None:
    """A call to a server that hangs ends in time, and those after it are refused at once."""
    vault.reply("x", None)
    connection = vault.connection(timeout_seconds=0.1)
    assert "in time" in await asyncio.wait_for(refusal(connection), 10)
    refused = await asyncio.gather(*(refusal(connection) for _ in range(50)))
    await connection.close()
    assert len(vault.calls) == 1
    assert "in time" in refused[0]


async def test_answer_that_comes_once_is_waited_for(vault: FakeVault) -> None:
    """Where a second try would be refused, a slow answer is taken."""
    vault.reply("x", (200, {}))
    vault.delay_seconds = 0.3
    connection = vault.connection(timeout_seconds=0.1)
    assert (await connection.call("POST", "x", is_patient=True)).status == 200
    assert "in time" in await refusal(connection)
    await connection.close()


async def test_pause_grows_to_two_seconds_and_ends(vault: FakeVault) -> None:
    """Each failure doubles the pause, to two seconds; an answer begins anew."""
    clock, pauses = FakeClock(), []
    vault.reply("x", (503, {}))
    connection = vault.connection(monotonic=clock.monotonic)
    for _ in range(6):
        before = len(vault.calls)
        await refusal(connection)
        assert len(vault.calls) == before + 1
        waited = 0.0
        while len(vault.calls) == before + 1:
            clock.advance(milliseconds=50)
            waited += 0.05
            await refusal(connection)
            if len(vault.calls) > before + 1:
                break
        pauses.append(round(waited, 2))
        clock.advance(seconds=3)
    vault.reply("x", (200, {}))
    assert (await connection.call("GET", "x")).status == 200
    await connection.close()
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(2, abs=0.1)


async def test_nobody_there(tmp_path: Path) -> None:
    """A closed port is refused, and so is a server that does not speak TLS."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        connection = VaultConnection(VaultAddress(f"https://127.0.0.1:{port}"))
        assert "reached" in await refusal(connection)
        await connection.close()


async def test_no_tls_is_no_vault() -> None:
    """Where TLS is asked for, what is not spoken in it is not believed."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = VaultConnection(VaultAddress(f"https://127.0.0.1:{port}"))
    assert "TLS" in await refusal(connection)
    await connection.close()
    server.close()


async def test_handshake_that_hangs_leaves_nothing_open(vault: FakeVault) -> None:
    """A server that accepts and says nothing is given up in time, and its socket is closed."""
    address = VaultAddress(vault.url.replace("http:", "https:"), timeout_seconds=0.2)
    connection = VaultConnection(address)
    assert "in time" in await refusal(connection)
    await connection.close()
    gc.collect()  # an open socket would be told of here


def test_authorities_must_be_there(tmp_path: Path) -> None:
    """A file without certificates is an error at once, not a server that is never trusted."""
    (tmp_path / "ca.crt").write_text("nothing")
    for name in ("ca.crt", "missing.crt"):
        with pytest.raises(OSError):  # noqa: PT011  # whichever it is
            VaultConnection(VaultAddress("https://vault.example", tmp_path / name))


async def test_nothing_secret_is_logged(vault: FakeVault, caplog: pytest.LogCaptureFixture) -> None:
    """Neither token nor body gets into a log at any level, whatever happens."""
    caplog.set_level(logging.DEBUG)
    vault.reply("x", (503, {}))
    vault.reply("y", (200, {"data": "canary-answer"}))
    connection = vault.connection()
    await connection.call("POST", "y", token=TOKEN, body={"secret": "canary-body"})
    await refusal(connection)
    await connection.close()
    assert "canary" not in caplog.text
