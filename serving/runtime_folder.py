"""The 0700 folder with vLLM's Unix socket and, beside it, the API key that the gateway reads.

For a socket ``run/vllm.sock`` the key is ``run/vllm.key`` (0600), new at each start of vLLM.
vLLM's own key check covers only some of its paths, so the folder is what keeps others out. One
launcher at a time owns a socket; a socket file is removed only when nobody listens on it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway.core.secret import Secret
from serving.errors import LaunchFailed

_MAX_SOCKET_PATH_BYTES: Final = 107  # sun_path of sockaddr_un, less the final NUL (unix(7))
_KEY_BYTES: Final = 32
_CONNECT_TIMEOUT_SECONDS: Final = 2.0


def api_key_file(uds: Path) -> Path:
    """Return where the API key for the vLLM on *uds* lies."""
    return uds.with_suffix(".key")


@contextmanager
def own_socket(uds: Path) -> Iterator[None]:
    """Make the folder of *uds* and keep other launchers away from it; clean up at the end.

    Raises :class:`LaunchFailed` when the folder is open to others, the path is too long, another
    launcher owns the socket, or somebody listens on it.
    """
    if len(os.fsencode(uds)) > _MAX_SOCKET_PATH_BYTES:
        raise LaunchFailed(f"{uds}: a socket path has at most {_MAX_SOCKET_PATH_BYTES} bytes")
    _make_private(uds.parent)
    lock_path = uds.with_suffix(".lock")
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LaunchFailed(f"{uds}: another launcher serves here") from None
        remove_stale_socket(uds)
        try:
            yield
        finally:
            api_key_file(uds).unlink(missing_ok=True)
            remove_stale_socket(uds)
    finally:
        os.close(lock)


def remove_stale_socket(uds: Path) -> None:
    """Remove the socket file that a crashed vLLM left.

    Raises :class:`LaunchFailed` when somebody listens on it, or when it is no socket at all.
    """
    try:
        mode = uds.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise LaunchFailed(f"{uds}: is there and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_CONNECT_TIMEOUT_SECONDS)
        try:
            probe.connect(str(uds))
        except (ConnectionRefusedError, FileNotFoundError):
            uds.unlink(missing_ok=True)
            return
        except OSError:
            pass  # a full backlog, say: somebody is there
    raise LaunchFailed(f"{uds}: somebody listens there already")


def write_new_api_key(uds: Path) -> Secret[str]:
    """Return a fresh key after writing it beside the socket, complete or not at all."""
    key = secrets.token_urlsafe(_KEY_BYTES)
    path = api_key_file(uds)
    partial = path.with_suffix(".key.new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key + "\n")
    partial.replace(path)
    return Secret(key)


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise LaunchFailed(f"{folder}: must be this user's own and closed to others (0700)")
