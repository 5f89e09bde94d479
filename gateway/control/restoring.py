"""A backup put back, so that nothing that was withdrawn since it was made comes back with it.

Where the present store goes on from the backup, it knows what happened since: it stays, and only
the rights of clients are put back. Else nobody knows: then all that could have been withdrawn is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gateway.control.actors import Actor
from gateway.control.acts import Act, Action, Acts
from gateway.control.client_records import save_client
from gateway.control.credentials import revoke_all
from gateway.control.revocation_entries import (
    client_revocation,
    cut_revocation,
    key_revocation,
)
from gateway.core.audit import AuditEntry, AuditHead, Outcome
from gateway.core.audit_lines import encode_head
from gateway.core.identity import Role
from gateway.core.keyring import USABLE, KeyUse
from gateway.core.policy import Permission
from gateway.core.ports import ControlChange, ControlStore
from gateway.core.registry import EVERYTHING_SUBJECT, RevocationKind, StoredClient

JUMP: Final = 1_000_000
"""How far the numbers of a store jump when nobody knows how far it was: no gateway makes as many
changes between two backups, and 2,000 jumps fit into the column."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. *disabled* names the clients that an operator has to look at."""

    disabled: tuple[str, ...]
    merged: bool


async def is_successor(store: ControlStore, head: AuditHead) -> bool:
    """Return whether *store* goes on from a backup whose audit trail ended with *head*.

    Its trail then has that very row.
    """
    if head.number == 0:
        return False
    rows = await store.list_audit(after=head.number - 1, limit=1)
    return bool(rows) and rows[0].head == head


async def put_rights_back(
    acts: Acts, actor: Actor, backup: Mapping[str, StoredClient], *, head: AuditHead
) -> Restored:
    """Give clients the rights of *backup* in a store that goes on from it.

    Who was changed or registered since is disabled, since the change may have been to withdraw
    something. Keys, credentials, revocations and the audit trail stay as they are.
    """
    act = Act(Action.RESTORE, encode_head(head), "the store goes on from the backup")
    now = acts.clock()
    disabled = []
    async with acts.change(actor, Permission.WRITE_CLIENTS, act) as change:
        for stored in await _all_clients(change):
            client_id = stored.client.client_id
            before = backup.get(client_id, stored)
            if client_id in backup and before.version == stored.version:
                continue
            await _disable(change, replace(stored, client=before.client), now=now)
            disabled.append(client_id)
    return Restored(tuple(disabled), merged=True)


async def withdraw_unknown(
    change: ControlChange, actor: Actor, *, head: AuditHead, at: datetime, nothing_withdrawn: bool
) -> Restored:
    """Withdraw in a store that was just replaced by a backup what may have been withdrawn since.

    Every token issued until now, every encryption key (a recorded message must not open again) and,
    unless an operator vouches that *nothing_withdrawn* is so, every other key, every credential and
    every client.
    """
    everything = RevocationKind.EVERYTHING
    await change.add_revocation(cut_revocation(everything, EVERYTHING_SUBJECT, at=at))
    await _revoke_keys(change, at=at, kept=frozenset(KeyUse) if nothing_withdrawn else frozenset())
    disabled = []
    if not nothing_withdrawn:
        for stored in await _all_clients(change):
            await _disable(change, stored, now=at)
            await revoke_all(change, stored.client.client_id, at=at)
            disabled.append(stored.client.client_id)
    detail = "rows after this one's target are lost"
    if nothing_withdrawn:
        detail += "; an operator vouched that nothing was withdrawn since"
    entry = AuditEntry(
        at=at,
        actor=actor.name,
        action=Action.RESTORE.value,
        target=encode_head(head),
        outcome=Outcome.DONE,
        request_id=actor.request_id,
        detail=detail,
    )
    await change.append_audit(entry)
    return Restored(tuple(disabled), merged=False)


async def _revoke_keys(change: ControlChange, *, at: datetime, kept: frozenset[KeyUse]) -> None:
    """Revoke every usable key except those of the uses *kept*; encryption keys always."""
    for key in await change.list_keys():
        if key.state in USABLE and (key.use is KeyUse.ENCRYPTION or key.use not in kept):
            await change.save_key(key.revoked(at=at))
            await change.add_revocation(key_revocation(key.kid, at=at))


async def _disable(change: ControlChange, stored: StoredClient, *, now: datetime) -> None:
    await save_client(change, stored, replace(stored.client, disabled=True), at=now)
    await change.add_revocation(client_revocation(stored.client.client_id, at=now))


async def _all_clients(change: ControlChange) -> Iterable[StoredClient]:
    return [stored for role in Role for stored in await change.list_clients_of(role)]
