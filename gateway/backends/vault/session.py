"""A login that lasts: the token is renewed at two thirds of its life and replaced when it ends.

Promises that one call takes less than a second, login included, and that a token which Vault
revoked is replaced once, without a storm of logins when it is the policy that refuses.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.vault.connection import Answer, VaultConnection
from gateway.backends.vault.logins import Lease, Login, parse_lease
from gateway.core.errors import KeyServiceUnavailable
from gateway.core.events import Event

KEEP_SECONDS: Final = 1.0
"""How often ``keep`` is to be called."""

_OPERATION_SECONDS: Final = 0.9  # a caller hears within a second
_RENEW_AT: Final = 2 / 3
_WORN_OUT: Final = 1 / 2  # of the first life: nearer to its maximum a token is replaced
_LOOK_SECONDS: Final = 10.0  # how late a quiet gateway learns that Vault is away or took its token
_LOOK: Final = "auth/token/lookup-self"
_DENIED: Final = "Vault's policy does not let the gateway do this."

_logger = logging.getLogger("sealgate")


@dataclass(frozen=True, slots=True)
class _Held:
    lease: Lease
    first_seconds: float | None
    renew_at: float
    ends_at: float


class VaultSession:
    """Calls Vault as one client. Belongs to one event loop.

    Raises ``KeyServiceUnavailable`` in every case but an answer, and ``WrappingTokenRefused`` where
    the login raises it.
    """

    def __init__(
        self,
        connection: VaultConnection,
        login: Login,
        *,
        meter: KeyServiceMeter,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._login = login
        self._meter = meter
        self._monotonic = monotonic
        self._logging_in: asyncio.Task[_Held] | None = None
        self._held: _Held | None = None
        self._look_at = float("-inf")
        self._fault: str | None = None

    async def call(
        self, method: str, path: str, *, body: Mapping[str, object] | None = None
    ) -> Answer:
        """Return the answer of ``/v1/`` *path*: of status 200 to 204, 400 or 404."""
        async with self._operation():
            answer = await self._call(method, path, body)
        if answer.status == 403:
            raise KeyServiceUnavailable(_DENIED)
        return answer

    async def keep(self) -> None:
        """Log in, renew, or see whether the token is still good, if it is time for that.

        Background task. That Vault is away is noted and raised nowhere.
        """
        held, now = self._held, self._monotonic()
        with suppress(KeyServiceUnavailable):
            if held is not None and held.renew_at <= now < held.ends_at:
                async with self._operation():
                    await self._renew(held)
            elif held is None or now >= self._look_at:
                await self.call("GET", _LOOK)

    async def close(self) -> None:
        """Give the token back if it is ours alone, then close all connections."""
        if self._logging_in is not None:
            await asyncio.wait({self._logging_in})
        held, self._held = self._held, None
        if held is not None and held.lease.let_go():
            with suppress(KeyServiceUnavailable):  # it ends by itself
                await self._connection.call(
                    "POST", "auth/token/revoke-self", token=held.lease.token
                )
        await self._connection.close()

    @asynccontextmanager
    async def _operation(self) -> AsyncIterator[None]:
        """Bound what is done inside, and note how it ended."""
        try:
            async with asyncio.timeout(_OPERATION_SECONDS):
                yield
        except TimeoutError:
            raise self._noted(KeyServiceUnavailable("Vault does not answer in time.")) from None
        except KeyServiceUnavailable as error:
            raise self._noted(error) from None
        self._look_at = self._monotonic() + _LOOK_SECONDS
        self._meter.answered()
        if self._fault is not None:
            self._fault = None
            _logger.warning(Event.KEY_SERVICE_BACK)

    def _noted(self, error: KeyServiceUnavailable) -> KeyServiceUnavailable:
        self._meter.failed()
        if self._fault != error.detail:
            self._fault = error.detail
            _logger.warning(Event.KEY_SERVICE_AWAY, extra={"detail": error.detail})
        return error

    async def _call(self, method: str, path: str, body: Mapping[str, object] | None) -> Answer:
        held = await self._logged_in()
        answer = await self._connection.call(method, path, token=held.lease.token, body=body)
        if answer.status != 403 or not await self._is_revoked(held):
            return answer
        if self._held is held:
            self._held = None
        held = await self._logged_in()
        return await self._connection.call(method, path, token=held.lease.token, body=body)

    async def _is_revoked(self, held: _Held) -> bool:
        """Return whether it is the token that was refused, and not the policy that refuses."""
        looked = await self._connection.call("GET", _LOOK, token=held.lease.token)
        return looked.status == 403

    async def _logged_in(self) -> _Held:
        if self._held is None or self._monotonic() >= self._held.ends_at:
            return await self._new_login()
        return self._held

    async def _renew(self, held: _Held) -> None:
        """Renew the token, or log in anew when that is refused or gives it too little."""
        renewed = await self._renewed(held)
        if renewed is None:
            await self._new_login()
        else:
            self._held = renewed

    async def _new_login(self) -> _Held:
        """Log in; all who ask at the same time share one login.

        It goes on when whoever asked gives up: a secret that is given out once would be lost.
        """
        if self._logging_in is None:
            self._logging_in = asyncio.create_task(self._log_in())
            self._logging_in.add_done_callback(self._has_logged_in)
        return await asyncio.shield(self._logging_in)

    async def _log_in(self) -> _Held:
        self._held = self._hold(await self._login(self._connection))
        return self._held

    def _has_logged_in(self, task: asyncio.Task[_Held]) -> None:
        self._logging_in = None
        if not task.cancelled():
            task.exception()  # perhaps nobody waits for it any more

    async def _renewed(self, held: _Held) -> _Held | None:
        lease = held.lease
        if not lease.renewable:
            return None
        answer = await self._connection.call("POST", "auth/token/renew-self", token=lease.token)
        if answer.status != 200:
            return None
        fresh = parse_lease(answer)
        is_worn_out = (fresh.seconds or 0) < _WORN_OUT * (held.first_seconds or 0)
        if is_worn_out:
            return None
        return self._hold(replace(lease, seconds=fresh.seconds), first_seconds=held.first_seconds)

    def _hold(self, lease: Lease, *, first_seconds: float | None = None) -> _Held:
        now, seconds = self._monotonic(), lease.seconds
        if seconds is None:
            return _Held(lease, None, renew_at=float("inf"), ends_at=float("inf"))
        first = first_seconds or seconds
        return _Held(lease, first, renew_at=now + _RENEW_AT * seconds, ends_at=now + seconds)
