"""A backup has everything as of one moment, goes into either database, and all of it or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.backends.database import backup
from gateway.backends.database.backup import copy_out, replacing
from gateway.backends.database.store import DatabaseStore
from gateway.backends.database.tables import METADATA
from gateway.core.audit import TrailVerifier
from gateway.core.backup import BackupHead, BackupRow, BackupWriter
from gateway.core.errors import MalformedRequest
from gateway.core.identity import Role
from gateway.core.keyring import KeyUse
from gateway.core.registry import ControlState, PermissionUse, RevocationKind
from tests.fakes.control import GRANTS, LOCAL, FakeClock, make_room, make_wrap

NOW = datetime(2026, 11, 23, tzinfo=UTC)
WRAP = make_wrap()


async def fill(url: str, folder: Path) -> None:
    """Do a little of everything."""
    room = make_room(folder, FakeClock(), store=DatabaseStore.open(url), key_wrap=WRAP)
    await room.keys.ensure_first()
    issued = await room.clients.create(LOCAL, GRANTS, role=Role.OPERATOR)
    await room.keys.rotate(LOCAL, KeyUse.DOCUMENT)
    await room.revocations.revoke(LOCAL, RevocationKind.JTI, subject="j-1")
    await room.store.record_uses(
        [PermissionUse(issued.client_id, "models:list", NOW.date(), NOW.date())]
    )
    await room.close()


async def take(url: str) -> list[bytes]:
    """Return the lines of a backup."""
    return [line async for line in copy_out(url, now=NOW)]


async def put(url: str, lines: list[bytes]) -> None:
    """Replace a store."""
    async with replacing(url, lines, above=0, jump=10):
        pass


async def look(url: str) -> tuple[ControlState, list[Any], list[Any], list[Any]]:
    """Return all that a backup has, and check the trail."""
    store = DatabaseStore.open(url)
    state, rows = await store.load(), await store.list_audit(after=0, limit=1000)
    verifier = TrailVerifier()
    for row in rows:
        verifier.feed(row)
    verifier.finish(await store.audit_head())
    credentials = [
        found for c in state.clients for found in await store.list_credentials(c.client.client_id)
    ]
    uses = await store.list_permission_uses(after=("", ""), limit=100)
    await store.close()
    return state, list(rows), credentials, list(uses)


@pytest.mark.parametrize("kinds", [("sqlite", "postgresql"), ("postgresql", "sqlite")])
async def test_from_one_database_into_the_other(
    request: pytest.FixtureRequest, tmp_path: Path, kinds: tuple[str, str]
) -> None:
    """All comes back, higher in number; and the next change finds its place."""
    source, target = (request.getfixturevalue(f"{kind}_url") for kind in kinds)
    await fill(source, tmp_path)
    await fill(target, tmp_path)
    before, *rest = await look(source)
    await put(target, await take(source))
    after, *restored = await look(target)
    assert restored == rest
    assert after.revision > before.revision
    assert after.document_seq > before.document_seq
    assert after == replace(before, revision=after.revision, document_seq=after.document_seq)
    room = make_room(tmp_path, FakeClock(), store=DatabaseStore.open(target), key_wrap=WRAP)
    await room.clients.create(LOCAL, GRANTS)
    await room.close()
    assert len((await look(target))[1]) > len(rest[0])


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_what_the_present_store_knows_to_be_revoked_stays_so(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """Also what is no row of ours, as a key of another issuer; of two cuts the later one counts."""
    url, clock = request.getfixturevalue(f"{kind}_url"), FakeClock()
    await fill(url, tmp_path)
    lines = await take(url)
    clock.advance(seconds=60)
    room = make_room(tmp_path, clock, store=DatabaseStore.open(url), key_wrap=WRAP)
    await room.revocations.revoke(LOCAL, RevocationKind.KID, subject="https://idp.example#k-1")
    await room.revocations.revoke(LOCAL, RevocationKind.JTI, subject="j-1")
    await room.close()
    before = (await look(url))[0].revocations
    await put(url, lines)
    assert set((await look(url))[0].revocations) == set(before)
    assert "https://idp.example#k-1" in {revocation.subject for revocation in before}


async def test_backup_is_of_one_moment(sqlite_url: str, tmp_path: Path) -> None:
    """What is changed while it is being made is not in it, and does not wait for it."""
    await fill(sqlite_url, tmp_path)
    lines = copy_out(sqlite_url, now=NOW)
    head = await anext(lines)
    await fill(sqlite_url, tmp_path)
    taken = [head, *[line async for line in lines]]
    await put(sqlite_url, taken)
    state, *_ = await look(sqlite_url)
    assert len(state.clients) == 1


def crafted(*rows: BackupRow, schema: str = "") -> list[bytes]:
    """Return a backup with a good end that no store wrote."""
    writer = BackupWriter()
    head = BackupHead(schema, NOW, 1, 1, TrailVerifier().head)
    return [writer.head(head), *map(writer.row, rows), writer.finish()]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "another version"),
        ([BackupRow("clients", {})], "other columns"),
        ([BackupRow("sqlite_master", {})], "unknown: 'sqlite_master'"),
    ],
)
async def test_what_no_store_wrote(
    sqlite_url: str, tmp_path: Path, rows: list[BackupRow], message: str
) -> None:
    """Other tables, columns and versions are refused, and the store is as it was."""
    await fill(sqlite_url, tmp_path)
    before = await look(sqlite_url)
    with pytest.raises(MalformedRequest, match=message):
        await put(sqlite_url, crafted(*rows))
    assert await look(sqlite_url) == before


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_damaged_backup_changes_nothing(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """Its fault shows at the end, when everything was already put in: and nothing is."""
    url = request.getfixturevalue(f"{kind}_url")
    await fill(url, tmp_path)
    lines = await take(url)
    await fill(url, tmp_path)
    before = await look(url)
    with pytest.raises(MalformedRequest, match="not a whole backup"):
        await put(url, lines[:-1])
    assert await look(url) == before


async def test_private_keys_stay_wrapped(sqlite_url: str, tmp_path: Path) -> None:
    """The file has what the store has: each private half under the wrapping key, no secret."""
    wrapped = []
    room = make_room(tmp_path, FakeClock(), store=DatabaseStore.open(sqlite_url))
    await room.keys.ensure_first()
    issued = await room.clients.create(LOCAL, GRANTS)
    wrapped = [key.wrapped_private for key in (await room.store.load()).keys]
    await room.close()
    text = b"".join(await take(sqlite_url))
    assert issued.secret.reveal().encode() not in text
    assert all(value is not None for value in wrapped)
    assert text.count(b'"wrapped_private":"') == len(wrapped)


def test_every_table_is_decided() -> None:
    """A table is in a backup, or it is known here that it need not be."""
    of_the_moment = {"replay_tags", "idempotency", "proposals", "lockouts", "drained_backends"}
    kept = {table.name for table in backup.TABLES}
    assert kept | of_the_moment | {"revision"} == set(METADATA.tables)
    assert kept & of_the_moment == set()
