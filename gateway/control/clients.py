"""Clients: register, change, disable, give credentials and roles.

Every change is durable and counts in this process before the call returns. Operators handle
applications and developers; a client with a staff role is named by an owner and written only by
the local operator. Whoever knew a secret of a client before it became staff knows none afterwards,
and there is always an enabled owner.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

from gateway.control.actors import STAFF_ROLES, Actor, Staff, verify_actor
from gateway.control.acts import Act, Action, Acts
from gateway.control.client_records import (
    get_client,
    get_writable,
    note_granted,
    save_client,
    verify_version,
)
from gateway.control.credentials import SECRET, Credentials, MadeCredential, Proof, revoke_all
from gateway.control.permissions import held_permissions
from gateway.control.revocation_entries import client_revocation
from gateway.control.two_person import Plan, TwoPersonAct, reasons_of
from gateway.core.errors import Conflict, MalformedRequest, NotFound, PermissionDenied
from gateway.core.grants import (
    RAW_PARAMETERS,
    DataClass,
    Grant,
    Parameter,
    Quota,
    TokenBinding,
)
from gateway.core.identity import Client, Network, Role
from gateway.core.policy import ROLE_PERMISSIONS, Permission
from gateway.core.ports import ControlChange
from gateway.core.registry import StoredClient
from gateway.core.request_limits import parse_limits
from gateway.core.requests.extra_members import parse_extra_members
from gateway.core.scrub_rules import ScrubRules
from gateway.core.secret import Secret
from gateway.core.shaping import Shaping

MAX_GRANTS = 640
"""Grants, and networks, of one client: every operation of some hundred models."""


@dataclass(frozen=True, slots=True)
class ClientGrants:
    """What a client is given. ``None`` leaves a part as it is; an empty one denies everything.

    Of a *quota* that is a mapping, only the members in it are replaced.
    """

    grants: frozenset[Grant] | None = None
    networks: tuple[Network, ...] | None = None
    plaintext_allowed: bool | None = None
    shaping: Shaping | None = None
    data_class: DataClass | None = None
    token_binding: TokenBinding | None = None
    quota: Quota | Mapping[str, int | None] | None = None
    scrubbing: ScrubRules | None = None
    masks_requests: bool | None = None
    parameters: frozenset[Parameter] | None = None
    limits: Mapping[str, int] | None = None
    extra_members: frozenset[str] | None = None

    def named(self) -> list[str]:
        """Return the names of the parts that are given."""
        return [part.name for part in fields(self) if getattr(self, part.name) is not None]


class IssuedCredential(NamedTuple):
    """A credential whose secret can be seen only now."""

    client_id: str
    credential_id: str
    secret: Secret[str]


class Registered(NamedTuple):
    """A new client and its first credential, if it was given one."""

    stored: StoredClient
    made: MadeCredential | None

    @property
    def issued(self) -> IssuedCredential | None:
        """The credential if it has a secret."""
        credential, secret = self.made or (None, None)
        if credential is None or secret is None:
            return None
        return IssuedCredential(credential.client_id, credential.credential_id, secret)


class RoleChange(NamedTuple):
    """A client with its new role, and the only credential that is good now if the role is staff."""

    stored: StoredClient
    issued: IssuedCredential | None


class Clients:
    """The use cases around registered clients.

    Every method raises ``PermissionDenied`` for an actor without the right and ``StoreUnavailable``
    when the store does not answer. With *expected_version* a change raises ``VersionMismatch``
    when the client is no more what the caller has seen.
    """

    def __init__(self, acts: Acts, *, credentials: Credentials) -> None:
        self._store = acts.store
        self._acts = acts
        self._credentials = credentials
        self._clock = acts.clock

    async def create(
        self, actor: Actor, grants: ClientGrants, *, role: Role = Role.APPLICATION
    ) -> IssuedCredential:
        """Do what :meth:`register` does for a client with a secret; return the secret."""
        issued = (await self.register(actor, grants, role=role)).issued
        assert issued is not None
        return issued

    async def register(
        self,
        actor: Actor,
        grants: ClientGrants,
        *,
        role: Role = Role.APPLICATION,
        proof: Proof | None = SECRET,
    ) -> Registered:
        """Register a client with a fresh identifier and, unless *proof* is None, one credential.

        Any role but ``application`` also needs the right to assign roles.
        """
        now = self._clock()
        client_id = f"c-{secrets.token_hex(8)}"
        made = None if proof is None else await self._credentials.make(client_id, proof)
        act = Act(Action.CREATE_CLIENT, client_id, role.value)
        async with self._acts.change(actor, Permission.WRITE_CLIENTS, act) as change:
            if role is not Role.APPLICATION:
                verify_actor(actor, Permission.ASSIGN_ROLES)
            client = _with_grants(Client(client_id=client_id, role=role), grants)
            arguments = {"grants": _settled(grants, client), "role": role, "proof": proof}
            await self._acts.ask(change, actor, Plan(reasons_of(None, client), arguments))
            stored = StoredClient(client, created_at=now, changed_at=now)
            await change.add_client(stored)
            if made is not None:
                await change.add_credential(made.credential)
            await note_granted(change, client_id, _permissions(client), at=now)
        return Registered(stored, made)

    async def change(
        self,
        actor: Actor,
        client_id: str,
        grants: ClientGrants,
        *,
        expected_version: int | None = None,
    ) -> StoredClient:
        """Replace the given parts of a client's grants; return the client. Raises ``NotFound``.

        A grant that was reclaimed and is given again is withheld no more.
        """
        act = Act(Action.CHANGE_CLIENT, client_id, ",".join(grants.named()))
        now = self._clock()
        async with self._acts.change(actor, Permission.WRITE_CLIENTS, act) as change:
            stored = await get_writable(change, actor, client_id, expected_version=expected_version)
            client = _with_grants(stored.client, grants)
            plan = Plan(
                reasons_of(stored.client, client),
                {
                    "client_id": client_id,
                    "grants": _settled(grants, client),
                    "version": stored.version,
                },
            )
            await self._acts.ask(change, actor, plan)
            saved = await save_client(change, stored, client, at=now)
            new = _permissions(client) - _permissions(stored.client)
            await note_granted(change, client_id, new, at=now)
        return saved

    async def disable(
        self, actor: Actor, client_id: str, *, expected_version: int | None = None
    ) -> StoredClient:
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
        now = self._clock()
        async with self._acts.change(actor, permission, act) as change:
            stored = await get_client(change, client_id)
            if stored.client.role in STAFF_ROLES:  # it may have become one meanwhile
                verify_actor(actor, Permission.ASSIGN_ROLES)
            verify_version(stored, expected_version)
            await _verify_owner_remains(change, stored, owners=owners)
            client = replace(stored.client, disabled=True)
            saved = await save_client(change, stored, client, at=now)
            await change.add_revocation(client_revocation(client_id, at=now))
        return saved

    async def enable(
        self, actor: Actor, client_id: str, *, expected_version: int | None = None
    ) -> StoredClient:
        """Let a disabled client fetch tokens again. Raises ``NotFound``."""
        act = Act(Action.ENABLE_CLIENT, client_id)
        async with self._acts.change(actor, Permission.WRITE_CLIENTS, act) as change:
            stored = await get_writable(change, actor, client_id, expected_version=expected_version)
            client = replace(stored.client, disabled=False)
            return await save_client(change, stored, client, at=self._clock())

    async def assign_role(
        self, actor: Actor, client_id: str, role: Role, *, expected_version: int | None = None
    ) -> RoleChange:
        """Give a client another role, its only one. Tokens issued under the old one are revoked.

        With a staff role the client gets a fresh secret, for the actor to pass on, and loses all
        other credentials in the same transaction: the operator who registered it knows them.
        Raises ``NotFound``, ``PermissionDenied`` for the own role, and ``Conflict`` when the last
        enabled owner would be one no more.
        """
        now = self._clock()
        made = None
        if role in STAFF_ROLES:
            made = await self._credentials.make(client_id, SECRET)
        owners = await self._owners()
        act = Act(Action.ASSIGN_ROLE, client_id, role.value)
        async with self._acts.change(actor, Permission.ASSIGN_ROLES, act) as change:
            if isinstance(actor, Staff) and actor.client_id == client_id:
                raise PermissionDenied("The own role is changed by another owner.")
            stored = await get_client(change, client_id)
            verify_version(stored, expected_version)
            if role is not Role.OWNER:
                await _verify_owner_remains(change, stored, owners=owners)
            arguments = {"client_id": client_id, "role": role, "version": stored.version}
            plan = Plan(frozenset({TwoPersonAct.ASSIGN_ROLE}), arguments)
            await self._acts.ask(change, actor, plan)
            withheld = stored.client.withheld - ROLE_PERMISSIONS[role]
            client = replace(stored.client, role=role, withheld=withheld)
            client = replace(client, parameters=client.usable_parameters)
            saved = await save_client(change, stored, client, at=now)
            await change.add_revocation(client_revocation(client_id, at=now))
            if made is not None:
                await revoke_all(change, client_id, at=now)
                await change.add_credential(made.credential)
            await note_granted(change, client_id, ROLE_PERMISSIONS[role], at=now)
        return RoleChange(saved, Registered(saved, made).issued)

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

    async def _owners(self) -> Sequence[str]:
        clients = (await self._store.load()).clients
        return [stored.client.client_id for stored in clients if _is_owner(stored)]


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
        if client_id != leaving.client.client_id and _is_owner(await get_client(change, client_id)):
            return
    raise Conflict("This is the last enabled owner; name another one first.")


def _with_grants(client: Client, given: ClientGrants) -> Client:
    grants = client.grants if given.grants is None else given.grants
    networks = client.networks if given.networks is None else given.networks
    plaintext, masks = given.plaintext_allowed, given.masks_requests
    extra = given.extra_members
    if len(grants) > MAX_GRANTS or len(networks) > MAX_GRANTS:
        raise MalformedRequest(f"A client has at most {MAX_GRANTS} grants and networks.")
    withheld = client.withheld
    if given.grants is not None:
        # What is given again counts again, and what is not held need not be withheld.
        withheld -= {grant.permission for grant in client.grants | grants}
    parameters = client.parameters if given.parameters is None else given.parameters
    if client.role is not Role.DEVELOPER and parameters & RAW_PARAMETERS:
        raise MalformedRequest("Parameters that are not scrubbed are for developers alone.")
    return replace(
        client,
        grants=grants,
        networks=networks,
        plaintext_allowed=client.plaintext_allowed if plaintext is None else plaintext,
        shaping=given.shaping or client.shaping,
        data_class=given.data_class or client.data_class,
        token_binding=given.token_binding or client.token_binding,
        quota=_with_quota(client.quota, given.quota),
        scrubbing=client.scrubbing if given.scrubbing is None else given.scrubbing,
        masks_requests=client.masks_requests if masks is None else masks,
        parameters=parameters,
        limits=client.limits if given.limits is None else parse_limits(given.limits),
        extra_members=client.extra_members if extra is None else parse_extra_members(extra),
        withheld=withheld,
    )


def _settled(given: ClientGrants, client: Client) -> ClientGrants:
    """Return *given* with the whole quota that *client* has by it, to be kept in a proposal."""
    return replace(given, quota=None if given.quota is None else client.quota)


def _with_quota(quota: Quota, given: Quota | Mapping[str, int | None] | None) -> Quota:
    return given if isinstance(given, Quota) else replace(quota, **(given or {}))


def _permissions(client: Client) -> set[str]:
    """Return the names of all that the role and the grants of *client* give it now."""
    return held_permissions(client) - client.withheld
