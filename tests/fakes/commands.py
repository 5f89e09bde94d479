"""The operator's commands on a store of their own, without a configuration file."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from gateway.backends.database.store import DatabaseStore
from gateway.cli import (
    audit,
    backends,
    clients,
    credentials,
    keys,
    logs,
    permissions,
    proposals,
    revoke,
    status,
)
from gateway.cli.session import Session
from gateway.control.acts import NO_RULE
from gateway.control.room import ControlRoom
from gateway.control.two_person import TwoPersonRule
from tests.fakes.control import FakeClock, make_room, make_wrap
from tests.fakes.database import make_database

_NOUNS = {
    "audit": audit,
    "backends": backends,
    "clients": clients,
    "credentials": credentials,
    "keys": keys,
    "logs": logs,
    "permissions": permissions,
    "proposals": proposals,
    "revoke": revoke,
    "status": status,
}


class Commands:
    """Runs commands on one store, whose access log lies in the folder ``access``."""

    def __init__(self, directory: Path, *, two_person: TwoPersonRule = NO_RULE) -> None:
        self._two_person = two_person
        self._wrap, self._directory, self.clock = make_wrap(), directory, FakeClock()
        self._url = f"sqlite+aiosqlite:///{directory / 'store.db'}"
        asyncio.run(self._prepare())

    async def open(self, _config_path: Path | None) -> ControlRoom:
        """Open a control room as a command does."""
        store = DatabaseStore.open(self._url)
        return make_room(
            self._directory,
            self.clock,
            store=store,
            key_wrap=self._wrap,
            two_person=self._two_person,
        )

    async def _prepare(self) -> None:
        make_database(self._url)
        room = await self.open(None)
        await room.keys.ensure_first()
        await room.close()

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command, check its exit code and return what it printed."""
        app = typer.Typer()
        app.add_typer(_NOUNS[words[0]].app, name=words[0])  # what is not asked for is not built
        result = CliRunner().invoke(app, words, obj=Session(self.open))
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result.output

    def refusal(self, *words: str) -> str:
        """Run a command that is refused: exit code 1 and one line, which is returned."""
        output = self.run(*words, code=1)
        assert output.count("\n") == 1, output
        return output.rstrip("\n")

    def json(self, *words: str) -> Any:
        """Run a command with --json and return what it printed."""
        return json.loads(self.run(*words, "--json"))

    def create_client(self, *options: str) -> dict[str, str]:
        """Register a client and return its identifiers and secret."""
        return dict(self.json("clients", "create", *options))
