"""``sealgate serve``."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TextIO

import pytest

from gateway.backends.certificates import CertificateFiles
from tests.fakes.proxy_headers import v1
from tests.story.processes import free_port

SECONDS = 20


@pytest.fixture
def ports(config: Path) -> list[int]:
    """Configure two free ports and return them, the public one first."""
    ports = [free_port() for _ in range(2)]
    config.write_text(f"[listen]\nport = {ports[0]}\n[admin]\nport = {ports[1]}\n", "utf-8")
    return ports


class Visitor(threading.Thread):
    """Asks each listener whether it lives, then sends SIGTERM to this process."""

    def __init__(self, ports: list[int], ca_file: Path, *, header: bytes = b"") -> None:
        super().__init__(daemon=True)
        self._ports, self._ca_file, self._header = ports, ca_file, header
        self.answers: list[tuple[int, bytes]] = []

    def run(self) -> None:
        """Visit; without an answer from all nothing is signalled and the test times out."""
        deadline = time.monotonic() + SECONDS
        for port in self._ports:
            while time.monotonic() < deadline:
                try:
                    self.answers.append(self._ask(port))
                    break
                except OSError:
                    time.sleep(0.05)
        if len(self.answers) == len(self._ports):
            self.sign()
            os.kill(os.getpid(), signal.SIGTERM)

    def sign(self) -> None:
        """Do something else before the end."""

    def _ask(self, port: int, path: str = "/livez") -> tuple[int, bytes]:
        context = ssl.create_default_context(cafile=self._ca_file)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        sock = socket.create_connection(("127.0.0.1", port), timeout=5)
        try:
            sock.sendall(self._header)
            sock = connection.sock = context.wrap_socket(sock, server_hostname="127.0.0.1")
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
            sock.close()


class Changing(Visitor):
    """Asks for a model that is not there, until a signal to serve a changed file brings it."""

    def __init__(self, config: Path, ports: list[int]) -> None:
        super().__init__(ports, config.parent / "var/tls/ca.crt")
        self._config = config

    def sign(self) -> None:
        """Change the file twice, the second time in a part that takes a new start."""
        self.answers.append(self._model())
        with self._config.open("a") as file:
            self._hang_up(file, "[models.added]\n")
            self._until(lambda: self._model()[0] != 404)
            self.answers.append(self._model())
            self._hang_up(file, "[workers]\ncount = 2\n")
        refused = b'sealgate_change_refused{what="configuration"} 1.0'
        self._until(lambda: refused in self._ask(self._ports[1], "/metrics")[1])

    def _model(self) -> tuple[int, bytes]:
        return self._ask(self._ports[0], "/v1/models/added")

    def _hang_up(self, file: TextIO, text: str) -> None:
        file.write(text)
        file.flush()
        os.kill(os.getpid(), signal.SIGHUP)

    def _until(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not happened() and time.monotonic() < deadline:
            time.sleep(0.05)


@pytest.mark.timeout(60)
def test_hang_up_serves_a_changed_configuration(sealgate, config: Path, ports: list[int]) -> None:
    """A model that is added is there without a new start; a change that takes one is named."""
    sealgate("init")
    visitor = Changing(config, ports)
    visitor.start()
    outcome = sealgate("serve")
    visitor.join(SECONDS)
    assert [status for status, _ in visitor.answers] == [200, 200, 404, 401]
    assert outcome.code == 0
    assert outcome.err.splitlines()[1:] == [
        "sealgate: the new configuration is served",
        "sealgate: workers: changes when the gateway is started anew",
        "sealgate: the new configuration is refused, the old one is served on",
    ]


@pytest.mark.timeout(60)
def test_both_listeners_serve_until_sigterm(sealgate, config: Path, ports: list[int]) -> None:
    """After init both listeners answer over TLS, are announced, and end with exit code 0."""
    sealgate("init")
    visitor = Visitor(ports, config.parent / "var/tls/ca.crt")
    visitor.start()
    outcome = sealgate("serve")
    visitor.join(SECONDS)
    assert visitor.answers == [(200, b"ok\n")] * 2
    public, admin = ports
    assert outcome == (
        0,
        "",
        f"sealgate: serving https://127.0.0.1:{public}, administration https://127.0.0.1:{admin}\n",
    )


@pytest.mark.timeout(60)
def test_listeners_behind_proxies_take_their_headers(
    sealgate, config: Path, ports: list[int]
) -> None:
    """With proxy_protocol a listener is served to those who send the header."""
    behind = 'trusted_proxies = ["127.0.0.1"]\nproxy_protocol = true\n'
    public, admin = ports
    config.write_text(
        f"[listen]\nport = {public}\n{behind}[admin]\nport = {admin}\n{behind}"
        'networks = ["203.0.113.0/24"]\n',
        "utf-8",
    )
    sealgate("init")
    visitor = Visitor(ports, config.parent / "var/tls/ca.crt", header=v1(ip_address("203.0.113.7")))
    visitor.start()
    assert sealgate("serve").code == 0
    visitor.join(SECONDS)
    assert visitor.answers == [(200, b"ok\n")] * 2


def test_without_init_it_refuses(sealgate, config: Path) -> None:
    """Before init nothing is served and nothing is made; the one line says what to do."""
    outcome = sealgate("serve")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.count("\n") == 1
    assert "sealgate init" in outcome.err
    assert list(config.parent.iterdir()) == [config]


def test_taken_port_is_refused(sealgate, ports: list[int]) -> None:
    """An address that somebody else has is one line and exit code 1."""
    sealgate("init")
    with socket.create_server(("127.0.0.1", ports[1])):
        outcome = sealgate("serve")
    assert outcome.code == 1
    assert outcome.err.count("\n") == 1
    assert "in use" in outcome.err


def test_lost_server_certificate_is_made_again(sealgate, config: Path, ports: list[int]) -> None:
    """An own authority makes a missing server certificate at start and stays the same itself."""
    sealgate("init")
    files = CertificateFiles.in_directory(config.parent / "var/tls")
    authority = files.ca_certificate.read_bytes()
    files.certificate.unlink()
    with socket.create_server(("127.0.0.1", ports[0])):
        assert sealgate("serve").code == 1
    assert files.certificate.exists()
    assert files.ca_certificate.read_bytes() == authority
