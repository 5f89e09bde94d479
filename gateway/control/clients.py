"""Clients: register, change, disable, give credentials and roles.

Every change is durable and counts in this process before the call returns. Operators handle
applications and developers; a client with a staff role is named by an owner and written only by
the local operator. Whoever knew a secret of a client before it became staff knows none afterwards,
and there is always an enabled owner.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import NamedTuple

from gateway.control.actors import STAFF_ROLES, Actor, Staff, verify_actor, verify_may_write
from gateway.control.acts import Act, Action, Acts
from gateway.control.permissions import held_permissions
from gateway.control.revocation_entries import client_revocation, cut_revocation
from gateway.control.secrets import SecretHasher, new_credential_id, new_secret
from gateway.control.two_person import Plan, TwoPersonAct, reasons_of
from gateway.core.errors import Conflict, MalformedRequest, NotFound, PermissionDenied
from gateway.core.grants import DataClass, Grant, Quota, TokenBinding
from gateway.core.identity import Client, Network, Role
from gateway.core.policy import ROLE_PERMISSIONS, Permission
from gateway.core.ports import ControlChange
from gateway.core.registry import Credential, PermissionUse, RevocationKind, StoredClient
from gateway.core.secret import Secret
from gateway.core.shaping import Shaping

MAX_CREDENTIALS = 4
"""Credentials of one client that are good at a time: enough to rotate, too few to lose sight of."""

MAX_GRANTS = 256
"""Grants, and networks, of one client."""


@dataclass(frozen=True, slots=True)
class ClientGrants:
    """What a client is given. ``None`` leaves a part as it is; an empty one denies everything."""

    grants: frozenset[Grant] | None = None
    networks: tuple[Network, ...] | None = None
    plaintext_allowed: bool | None = None
    shaping: Shaping | None = None
    data_class: DataClass | None = None
    token_binding: TokenBinding | None = None
    quota: Quota | None = None

    def named(self) -> list[str]:
        """Return the names of the parts that are given."""
        return [part.name for part in fields(self) if getattr(self, part.name) is not None]


class IssuedCredential(NamedTuple):
    """A credential whose secret can be seen only now."""

    client_id: str
    credential_id: str
    secret: Secret[str]


class RoleChange(NamedTuple):
    """A client with its new role, and the only credential that is good now if the role is staff."""

    stored: StoredClient
    issued: IssuedCredential | None


class Clients:
    """The use cases around registered clients.

    Every method raises ``PermissionDenied`` for an actor without the right and ``StoreUnavailable``
    when the store does not answer.
    """

    def __init__(self, acts: Acts, *, hasher: SecretHasher) -> None:
        self._store = acts.store
        self._acts = acts
        self._hasher = hasher
        self._clock = acts.clock

    async def create(
        self, actor: Actor, grants: ClientGrants, *, role: Role = Role.APPLICATION
    ) -> IssuedCredential:
        """Register a client with a fresh identifier and one credential; return its secret.

        Any role but ``application`` also needs the right to assign roles.
        """
        now = self._clock()
        client_id = f"c-{secrets.token_hex(8)}"
        issued, credential = await self._new_credential(client_id, now)
        act = Act(Action.CREATE_CLIENT, client_id, role.value)
        async with self._acts.change(actor, Permission.WRITE_CLIENTS, act) as change:
            if role is not Role.APPLICATION:
                verify_actor(actor, Permission.ASSIGN_ROLES)
            client = _with_grants(Client(client_id=client_id, role=role), grants)
            plan = Plan(reasons_of(None, client), {"grants": grants, "role": role})
            await self._acts.ask(change, actor, plan)
            await change.add_client(StoredClient(client, created_at=now, changed_at=now))
            await change.add_credential(credential)
            await self._note_granted(change, client_id, _permissions(client))
        return issued

    async def change(self, actor: Actor, client_id: str, grants: ClientGrants) -> StoredClient:
        """Replace the given parts of a client's grants; return the client. Raises ``NotFound``."""
        act = Act(Action.CHANGE_CLIENT, client_id, ",".join(grants.named()))
        async with self._acts.change(actor, Permission.WRITE_CLIENTS, act) as change:
            stored = await _get(change, client_id)
            verify_may_write(actor, stored.client.role)
            client = _with_grants(stored.client, grants)
            arguments = {"client_id": client_id, "grants": grants, "version": stored.version}
            plan = Plan(reasons_of(stored.client, client), arguments)
            await self._acts.ask(change, actor, plan)
            saved = await self._save(change, stored, client)
            new = _permissions(saved.client) - _permissions(stored.client)
            await self._note_granted(change, client_id, new)
        return saved

    async def disable(self, actor: Actor, client_id: str) -> StoredClient:
        """Disable a client: no new tokens, and those issued are refused at once.

        Its tokens are revoked as well, so that they stay dead if it is ever enabled again.
        A client with a staff role needs the right to assign roles instead of the right to write
        clients: an owner ends what an owner began. Raises ``NotFound``, and ``Conflict`` for the
        last enabled owner.
        """
        found = await self._store.find_client(client_id)
        staff = found is not None and found.client.role in STAFF_ROLES
        permission = Permission.ASSIGN_ROLES if staff else Permission.WRITE_CLIENTS
        owners = await self._owners()
        act = Act(Action.DISABLE_CLIENT, client_id)
        async with self._acts.change(actor, permission, act) as change:
            stored = await _get(change, client_id)
            if stored.client.role in STAFF_ROLES:  # it may have become one meanwhile
                verify_actor(actor, Permission.ASSIGN_ROLES)
            await _verify_owner_remains(change, stored, owners=owners)
            saved = await self._save(change, stored, replace(stored.client, disabled=True))
            await change.add_revocation(client_revocation(client_id, at=self._clock()))
        return saved

    async def enable(self, actor: Actor, client_id: str) -> StoredClient:
        """Let a disabled client fetch tokens again. Raises ``NotFound``."""
        act = Act(Action.ENABLE_CLIENT, client_id)
        async with self._acts.change(actor, Permission.WRITE_CLIENTS, act) as change:
            stored = await _get(change, client_id)
            verify_may_write(actor, stored.client.role)
            return await self._save(change, stored, replace(stored.client, disabled=False))

    async def assign_role(self, actor: Actor, client_id: str, role: Role) -> RoleChange:
        """Give a client another role, its only one. Tokens issued under the old one are revoked.

        With a staff role the client gets a fresh credential, for the actor to pass on, and loses
        all others in the same transaction: the operator who registered it knows their secrets.
        Raises ``NotFound``, ``PermissionDenied`` for the own role, and ``Conflict`` when the last
        enabled owner would be one no more.
        """
        now = self._clock()
        issued = credential = None
        if role in STAFF_ROLES:
            issued, credential = await self._new_credential(client_id, now)
        owners = await self._owners()
        act = Act(Action.ASSIGN_ROLE, client_id, role.value)
        async with self._acts.change(actor, Permission.ASSIGN_ROLES, act) as change:
            if isinstance(actor, Staff) and actor.client_id == client_id:
                raise PermissionDenied("The own role is changed by another owner.")
            stored = await _get(change, client_id)
            if role is not Role.OWNER:
                await _verify_owner_remains(change, stored, owners=owners)
            arguments = {"client_id": client_id, "role": role, "version": stored.version}
            plan = Plan(frozenset({TwoPersonAct.ASSIGN_ROLE}), arguments)
            await self._acts.ask(change, actor, plan)
            withheld = stored.client.withheld - ROLE_PERMISSIONS[role]
            client = replace(stored.client, role=role, withheld=withheld)
            saved = await self._save(change, stored, client)
            await change.add_revocation(client_revocation(client_id, at=now))
            if credential is not None:
                await _revoke_credentials(change, client_id, at=now)
                await change.add_credential(credential)
            await self._note_granted(change, client_id, ROLE_PERMISSIONS[role])
        return RoleChange(saved, issued)

    async def list_page(
        self, actor: Actor, *, after: str = "", limit: int = 50
    ) -> Sequence[StoredClient]:
        """Return up to *limit* clients whose identifier sorts after *after*."""
        self._acts.verify(actor, Permission.READ_CLIENTS)
        return await self._store.list_clients(after=after, limit=limit)

    async def get(self, actor: Actor, client_id: str) -> StoredClient:
        """Return one client. Raises ``NotFound``."""
        self._acts.verify(actor, Permission.READ_CLIENTS)
        stored = await self._store.find_client(client_id)
        if stored is None:
            raise NotFound
        return stored

    async def list_credentials(self, actor: Actor, client_id: str) -> Sequence[Credential]:
        """Return all credentials of a client, oldest first. Raises ``NotFound``."""
        await self.get(actor, client_id)
        return await self._store.list_credentials(client_id)

    async def add_credential(self, actor: Actor, client_id: str) -> IssuedCredential:
        """Give a client one more credential; the others stay good until they are revoked.

        Raises ``NotFound``, and ``Conflict`` above :data:`MAX_CREDENTIALS`.
        """
        issued, credential = await self._new_credential(client_id, self._clock())
        act = Act(Action.ADD_CREDENTIAL, client_id, credential.credential_id)
        async with self._acts.change(actor, Permission.WRITE_CLIENTS, act) as change:
            stored = await _get(change, client_id)
            verify_may_write(actor, stored.client.role)
            good = [c for c in await change.list_credentials(client_id) if c.revoked_at is None]
            if len(good) >= MAX_CREDENTIALS:
                raise Conflict("The client has too many credentials; revoke one first.")
            await change.add_credential(credential)
        return issued

    async def revoke_credential(
        self, actor: Actor, client_id: str, credential_id: str
    ) -> Credential:
        """Withdraw one credential, and every token that was fetched with it.

        Raises ``NotFound``. Withdrawing twice changes nothing.
        """
        act = Act(Action.REVOKE_CREDENTIAL, client_id, credential_id)
        async with self._acts.change(actor, Permission.WRITE_CLIENTS, act) as change:
            stored = await _get(change, client_id)
            verify_may_write(actor, stored.client.role)
            found = {c.credential_id: c for c in await change.list_credentials(client_id)}
            credential = found.get(credential_id)
            if credential is None:
                raise NotFound
            if credential.revoked_at is None:
                credential = replace(credential, revoked_at=self._clock())
                await change.save_credential(credential)
                await change.add_revocation(
                    cut_revocation(RevocationKind.CREDENTIAL_ID, credential_id, at=self._clock())
                )
        return credential

    async def _new_credential(
        self, client_id: str, now: datetime
    ) -> tuple[IssuedCredential, Credential]:
        credential_id = new_credential_id()
        secret = new_secret(credential_id)
        secret_hash = await self._hasher.hash(secret)
        credential = Credential(credential_id, client_id, secret_hash, created_at=now)
        return IssuedCredential(client_id, credential_id, secret), credential

    async def _note_granted(
        self, change: ControlChange, client_id: str, permissions: Iterable[str]
    ) -> None:
        """Remember the day of the grant, from which on an unused permission counts as idle."""
        today = self._clock().date()
        uses = [PermissionUse(client_id, str(name), today) for name in permissions]
        await change.save_permission_uses(uses)

    async def _owners(self) -> Sequence[str]:
        clients = (await self._store.load()).clients
        return [stored.client.client_id for stored in clients if _is_owner(stored)]

    async def _save(
        self, change: ControlChange, stored: StoredClient, client: Client
    ) -> StoredClient:
        saved = replace(stored, client=client, changed_at=self._clock(), version=stored.version + 1)
        await change.save_client(saved)
        return saved


async def _get(change: ControlChange, client_id: str) -> StoredClient:
    stored = await change.find_client(client_id)
    if stored is None:
        raise NotFound
    return stored


def _is_owner(stored: StoredClient) -> bool:
    return stored.client.role is Role.OWNER and not stored.client.disabled


async def _verify_owner_remains(
    change: ControlChange, leaving: StoredClient, *, owners: Sequence[str]
) -> None:
    """Raise ``Conflict`` unless there is an enabled owner besides *leaving*.

    *owners* were the enabled ones before the transaction; each is read again inside it, so of two
    owners that end each other at once, one stays.
    """
    if not _is_owner(leaving):
        return
    for client_id in owners:
        if client_id != leaving.client.client_id and _is_owner(await _get(change, client_id)):
            return
    raise Conflict("This is the last enabled owner; name another one first.")


async def _revoke_credentials(change: ControlChange, client_id: str, *, at: datetime) -> None:
    for credential in await change.list_credentials(client_id):
        if credential.revoked_at is None:
            await change.save_credential(replace(credential, revoked_at=at))


def _with_grants(client: Client, grants: ClientGrants) -> Client:
    allowed = client.grants if grants.grants is None else grants.grants
    networks = client.networks if grants.networks is None else grants.networks
    plaintext = grants.plaintext_allowed
    if len(allowed) > MAX_GRANTS or len(networks) > MAX_GRANTS:
        raise MalformedRequest(f"A client has at most {MAX_GRANTS} grants and networks.")
    return replace(
        client,
        grants=allowed,
        networks=networks,
        plaintext_allowed=client.plaintext_allowed if plaintext is None else plaintext,
        shaping=grants.shaping or client.shaping,
        data_class=grants.data_class or client.data_class,
        token_binding=grants.token_binding or client.token_binding,
        quota=grants.quota or client.quota,
        # What is granted again is granted, whatever was reclaimed before.
        withheld=client.withheld - {grant.permission for grant in grants.grants or ()},
    )


def _permissions(client: Client) -> set[str]:
    """Return the names of all that the role and the grants of *client* give it now."""
    return held_permissions(client) - client.withheld
