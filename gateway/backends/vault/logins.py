"""Ways in which the gateway proves itself to Vault: AppRole, Kubernetes, or a token in a file.

Files are read at each login, so that what was renewed on disk counts without a restart. A secret id
that comes wrapped is for ``wrapped_login``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from gateway.backends.secret_files import read_secret
from gateway.backends.vault.connection import Answer, VaultConnection
from gateway.core.errors import KeyServiceUnavailable
from gateway.core.secret import Secret

LOGIN_REFUSED: Final = "Vault refuses the gateway's login."


@dataclass(frozen=True, slots=True)
class Lease:
    """A token of Vault. *seconds* is how long it lives from now; None: until it is revoked.

    *let_go* is called when it is not needed here any more, and says whether to give it back.
    """

    token: Secret[str]
    seconds: float | None
    renewable: bool
    let_go: Callable[[], bool] = lambda: True


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
        lease = await find_lease(connection, read_secret(self.path))
        if lease is None:
            raise KeyServiceUnavailable("Vault refuses the token in the gateway's token file.")
        return replace(lease, let_go=lambda: False)


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
            raise KeyServiceUnavailable(LOGIN_REFUSED)
        return parse_lease(answer)


@dataclass(frozen=True, slots=True)
class AppRole:
    """An AppRole at *mount*, by its role id."""

    mount: str
    role_id: str

    async def find_lease(
        self, connection: VaultConnection, secret_id: Secret[str], *, is_patient: bool = False
    ) -> Lease | None:
        """Return a token of the role, or None when Vault refuses *secret_id*.

        *is_patient* is for one that cannot be used again, as :meth:`VaultConnection.call` has it.
        """
        body = {"role_id": self.role_id, "secret_id": secret_id.reveal()}
        answer = await connection.call(
            "POST", f"auth/{self.mount}/login", body=body, is_patient=is_patient
        )
        return parse_lease(answer) if answer.status == 200 else None


@dataclass(frozen=True, slots=True)
class AppRoleLogin:
    """A role id, and a secret id that lies in *secret_id_file* as it is."""

    app_role: AppRole
    secret_id_file: Path

    async def __call__(self, connection: VaultConnection) -> Lease:
        """Return a token of the role."""
        lease = await self.app_role.find_lease(connection, read_secret(self.secret_id_file))
        if lease is None:
            raise KeyServiceUnavailable(LOGIN_REFUSED)
        return lease


async def find_lease(connection: VaultConnection, token: Secret[str]) -> Lease | None:
    """Return *token* with what Vault says of its life, or None when Vault refuses it."""
    answer = await connection.call("GET", "auth/token/lookup-self", token=token)
    if answer.status != 200:
        return None
    data = answered_object(answer, "data")
    ttl = data.get("ttl")
    seconds = float(ttl) if isinstance(ttl, int) and ttl > 0 else None
    return Lease(token, seconds, data.get("renewable") is True)


def parse_lease(answer: Answer) -> Lease:
    """Return the token of a login or a renewal. Raises ``KeyServiceUnavailable`` without one."""
    auth = answered_object(answer, "auth")
    token, seconds = auth.get("client_token"), auth.get("lease_duration")
    if not isinstance(token, str) or not token or not isinstance(seconds, int):
        raise KeyServiceUnavailable("Vault answers a login without a token.")
    return Lease(Secret(token), float(seconds) or None, auth.get("renewable") is True)


def answered_object(answer: Answer, name: str) -> dict[str, Any]:
    """Return the member *name* of an answer, empty if it is none or not an object."""
    value = answer.body.get(name)
    return value if isinstance(value, dict) else {}
