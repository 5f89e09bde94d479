"""Ends answers that are under way when what allowed them is withdrawn.

Checking a token at the start is not enough: an answer may run for minutes. Each running answer is
known here, and on every change of the snapshot those are cut whose client, token, signing key or
recipient key is no longer good. Cut means: one error event, no final chunk.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from gateway.core.errors import EncryptionRequired, SealgateError, UnknownKey
from gateway.core.identity import Address, Principal
from gateway.core.policy import (
    Permission,
    Snapshot,
    verify_address,
    verify_data_class,
    verify_grant,
    verify_parameters,
    verify_permission,
    verify_principal,
)
from gateway.core.ports import SnapshotFeed
from gateway.pipeline.exchange import Authorized, Decapsulated, ModelCall


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a running answer rests on: who, from where, by which key, allowed what."""

    principal: Principal
    address: Address
    recipient_kid: str | None
    permission: Permission
    call: ModelCall | None

    @classmethod
    def of(cls, authorized: Authorized, decapsulated: Decapsulated) -> Self:
        """Return the grounds of the answer to *decapsulated*."""
        seal = decapsulated.seal
        return cls(
            principal=authorized.principal,
            address=decapsulated.address,
            recipient_kid=seal.kid if seal else None,
            permission=authorized.permission,
            call=authorized.call,
        )

    def verify(self, snapshot: Snapshot) -> None:
        """Raise the refusal that a new call on the same grounds would get."""
        client = verify_principal(self.principal, snapshot)
        now = replace(self.principal, client=client)
        verify_address(self.address, client.networks)
        verify_permission(now, self.permission)
        if self.call is not None:
            policy = verify_grant(now, self.call.grant, snapshot.models)
            verify_data_class(self.call.data_class, policy, snapshot)
            verify_parameters(now, self.call.parameters)
        if self.recipient_kid is None and not client.plaintext_allowed:
            raise EncryptionRequired
        if self.recipient_kid in snapshot.cut_key_ids:
            # Whoever has the withdrawn key and a recording can open the answer.
            raise UnknownKey


class RunningAnswers:
    """Knows every answer under way."""

    def __init__(self, snapshots: SnapshotFeed) -> None:
        self._snapshots = snapshots
        self._guards: set[_Guard] = set()
        self._revision = -1

    def guard(self, grounds: Grounds) -> _Guard:
        """Return a context in which work goes on only while *grounds* hold.

        Leaving it early raises the refusal. Like ``asyncio.timeout``, it cancels the task that
        entered it and tells its own cancellation from one that came from outside.
        """
        return _Guard(self._guards, grounds, self._snapshots)

    async def cut_at_next_change(self) -> None:
        """Wait for the next change of the snapshot, then cut what it no longer allows."""
        snapshot = await self._snapshots.changed(self._revision)
        self._revision = snapshot.revision
        for guard in tuple(self._guards):
            guard.check(snapshot)


class _Guard:
    def __init__(self, guards: set[_Guard], grounds: Grounds, snapshots: SnapshotFeed) -> None:
        self._guards = guards
        self._grounds = grounds
        self._snapshots = snapshots
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._refusal: SealgateError | None = None

    async def __aenter__(self) -> Self:
        # Between the check of the token and now the snapshot may have changed.
        self._grounds.verify(self._snapshots.current())
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task else 0
        self._guards.add(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._guards.discard(self)
        if self._refusal is None or self._task is None:
            return
        ours = self._task.uncancel() <= self._cancelling
        if ours and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise self._refusal from None

    def check(self, snapshot: Snapshot) -> None:
        """Cancel the work if *snapshot* no longer allows it."""
        if self._refusal is not None or self._task is None:
            return
        try:
            self._grounds.verify(snapshot)
        except SealgateError as refusal:
            self._refusal = refusal
            self._task.cancel()
