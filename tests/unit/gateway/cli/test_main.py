"""The root of the command: one configuration for all nouns, refusals in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import check_config
from gateway.cli.main import _config_first, app, main
from gateway.core.errors import Conflict

NOUNS = {"clients", "credentials", "keys", "revoke", "logs", "status"}
VERBS = {"init", "serve", "check-config", "scrub"}


def test_help_names_every_command() -> None:
    """Each noun and each verb is found from the help of the root."""
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.output for name in NOUNS | VERBS)


def test_command_loads_what_it_needs() -> None:
    """No command but ``serve`` loads a web framework, and only ``init`` what migrates the store."""
    code = """
import sys
from gateway.cli.main import main
sys.argv = ["sealgate", "keys", "list", "--help"]
try:
    main()
finally:
    heavy = {"fastapi", "starlette", "uvicorn", "alembic", "gateway.app"}
    print(heavy & sys.modules.keys(), file=sys.stderr)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stderr, "List all keys" in done.stdout) == ("set()\n", True)


@pytest.mark.parametrize("noun", sorted(NOUNS))
def test_every_noun_has_help(noun: str) -> None:
    """The help of a noun needs no configuration and no store."""
    result = CliRunner().invoke(app, [noun, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_configuration_reaches_every_noun(sealgate, config: Path) -> None:
    """The file named at the root decides on which gateway a command works."""
    assert sealgate("init").code == 0
    assert len(json.loads(sealgate("clients", "list", "--json").out)) == 2
    config.write_text('[store]\ndirectory = "other"\n', "utf-8")
    assert sealgate("clients", "list").code == 1


def test_default_configuration_is_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --config the file of the current folder counts."""
    (tmp_path / "sealgate.toml").write_text("[listen]\nport = 0\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["sealgate", "check-config"])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("sealgate: listen.port: ")


def test_gateway_that_was_never_initialised_is_refused(sealgate) -> None:
    """A command before init is exit code 1 and one line."""
    outcome = sealgate("clients", "list")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Conflict("Taken."), "sealgate: Taken.\n"),
        (PermissionError(13, "Permission denied", "/x"), "sealgate: /x: Permission denied\n"),
        (TimeoutError(), "sealgate: TimeoutError\n"),
    ],
)
def test_refusals_are_one_line(
    error: Exception,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is refused below the commands, by us or by the system, is one line and exit code 1."""

    def refuse(context: object) -> None:
        raise error

    monkeypatch.setattr(check_config, "check_config", refuse)
    monkeypatch.setattr(sys, "argv", ["sealgate", "check-config", "x"])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize("words", [("nothing",), ("--nothing",), ("clients", "create", "more")])
def test_wrong_use_is_2(sealgate, words: tuple[str, ...]) -> None:
    """An unknown command, option or argument is exit code 2."""
    assert sealgate(*words).code == 2


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("serve --config f", "--config f serve"),
        ("serve --config=f", "--config=f serve"),
        ("clients list --config f --json", "--config f clients list --json"),
        ("--config f serve", "--config f serve"),
        ("serve", "serve"),
        ("logs read -- --config f", "logs read -- --config f"),
        ("serve --config", "--config serve"),
    ],
)
def test_configuration_file_may_be_named_anywhere(typed: str, understood: str) -> None:
    """``--config`` counts before and after the command, but not after the end of options."""
    assert _config_first(typed.split()) == understood.split()
