"""The database store, besides its contract: durable, shared between processes, silent in errors."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from gateway.backends.database import postgresql as postgresql_backend
from gateway.backends.database.store import DatabaseStore
from gateway.backends.high_water import HighWater
from gateway.core.errors import StoreUnavailable
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.registry import Revocation, RevocationKind
from tests.fakes.control import GRANTS, LOCAL, FakeClock, make_room
from tests.fakes.database import make_database
from tests.fakes.engines import PASSWORD, PostgresServer

NOW = datetime(2026, 11, 23, tzinfo=UTC)
REVOCATION = Revocation(RevocationKind.JTI, "j", NOW, None)


async def test_change_is_seen_by_another_connection(tmp_path: Path) -> None:
    """What one process committed, another reads at once, with a new revision."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    make_database(url)
    one, two = DatabaseStore.open(url), DatabaseStore.open(url)
    before = await two.revision()
    async with one.change() as change:
        await change.add_revocation(REVOCATION)
    assert await two.revision() == before + 1
    assert (await two.load()).revocations == (REVOCATION,)
    await one.close()
    await two.close()


async def test_who_waits_hears_of_a_change_of_another_process(tmp_path: Path) -> None:
    """The mark that both have tells it: of each change once, and of what is known nothing."""
    url, mark = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", HighWater(tmp_path / "mark")
    make_database(url)
    one, two = DatabaseStore.open(url, mark), DatabaseStore.open(url, mark)
    for _ in range(2):
        await two.revision()
        waiting = asyncio.create_task(two.wait_for_change(3600))
        await asyncio.wait({waiting}, timeout=0.1)
        assert not waiting.done()
        async with one.change() as change:
            await change.add_revocation(REVOCATION)
        await asyncio.wait_for(waiting, 20)
    await one.close()
    await two.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_clients_that_stayed_as_they_were_are_not_built_anew(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """Whatever of a client another process changed counts, its version or not."""
    url = request.getfixturevalue(f"{kind}_url")
    one, two = DatabaseStore.open(url), DatabaseStore.open(url)
    room = make_room(tmp_path, FakeClock(), store=one)
    for _ in range(2):
        await room.clients.create(LOCAL, GRANTS)
    before = (await two.load()).clients
    changed = replace(before[0], client=replace(before[0].client, networks=()))
    async with one.change() as change:
        await change.save_client(changed)
    after = (await two.load()).clients
    assert after == (changed, before[1]) == (await one.load()).clients
    assert after[1] is before[1]
    await room.close()
    await two.close()


async def test_what_was_read_before_does_not_hide_what_is_now(tmp_path: Path) -> None:
    """Revocations that were widened, removed or added since the last reading come back as such."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    make_database(url)
    one, two = DatabaseStore.open(url), DatabaseStore.open(url)
    brief, past = (replace(REVOCATION, subject=name, expires_at=NOW) for name in ("brief", "past"))
    async with one.change() as change:
        await change.add_revocation(brief)
        await change.add_revocation(past)
    assert set((await two.load()).revocations) == {brief, past}
    longer = replace(brief, revoked_at=NOW + timedelta(hours=1), expires_at=None)
    async with one.change() as change:
        await change.remove_expired_revocations(now=NOW)
        await change.add_revocation(longer)
        await change.add_revocation(REVOCATION)
    assert (await two.load()).revocations == (REVOCATION, longer)
    assert (await two.load()).revocations == (await one.load()).revocations
    await one.close()
    await two.close()


async def test_store_without_tables_is_unavailable(tmp_path: Path) -> None:
    """A store that was never upgraded refuses every call, with no text of the driver."""
    store = DatabaseStore.open(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}")
    with pytest.raises(StoreUnavailable) as caught:
        await store.load()
    assert "revision" not in caught.value.detail
    with pytest.raises(StoreUnavailable):
        async with store.change():
            pass
    await store.close()


async def test_destroyed_file_is_unavailable(tmp_path: Path) -> None:
    """A file that is no database is an error of ours, not of the driver."""
    path = tmp_path / "store.db"
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    store = DatabaseStore.open(f"sqlite+aiosqlite:///{path}")
    with pytest.raises(StoreUnavailable):
        await store.revision()
    await store.close()


def key(wrapped: bytes | None) -> StoredKey:
    """Return an encryption key with this wrapped private half."""
    return StoredKey(
        kid="k",
        use=KeyUse.ENCRYPTION,
        algorithm=KeyAlgorithm.X25519,
        state=KeyState.RETIRING if wrapped else KeyState.DESTROYED,
        key_id=1,
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
        activated_at=None,
        retires_at=None,
        revoked_at=None,
        public=b"public",
        wrapped_private=wrapped,
    )


def holds(folder: Path, data: bytes) -> bool:
    """Return whether any file of *folder* holds *data*."""
    return any(data in path.read_bytes() for path in folder.iterdir())


@pytest.mark.parametrize("somebody_reads", [False, True])
async def test_destroyed_key_is_in_no_file(tmp_path: Path, somebody_reads: bool) -> None:
    """A private key that was destroyed is gone from the log of changes too, as soon as can be."""
    url, wrapped = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", b"wrapped-canary-" * 4
    make_database(url)
    store, reader = DatabaseStore.open(url), DatabaseStore.open(url)
    async with store.change() as change:
        await change.add_key(key(wrapped))

    async def destroy() -> None:
        async with store.change() as change:
            await change.save_key(key(None))

    if somebody_reads:
        async with reader._reading() as connection:
            await connection.exec_driver_sql("SELECT * FROM keys")
            await destroy()
            assert holds(tmp_path, wrapped)
    else:
        await destroy()
    await store.revision()
    assert not holds(tmp_path, wrapped)
    await store.close()
    await reader.close()


async def test_key_destroyed_by_a_command_is_in_no_file(tmp_path: Path) -> None:
    """A process that goes on cleans the log after one that ended while the log was in use."""
    url, wrapped = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", b"wrapped-canary-" * 4
    make_database(url)
    gateway, command = DatabaseStore.open(url), DatabaseStore.open(url)
    async with gateway.change() as change:
        await change.add_key(key(wrapped))
    await gateway.revision()
    async with gateway._reading() as connection:
        await connection.exec_driver_sql("SELECT * FROM keys")
        async with command.change() as change:
            await change.save_key(key(None))
        async with asyncio.timeout(30):  # it does not wait until nobody reads
            await command.close()
        assert holds(tmp_path, wrapped)
    await gateway.revision()
    assert not holds(tmp_path, wrapped)
    await gateway.close()


async def test_command_waits_to_clean_the_log(tmp_path: Path) -> None:
    """Whoever destroyed a key while somebody was reading tries again before it ends."""
    url, wrapped = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", b"wrapped-canary-" * 4
    make_database(url)
    gateway, command = DatabaseStore.open(url), DatabaseStore.open(url)
    async with gateway.change() as change:
        await change.add_key(key(wrapped))
    async with gateway._reading() as connection:
        await connection.exec_driver_sql("SELECT * FROM keys")
        async with command.change() as change:
            await change.save_key(key(None))
        closing = asyncio.create_task(command.close())
        await asyncio.sleep(0.05)
        assert holds(tmp_path, wrapped)
    await closing
    assert not holds(tmp_path, wrapped)
    await gateway.close()


async def test_first_look_cleans_the_log(tmp_path: Path) -> None:
    """A process that starts cleans up after those before it, whatever they left in the log."""
    url, wrapped = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", b"wrapped-canary-" * 4
    make_database(url)
    before, after = DatabaseStore.open(url), DatabaseStore.open(url)
    async with before.change() as change:
        await change.add_key(key(wrapped))
    async with before._reading() as connection:
        await connection.exec_driver_sql("SELECT * FROM keys")
        async with before.change() as change:
            await change.save_key(key(None))
    assert holds(tmp_path, wrapped)
    await after.revision()
    assert not holds(tmp_path, wrapped)
    await before.close()
    await after.close()


async def test_no_connection_left_is_unavailable(
    postgresql: PostgresServer, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that takes no more connections refuses soon; the ones that are open go on."""
    monkeypatch.setattr(postgresql_backend, "_FREE_CONNECTION_SECONDS", 0.4)
    database = str(make_url(postgresql_url).database)
    postgresql.run(
        "DROP ROLE IF EXISTS few; "
        f"CREATE ROLE few LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 1; GRANT sealgate TO few",
        database=database,
    )
    url = postgresql_url.replace("//sealgate@", "//few@")
    first, second = DatabaseStore.open(url), DatabaseStore.open(url)
    before = await first.revision()
    began = time.monotonic()
    found = await asyncio.gather(*(second.revision() for _ in range(30)), return_exceptions=True)
    assert all(isinstance(outcome, StoreUnavailable) for outcome in found)
    assert time.monotonic() - began < 10
    assert await first.revision() == before
    await first.close()
    assert await second.revision() == before
    await second.close()


async def test_full_disk_changes_nothing(postgresql: PostgresServer, postgresql_url: str) -> None:
    """A write that finds no room leaves nothing, reading goes on, and so does writing later.

    A trigger raises what PostgreSQL says then; a disk that is really full is in the integration
    tests, which need a kernel that lets users have one.
    """
    database = str(make_url(postgresql_url).database)
    store = DatabaseStore.open(postgresql_url)
    before = await store.revision()
    postgresql.run(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$; "
        "CREATE TRIGGER full_disk BEFORE INSERT ON revocations EXECUTE FUNCTION full_disk()",
        database=database,
    )

    async def revoke() -> None:
        async with store.change() as change:
            await change.add_revocation(REVOCATION)

    try:
        with pytest.raises(StoreUnavailable):
            await revoke()
        assert (await store.load()).revocations == ()
        assert await store.revision() == before
    finally:
        postgresql.run("DROP FUNCTION full_disk CASCADE", database=database)
    await revoke()
    assert (await store.load()).revocations == (REVOCATION,)
    await store.close()


async def test_loading_is_of_one_moment(postgresql_url: str) -> None:
    """What is committed while a state is loaded is in all of it or in nothing of it."""
    store, other = DatabaseStore.open(postgresql_url), DatabaseStore.open(postgresql_url)
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            async with other.change() as change:
                seq = await change.raise_document_seq()
                await change.add_revocation(replace(REVOCATION, subject=str(seq)))

    writing = asyncio.create_task(write())
    for _ in range(30):
        state = await store.load()
        assert len(state.revocations) == state.document_seq == state.revision
    stop.set()
    await writing
    await store.close()
    await other.close()
