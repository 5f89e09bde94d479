"""Ways in which the gateway proves itself to Vault: AppRole, Kubernetes, or a token in a file.

Files are read at each login, so that what was renewed on disk counts without a restart. A secret id
that comes wrapped is unwrapped once; a wrapping token that was used before is an alarm, since
whoever used it has the secret id.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from gateway.backends.secret_files import read_secret
from gateway.backends.vault.connection import Answer, VaultConnection
from gateway.core.errors import KeyServiceUnavailable, WrappingTokenRefused
from gateway.core.secret import Secret

_REFUSED: Final = "Vault refuses the gateway's login."


@dataclass(frozen=True, slots=True)
class Lease:
    """A token of Vault. *seconds* is how long it lives from now; None: until it is revoked.

    *ours* says that this process got it and should give it back.
    """

    token: Secret[str]
    seconds: float | None
    renewable: bool
    ours: bool = True


class Login(Protocol):
    """A way to get a token."""

    async def __call__(self, connection: VaultConnection) -> Lease:
        """Return a fresh token. Raises ``KeyServiceUnavailable``."""


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A token that somebody else keeps in *path*: an agent's sink, or an operator."""

    path: Path

    async def __call__(self, connection: VaultConnection) -> Lease:
        """Return the token as it is in the file now, with what Vault says of its life."""
        token = read_secret(self.path)
        answer = await connection.call("GET", "auth/token/lookup-self", token=token)
        if answer.status != 200:
            raise KeyServiceUnavailable("Vault refuses the token in the gateway's token file.")
        data = _object(answer, "data")
        ttl = data.get("ttl")
        seconds = float(ttl) if isinstance(ttl, int) and ttl > 0 else None
        return Lease(token, seconds, data.get("renewable") is True, ours=False)


@dataclass(frozen=True, slots=True)
class KubernetesLogin:
    """The service account of the pod, proved by the token that Kubernetes keeps in *token_file*."""

    mount: str
    role: str
    token_file: Path

    async def __call__(self, connection: VaultConnection) -> Lease:
        """Return a token for *role*."""
        body = {"role": self.role, "jwt": read_secret(self.token_file).reveal()}
        answer = await connection.call("POST", f"auth/{self.mount}/login", body=body)
        if answer.status != 200:
            raise KeyServiceUnavailable(_REFUSED)
        return parse_lease(answer)


class SecretIdFile:
    """A secret id that lies in a file as it is."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def get(self, _connection: VaultConnection) -> Secret[str]:
        """Return it. Raises ``KeyServiceUnavailable``."""
        return read_secret(self._path)

    def refused(self) -> None:
        """Do nothing: the file is read again anyway."""


class WrappedSecretId:
    """A secret id that comes wrapped: the file has a token that gives it out exactly once.

    It is kept in memory for logins to come. *raise_alarm* is called when the token had been used
    by somebody else, or wraps anything but a secret id of the AppRole at *mount*.
    """

    def __init__(self, path: Path, *, mount: str, raise_alarm: Callable[[], None]) -> None:
        self._path = path
        self._origin = re.compile(rf"auth/{re.escape(mount)}/role/[^/]+/secret-id")
        self._raise_alarm = raise_alarm
        self._held: Secret[str] | None = None
        self._used = b""  # digest of the token that we used ourselves
        self._suspect = b""  # digest of the token that raised the alarm

    async def get(self, connection: VaultConnection) -> Secret[str]:
        """Return the secret id, unwrapping it the first time.

        Raises ``WrappingTokenRefused``, again for as long as the same token lies there, and
        ``KeyServiceUnavailable`` when Vault is away or refused the secret id meanwhile.
        """
        if self._held is None:
            self._held = await self._unwrap(connection, read_secret(self._path))
        return self._held

    def refused(self) -> None:
        """Forget the secret id; a fresh wrapping token is needed."""
        self._held = None

    async def _unwrap(self, connection: VaultConnection, token: Secret[str]) -> Secret[str]:
        digest = hashlib.sha256(token.reveal().encode()).digest()
        if digest == self._used:
            raise KeyServiceUnavailable(f"{_REFUSED} It needs a fresh wrapping token.")
        if digest == self._suspect:
            raise WrappingTokenRefused
        # What is wrapped is looked at first: a token of somebody else's making is not opened.
        looked = await connection.call(
            "POST", "sys/wrapping/lookup", body={"token": token.reveal()}
        )
        origin = _object(looked, "data").get("creation_path") if looked.status == 200 else ""
        if self._origin.fullmatch(str(origin)) is None:
            raise self._alarmed(digest)
        answer = await connection.call("POST", "sys/wrapping/unwrap", token=token, is_patient=True)
        secret_id = _object(answer, "data").get("secret_id") if answer.status == 200 else None
        if not isinstance(secret_id, str):
            raise self._alarmed(digest)
        self._used = digest
        return Secret(secret_id)

    def _alarmed(self, digest: bytes) -> WrappingTokenRefused:
        self._suspect = digest
        self._raise_alarm()
        return WrappingTokenRefused()


@dataclass(frozen=True, slots=True)
class AppRoleLogin:
    """A role id and a secret id."""

    mount: str
    role_id: str
    secret_id: SecretIdFile | WrappedSecretId

    async def __call__(self, connection: VaultConnection) -> Lease:
        """Return a token of the role. Raises ``WrappingTokenRefused`` too."""
        secret_id = await self.secret_id.get(connection)
        body = {"role_id": self.role_id, "secret_id": secret_id.reveal()}
        answer = await connection.call("POST", f"auth/{self.mount}/login", body=body)
        if answer.status != 200:
            self.secret_id.refused()
            raise KeyServiceUnavailable(_REFUSED)
        return parse_lease(answer)


def parse_lease(answer: Answer) -> Lease:
    """Return the token of a login or a renewal. Raises ``KeyServiceUnavailable`` without one."""
    auth = _object(answer, "auth")
    token, seconds = auth.get("client_token"), auth.get("lease_duration")
    if not isinstance(token, str) or not token or not isinstance(seconds, int):
        raise KeyServiceUnavailable("Vault answers a login without a token.")
    return Lease(Secret(token), float(seconds) or None, auth.get("renewable") is True)


def _object(answer: Answer, name: str) -> dict[str, Any]:
    value = answer.body.get(name)
    return value if isinstance(value, dict) else {}
