"""AppRole with a secret id that comes wrapped: one login for all processes of the service.

The wrapping token gives the secret id out exactly once, and the secret id may be good for one login
and for minutes. So whichever process is first unwraps it and logs in; the others, those that are
started later included, use the token that it got. A wrapping token that was used by nobody of us is
an alarm, since whoever used it has the secret id.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import orjson

from gateway.backends.anonymous_file import MAX_USES, AnonymousFile
from gateway.backends.secret_files import read_secret
from gateway.backends.vault.connection import VaultConnection
from gateway.backends.vault.logins import (
    LOGIN_REFUSED,
    AppRole,
    Lease,
    answered_object,
    find_lease,
)
from gateway.core.errors import KeyServiceUnavailable, WrappingTokenRefused
from gateway.core.secret import Secret

_WAIT_SECONDS: Final = 15.0
"""For another process that logs in: unwrapping and the login may take five seconds each."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the processes know together of one AppRole.

    *used* and *suspect* are digests of the wrapping token that we used ourselves, and of the one
    that raised the alarm.
    """

    secret_id: Secret[str] | None = None
    token: Secret[str] | None = None
    used: str = ""
    suspect: str = ""

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Self:
        secrets = {name: Secret(values[name]) for name in ("secret_id", "token") if values[name]}
        return cls(**values | secrets)


class WrappedLogin:
    """A login with *app_role* and the secret id that the token in *token_file* gives out.

    *shared* is the same for all processes of the service. *role* tells the AppRole from all others
    anywhere: what is known of another one, before or after a reload, is not used, and is left to
    those who have it. *raise_alarm* is called when a wrapping token had been used by somebody else,
    or wraps anything but a secret id of the AppRoles at that mount; once for each such token.
    """

    def __init__(
        self,
        app_role: AppRole,
        token_file: Path,
        *,
        role: str,
        shared: AnonymousFile,
        raise_alarm: Callable[[], None],
    ) -> None:
        self._app_role = app_role
        self._token_file = token_file
        self._role = _digest(role)
        self._shared = shared
        self._raise_alarm = raise_alarm
        self._origin = re.compile(rf"auth/{re.escape(app_role.mount)}/role/[^/]+/secret-id")
        self._in_use: str | None = None  # digest of the token that this process got here

    async def __call__(self, connection: VaultConnection) -> Lease:
        """Return the token that another process got meanwhile, else a fresh one.

        Asked again, the one of before is not good enough any more. Raises
        ``WrappingTokenRefused``, again for as long as the same wrapping token lies there, and
        ``KeyServiceUnavailable`` when Vault is away or refuses the secret id.
        """
        async with self._alone():
            lease = await self._joined(connection)
            return lease or self._taken(await self._logged_in(connection))

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        try:
            async with self._shared.locked(seconds=_WAIT_SECONDS):
                yield
        except TimeoutError:
            raise KeyServiceUnavailable("Another worker is logging in to Vault.") from None

    async def _joined(self, connection: VaultConnection) -> Lease | None:
        """Return what another process got, if there is such a token and Vault still takes it."""
        token = self._known().token
        if token is None or _digest(token.reveal()) == self._in_use:
            return None
        # Before the look: nobody who leaves gives back what is said to be in use.
        if not self._shared.use(_number(_digest(token.reveal()))):
            return None
        lease = await find_lease(connection, token)
        return None if lease is None else self._taken(lease)

    async def _logged_in(self, connection: VaultConnection) -> Lease:
        secret_id = self._known().secret_id or await self._unwrap(connection)
        # The secret id may be good for this login alone, which then counts at Vault however late.
        lease = await self._app_role.find_lease(connection, secret_id, is_patient=True)
        if lease is None:
            self._note(replace(self._known(), secret_id=None))
            raise KeyServiceUnavailable(LOGIN_REFUSED)
        self._note(replace(self._known(), token=lease.token))
        return lease

    def _taken(self, lease: Lease) -> Lease:
        """Return *lease* as one that this process uses and, if it is the last, gives back."""
        before, digest = self._in_use, _digest(lease.token.reveal())
        if before is not None:
            self._shared.leave(_number(before))
        self._shared.use(_number(digest))
        self._in_use = digest
        return replace(lease, let_go=lambda: self._shared.leave(_number(digest)))

    async def _unwrap(self, connection: VaultConnection) -> Secret[str]:
        wrapping = read_secret(self._token_file)
        digest, of_all = _digest(wrapping.reveal()), self._of_all().values()
        if digest in {known.used for known in of_all}:
            raise KeyServiceUnavailable(f"{LOGIN_REFUSED} It needs a fresh wrapping token.")
        if digest in {known.suspect for known in of_all}:
            raise WrappingTokenRefused
        # What is wrapped is looked at first: a token of somebody else's making is not opened.
        looked = await connection.call(
            "POST", "sys/wrapping/lookup", body={"token": wrapping.reveal()}
        )
        origin = answered_object(looked, "data").get("creation_path")
        if looked.status != 200 or self._origin.fullmatch(str(origin)) is None:
            raise self._alarmed(digest)
        answer = await connection.call(
            "POST", "sys/wrapping/unwrap", token=wrapping, is_patient=True
        )
        secret_id = answered_object(answer, "data").get("secret_id")
        if answer.status != 200 or not isinstance(secret_id, str):
            raise self._alarmed(digest)
        known = replace(self._known(), secret_id=Secret(secret_id), token=None, used=digest)
        self._note(known)
        return Secret(secret_id)

    def _alarmed(self, digest: str) -> WrappingTokenRefused:
        self._note(replace(self._known(), suspect=digest))
        self._raise_alarm()
        return WrappingTokenRefused()

    def _known(self) -> _Known:
        return self._of_all().get(self._role, _Known())

    def _of_all(self) -> dict[str, _Known]:
        """Return what is known of each role, by a digest of where it is good."""
        line = self._shared.read()
        of_all = orjson.loads(line) if line else {}
        return {role: _Known.parse(values) for role, values in of_all.items()}

    def _note(self, known: _Known) -> None:
        of_all = self._of_all() | {self._role: known}
        self._shared.write(orjson.dumps(of_all, default=Secret.reveal))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _number(digest: str) -> int:
    return int(digest, 16) % MAX_USES
