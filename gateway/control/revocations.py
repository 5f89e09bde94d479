"""Revocations: withdraw a token, everything of a client, credential, role or key, or everything.

A revocation is durable and counts in this process before the call returns, and in every other
process within a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from gateway.control.actors import STAFF_ROLES, Actor, verify_actor, verify_may_write
from gateway.control.acts import Act, Action, Acts
from gateway.control.keys import Keys
from gateway.control.revocation_entries import (
    cut_revocation,
    jti_revocation,
    key_revocation,
)
from gateway.control.two_person import Plan, TwoPersonAct
from gateway.core.errors import MalformedRequest, NotFound
from gateway.core.identity import Role
from gateway.core.policy import Permission
from gateway.core.ports import ControlChange
from gateway.core.registry import EVERYTHING_SUBJECT, Revocation, RevocationKind

_MAX_JTI_CHARS: Final = 128
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)


class RevocationList:
    """The use cases around revocations.

    Every method raises ``PermissionDenied`` for an actor without the right and ``StoreUnavailable``
    when the store does not answer.
    """

    def __init__(self, acts: Acts, *, keys: Keys) -> None:
        self._store = acts.store
        self._acts = acts
        self._keys = keys
        self._clock = acts.clock

    async def revoke(
        self,
        actor: Actor,
        kind: RevocationKind,
        *,
        subject: str = EVERYTHING_SUBJECT,
        issued_before: datetime | None = None,
    ) -> Revocation:
        """Withdraw what *subject* names; return the entry. Withdrawing twice is no error.

        With *issued_before*, later tokens are left alone; by default none issued until now is.
        Raises ``NotFound`` for an unknown client, credential or key, and ``PermissionDenied`` for a
        client that the actor may not write, or for a role of staff: an operator cannot lock the
        owners out. A ``jti`` is taken as it is: the gateway keeps no list of the tokens it issued.
        Raises ``MalformedRequest`` for a subject that cannot be, or a time to come.
        """
        if kind is RevocationKind.KID and issued_before is None and "#" not in subject:
            return await self._keys.withdraw(actor, subject)
        detail = "" if issued_before is None else f"issued before {issued_before.isoformat()}"
        act = Act(Action.REVOKE, f"{kind}:{subject}", detail)
        async with self._acts.change(actor, Permission.WRITE_REVOCATIONS, act) as change:
            entry = _entry(kind, subject, at=self._clock(), issued_before=issued_before)
            await _verify_subject(change, actor, kind, subject=subject)
            if kind is RevocationKind.EVERYTHING:
                reasons = frozenset({TwoPersonAct.REVOKE_EVERYTHING})
                await self._acts.ask(change, actor, Plan(reasons, {"issued_before": issued_before}))
            await change.add_revocation(entry)
        return entry

    async def list_page(
        self, actor: Actor, *, after: tuple[str, str] = ("", ""), limit: int = 50
    ) -> Sequence[Revocation]:
        """Return up to *limit* revocations that still count, by kind and subject.

        From the one that comes next *after* that kind and subject, which need not be there.
        """
        self._acts.verify(actor, Permission.READ_REVOCATIONS)
        return await self._store.list_revocations(after=after, limit=limit)

    async def forget_expired(self) -> int:
        """Drop the revocations that can refuse nothing any more; return how many.

        Background task. Not an act: what is dropped has refused nothing since it expired.
        """
        now = self._clock()
        state = await self._store.load()
        if not any(r.expires_at is not None and r.expires_at <= now for r in state.revocations):
            return 0  # a transaction would grow the revision and make every process reload
        async with self._store.change() as change:
            return await change.remove_expired_revocations(now=now)


def _entry(
    kind: RevocationKind, subject: str, *, at: datetime, issued_before: datetime | None
) -> Revocation:
    if kind not in {RevocationKind.JTI, RevocationKind.KID}:
        if issued_before is not None and not _EARLIEST <= issued_before <= at:
            raise MalformedRequest("The time up to which tokens are withdrawn is not to come.")
        return cut_revocation(kind, subject, at=at, issued_before=issued_before)
    if issued_before is not None:
        raise MalformedRequest("A token or a key is withdrawn whole.")
    if not 0 < len(subject) <= _MAX_JTI_CHARS:
        raise MalformedRequest("A token identifier has 1 to 128 characters.")
    if kind is RevocationKind.KID:
        return key_revocation(subject, at=at)  # of another issuer: "issuer#kid"
    return jti_revocation(subject, at=at)


async def _verify_subject(
    change: ControlChange, actor: Actor, kind: RevocationKind, *, subject: str
) -> None:
    if kind is RevocationKind.CLIENT_ID:
        stored = await change.find_client(subject)
        if stored is None:
            raise NotFound
        verify_may_write(actor, stored.client.role)
    elif kind is RevocationKind.CREDENTIAL_ID:
        credential = await change.find_credential(subject)
        stored = None if credential is None else await change.find_client(credential.client_id)
        if stored is None:
            raise NotFound
        verify_may_write(actor, stored.client.role)
    elif kind is RevocationKind.ROLE:
        try:
            role = Role(subject)
        except ValueError:
            raise NotFound from None
        if role in STAFF_ROLES:
            verify_actor(actor, Permission.ASSIGN_ROLES)
    elif kind is RevocationKind.EVERYTHING and subject != EVERYTHING_SUBJECT:
        raise MalformedRequest("Everything has the subject *.")
