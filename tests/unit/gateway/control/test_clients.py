"""Clients: who may write whom, secrets shown once, and what disabling ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.control.client_authentication import SecretProof
from gateway.control.clients import MAX_CREDENTIALS, ClientGrants
from gateway.control.room import ControlRoom
from gateway.core.errors import (
    AddressNotAllowed,
    Conflict,
    InvalidClient,
    InvalidToken,
    MalformedRequest,
    NotFound,
    PermissionDenied,
)
from gateway.core.grants import every_operation
from gateway.core.identity import Role
from gateway.core.secret import Secret
from gateway.core.tokens import verify_access_token
from tests.fakes.control import GRANTS, LOCAL, FakeClock, principal, proof

OPERATOR, OWNER = principal(Role.OPERATOR), principal(Role.OWNER)


async def test_created_client_can_fetch_a_token(room: ControlRoom) -> None:
    """A registered client is in the snapshot before create() answers, and its secret works."""
    issued = await room.clients.create(OPERATOR, GRANTS)
    assert issued.client_id in room.snapshots.current().clients
    assert (await room.tokens.issue(proof(issued))).expires_in_seconds == 3600


async def test_secret_is_not_in_the_store(room: ControlRoom) -> None:
    """Only a hash of the secret is stored."""
    issued = await room.clients.create(LOCAL, GRANTS)
    (credential,) = await room.clients.list_credentials(LOCAL, issued.client_id)
    assert credential.verifier.startswith("$argon2id$")
    assert issued.secret.reveal() not in credential.verifier


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.APPLICATION])
async def test_operator_creates_applications_only(room: ControlRoom, role: Role) -> None:
    """An operator cannot register a client of any other role; the local operator can."""
    with pytest.raises(PermissionDenied):
        await room.clients.create(OPERATOR, GRANTS, role=role)
    assert await room.clients.create(LOCAL, GRANTS, role=role)


@pytest.mark.parametrize("role", [Role.APPLICATION, Role.AUDITOR, Role.OWNER, Role.DEVELOPER])
async def test_others_create_nothing(room: ControlRoom, role: Role) -> None:
    """Only operators register clients."""
    with pytest.raises(PermissionDenied):
        await room.clients.create(principal(role), GRANTS)


async def test_operator_cannot_become_staff(room: ControlRoom) -> None:
    """An operator can neither give a staff client a secret nor change, enable or disable it."""
    owner = await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)
    name = owner.client_id
    with pytest.raises(PermissionDenied):
        await room.clients.add_credential(OPERATOR, name)
    with pytest.raises(PermissionDenied):
        await room.clients.change(OPERATOR, name, GRANTS)
    with pytest.raises(PermissionDenied):
        await room.clients.disable(OPERATOR, name)
    with pytest.raises(PermissionDenied):
        await room.clients.enable(OPERATOR, name)
    with pytest.raises(PermissionDenied):
        await room.clients.revoke_credential(OPERATOR, name, owner.credential_id)


async def test_owner_assigns_roles_and_disables_staff(room: ControlRoom) -> None:
    """An owner gives roles and ends staff clients, and writes no application."""
    issued = await room.clients.create(LOCAL, GRANTS)
    with pytest.raises(PermissionDenied):
        await room.clients.disable(OWNER, issued.client_id)
    with pytest.raises(PermissionDenied):
        await room.clients.assign_role(OPERATOR, issued.client_id, Role.AUDITOR)
    changed = await room.clients.assign_role(OWNER, issued.client_id, Role.AUDITOR)
    assert changed.stored.client.role is Role.AUDITOR
    assert (await room.clients.disable(OWNER, issued.client_id)).client.disabled


async def test_new_role_ends_old_tokens(room: ControlRoom) -> None:
    """A token issued under the old role is refused under the new one."""
    issued = await room.clients.create(LOCAL, GRANTS)
    token = (await room.tokens.issue(proof(issued))).token.reveal()
    await room.clients.assign_role(LOCAL, issued.client_id, Role.AUDITOR)
    with pytest.raises(InvalidToken):
        verify(room, token)


STAFF = [Role.OPERATOR, Role.AUDITOR, Role.OWNER]


@pytest.mark.parametrize("role", STAFF)
async def test_promotion_ends_every_old_secret(room: ControlRoom, role: Role) -> None:
    """No secret from before a promotion works after it, only the one that the owner was given."""
    first = await room.clients.create(OPERATOR, GRANTS)
    second = await room.clients.add_credential(OPERATOR, first.client_id)
    changed = await room.clients.assign_role(OWNER, first.client_id, role)
    for old in (first, second):
        with pytest.raises(InvalidClient):
            await room.tokens.issue(proof(old))
    assert changed.issued is not None
    await room.tokens.issue(proof(changed.issued))
    good = [
        credential.credential_id
        for credential in await room.clients.list_credentials(LOCAL, first.client_id)
        if credential.revoked_at is None
    ]
    assert good == [changed.issued.credential_id]


async def test_promotion_is_one_transaction(room: ControlRoom) -> None:
    """The role, the revocations and the fresh credential are one change of the store."""
    issued = await room.clients.create(OPERATOR, GRANTS)
    before = await room.store.revision()
    await room.clients.assign_role(OWNER, issued.client_id, Role.OWNER)
    assert await room.store.revision() == before + 1


@pytest.mark.parametrize("role", [Role.APPLICATION, Role.DEVELOPER])
async def test_other_roles_keep_their_secret(room: ControlRoom, role: Role) -> None:
    """A role outside the staff ends the tokens, and makes and ends no credential."""
    issued = await room.clients.create(OPERATOR, GRANTS)
    changed = await room.clients.assign_role(OWNER, issued.client_id, role)
    assert changed.issued is None
    await room.tokens.issue(proof(issued))


async def test_own_role_is_changed_by_another(room: ControlRoom) -> None:
    """An owner cannot change its own role, neither down nor to what it is."""
    owner = await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)
    await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)
    actor = principal(Role.OWNER, owner.client_id)
    for role in (Role.AUDITOR, Role.OWNER):
        with pytest.raises(PermissionDenied):
            await room.clients.assign_role(actor, owner.client_id, role)


async def test_last_owner_stays(room: ControlRoom) -> None:
    """The last enabled owner is neither demoted nor disabled; a disabled one is no owner left."""
    first = (await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)).client_id
    second = (await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)).client_id
    await room.clients.disable(OWNER, second)
    for actor in (OWNER, LOCAL):
        with pytest.raises(Conflict):
            await room.clients.disable(actor, first)
        with pytest.raises(Conflict):
            await room.clients.assign_role(actor, first, Role.AUDITOR)
    await room.clients.assign_role(OWNER, first, Role.OWNER)
    await room.clients.disable(OWNER, second)
    await room.clients.assign_role(OWNER, second, Role.AUDITOR)
    third = (await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)).client_id
    assert (await room.clients.disable(OWNER, first)).client.disabled
    assert not (await room.clients.get(LOCAL, third)).client.disabled


async def test_two_owners_cannot_end_each_other_at_once(room: ControlRoom) -> None:
    """Of two changes at the same time that would leave no owner, one is refused."""
    names = [
        (await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)).client_id for _ in range(2)
    ]
    results = await asyncio.gather(
        *(room.clients.disable(OWNER, name) for name in names), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "StoredClient"]


def verify(room: ControlRoom, token: str) -> None:
    """Verify *token* as the data plane does."""
    verify_access_token(
        token,
        snapshot=room.snapshots.current(),
        expectations=room.tokens.rules.expectations,
        now=room.clock(),
    )


async def test_disabled_client_is_refused_and_stays_so(room: ControlRoom, clock: FakeClock) -> None:
    """Disabling ends tokens and grants at once; enabling brings no old token back."""
    issued = await room.clients.create(OPERATOR, GRANTS)
    token = (await room.tokens.issue(proof(issued))).token.reveal()
    verify(room, token)
    await room.clients.disable(OPERATOR, issued.client_id)
    with pytest.raises(InvalidToken):
        verify(room, token)
    with pytest.raises(InvalidClient):
        await room.tokens.issue(proof(issued))
    await room.clients.enable(OPERATOR, issued.client_id)
    with pytest.raises(InvalidToken):
        verify(room, token)
    clock.advance(seconds=1)
    verify(room, (await room.tokens.issue(proof(issued))).token.reveal())


async def test_change_keeps_what_is_left_out(room: ControlRoom) -> None:
    """Only the given parts of the grants change; an empty one denies."""
    issued = await room.clients.create(OPERATOR, GRANTS)
    changed = await room.clients.change(
        OPERATOR, issued.client_id, ClientGrants(networks=(), plaintext_allowed=True)
    )
    assert (changed.client.models, changed.client.networks) == (frozenset({"tiny"}), ())
    assert changed.client.plaintext_allowed
    with pytest.raises(AddressNotAllowed):
        await room.tokens.issue(proof(issued))


async def test_rotation_overlaps(room: ControlRoom) -> None:
    """Both secrets work until the old one is revoked; then only the new one does."""
    old = await room.clients.create(OPERATOR, GRANTS)
    new = await room.clients.add_credential(OPERATOR, old.client_id)
    await room.tokens.issue(proof(old))
    await room.tokens.issue(proof(new))
    for _ in range(2):
        revoked = await room.clients.revoke_credential(OPERATOR, old.client_id, old.credential_id)
    assert revoked.revoked_at == room.clock()
    with pytest.raises(InvalidClient):
        await room.tokens.issue(proof(old))
    await room.tokens.issue(proof(new))


async def test_credentials_are_few(room: ControlRoom) -> None:
    """Above the limit of good credentials, one must be revoked first."""
    issued = await room.clients.create(LOCAL, GRANTS)
    for _ in range(MAX_CREDENTIALS - 1):
        await room.clients.add_credential(LOCAL, issued.client_id)
    with pytest.raises(Conflict):
        await room.clients.add_credential(LOCAL, issued.client_id)


async def test_unknown_is_not_found(room: ControlRoom) -> None:
    """Every use case on a client or credential that does not exist raises NotFound."""
    with pytest.raises(NotFound):
        await room.clients.get(LOCAL, "c-0")
    with pytest.raises(NotFound):
        await room.clients.change(LOCAL, "c-0", GRANTS)
    with pytest.raises(NotFound):
        await room.clients.disable(LOCAL, "c-0")
    issued = await room.clients.create(LOCAL, GRANTS)
    with pytest.raises(NotFound):
        await room.clients.revoke_credential(LOCAL, issued.client_id, "0")


async def test_grants_are_limited(room: ControlRoom) -> None:
    """A client cannot be given more grants than the limit."""
    grants = every_operation(str(number) for number in range(129))
    with pytest.raises(MalformedRequest):
        await room.clients.create(LOCAL, ClientGrants(grants=grants))


async def test_list_is_for_readers(room: ControlRoom) -> None:
    """Owners and operators list clients; auditors do not."""
    issued = await room.clients.create(LOCAL, GRANTS)
    (found,) = await room.clients.list_page(OWNER)
    assert found.client.client_id == issued.client_id
    assert await room.clients.list_page(OWNER, after=issued.client_id) == []
    with pytest.raises(PermissionDenied):
        await room.clients.list_page(principal(Role.AUDITOR))


async def test_secret_of_another_client_is_refused(room: ControlRoom) -> None:
    """A good secret under another client's identifier proves nothing."""
    one = await room.clients.create(LOCAL, GRANTS)
    two = await room.clients.create(LOCAL, GRANTS)
    foreign = replace(proof(one), evidence=SecretProof(two.client_id, one.secret))
    endless = replace(proof(one), evidence=SecretProof(one.client_id, Secret("x" * 129)))
    for attempt in (foreign, endless):
        with pytest.raises(InvalidClient):
            await room.tokens.issue(attempt)
