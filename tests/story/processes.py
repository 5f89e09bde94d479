"""Start a real process, wait until it is of use, stop it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PYTHON = str(ROOT / ".venv/bin/python")


def free_port() -> int:
    """Return a port on loopback that nobody has, and that nobody else is given for a minute.

    A connection that ended at the port keeps the kernel from handing it out again, to another test
    or to somebody who connects; a server that asks for the port by its number may have it.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address):
            server.accept()[0].close()  # whoever closes first waits out the minute
        return int(address[1])


def run(*command: str, cwd: Path | None = None) -> str:
    """Run *command* to its end and return its standard output; raise with its error output."""
    done = subprocess.run(command, cwd=cwd or ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} … exited {done.returncode}: {done.stderr}")
    return done.stdout


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of the JSON lines in *path*, to which another process may be writing.

    What follows the last line break is a line that is not finished, and is left for the next time.
    """
    *lines, _unfinished = path.read_text("utf-8").split("\n")
    return [json.loads(line) for line in lines]


class Process:
    """A process whose output goes to a file, stopped with SIGTERM."""

    def __init__(self, command: Sequence[str], *, log: Path, cwd: Path | None = None) -> None:
        self.log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                command, cwd=cwd or ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Return once *ready* says so; raise with the log when the process ends or time is up."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self._popen.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(
                    f"the process is not ready:\n{self.log.read_text('utf-8')[-4000:]}"
                )
            time.sleep(0.05)

    def stop(self) -> int:
        """End the process and return its exit status."""
        if self._popen.poll() is None:
            self._popen.terminate()
        try:
            return self._popen.wait(40)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            return self._popen.wait()
