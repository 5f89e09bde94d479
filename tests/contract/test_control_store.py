"""One suite for every control store: what the port promises, in memory and in SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.backends.database.store import DatabaseStore
from gateway.backends.database.upgrade import upgrade
from gateway.backends.memory import MemoryStore
from gateway.core.errors import Conflict, NotFound
from gateway.core.grants import every_operation
from gateway.core.identity import Client, Role
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.ports import ControlStore
from gateway.core.registry import Credential, Revocation, RevocationKind, StoredClient

NOW = datetime(2026, 11, 23, 10, 0, 0, 123_456, tzinfo=UTC)


def client(client_id: str = "c-1") -> StoredClient:
    """Return a client with something in every field."""
    networks = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
    value = Client(client_id, Role.APPLICATION, frozenset({"b", "a"}), networks, True, False)
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
CREDENTIAL = Credential("i-1", "c-1", "hash", NOW)
REVOCATION = Revocation(RevocationKind.JTI, "j-1", NOW, NOW + timedelta(hours=1))


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ControlStore]:
    """Give an empty store of each kind."""
    if request.param == "memory":
        opened: ControlStore = MemoryStore()
    else:
        url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
        await upgrade(url)
        opened = DatabaseStore.open(url)
    yield opened
    await opened.close()


async def test_everything_comes_back(store: ControlStore) -> None:
    """Each value is read back equal to what was written, networks and microseconds included."""
    async with store.change() as change:
        await change.add_client(client())
        await change.add_credential(CREDENTIAL)
        await change.add_key(KEY)
        await change.add_revocation(REVOCATION)
        assert await change.find_client("c-1") == client()
        assert list(await change.list_keys()) == [KEY]
        assert list(await change.list_credentials("c-1")) == [CREDENTIAL]
    state = await store.load()
    assert (state.clients, state.keys, state.revocations) == ((client(),), (KEY,), (REVOCATION,))
    assert await store.find_client("c-1") == client()
    assert await store.find_credential("i-1") == CREDENTIAL
    assert list(await store.list_credentials("c-1")) == [CREDENTIAL]


async def test_unknown_is_none_or_empty(store: ControlStore) -> None:
    """What was never written is not found, without an error."""
    assert await store.find_client("c-9") is None
    assert await store.find_credential("i-9") is None
    assert list(await store.list_credentials("c-9")) == []
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
            await change.add_client(client("c-2"))
            await change.add_client(client("c-2"))

    with pytest.raises(Conflict):
        await add_twice()
    assert await store.revision() == before
    assert await store.find_client("c-2") is None


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
    assert await store.find_credential("i-1") == replace(CREDENTIAL, revoked_at=NOW)


async def test_clients_are_paged_by_identifier(store: ControlStore) -> None:
    """Pages follow each other without a gap or a repeat."""
    async with store.change() as change:
        for name in ("c-3", "c-1", "c-2"):
            await change.add_client(client(name))
    first = await store.list_clients(after="", limit=2)
    second = await store.list_clients(after="c-2", limit=2)
    assert [stored.client.client_id for stored in [*first, *second]] == ["c-1", "c-2", "c-3"]


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
            stored = await change.find_client("c-1")
            assert stored is not None
            await asyncio.sleep(0)
            grants = stored.client.grants | every_operation({str(number)})
            await change.save_client(replace(stored, client=replace(stored.client, grants=grants)))

    await asyncio.gather(*(add_one(number) for number in range(10)))
    stored = await store.find_client("c-1")
    assert stored is not None
    assert len(stored.client.models) == 12
