"""Commands on a fake store, and the whole command with a configuration file of its own."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.cli.main import main
from tests.fakes.commands import Commands


class Outcome(NamedTuple):
    """How a run of ``sealgate`` ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    """Return commands on a fresh store with its first keys."""
    return Commands(tmp_path)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration file whose state lies beside it, in ``var``."""
    path = tmp_path / "sealgate.toml"
    path.write_text("[models.tiny]\n", "utf-8")
    return path


@pytest.fixture
def sealgate(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Return ``sealgate --config FILE`` as a function of the words after it."""
    # typer and `serve` replace these; this puts them back.
    for module, name in (
        (sys, "excepthook"),
        (sys, "unraisablehook"),
        (threading, "excepthook"),
        (warnings, "showwarning"),
        (logging, "raiseExceptions"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(logging.root, "handlers", list(logging.root.handlers))

    def run(*words: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["sealgate", "--config", str(config), *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Outcome(int(ended.value.code or 0), out, err)

    return run
