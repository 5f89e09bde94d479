"""What connect accepts to be told."""

import os
from pathlib import Path

import pytest

from gateway.client.connect.options import (
    Listen,
    WrongUse,
    _check_private,
    parse_listen,
    read_credentials,
)


def private(path: Path, text: str, mode: int = 0o600) -> Path:
    """Write a file with this mode."""
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("text", "listen", "shown"),
    [
        ("127.0.0.1:8080", Listen("127.0.0.1", 8080), "127.0.0.1:8080"),
        ("127.8.8.8:0", Listen("127.8.8.8", 0), "127.8.8.8:0"),
        ("localhost:80", Listen("127.0.0.1", 80), "127.0.0.1:80"),
        ("[::1]:8080", Listen("::1", 8080), "[::1]:8080"),
        ("unix:/run/a.sock", Listen(path=Path("/run/a.sock")), "unix:/run/a.sock"),
    ],
)
def test_listen(text, listen, shown):
    """Loopback addresses and Unix sockets are taken."""
    assert parse_listen(text) == listen
    assert str(listen) == shown


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0:8080",
        "[::]:8080",
        "10.0.0.1:80",
        "[::ffff:10.0.0.1]:80",
        "example.com:80",
        "127.0.0.1",
        "127.0.0.1:65536",
        "127.0.0.1.5:80",
        ":8080",
        "unix:relative",
        "",
    ],
)
def test_listen_elsewhere(text):
    """Any address that others could reach is refused."""
    with pytest.raises(WrongUse):
        parse_listen(text)


def test_secret_file(tmp_path):
    """The secret comes from its file without the line end, and is never shown."""
    file = private(tmp_path / "secret", "s3cret\n")
    found = read_credentials("c-1", secret_file=file, env_file=None)
    assert (found.client_id, found.client_secret.reveal()) == ("c-1", "s3cret")
    assert "s3cret" not in repr(found)


def test_environment_file(tmp_path):
    """An environment file holds both; the options go before it."""
    lines = "# ours\nSEALGATE_CLIENT_ID=c-1\nSEALGATE_CLIENT_SECRET='s3=cret'\nnonsense\n"
    file = private(tmp_path / "env", lines)
    found = read_credentials(None, secret_file=None, env_file=file)
    assert (found.client_id, found.client_secret.reveal()) == ("c-1", "s3=cret")
    other = private(tmp_path / "secret", "other")
    found = read_credentials("c-2", secret_file=other, env_file=file)
    assert (found.client_id, found.client_secret.reveal()) == ("c-2", "other")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610])
def test_file_that_others_may_open(tmp_path, mode):
    """A secret that others could read or write is not used."""
    file = private(tmp_path / "secret", "s3cret", mode)
    with pytest.raises(WrongUse, match="0600"):
        read_credentials("c-1", secret_file=file, env_file=None)


def test_file_of_somebody_else():
    """A file of another user is refused; one that the service manager hands over is not."""
    me, others = os.geteuid(), 4711
    kind = 0o100000

    def status(mode: int, uid: int) -> os.stat_result:
        return os.stat_result((kind | mode, 0, 0, 1, uid, 0, 0, 0, 0, 0))

    with pytest.raises(WrongUse):
        _check_private(Path("x"), status(0o600, others))
    with pytest.raises(WrongUse):
        _check_private(Path("x"), status(0o444, 0))
    _check_private(Path("x"), status(0o400, 0))
    if me != 0:
        _check_private(Path("x"), status(0o440, 0))


def test_missing(tmp_path):
    """What is missing or is no secret is named, without its content."""
    empty = private(tmp_path / "empty", " \n")
    binary = private(tmp_path / "binary", "")
    binary.write_bytes(b"\xff")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for client_id, secret, match in (
        (None, empty, "client-id"),
        ("c", None, "client-secret-file"),
        ("c", empty, "client-secret-file"),
        ("c", tmp_path / "none", "cannot be read"),
        ("c", tmp_path, "cannot be read|regular"),
        ("c", binary, "not text"),
        ("c", tmp_path / "pipe", "regular"),
    ):
        with pytest.raises(WrongUse, match=match):
            read_credentials(client_id, secret_file=secret, env_file=None)
