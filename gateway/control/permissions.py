"""Permissions nobody uses: reported, withheld after so many idle days, and given back.

A permission that was reclaimed stays with its client and is withheld: its calls are refused, its
running answers are cut. What could not be mended without the store itself is never reclaimed: the
right to assign roles and to decide proposals stays with as many enabled owners as are needed, and
nobody takes the right to reclaim from themselves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Final

from gateway.control.actors import STAFF_ROLES, Actor, Staff, System
from gateway.control.acts import Act, Action, Acts
from gateway.control.permission_uses import PermissionUses
from gateway.core.errors import Conflict, MalformedRequest, NotFound, PermissionDenied
from gateway.core.identity import Client, Role
from gateway.core.policy import ROLE_PERMISSIONS, Permission
from gateway.core.ports import ControlChange, ControlStore
from gateway.core.registry import PermissionUse, StoredClient

BATCH: Final = 50
"""Permissions that one transaction reclaims: less than half a second with the write lock."""

MAX_IDLE_DAYS: Final = 36_500
_PAGE: Final = 200
_OF_OWNERS: Final = (Permission.ASSIGN_ROLES, Permission.DECIDE_PROPOSALS)


@dataclass(frozen=True, slots=True)
class HeldPermission:
    """A permission of a client: of its role, or the name of a grant."""

    client_id: str
    permission: str
    granted_on: date
    last_used_on: date | None
    idle_days: int
    withheld: bool


class Permissions:
    """The use cases around permissions.

    *keep_owners* is how many enabled owners keep the rights of owners, whatever they use. Every
    method raises ``PermissionDenied`` for an actor without the right and ``StoreUnavailable`` when
    the store does not answer.
    """

    def __init__(self, acts: Acts, uses: PermissionUses, *, keep_owners: int = 1) -> None:
        self._acts = acts
        self._store = acts.store
        self._uses = uses
        self._keep_owners = keep_owners

    async def list_usage(
        self,
        actor: Actor,
        *,
        after: tuple[str, str] = ("", ""),
        limit: int = 50,
        idle_days: int = 0,
    ) -> Sequence[HeldPermission]:
        """Return up to *limit* permissions after that client and name, idle for so many days."""
        self._acts.verify(actor, Permission.READ_PERMISSIONS)
        await self._uses.write()
        found: list[HeldPermission] = []
        async for held in self._held(after):
            if held.idle_days >= idle_days:
                found.append(held)
            if len(found) == limit:
                break
        return found

    async def reclaim(
        self, actor: Actor, *, idle_days: int, dry_run: bool = False
    ) -> Sequence[HeldPermission]:
        """Withhold what nobody used for *idle_days*, one or more; return it.

        With *dry_run* nothing changes. Each permission has its row in the audit trail. Raises
        ``MalformedRequest``.
        """
        if not 1 <= idle_days <= MAX_IDLE_DAYS:
            raise MalformedRequest("A number of idle days is 1 or more.")
        all_of_it = Act(Action.RECLAIM_PERMISSION, "*", f"idle for {idle_days} days")
        await self._acts.admit(actor, Permission.RECLAIM_PERMISSIONS, all_of_it)
        await self._uses.write()  # what this process knows and the store does not yet
        due = [held async for held in self._due(actor, idle_days)]
        if dry_run:
            return due
        done: list[HeldPermission] = []
        for start in range(0, len(due), BATCH):
            async with self._acts.several(
                actor, Permission.RECLAIM_PERMISSIONS, all_of_it
            ) as change:
                done += await self._withhold(change, actor, due[start : start + BATCH])
        return done

    async def reclaim_idle(self, idle_days: int) -> None:
        """Do what :meth:`reclaim` does, as the gateway itself. Background task."""
        await self.reclaim(System(), idle_days=idle_days)

    async def restore(self, actor: Actor, client_id: str, permission: str) -> StoredClient:
        """Give a withheld permission back, as if granted today; return the client.

        Of a client with a staff role it takes the right to assign roles, and another member of
        staff than the client itself. Raises ``NotFound``, and ``Conflict`` when the permission is
        not withheld.
        """
        found = await self._store.find_client(client_id)
        staff = found is not None and found.client.role in STAFF_ROLES
        right = Permission.ASSIGN_ROLES if staff else Permission.RECLAIM_PERMISSIONS
        act = Act(Action.RESTORE_PERMISSION, client_id, permission[:256])
        async with self._acts.change(actor, right, act) as change:
            stored = await change.find_client(client_id)
            if stored is None:
                raise NotFound
            if stored.client.role in STAFF_ROLES:  # it may have become one meanwhile
                self._acts.verify(actor, Permission.ASSIGN_ROLES)
            if isinstance(actor, Staff) and actor.client_id == client_id:
                raise PermissionDenied("An own permission is given back by another owner.")
            if permission not in stored.client.withheld:
                raise Conflict("This permission is not withheld from the client.")
            saved = self._changed(stored, withheld=stored.client.withheld - {permission})
            await change.save_client(saved)
            use = PermissionUse(client_id, permission, self._acts.clock().date())
            await change.save_permission_uses([use])
        return saved

    async def _due(self, actor: Actor, idle_days: int) -> AsyncIterator[HeldPermission]:
        owners = await _owners(self._store)
        async for held in self._held(("", "")):
            if held.idle_days < idle_days or held.withheld or _is_own_right(actor, held):
                continue
            if self._take(owners, held):
                yield held

    async def _withhold(
        self, change: ControlChange, actor: Actor, batch: Sequence[HeldPermission]
    ) -> Sequence[HeldPermission]:
        """Do what of *batch* is still right now that nobody else writes."""
        done: list[HeldPermission] = []
        owners = _holders(await change.list_clients_of(Role.OWNER))
        for client_id, helds in groupby(batch, key=lambda held: held.client_id):
            stored = await change.find_client(client_id)
            if stored is None:
                continue
            uses = {use.permission: use for use in await change.list_permission_uses(client_id)}
            still = {held.permission: held for held in _held_by(stored, uses, self._today())}
            lost = [
                held
                for held in helds
                if _is_still(held, still.get(held.permission)) and self._take(owners, held)
            ]
            if lost:
                withheld = stored.client.withheld | {held.permission for held in lost}
                await change.save_client(self._changed(stored, withheld=withheld))
            for held in lost:
                detail = f"{held.permission} idle for {held.idle_days} days"
                act = Act(Action.RECLAIM_PERMISSION, client_id, detail)
                await self._acts.record(change, actor, act)
            done += lost
        return done

    def _take(self, owners: Mapping[str, set[str]], held: HeldPermission) -> bool:
        """Take *held* from the holders in *owners*; return False when enough of them must stay."""
        holders = owners.get(held.permission, set())
        if held.client_id in holders:
            if len(holders) <= self._keep_owners:
                return False
            holders.discard(held.client_id)
        return True

    def _changed(self, stored: StoredClient, *, withheld: frozenset[str]) -> StoredClient:
        return replace(
            stored,
            client=replace(stored.client, withheld=withheld),
            changed_at=self._acts.clock(),
            version=stored.version + 1,
        )

    def _today(self) -> date:
        return self._acts.clock().date()

    async def _held(self, after: tuple[str, str]) -> AsyncIterator[HeldPermission]:
        """Yield every permission after that client and name, in order."""
        uses = _UsesInOrder(self._store, after[0])
        today = self._today()
        async for stored in _clients(self._store, after[0]):
            for held in _held_by(stored, await uses.of(stored.client.client_id), today):
                if (held.client_id, held.permission) > after:
                    yield held


class _UsesInOrder:
    """Reads uses page by page, for clients that are asked for in their order."""

    def __init__(self, store: ControlStore, first: str) -> None:
        self._store = store
        self._place = (first, "")
        self._page: deque[PermissionUse] = deque()
        self._is_last = False

    async def of(self, client_id: str) -> Mapping[str, PermissionUse]:
        found: dict[str, PermissionUse] = {}
        while True:
            while self._page and self._page[0].client_id <= client_id:
                use = self._page.popleft()
                if use.client_id == client_id:
                    found[use.permission] = use
            if self._page or self._is_last:
                return found
            await self._read_on()

    async def _read_on(self) -> None:
        page = await self._store.list_permission_uses(after=self._place, limit=_PAGE)
        self._page, self._is_last = deque(page), len(page) < _PAGE
        if page:
            self._place = (page[-1].client_id, page[-1].permission)


async def _clients(store: ControlStore, first: str) -> AsyncIterator[StoredClient]:
    """Yield the client *first*, if there is one, and all after it."""
    begin = await store.find_client(first)
    if begin is not None:
        yield begin
    after = first
    while page := await store.list_clients(after=after, limit=_PAGE):
        for stored in page:
            yield stored
        after = page[-1].client.client_id


def _held_by(
    stored: StoredClient, uses: Mapping[str, PermissionUse], today: date
) -> Iterator[HeldPermission]:
    """Yield what a client's role and grants give it; without a record it has it since creation."""
    client = stored.client
    for name in sorted(held_permissions(client)):
        created_on = stored.created_at.date()
        known = uses.get(name) or PermissionUse(client.client_id, name, created_on)
        since = max(known.idle_since, created_on)
        yield HeldPermission(
            client_id=client.client_id,
            permission=name,
            granted_on=max(known.granted_on, created_on),
            last_used_on=known.last_used_on,
            idle_days=max((today - since).days, 0),
            withheld=name in client.withheld,
        )


def held_permissions(client: Client) -> set[str]:
    """Return the names of all that the role and the grants of *client* give it."""
    of_role = {permission.value for permission in ROLE_PERMISSIONS[client.role]}
    return {grant.permission for grant in client.grants} | of_role


def _is_still(planned: HeldPermission, now: HeldPermission | None) -> bool:
    """Return whether what was planned is still so: held, and not used meanwhile."""
    return now is not None and not now.withheld and now.idle_days >= planned.idle_days


def _is_own_right(actor: Actor, held: HeldPermission) -> bool:
    own = isinstance(actor, Staff) and actor.client_id == held.client_id
    return own and held.permission == Permission.RECLAIM_PERMISSIONS


async def _owners(store: ControlStore) -> dict[str, set[str]]:
    return _holders([stored async for stored in _clients(store, "")])


def _holders(clients: Sequence[StoredClient]) -> dict[str, set[str]]:
    """Return the enabled owners that hold each of the rights of owners."""
    owners = [c.client for c in clients if c.client.role is Role.OWNER and not c.client.disabled]
    return {
        right: {owner.client_id for owner in owners if right not in owner.withheld}
        for right in _OF_OWNERS
    }
