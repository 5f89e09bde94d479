"""What the main command hands on."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import main, status
from gateway.cli.session import Session
from gateway.control.room import ControlRoom
from gateway.core.errors import StoreUnavailable


def test_the_file_that_was_named_is_the_one_that_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--config`` reaches whatever opens the control room."""
    asked: list[Path | None] = []

    async def open_control(config: Path | None) -> ControlRoom:
        asked.append(config)
        raise StoreUnavailable

    assert CliRunner().invoke(status.app, [], obj=Session(open_control, tmp_path)).exit_code == 1
    monkeypatch.setattr(main, "open_control", open_control)
    named = str(tmp_path / "other.toml")
    assert CliRunner().invoke(main.app, ["--config", named, "status"]).exit_code == 1
    assert asked == [tmp_path, tmp_path / "other.toml"]
