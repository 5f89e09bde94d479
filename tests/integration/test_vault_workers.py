"""Two workers that log in to a real OpenBao with one secret id, which is given out once."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.openbao import OpenBao
from tests.story.gateway import SEALGATE, Gateway

SECONDS = 40


class Service:
    """A gateway of two workers whose keys OpenBao wraps."""

    def __init__(self, openbao: OpenBao, directory: Path) -> None:
        self.openbao = openbao
        key = openbao.transit_key()
        self.role = openbao.role(openbao.policy(key), secret_id_num_uses=1)
        self.token_file = directory / "wrapping-token"
        self.renew()
        self.gateway = Gateway(
            directory,
            socket=directory / "v.sock",
            api_key_file=directory / "vllm.key",
            extra='[workers]\ncount = 2\n[store]\nkey_wrap = "vault"\n'
            f'[vault]\nurl = "{openbao.url}"\nca_file = "{openbao.ca_file}"\n'
            f'role_id = "{openbao.role_id(self.role)}"\nsecret_id_file = "{self.token_file}"\n'
            f'transit_key = "{key}"\ntimeout_seconds = 0.9\n',
        )

    def renew(self) -> None:
        """Give a fresh wrapping token."""
        self.token_file.write_text(self.openbao.wrapped_secret_id(self.role))

    def logins(self) -> int:
        """Return how many tokens of the role are alive."""
        accessors = self.openbao.do("LIST", "auth/token/accessors")["data"]["keys"]
        found = [
            self.openbao.do("POST", "auth/token/lookup-accessor", accessor=each)["data"]
            for each in accessors
        ]
        return sum((each["meta"] or {}).get("role_name") == self.role for each in found)

    def workers(self) -> set[int]:
        """Return the processes that the supervisor has."""
        pid = self.gateway.process.pid
        return {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    def log(self) -> str:
        """Return what supervisor and workers have said."""
        return (self.gateway.directory / "gateway.log").read_text("utf-8")

    def has_keys(self) -> bool:
        """Return whether each of some connections finds a worker that has its keys."""
        for _ in range(6):
            with self.gateway.http() as http:
                if not http.get("/.well-known/ohttp-gateway").is_success:
                    return False
        return True


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def service(openbao: OpenBao) -> Iterator[Service]:
    """Give a gateway that was initialised, with which its wrapping token was used up."""
    with tempfile.TemporaryDirectory(prefix="sealgate-") as folder:
        service = Service(openbao, Path(folder))
        try:
            yield service
        finally:
            service.gateway.stop()


def test_one_secret_id_is_enough_for_all_workers(service: Service) -> None:
    """Both are let in by one login, so are all that replace them; the end gives it back."""
    service.renew()
    service.gateway.start()
    until(lambda: "serving" in service.log())
    assert service.logins() == 1
    first = service.workers()
    victim = min(first)
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in service.workers() and len(service.workers()) == 2)
    os.kill(service.gateway.process.pid, signal.SIGHUP)
    until(lambda: "the new configuration is served" in service.log())
    until(lambda: len(service.workers()) == 2)
    assert not first & service.workers()
    assert service.has_keys()
    assert service.logins() == 1
    assert "key-service-away" not in service.log()
    assert service.gateway.stop() == 0
    assert service.logins() == 0


def test_used_wrapping_token_starts_no_worker(service: Service) -> None:
    """The exit code is 1, the event is in the log, and nothing of the token."""
    service.renew()
    token = service.token_file.read_text()
    service.openbao.do("POST", "sys/wrapping/unwrap", token=token)
    run = subprocess.run(
        [SEALGATE, "--config", str(service.gateway.config), "serve"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert "key-service-away" in run.stderr
    assert "somebody else may have the secret" in run.stderr
    assert "serving" not in run.stderr
    assert token not in run.stderr
    assert service.logins() == 0
