"""``sealgate connect`` is the same proxy with the same options."""

import inspect
from dataclasses import fields

import pytest
import typer
from typer.testing import CliRunner

from gateway.cli.connect import connect
from gateway.client.connect.command import ConnectOptions


@pytest.fixture
def app() -> typer.Typer:
    """Return the command alone."""
    made = typer.Typer()
    made.command()(connect)
    return made


def test_same_options():
    """The subcommand has each option of the small command, with the same default."""
    parameters = inspect.signature(connect).parameters
    assert list(parameters) == [field.name for field in fields(ConnectOptions)]
    for field in fields(ConnectOptions):
        if field.name != "origin":
            assert parameters[field.name].default == field.default


def test_wrong_use(app):
    """Wrong use is exit code 2 with the reason."""
    result = CliRunner().invoke(app, ["https://gateway.example", "--listen", "0.0.0.0:1"])
    assert result.exit_code == 2
    assert "loopback" in result.output
