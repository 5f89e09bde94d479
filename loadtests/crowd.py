"""Measures what a crowd of connections costs the gateway and a client that means it.

Thousands of connections stay idle, then hundreds never finish a head. Measured are the gateway's
memory, the time of a good client's calls with and without the crowd, and when the slow ones end.
"""

import argparse
import asyncio
import json
import resource
import selectors
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep

import uvloop

from loadtests.gateway_process import find_sealgate
from loadtests.processes import NotStartedError, free_port, is_listening, running, wait_for_start

REPORT = Path(__file__).parent / "report"
_CONFIGURATION = """\
[listen]
port = {port}
[admin]
port = {admin_port}
[limits]
max_connections = 16000
[edge]
idle_seconds = 600
connections_per_address = 16000
[upstream]
uds = "vllm.sock"
api_key_file = "vllm.key"
"""
_CALL = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n"
_MAX_KILOBYTES_EACH = 48.0
_MAX_RATIO = 2.0
_MAX_SLOW_SECONDS = 10.0
_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.005
_AT_ONCE = 16  # handshakes


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run has shown; times are in milliseconds and seconds as named."""

    idle: int
    megabytes_before: float
    megabytes: float
    alone_p99_ms: float
    crowd_p99_ms: float
    slow: int
    slow_closed: int
    slow_seconds: float

    @property
    def kilobytes_each(self) -> float:
        """What an idle connection costs."""
        return (self.megabytes - self.megabytes_before) * 1024 / self.idle

    def judge(self) -> list[str]:
        """Return what is worse than promised."""
        return [
            text
            for text, is_broken in (
                ("connections too large", self.kilobytes_each > _MAX_KILOBYTES_EACH),
                ("calls slower in a crowd", self.crowd_p99_ms > _MAX_RATIO * self.alone_p99_ms),
                ("slow heads not closed", self.slow_closed < self.slow),
                ("slow heads closed late", self.slow_seconds > _MAX_SLOW_SECONDS),
            )
            if is_broken
        ]

    def as_table(self) -> str:
        """Return the figures as Markdown."""
        rows = (
            ("idle TLS connections", f"{self.idle}"),
            ("resident before, with them", f"{self.megabytes_before:.0f}, {self.megabytes:.0f} MB"),
            ("memory of each", f"{self.kilobytes_each:.0f} KB"),
            ("p99 of a call alone", f"{self.alone_p99_ms:.2f} ms"),
            ("p99 of a call in the crowd", f"{self.crowd_p99_ms:.2f} ms"),
            ("slow heads closed", f"{self.slow_closed} of {self.slow}"),
            ("the last of them after", f"{self.slow_seconds:.1f} s"),
        )
        return "\n".join(("| what | measured |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)))


class _Site:
    def __init__(self, port: int, ca_file: str, pid: int) -> None:
        self.port, self.pid = port, pid
        self.tls = ssl.create_default_context(cafile=ca_file)

    def connect(self, *_: object) -> ssl.SSLSocket:
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.tls.wrap_socket(sock, server_hostname="127.0.0.1")

    def used(self, *_: object) -> ssl.SSLSocket:
        """Return a connection that has had an answer and is idle now."""
        tls = self.connect()
        _call(tls)
        return tls

    def begun(self, *_: object) -> ssl.SSLSocket:
        """Return a connection with half a head."""
        tls = self.connect()
        tls.sendall(_CALL[:-2])
        return tls

    def megabytes(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _call(tls: ssl.SSLSocket) -> None:
    tls.sendall(_CALL)
    answer = b""
    while not answer.endswith(b"ok\n"):
        data = tls.recv(65_536)
        if not data:
            raise ConnectionError("closed instead of an answer")
        answer += data


def _p99_ms(site: _Site, calls: int) -> float:
    times = []
    with site.used() as tls:
        for _ in range(calls):
            began = perf_counter()
            _call(tls)
            times.append(perf_counter() - began)
            sleep(_PAUSE_SECONDS)
    return sorted(times)[int(len(times) * 0.99)] * 1000


def _seconds_until_closed(slow: Sequence[ssl.SSLSocket]) -> list[float]:
    """Return when each of *slow* ended, as far as that came within our patience."""
    began, ends = perf_counter(), []
    with selectors.DefaultSelector() as selector:
        for tls in slow:
            tls.settimeout(0.0)
            selector.register(tls, selectors.EVENT_READ)
        while selector.get_map() and perf_counter() - began < _PATIENCE_SECONDS:
            for key, _ in selector.select(timeout=1.0):
                if _has_ended(key.fileobj):
                    selector.unregister(key.fileobj)
                    ends.append(perf_counter() - began)
    return ends


def _has_ended(tls: object) -> bool:
    assert isinstance(tls, ssl.SSLSocket)
    try:
        while tls.recv(65_536):
            pass
    except ssl.SSLWantReadError:
        return False
    except OSError:
        return True
    return True


def measure(site: _Site, *, idle: int, slow: int, calls: int) -> Figures:
    """Return the figures of *idle* and *slow* connections, and of *calls* beside the former."""
    before, alone = site.megabytes(), _p99_ms(site, calls)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        crowd = list(threads.map(site.used, range(idle)))
        megabytes, crowded = site.megabytes(), _p99_ms(site, calls)
        list(threads.map(_drop, crowd))
        began = list(threads.map(site.begun, range(slow)))
        ends = _seconds_until_closed(began)
    return Figures(
        idle=len(crowd),
        megabytes_before=before,
        megabytes=megabytes,
        alone_p99_ms=alone,
        crowd_p99_ms=crowded,
        slow=slow,
        slow_closed=len(ends),
        slow_seconds=max(ends, default=_PATIENCE_SECONDS),
    )


def _drop(tls: ssl.SSLSocket) -> None:
    with suppress(OSError):
        tls.close()


async def _run(home: Path, plan: argparse.Namespace) -> Figures:
    program, port = str(find_sealgate()), free_port()
    text = _CONFIGURATION.format(port=port, admin_port=free_port())
    (home / "sealgate.toml").write_text(text, "utf-8")
    made = await asyncio.create_subprocess_exec(
        program, "init", "--json", cwd=home, stdout=subprocess.PIPE
    )
    output, _ = await made.communicate()
    log = home / "gateway.log"
    async with running([program, "serve"], log=log, cwd=home) as pid:
        await wait_for_start(lambda: is_listening(("127.0.0.1", port)), log=log)
        site = _Site(port, json.loads(output)["ca_file"], pid)
        return await asyncio.to_thread(
            measure, site, idle=plan.idle, slow=plan.slow, calls=plan.calls
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the measurement; 0 when every promise was kept, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="crowd", description=__doc__)
    parser.add_argument("--idle", type=int, default=10_000, help="connections that do nothing")
    parser.add_argument("--slow", type=int, default=500, help="connections with half a head")
    parser.add_argument("--calls", type=int, default=1000, help="calls of the good client")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the gateway inherits it
    try:
        with tempfile.TemporaryDirectory(prefix="crowd-") as name:
            figures = uvloop.run(_run(Path(name), parser.parse_args(argv)))
    except NotStartedError as error:
        print(error, file=sys.stderr)
        return 1
    REPORT.mkdir(exist_ok=True)
    (REPORT / "crowd.md").write_text(figures.as_table() + "\n", "utf-8")
    broken = figures.judge()
    print("\n".join([figures.as_table(), "", *broken]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
