"""What ``connect`` is told: where to listen, which gateway, whose credentials.

It listens on loopback or on a Unix socket and nowhere else: whoever reaches it acts as the client
whose secret it holds. The secret comes from a file that others cannot read, never from a command
line, which every process on the machine can.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from gateway.core.secret import Secret

DEFAULT_LISTEN: Final = "127.0.0.1:8080"
DEFAULT_MAX_BODY_BYTES: Final = 4 * 2**20
"""As much as a gateway takes by default."""

_UNIX: Final = "unix:"
_TCP: Final = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[0-9.]+|localhost)):(?P<port>[0-9]{1,5})"
)
_HIGHEST_PORT: Final = 65535
_MAX_FILE_BYTES: Final = 16_384
_OTHERS: Final = 0o077
_OTHERS_BUT_GROUP_READ: Final = 0o037
_CLIENT_ID: Final = "SEALGATE_CLIENT_ID"
_CLIENT_SECRET: Final = "SEALGATE_CLIENT_SECRET"  # noqa: S105  # a name


class WrongUse(Exception):
    """An option or a file that cannot be used; the message is one sentence without secrets."""


@dataclass(frozen=True, slots=True)
class Listen:
    """A loopback address and a port, or the path of a Unix socket."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return f"{_UNIX}{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client's identifier and secret."""

    client_id: str
    client_secret: Secret[str]


def parse_listen(text: str) -> Listen:
    """Return where to listen. Raises ``WrongUse`` for anything but loopback or ``unix:/path``."""
    if text.startswith(_UNIX):
        path = Path(text.removeprefix(_UNIX))
        if not path.is_absolute():
            raise WrongUse("a Unix socket is given as unix:/absolute/path")
        return Listen(path=path)
    found = _TCP.fullmatch(text)
    if found is None or int(found["port"]) > _HIGHEST_PORT:
        raise WrongUse("listen is 127.0.0.1:PORT, [::1]:PORT or unix:/absolute/path")
    host = found["six"] or found["host"]
    # A name could be given another address; this one is replaced by what it has to mean.
    host = "127.0.0.1" if host == "localhost" else host
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise WrongUse("connect listens on loopback only: others would act with its credentials")
    return Listen(host, int(found["port"]))


def read_credentials(
    client_id: str | None, *, secret_file: Path | None, env_file: Path | None
) -> Credentials:
    """Return the credentials from a secret file or from an environment file.

    An environment file has lines ``SEALGATE_CLIENT_ID=…`` and ``SEALGATE_CLIENT_SECRET=…``. Raises
    ``WrongUse`` when something is missing or others may read the file.
    """
    named = {} if env_file is None else _parse_environment(_read_private(env_file))
    found_id = client_id or named.get(_CLIENT_ID)
    secret = named.get(_CLIENT_SECRET) if secret_file is None else _read_private(secret_file)
    if not found_id:
        raise WrongUse(f"give --client-id, or --env-file with {_CLIENT_ID}")
    if not secret or not secret.strip():
        raise WrongUse(f"give --client-secret-file, or --env-file with {_CLIENT_SECRET}")
    return Credentials(found_id, Secret(secret.strip()))


def _parse_environment(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, equals, value in pairs if equals}


def _read_private(path: Path) -> str:
    try:
        # Looked at after it is open, so that it cannot be exchanged in between; without waiting,
        # since a named pipe would otherwise hold us up.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            _check_private(path, os.fstat(descriptor))
            return file.read(_MAX_FILE_BYTES).decode("utf-8")
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WrongUse(f"{path} is not text") from None


def _check_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise WrongUse(f"{path} is no regular file")
    # systemd hands credentials over as root's files with an access list, whose mask shows up as
    # permissions of the group.
    others = _OTHERS_BUT_GROUP_READ if status.st_uid == 0 != os.geteuid() else _OTHERS
    if status.st_mode & others or status.st_uid not in {0, os.geteuid()}:
        raise WrongUse(f"{path} is open to others: it has to be yours, with mode 0600")
