"""What every command shares: an open room that is closed again, exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gateway.cli import status
from gateway.cli.act import act
from gateway.cli.session import Session
from gateway.control.room import ControlRoom
from gateway.core.errors import NotFound, StoreUnavailable
from tests.fakes.control import FakeClock, make_room


class Closing:
    """Opens rooms and counts how many are still open."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.asked_for: list[Path | None] = []
        self.opened: list[ControlRoom] = []
        self.closed = 0

    async def open(self, config_path: Path | None) -> ControlRoom:
        """Open a room whose store counts being closed."""
        self.asked_for.append(config_path)
        room = make_room(self._directory, FakeClock())
        room.store.close = self._close  # type: ignore[method-assign]
        self.opened.append(room)
        return room

    async def _close(self) -> None:
        self.closed += 1


def context(session: Session) -> typer.Context:
    """Return the context of a command."""
    return typer.Context(typer.main.get_command(status.app), obj=session)


def test_result_comes_back_and_the_room_is_closed(tmp_path: Path) -> None:
    """The work's value is returned, and the store is closed after it."""
    rooms = Closing(tmp_path)

    async def work(room: ControlRoom) -> int:
        assert room is rooms.opened[0]
        assert rooms.closed == 0
        return 7

    assert act(context(Session(rooms.open, tmp_path / "x.toml")), work) == 7
    assert rooms.closed == 1
    assert rooms.asked_for == [tmp_path / "x.toml"]


def test_refusal_is_one_line_and_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal is its code and detail on standard error; the store is closed all the same."""
    rooms = Closing(tmp_path)

    async def work(_room: ControlRoom) -> None:
        raise NotFound

    with pytest.raises(typer.Exit) as ended:
        act(context(Session(rooms.open)), work)
    assert ended.value.exit_code == 1
    assert capsys.readouterr() == ("", f"not_found: {NotFound.default_detail}\n")
    assert rooms.closed == 1


def test_bug_is_not_taken_for_a_refusal(tmp_path: Path) -> None:
    """An error that is none of ours is not hidden; the store is closed before it goes on."""
    rooms = Closing(tmp_path)

    async def work(_room: ControlRoom) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        act(context(Session(rooms.open)), work)
    assert rooms.closed == 1


def test_store_that_cannot_be_opened_is_1() -> None:
    """A room that does not open is told in one line."""

    async def fail(_config_path: Path | None) -> ControlRoom:
        raise StoreUnavailable

    result = CliRunner().invoke(status.app, [], obj=Session(fail))
    assert result.exit_code == 1
    assert result.stderr.startswith("store_unavailable: ")
    assert result.stderr.count("\n") == 1
