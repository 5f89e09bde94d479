"""Clients: who may write whom, secrets shown once, and what disabling ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.control.client_authentication import SecretProof
from gateway.control.clients import ClientGrants
from gateway.control.credentials import SECRET
from gateway.control.room import ControlRoom
from gateway.core.errors import (
    AddressNotAllowed,
    Conflict,
    InvalidClient,
    InvalidToken,
    MalformedRequest,
    NotFound,
    PermissionDenied,
    VersionMismatch,
)
from gateway.core.grants import (
    DataClass,
    Grant,
    Operation,
    Parameter,
    Quota,
    TokenBinding,
    every_operation,
)
from gateway.core.identity import Role
from gateway.core.scrub_rules import SILENT, ScrubRules, Treatment
from gateway.core.secret import Secret
from gateway.core.tokens import verify_access_token
from tests.fakes.control import GRANTS, LOCAL, FakeClock, add_secret, principal, proof

OPERATOR, OWNER = principal(Role.OPERATOR), principal(Role.OWNER)


async def test_created_client_can_fetch_a_token(room: ControlRoom) -> None:
    """A registered client is in the snapshot before create() answers, and its secret works."""
    issued = await room.clients.create(OPERATOR, GRANTS)
    assert issued.client_id in room.snapshots.current().clients
    assert (await room.tokens.issue(proof(issued))).expires_in_seconds == 3600


async def test_secret_is_not_in_the_store(room: ControlRoom) -> None:
    """Only a hash of the secret is stored."""
    issued = await room.clients.create(LOCAL, GRANTS)
    (credential,) = await room.credentials.list_page(LOCAL, issued.client_id)
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
        await room.credentials.add(OPERATOR, name, SECRET)
    with pytest.raises(PermissionDenied):
        await room.clients.change(OPERATOR, name, GRANTS)
    with pytest.raises(PermissionDenied):
        await room.clients.disable(OPERATOR, name)
    with pytest.raises(PermissionDenied):
        await room.clients.enable(OPERATOR, name)
    with pytest.raises(PermissionDenied):
        await room.credentials.revoke(OPERATOR, name, owner.credential_id)


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
    second = await add_secret(room, OPERATOR, first.client_id)
    changed = await room.clients.assign_role(OWNER, first.client_id, role)
    for old in (first, second):
        with pytest.raises(InvalidClient):
            await room.tokens.issue(proof(old))
    assert changed.issued is not None
    await room.tokens.issue(proof(changed.issued))
    good = [
        credential.credential_id
        for credential in await room.credentials.list_page(LOCAL, first.client_id)
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


async def test_every_part_is_given_and_kept(room: ControlRoom) -> None:
    """Class, binding and quota are set one by one; of the quota only what is named changes."""
    issued = await room.clients.create(OPERATOR, ClientGrants(quota={"tokens_per_day": 5}))
    name = issued.client_id
    given = ClientGrants(
        data_class=DataClass.PUBLIC,
        token_binding=TokenBinding.DPOP,
        quota={"requests_per_minute": 2},
    )
    client = (await room.clients.change(OPERATOR, name, given)).client
    assert (client.data_class, client.token_binding) == (DataClass.PUBLIC, TokenBinding.DPOP)
    assert client.quota == Quota(requests_per_minute=2, tokens_per_day=5)
    lifted = ClientGrants(quota={"tokens_per_day": None})
    client = (await room.clients.change(OPERATOR, name, lifted)).client
    assert client.quota == Quota(requests_per_minute=2)
    assert client.data_class is DataClass.PUBLIC
    client = (await room.clients.change(OPERATOR, name, ClientGrants(quota=Quota()))).client
    assert client.quota == Quota()


async def test_scrubbing_is_given_and_kept(room: ControlRoom) -> None:
    """Rules and masking stay until they are given again, and the trail names what was changed."""
    rules = ScrubRules(Treatment.MASK, {"PHONE": Treatment.BLOCK})
    given = ClientGrants(scrubbing=rules, masks_requests=True)
    name = (await room.clients.create(OPERATOR, given)).client_id
    changed = ClientGrants(data_class=DataClass.PUBLIC)
    client = (await room.clients.change(OPERATOR, name, changed)).client
    assert (client.scrubbing, client.masks_requests) == (rules, True)
    changed = ClientGrants(scrubbing=SILENT, masks_requests=False)
    client = (await room.clients.change(OPERATOR, name, changed)).client
    assert (client.scrubbing, client.masks_requests) == (SILENT, False)
    (row,) = (await room.store.list_audit(after=0, limit=99))[-1:]
    assert row.entry.detail == "scrubbing,masks_requests"


async def test_parameters_are_given_by_role(room: ControlRoom) -> None:
    """Raw ones are for developers, who lose them with the role; the trail names the change."""
    raw = ClientGrants(parameters=frozenset({Parameter.TOKEN_IDS, Parameter.ECHO}))
    name = (await room.clients.create(LOCAL, ClientGrants(), role=Role.DEVELOPER)).client_id
    client = (await room.clients.change(OPERATOR, name, raw)).client
    assert client.parameters == raw.parameters
    (row,) = (await room.store.list_audit(after=0, limit=99))[-1:]
    assert row.entry.detail == "parameters"
    kept = ClientGrants(data_class=DataClass.PUBLIC)
    client = (await room.clients.change(OPERATOR, name, kept)).client
    assert client.parameters == raw.parameters
    changed = await room.clients.assign_role(OWNER, name, Role.APPLICATION)
    assert changed.stored.client.parameters == {Parameter.ECHO}
    for call in (room.clients.change(OPERATOR, name, raw), room.clients.create(OPERATOR, raw)):
        with pytest.raises(MalformedRequest, match="developers"):
            await call


async def test_change_needs_the_version_that_was_seen(room: ControlRoom) -> None:
    """Each change makes a new version; a change of an old one is refused and changes nothing."""
    name = (await room.clients.create(LOCAL, GRANTS)).client_id
    first = (await room.clients.get(LOCAL, name)).version
    changed = await room.clients.change(
        OPERATOR, name, ClientGrants(networks=()), expected_version=first
    )
    assert changed.version == first + 1
    refusals = (
        room.clients.change(OPERATOR, name, GRANTS, expected_version=first),
        room.clients.disable(OPERATOR, name, expected_version=first),
        room.clients.enable(OPERATOR, name, expected_version=first),
        room.clients.assign_role(OWNER, name, Role.AUDITOR, expected_version=first),
        room.credentials.add(OPERATOR, name, SECRET, expected_version=first),
        room.credentials.revoke(OPERATOR, name, "i", expected_version=first),
    )
    for refusal in refusals:
        with pytest.raises(VersionMismatch):
            await refusal
    assert await room.clients.get(LOCAL, name) == changed


async def test_of_two_changes_of_one_version_one_is_done(room: ControlRoom) -> None:
    """Whoever comes second at once with the same version is told so."""
    name = (await room.clients.create(LOCAL, GRANTS)).client_id
    both = [
        room.clients.change(OPERATOR, name, ClientGrants(networks=()), expected_version=1)
        for _ in range(2)
    ]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == [
        "StoredClient",
        "VersionMismatch",
    ]


async def test_grant_that_is_given_again_counts_again(room: ControlRoom) -> None:
    """Naming a reclaimed grant restores it, and it counts from today; leaving it out drops it."""
    name = (await room.clients.create(LOCAL, GRANTS)).client_id
    chat, complete, *_ = (Grant("tiny", operation) for operation in Operation)
    kept = "models:list"
    await _withhold(room, name, {chat.permission, complete.permission, kept})
    client = (
        await room.clients.change(OPERATOR, name, ClientGrants(grants=frozenset({chat})))
    ).client
    assert (client.grants, client.withheld) == (frozenset({chat}), frozenset({kept}))
    await _withhold(room, name, {chat.permission})
    client = (await room.clients.change(OPERATOR, name, ClientGrants(networks=()))).client
    assert client.withheld == {chat.permission}


async def _withhold(room: ControlRoom, client_id: str, permissions: set[str]) -> None:
    async with room.store.change() as change:
        stored = await change.find_client(client_id)
        assert stored is not None
        client = replace(stored.client, withheld=frozenset(permissions))
        await change.save_client(replace(stored, client=client))


async def test_client_may_begin_without_a_credential(room: ControlRoom) -> None:
    """Without a proof nothing can fetch a token for the client, until one is added."""
    registered = await room.clients.register(OPERATOR, GRANTS, proof=None)
    name = registered.stored.client.client_id
    assert registered.made is None
    assert list(await room.credentials.list_page(LOCAL, name)) == []
    await room.tokens.issue(proof(await add_secret(room, OPERATOR, name)))


async def test_unknown_is_not_found(room: ControlRoom) -> None:
    """Every use case on a client or credential that does not exist raises NotFound."""
    with pytest.raises(NotFound):
        await room.clients.get(LOCAL, "c-0")
    with pytest.raises(NotFound):
        await room.clients.change(LOCAL, "c-0", GRANTS)
    with pytest.raises(NotFound):
        await room.clients.disable(LOCAL, "c-0")


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
