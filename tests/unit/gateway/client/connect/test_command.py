"""Options to a running process."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from gateway.client.connect.command import (
    ConnectOptions,
    main,
    make_server,
    parse_options,
    run,
)
from gateway.client.connect.options import WrongUse

ORIGIN = "https://gateway.example:8443"


@pytest.fixture
def secret(tmp_path):
    """Return a secret file."""
    file = tmp_path / "secret"
    file.write_text("canary")
    file.chmod(0o600)
    return file


def options(secret, **changed) -> ConnectOptions:
    """Return options that are right, with changes."""
    named = {"client_id": "c", "client_secret_file": secret, "trust_tls": True}
    return ConnectOptions(ORIGIN, **named | {"listen": "127.0.0.1:0"} | changed)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"listen": "0.0.0.0:1"}, "loopback"),
        ({"trust_tls": False}, "--pin"),
        ({"trust_tls": False, "pin": "x"}, "pin"),
        ({"client_id": None}, "client-id"),
        ({"max_body_bytes": 0}, "body"),
    ],
)
def test_wrong_use(secret, changed, match, capsys):
    """Wrong options are exit code 2 and one line that names them."""
    with pytest.raises((WrongUse, ValueError), match=match):
        make_server(options(secret, **changed))
    assert run(options(secret, **changed)) == 2
    err = capsys.readouterr().err
    assert err.startswith("sealgate-connect: ")
    assert "canary" not in err


def test_cannot_start(secret, tmp_path, capsys):
    """What the system refuses is exit code 1."""
    assert run(options(secret, ca_file=tmp_path / "none.pem")) == 1
    assert run(options(secret, listen=f"unix:{tmp_path}/none/x.sock")) == 1
    assert "No such file" in capsys.readouterr().err


def test_runs_until_a_signal(secret, capsys):
    """It says where it listens, stops on SIGTERM and exits with 0."""

    def stop() -> None:
        while signal.getsignal(signal.SIGTERM) is before:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=stop, daemon=True)
    thread.start()
    assert run(options(secret)) == 0
    thread.join()
    assert "listening on 127.0.0.1:" in capsys.readouterr().err


def test_command_line(capsys):
    """Every option of the command line arrives; the secret itself has none."""
    words = [ORIGIN, "--listen", "unix:/x", "--client-id", "c", "--client-secret-file", "f"]
    words += ["--env-file", "e", "--pin", "p", "--trust-tls", "--state-file", "s"]
    words += ["--ca-file", "a", "--entrance", "same-path", "--max-body-bytes", "7"]
    files = {name: Path(name[0]) for name in ("env_file", "state_file")}
    assert parse_options(words) == ConnectOptions(
        ORIGIN,
        listen="unix:/x",
        client_id="c",
        client_secret_file=Path("f"),
        pin="p",
        trust_tls=True,
        ca_file=Path("a"),
        entrance="same-path",
        max_body_bytes=7,
        **files,
    )
    assert parse_options([ORIGIN]) == ConnectOptions(ORIGIN)
    with pytest.raises(SystemExit):
        parse_options([*words, "--client-secret", "s3cret"])
    assert "unrecognized" in capsys.readouterr().err


def test_entry_point(monkeypatch, capsys):
    """The installed command reads its own command line."""
    monkeypatch.setattr("sys.argv", ["sealgate-connect", ORIGIN, "--listen", "0.0.0.0:1"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert "loopback" in capsys.readouterr().err
