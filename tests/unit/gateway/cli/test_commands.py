"""The operator commands: each on a real store, with JSON for machines and honest exit codes."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gateway.backends.access_log_files import AccessLogFiles
from gateway.backends.database.store import DatabaseStore
from gateway.backends.database.upgrade import upgrade
from gateway.cli import clients, credentials, keys, logs, revoke, status
from gateway.cli.session import Session
from gateway.control.room import ControlRoom
from gateway.core.access_log import AccessRecord
from gateway.core.errors import StoreUnavailable
from tests.fakes.control import LOOPBACK, FakeClock, make_room, make_wrap

MODULES = {
    "clients": clients,
    "credentials": credentials,
    "keys": keys,
    "logs": logs,
    "revoke": revoke,
    "status": status,
}


class Commands:
    """Runs commands on one store."""

    def __init__(self, directory: Path) -> None:
        self._wrap, self._directory, self._clock = make_wrap(), directory, FakeClock()
        self._url = f"sqlite+aiosqlite:///{directory / 'store.db'}"
        asyncio.run(self._prepare())

    async def open(self, _config_path: Path | None) -> ControlRoom:
        """Open a control room as a command does."""
        store = DatabaseStore.open(self._url)
        return make_room(self._directory, self._clock, store=store, key_wrap=self._wrap)

    async def _prepare(self) -> None:
        await upgrade(self._url)
        room = await self.open(None)
        await room.keys.ensure_first()
        await room.close()

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command, check its exit code and return what it printed."""
        app = typer.Typer()
        for name, module in MODULES.items():
            app.add_typer(module.app, name=name)
        result = CliRunner().invoke(app, words, obj=Session(self.open))
        assert result.exit_code == code, result.output
        return result.output

    def json(self, *words: str) -> Any:
        """Run a command with --json and return what it printed."""
        return json.loads(self.run(*words, "--json"))


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    """Return commands on a fresh store with its first keys."""
    return Commands(tmp_path)


def test_clients(commands: Commands) -> None:
    """Create, read, change, list, assign a role, disable and enable."""
    made = commands.json("clients", "create", "--model", "tiny", "--network", "10.0.0.0/8")
    name = made["client_id"]
    assert made["client_secret"].startswith(made["credential_id"])
    assert commands.json("clients", "read", name)["models"] == ["tiny"]
    changed = commands.json("clients", "change", name, "--plaintext-allowed")
    assert (changed["plaintext_allowed"], changed["networks"]) == (True, ["10.0.0.0/8"])
    assert [row["client_id"] for row in commands.json("clients", "list")] == [name]
    assert commands.json("clients", "assign-role", name, "auditor")["role"] == "auditor"
    assert commands.json("clients", "disable", name)["disabled"] is True
    assert commands.json("clients", "enable", name)["disabled"] is False
    assert commands.json("clients", "create", "--role", "owner")["client_id"]
    assert name[:6] in commands.run("clients", "list")


def test_credentials(commands: Commands) -> None:
    """Rotate, list, revoke."""
    made = commands.json("clients", "create")
    commands.json("credentials", "rotate", made["client_id"])
    revoked = commands.json("credentials", "revoke", made["client_id"], made["credential_id"])
    assert revoked["revoked_at"]
    assert len(commands.json("credentials", "list", made["client_id"])) == 2


def test_keys_and_revocations(commands: Commands) -> None:
    """Rotate and revoke keys; withdraw a token, a client and a key."""
    (fresh,) = commands.json("keys", "rotate", "signing")
    assert commands.json("keys", "revoke", fresh["kid"])["state"] == "revoked"
    assert len(commands.json("keys", "list")) == 4
    made = commands.json("clients", "create")
    assert commands.json("revoke", "token", "stolen")["kind"] == "jti"
    assert commands.json("revoke", "client", made["client_id"])["kind"] == "client_id"
    active = next(key for key in commands.json("keys", "list") if key["state"] == "active")
    assert commands.json("revoke", "key", active["kid"])["kind"] == "kid"
    assert len(commands.json("revoke", "list")) == 4
    assert commands.json("status")["revocations"] == 4
    assert "revision" in commands.run("status")


def test_logs(commands: Commands, tmp_path: Path) -> None:
    """Read a day, list the days, purge; nothing is said to be nothing."""
    assert commands.run("logs", "days") == "none\n"
    files = AccessLogFiles(tmp_path / "access")
    files.write(AccessRecord(datetime.fromisoformat("2026-11-01T00:00:00Z"), 200, LOOPBACK))
    files.close()
    (line,) = commands.json("logs", "read", "2026-11-01")
    assert set(line) == {"time", "status", "ip"}
    assert commands.json("logs", "purge") == [{"day": "2026-11-01"}]
    commands.run("logs", "read", "2026-11-01", code=1)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("clients", "read", "c-0"), 1),
        (("keys", "revoke", "unknown"), 1),
        (("clients", "create", "--network", "10.0.0.1/8"), 2),
        (("clients", "create", "--role", "king"), 2),
        (("keys", "rotate", "nothing"), 2),
        (("clients", "nothing"), 2),
    ],
)
def test_exit_codes(commands: Commands, words: tuple[str, ...], code: int) -> None:
    """1 for what was refused, 2 for wrong use."""
    commands.run(*words, code=code)


def test_store_that_cannot_be_opened_is_1() -> None:
    """A room that does not open is told in one line."""

    async def fail(_config_path: Path | None) -> ControlRoom:
        raise StoreUnavailable

    result = CliRunner().invoke(status.app, [], obj=Session(fail))
    assert result.exit_code == 1
    assert result.stderr.startswith("store_unavailable: ")
