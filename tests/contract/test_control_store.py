"""One suite for every control store: what the port promises, in memory, SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network

import pytest

from gateway.backends.database.store import DatabaseStore
from gateway.backends.memory import MemoryStore
from gateway.core.audit import EMPTY_TRAIL, AuditEntry, AuditRow, Outcome, TrailVerifier
from gateway.core.errors import Conflict, MalformedRequest, NotFound
from gateway.core.grants import Quota, every_operation
from gateway.core.identity import Client, Role
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.ports import ControlStore
from gateway.core.registry import (
    Credential,
    PermissionUse,
    Proposal,
    ProposalState,
    Revocation,
    RevocationKind,
    StoredClient,
)

NOW = datetime(2026, 11, 23, 10, 0, 0, 123_456, tzinfo=UTC)
# Names of clients, credentials and proposals, in the form that the gateway gives them.
C1, C2, C3, C9 = (f"c-{number:016x}" for number in (1, 2, 3, 9))
I1, I9 = (f"{number:016x}" for number in (1, 9))
P1, P2, P3 = (f"p-{number:028x}" for number in (1, 2, 3))


def client(client_id: str = C1) -> StoredClient:
    """Return a client with something in every field."""
    networks = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
    value = Client(
        client_id,
        Role.APPLICATION,
        every_operation({"b", "a"}),
        networks,
        True,
        quota=Quota(tokens_per_day=5),
        withheld=frozenset({"models:list"}),
        limits={"choices": 1, "images": 0},
        extra_members=frozenset({"b", "a"}),
    )
    return StoredClient(value, created_at=NOW, changed_at=NOW)


KEY = StoredKey(
    kid="k-1",
    use=KeyUse.ENCRYPTION,
    algorithm=KeyAlgorithm.X25519,
    state=KeyState.ACTIVE,
    key_id=3,
    created_at=NOW,
    activated_at=NOW,
    retires_at=None,
    revoked_at=None,
    public=b"\x00\xff",
    wrapped_private=b"\x01",
    activates_at=NOW,
    drain=True,
)
CREDENTIAL = Credential(I1, C1, "hash", NOW)
REVOCATION = Revocation(RevocationKind.JTI, "j-1", NOW, NOW + timedelta(hours=1))


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ControlStore]:
    """Give an empty store of each kind."""
    if request.param == "memory":
        opened: ControlStore = MemoryStore()
    else:
        opened = DatabaseStore.open(request.getfixturevalue(f"{request.param}_url"))
    yield opened
    await opened.close()


async def test_everything_comes_back(store: ControlStore) -> None:
    """Each value is read back equal to what was written, networks and microseconds included."""
    async with store.change() as change:
        await change.add_client(client())
        await change.add_credential(CREDENTIAL)
        await change.add_key(KEY)
        await change.add_revocation(REVOCATION)
        assert await change.find_client(C1) == client()
        assert list(await change.list_keys()) == [KEY]
        assert list(await change.list_credentials(C1)) == [CREDENTIAL]
    state = await store.load()
    assert (state.clients, state.keys, state.revocations) == ((client(),), (KEY,), (REVOCATION,))
    assert await store.find_client(C1) == client()
    assert await store.find_credential(I1) == CREDENTIAL
    assert list(await store.list_credentials(C1)) == [CREDENTIAL]


async def test_unknown_is_none_or_empty(store: ControlStore) -> None:
    """What was never written is not found, without an error."""
    assert await store.find_client(C9) is None
    assert await store.find_credential(I9) is None
    assert list(await store.list_credentials(C9)) == []
    assert list(await store.list_clients(after="", limit=9)) == []


async def test_revision_grows_with_each_change(store: ControlStore) -> None:
    """A change grows the revision by at least one, and load() tells the same number."""
    before = await store.revision()
    async with store.change() as change:
        await change.add_client(client())
    assert await store.revision() > before
    assert (await store.load()).revision == await store.revision()


async def test_failed_change_leaves_nothing(store: ControlStore) -> None:
    """An exception inside undoes everything, the revision included."""
    before = await store.revision()

    async def add_twice() -> None:
        async with store.change() as change:
            await change.add_client(client(C2))
            await change.add_client(client(C2))

    with pytest.raises(Conflict):
        await add_twice()
    assert await store.revision() == before
    assert await store.find_client(C2) is None


async def test_document_seq_only_grows(store: ControlStore) -> None:
    """The number of the key document grows with the change that raises it, or not at all."""
    assert (await store.load()).document_seq == 0
    async with store.change() as change:
        assert await change.raise_document_seq() == 1
        assert await change.raise_document_seq() == 2
    assert (await store.load()).document_seq == 2

    async def raise_and_fail() -> None:
        async with store.change() as change:
            await change.raise_document_seq()
            raise Conflict

    with pytest.raises(Conflict):
        await raise_and_fail()
    async with store.change():
        pass
    assert (await store.load()).document_seq == 2


async def test_saving_what_is_missing_is_not_found(store: ControlStore) -> None:
    """Replacing a client, credential or key that does not exist raises NotFound."""
    with pytest.raises(NotFound):
        async with store.change() as change:
            await change.save_client(client())
    with pytest.raises(NotFound):
        async with store.change() as change:
            await change.save_credential(CREDENTIAL)
    with pytest.raises(NotFound):
        async with store.change() as change:
            await change.save_key(KEY)
    with pytest.raises(NotFound):
        async with store.change() as change:
            await change.add_credential(CREDENTIAL)


async def test_taken_names_conflict(store: ControlStore) -> None:
    """A kid or credential identifier is taken once."""
    async with store.change() as change:
        await change.add_client(client())
        await change.add_credential(CREDENTIAL)
        await change.add_key(KEY)
    with pytest.raises(Conflict):
        async with store.change() as change:
            await change.add_key(KEY)
    with pytest.raises(Conflict):
        async with store.change() as change:
            await change.add_credential(CREDENTIAL)


async def test_saved_values_replace(store: ControlStore) -> None:
    """A saved value stands in place of the old one, and keys keep their order."""
    later = replace(KEY, kid="k-0", key_id=4)
    async with store.change() as change:
        await change.add_client(client())
        await change.add_credential(CREDENTIAL)
        await change.add_key(KEY)
        await change.add_key(later)
    changed = replace(client(), client=replace(client().client, disabled=True))
    async with store.change() as change:
        await change.save_client(changed)
        await change.save_credential(replace(CREDENTIAL, revoked_at=NOW))
        await change.save_key(KEY.revoked(at=NOW))
    state = await store.load()
    assert state.clients == (changed,)
    assert state.keys == (KEY.revoked(at=NOW), later)
    assert await store.find_credential(I1) == replace(CREDENTIAL, revoked_at=NOW)


async def test_clients_are_paged_by_identifier(store: ControlStore) -> None:
    """Pages follow each other without a gap or a repeat."""
    async with store.change() as change:
        for name in (C3, C1, C2):
            await change.add_client(client(name))
    first = await store.list_clients(after="", limit=2)
    second = await store.list_clients(after=C2, limit=2)
    assert [stored.client.client_id for stored in [*first, *second]] == [
        C1,
        C2,
        C3,
    ]


async def test_keys_are_paged_in_their_order(store: ControlStore) -> None:
    """A page begins after a key, in the order of creation, whatever the keys are called."""
    names = ["k-3", "k-1", "k-2"]
    async with store.change() as change:
        for name in names:
            await change.add_key(replace(KEY, kid=name))
        await change.save_key(replace(KEY, kid="k-3", state=KeyState.RETIRING))
    for after, limit, expected in (
        ("", 2, ["k-3", "k-1"]),
        ("k-1", 2, ["k-2"]),
        ("k-2", 2, []),
        ("k-9", 2, []),
    ):
        assert [key.kid for key in await store.list_keys(after=after, limit=limit)] == expected
    assert (await store.list_keys(after="", limit=1))[0].state is KeyState.RETIRING


async def test_revocations_are_paged_by_kind_and_subject(store: ControlStore) -> None:
    """A page begins after a kind and subject, which need not be there."""
    entries = [
        replace(REVOCATION, kind=RevocationKind.KID, subject="a"),
        replace(REVOCATION, subject="b"),
        replace(REVOCATION, subject="a", expires_at=None),
    ]
    async with store.change() as change:
        for entry_ in entries:
            await change.add_revocation(entry_)
    ordered = [entries[2], entries[1], entries[0]]
    assert list(await store.list_revocations(after=("", ""), limit=9)) == ordered
    assert list(await store.list_revocations(after=("jti", "a"), limit=1)) == ordered[1:2]
    assert list(await store.list_revocations(after=("jti", "aa"), limit=9)) == ordered[1:]
    assert list(await store.list_revocations(after=("kid", "a"), limit=9)) == []


async def test_revocation_widens_and_never_narrows(store: ControlStore) -> None:
    """A second revocation of the same thing keeps the longer memory."""
    async with store.change() as change:
        await change.add_revocation(replace(REVOCATION, expires_at=None))
        await change.add_revocation(REVOCATION)
    assert (await store.load()).revocations[0].expires_at is None


async def test_expired_revocations_are_removed_exactly(store: ControlStore) -> None:
    """Only entries whose end is not after now go; one without an end stays."""
    ends = {"past": -1, "now": 0, "future": 1}
    async with store.change() as change:
        for name, hours in ends.items():
            entry = Revocation(RevocationKind.JTI, name, NOW, NOW + timedelta(hours=hours))
            await change.add_revocation(entry)
        await change.add_revocation(Revocation(RevocationKind.KID, "k", NOW, None))
    async with store.change() as change:
        assert await change.remove_expired_revocations(now=NOW) == 2
    assert {r.subject for r in (await store.load()).revocations} == {"future", "k"}


async def test_changes_are_serialised(store: ControlStore) -> None:
    """Ten read-and-write changes at once lose none of each other's work."""
    async with store.change() as change:
        await change.add_client(client())

    async def add_one(number: int) -> None:
        async with store.change() as change:
            stored = await change.find_client(C1)
            assert stored is not None
            await asyncio.sleep(0)
            grants = stored.client.grants | every_operation({str(number)})
            await change.save_client(replace(stored, client=replace(stored.client, grants=grants)))

    await asyncio.gather(*(add_one(number) for number in range(10)))
    stored = await store.find_client(C1)
    assert stored is not None
    assert len(stored.client.models) == 12


def entry(action: str = "client.create") -> AuditEntry:
    """Return an act with something in every field."""
    return AuditEntry(NOW, "local", action, C1, Outcome.DONE, "r-1", "a detail ü 中")


async def read_trail(store: ControlStore) -> list[AuditRow]:
    """Return the whole trail, read in pages of two, once it was verified."""
    rows: list[AuditRow] = []
    while page := await store.list_audit(after=len(rows), limit=2):
        rows += page
    verifier = TrailVerifier()
    for row in rows:
        verifier.feed(row)
    verifier.finish(await store.audit_head())
    return rows


async def test_audit_trail_is_one_chain(store: ControlStore) -> None:
    """Rows written in transactions, alone and at once make one unbroken chain."""
    assert await store.audit_head() == EMPTY_TRAIL
    async with store.change() as change:
        await change.add_client(client())
        first = await change.append_audit(entry("one"))
        await change.append_audit(entry("two"))
    await asyncio.gather(*(store.note(entry(str(number))) for number in range(5)))
    rows = await read_trail(store)
    assert rows[0] == first
    assert [row.number for row in rows] == list(range(1, 8))
    assert {row.entry.action for row in rows[2:]} == set("01234")


async def test_audit_row_goes_with_its_change(store: ControlStore) -> None:
    """A change that is rolled back leaves no row, and a row that fails no change."""

    async def fail() -> None:
        async with store.change() as change:
            await change.append_audit(entry())
            await change.save_client(client("nobody"))

    with pytest.raises(NotFound):
        await fail()
    assert await read_trail(store) == []


async def test_notes_and_uses_leave_the_revision(store: ControlStore) -> None:
    """What changes no decision makes no process reload."""
    async with store.change() as change:
        await change.add_client(client())
    before = await store.revision()
    await store.note(entry())
    await store.record_uses([PermissionUse(C1, "models:list", NOW.date())])
    assert await store.revision() == before


async def test_drained_backends_are_remembered(store: ControlStore) -> None:
    """A drained backend is in what is loaded until it is not; saying so twice changes nothing."""
    for drained, expected in ((True, {"gpu-0"}), (True, {"gpu-0"}), (False, set()), (False, set())):
        async with store.change() as change:
            await change.save_drained("gpu-0", drained=drained)
        assert (await store.load()).drained_backends == expected


async def test_proposals(store: ControlStore) -> None:
    """A proposal comes back, is replaced whole, and is listed by identifier."""
    proposal = Proposal(
        P1,
        "role.assign",
        "{}",
        f"client:{C1}",
        NOW,
        NOW + timedelta(hours=1),
    )
    async with store.change() as change:
        assert await change.find_proposal(P1) is None
        await change.add_proposal(proposal)
        await change.add_proposal(replace(proposal, proposal_id=P2))
        with pytest.raises(Conflict):
            await change.add_proposal(proposal)
    approved = replace(
        proposal,
        state=ProposalState.APPROVED,
        decided_by=f"client:{C2}",
        decided_at=NOW,
    )
    async with store.change() as change:
        await change.save_proposal(approved)
        assert await change.find_proposal(P1) == approved
        with pytest.raises(NotFound):
            await change.save_proposal(replace(proposal, proposal_id=P3))
    assert [p.proposal_id for p in await store.list_proposals(after=P1, limit=5)] == [P2]
    assert list(await store.list_proposals(after="", limit=1)) == [approved]


async def test_permission_uses_keep_the_later_day(store: ControlStore) -> None:
    """Uses may be told in any order and by several processes; the last day of each kind stays."""
    early, late = date(2026, 11, 1), date(2026, 11, 20)
    async with store.change() as change:
        await change.add_client(client())
        await change.save_permission_uses([PermissionUse(C1, "a", early)])
    await store.record_uses(
        [
            PermissionUse(C1, "a", early, late),
            PermissionUse(C1, "b", late),
        ]
    )
    await store.record_uses(
        [PermissionUse(C1, "a", early, early), PermissionUse("nobody", "a", late)]
    )
    expected = [
        PermissionUse(C1, "a", early, late),
        PermissionUse(C1, "b", late),
    ]
    assert list(await store.list_permission_uses(after=("", ""), limit=9)) == expected
    assert list(await store.list_permission_uses(after=(C1, "a"), limit=9)) == expected[1:]
    async with store.change() as change:
        assert list(await change.list_permission_uses(C1)) == expected
        assert list(await change.list_permission_uses("nobody")) == []


async def test_old_proposals_are_forgotten(store: ControlStore) -> None:
    """What was decided, or else expired, before the moment goes; the revision stays."""
    old = Proposal(
        P1,
        "a",
        "{}",
        f"client:{C1}",
        NOW,
        NOW + timedelta(hours=1),
    )
    waiting = replace(old, proposal_id=P2, expires_at=NOW + timedelta(days=9))
    decided = replace(
        waiting,
        proposal_id=P3,
        decided_by=f"client:{C2}",
        decided_at=NOW,
    )
    async with store.change() as change:
        for proposal in (old, waiting, decided):
            await change.add_proposal(proposal)
    before = await store.revision()
    assert await store.remove_proposals(before=NOW) == 0
    assert await store.remove_proposals(before=NOW + timedelta(hours=2)) == 2
    assert list(await store.list_proposals(after="", limit=9)) == [waiting]
    assert await store.revision() == before


async def test_clients_of_a_role(store: ControlStore) -> None:
    """Inside a transaction the clients of one role are listed, this transaction's own included."""
    async with store.change() as change:
        for name, role in (
            (C3, Role.OWNER),
            (C1, Role.OWNER),
            (C2, Role.AUDITOR),
        ):
            stored = client(name)
            await change.add_client(replace(stored, client=replace(stored.client, role=role)))
        found = await change.list_clients_of(Role.OWNER)
        assert [stored.client.client_id for stored in found] == [
            C1,
            C3,
        ]
        assert await change.list_clients_of(Role.DEVELOPER) == []


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 1000, "'; DROP TABLE keys; --"])
async def test_no_name_breaks_the_store(store: ControlStore, name: str) -> None:
    """What no client can be called is not found, or refused as the caller's own fault."""
    for find in (store.find_client, store.find_credential):
        with suppress(MalformedRequest):
            assert await find(name) is None
    with suppress(MalformedRequest):
        assert list(await store.list_clients(after=name, limit=1)) == []
    with suppress(MalformedRequest):
        async with store.change() as change:
            assert await change.find_client(name) is None
    await store.revision()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_writers_of_two_processes_make_one_trail(
    request: pytest.FixtureRequest, kind: str
) -> None:
    """Two stores that add to one trail at the same time break neither its chain nor its end."""
    url = request.getfixturevalue(f"{kind}_url")
    stores = [DatabaseStore.open(url), DatabaseStore.open(url)]
    await asyncio.gather(*(stores[n % 2].note(entry(str(n))) for n in range(20)))
    assert len(await read_trail(stores[0])) == 20
    for store in stores:
        await store.close()


async def test_trail_is_read_from_before_its_beginning(store: ControlStore) -> None:
    """Whoever asks for all rows may name the lowest number there is."""
    entry = AuditEntry(NOW, "local", "key.rotate", "signing", Outcome.DONE, "r-1")
    row = await store.note(entry)
    assert await store.list_audit(after=-(2**63), limit=5) == [row]
    assert await store.list_audit(after=2**63 - 1, limit=5) == []
