"""``sealgate seal-request``: options to a call, and what is printed."""

import io
import sys

import httpx2
import pytest
import typer
from typer.testing import CliRunner

from gateway.cli.seal_request import execute, parse_headers, read_body, seal_request
from gateway.client.account import Account
from gateway.client.single_call import SingleCall
from gateway.core.secret import Secret

CALL = SingleCall("GET", "/v1/models")


@pytest.fixture
def app() -> typer.Typer:
    """Return the command alone."""
    made = typer.Typer()
    made.command()(seal_request)
    return made


@pytest.fixture
def account() -> Account:
    """Return invented credentials."""
    return Account("https://gateway.example", "c", Secret("canary"), trust_tls=True)


def test_headers():
    """Headers are read as curl takes them; a body is JSON unless it is said to be else."""
    assert parse_headers(["X-Y:  z:1 "], None) == (("X-Y", "z:1"),)
    assert parse_headers([], "{}") == (("content-type", "application/json"),)
    assert parse_headers(["Content-Type: a/b"], "x") == (("Content-Type", "a/b"),)
    for bad in ("nonsense", ": x"):
        with pytest.raises(ValueError, match="header"):
            parse_headers([bad], None)


def test_body(tmp_path, monkeypatch):
    """The body is the text itself, a file or standard input."""
    (tmp_path / "body").write_bytes(b"file")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"in")))
    assert read_body(None) == b""
    assert read_body("ü") == "ü".encode()
    assert read_body(f"@{tmp_path / 'body'}") == b"file"
    assert read_body("@-") == b"in"


def test_failure(account, capsys):
    """A gateway that cannot be reached is exit code 1 and one line."""

    def refuse(_):
        raise httpx2.ConnectError("refused")

    assert execute(CALL, account, upstream=httpx2.MockTransport(refuse)) == 1
    assert capsys.readouterr().err == "sealgate: refused\n"


def test_refusal(account, capsysbinary):
    """An error status is printed like any answer and is exit code 1, for a dry run too."""
    upstream = httpx2.MockTransport(lambda _: httpx2.Response(503))
    assert execute(CALL, account, upstream=upstream) == 1
    assert b"keys_unavailable" in capsysbinary.readouterr().out
    assert execute(CALL, account, upstream=upstream, mode=(True, False)) == 1
    assert b"keys_unavailable" in capsysbinary.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--origin", "http://gateway.example", "--client-id", "c"],
        ["--origin", "https://gateway.example"],
        ["--origin", "https://gateway.example", "--client-id", "c", "-H", "x"],
    ],
)
def test_wrong_use(app, tmp_path, words):
    """Wrong use is exit code 2."""
    secret = tmp_path / "secret"
    secret.write_text("canary")
    secret.chmod(0o600)
    words = ["GET", "/v1/models", *words, "--client-secret-file", str(secret), "--trust-tls"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert "canary" not in result.output
