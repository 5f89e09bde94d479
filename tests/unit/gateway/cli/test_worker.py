"""One worker: what it refuses to serve, and what it tells its supervisor."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.cli.supervisor import SHARED, Plan
from gateway.cli.worker import main, receive_shared, terms, with_workers
from gateway.settings import load_configuration

PLAN = Plan(
    -1,
    -1,
    config="sealgate.toml",
    must_exist=True,
    count=3,
    is_count_given=False,
    announcement="",
    metrics="",
)


def said(text: str, plan: Plan) -> dict[str, float]:
    configuration = load_configuration(Path("x"), content=text.encode())
    return json.loads(terms(with_workers(configuration, plan)))


def test_supervisor_is_told_what_the_configuration_says() -> None:
    """How many serve and how long one takes to end; a number on the command line stays."""
    text = "[workers]\ncount = 5\ngrace_seconds = 7\nunready_seconds = 2\n"
    assert said(text, PLAN) == {"count": 5, "stop_seconds": 9, "drain_seconds": 3600}
    assert said(text, replace(PLAN, is_count_given=True))["count"] == 3
    assert said("", PLAN)["count"] == 3


def test_memory_of_all_workers_comes_before_anything_else() -> None:
    """What else the supervisor said is left to be heard; without a supervisor the worker ends."""
    ours, theirs = socket.socketpair()
    file = os.memfd_create("test")
    with theirs:
        with ours:
            socket.send_fds(ours, [SHARED], [file])
            ours.sendall(b"drain")
            receive_shared(theirs).write(b"seen")
        assert os.pread(file, 100, 0) == b"seen\n"
        assert theirs.recv(100) == b"drain"
        with pytest.raises(SystemExit):
            receive_shared(theirs)
    os.close(file)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"[listen]\nport = 1\n", "listen: host and port stay"),
        (b'[admin]\nhost = "127.0.0.2"\n', "admin: host and port stay"),
        (b"[listen]\nporte = 1\n", "listen.porte"),
        (b"\xff", "not a TOML file"),
    ],
)
def test_configuration_that_cannot_be_served_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    fault: str,
) -> None:
    """Faults, and addresses other than those that are bound, end the worker before it begins."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ours, theirs = socket.socketpair()
    public, admin = (sock.getsockname()[1] for sock in sockets)
    if b"port" not in content and content != b"\xff":
        content = b"[listen]\nport = %d\n" % public + content + b"port = %d\n" % admin
    plan = replace(
        PLAN,
        config=str(tmp_path / "sealgate.toml"),
        public=sockets[0].detach(),
        admin=sockets[1].detach(),
    )
    words = ["worker", str(theirs.detach()), plan.as_json(), "0"]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    with ours, pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert fault in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    for number in (plan.public, plan.admin):
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(number)
