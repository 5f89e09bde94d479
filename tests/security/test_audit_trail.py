"""The audit trail on the real database: nothing without a row, and no row changed unseen."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.api.admin.app import build_admin_app
from gateway.api.admin.session import Proofs
from gateway.backends.database.engine import open_engine
from gateway.backends.database.store import DatabaseStore
from gateway.backends.memory_replay import MemoryReplayStore
from gateway.control.room import ControlRoom
from gateway.core.access_log import AccessRecord, LogSpan
from gateway.core.audit import AuditHead, AuditRow, append_row
from gateway.core.errors import AuditBroken, PermissionDenied, StoreUnavailable
from gateway.core.identity import Role
from gateway.core.keyring import KeyUse
from gateway.core.registry import RevocationKind
from gateway.core.token_verifier import TokenVerifier
from tests.fakes.control import (
    GRANTS,
    LOCAL,
    LOOPBACK,
    FakeClock,
    add_secret,
    make_room,
    make_wrap,
    open_log,
    principal,
    proof,
    token_of,
    write_log,
)
from tests.fakes.database import make_database
from tests.fakes.http import http

WRAP = make_wrap()
COLUMNS = "at, actor, action, target, outcome, request_id, detail"
AUDITOR = principal(Role.AUDITOR)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the place of the database file."""
    return tmp_path / "store.db"


def open_room(path: Path, store: DatabaseStore | None = None) -> ControlRoom:
    store = store or DatabaseStore.open(f"sqlite+aiosqlite:///{path}")
    return make_room(path.parent, FakeClock(), store=store, key_wrap=WRAP)


@pytest.fixture
async def room(path: Path) -> AsyncIterator[ControlRoom]:
    """Give a control room on a file, with keys, a few clients and so a few rows."""
    make_database(f"sqlite+aiosqlite:///{path}")
    room = open_room(path)
    await room.keys.ensure_first()
    for _ in range(3):
        await room.clients.create(LOCAL, GRANTS)
    log = open_log(path.parent / "access", WRAP)
    await write_log(log, AccessRecord(room.clock(), 200, LOOPBACK))
    yield room
    await room.close()


def edit(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def contents(path: Path) -> list[str]:
    """Return all of the database, the counters included."""
    connection = sqlite3.connect(path)
    dump = list(connection.iterdump())
    connection.close()
    return dump


def proofs_for(room: ControlRoom) -> Proofs:
    """Return what the callers of *room* are proved with."""
    return Proofs(
        verifier=TokenVerifier(room.tokens.rules.expectations),
        replay_store=MemoryReplayStore(room.clock),
        authorities=frozenset({b"gateway.example"}),
        nonces=room.snapshots.dpop_nonces,
    )


# Another hand in the file


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit SET at = '2026-11-23 10:30:15.500001' WHERE number = 4", "Row 4 was alt"),
        ("UPDATE audit SET actor = 'client:x' WHERE number = 4", "Row 4 was altered"),
        ("UPDATE audit SET action = 'client.disable' WHERE number = 4", "Row 4 was altered"),
        ("UPDATE audit SET target = 'c-0' WHERE number = 4", "Row 4 was altered"),
        ("UPDATE audit SET outcome = 'refused' WHERE number = 4", "Row 4 was altered"),
        ("UPDATE audit SET request_id = 'r' WHERE number = 4", "Row 4 was altered"),
        ("UPDATE audit SET detail = detail || ' ' WHERE number = 4", "Row 4 was altered"),
        ("UPDATE audit SET digest = upper(digest) WHERE number = 4", "Row 4 was altered"),
        ("UPDATE audit SET number = 400 WHERE number = 4", "Row 4 is missing"),
        ("UPDATE audit SET number = -4 WHERE number = 4", "Row 1 is missing or out of its place"),
        ("UPDATE audit SET outcome = 'nonsense' WHERE number = 4", "Row 4 was altered and cannot"),
        ("UPDATE audit SET at = 'nonsense' WHERE number = 4", "Row 4 was altered and cannot"),
        ("UPDATE audit SET at = 7 WHERE number = 4", "Row 4 was altered and cannot"),
        ("UPDATE audit SET actor = x'ff00' WHERE number = 4", "Row 4 was altered and cannot"),
        (
            "UPDATE audit SET detail = CAST(x'ff' AS TEXT) WHERE number = 4",
            "Row 4 was altered and cannot",
        ),
        ("DELETE FROM audit WHERE number = 1", "Row 1 is missing"),
        ("DELETE FROM audit WHERE number = 4", "Row 4 is missing"),
        ("DELETE FROM audit", "Row 1 is missing"),
        (
            f"INSERT INTO audit SELECT 0, {COLUMNS}, digest FROM audit WHERE number = 4",
            "Row 1 is missing or out of its place",
        ),
        ("UPDATE revision SET audit_digest = lower(hex(randomblob(32)))", "was altered"),
    ],
)
async def test_edited_file_is_found(
    room: ControlRoom, path: Path, statement: str, said: str
) -> None:
    """Whatever is done to a row with a database tool, the check names the first wrong one."""
    assert (await room.audit.verify(AUDITOR)).number > 6
    edit(path, statement)
    with pytest.raises(AuditBroken, match=said):
        await room.audit.verify(AUDITOR)


async def test_swapped_rows_are_found(room: ControlRoom, path: Path) -> None:
    """Two rows that changed places do not fit their neighbours."""
    swap = (
        "UPDATE audit SET number = -1 WHERE number = 3",
        "UPDATE audit SET number = 3 WHERE number = 4",
        "UPDATE audit SET number = 4 WHERE number = -1",
    )
    edit(path, *swap)
    with pytest.raises(AuditBroken, match="Row 3 was altered"):
        await room.audit.verify(AUDITOR)


async def test_cut_tail_is_found(room: ControlRoom, path: Path) -> None:
    """Rows taken from the end leave a gap that the next row shows.

    The counter beside the rows says how many there were, so the row that the check itself writes
    does not take the place of one that is gone.
    """
    number = (await room.store.audit_head()).number
    edit(path, f"DELETE FROM audit WHERE number > {number - 2}")
    with pytest.raises(AuditBroken, match=f"Row {number - 1} is missing"):
        await room.audit.verify(AUDITOR)


async def test_tail_that_was_cut_with_its_counter_needs_a_noted_head(
    room: ControlRoom, path: Path
) -> None:
    """Who rewrites rows and counter is found by a head that was noted elsewhere, and only so."""
    noted = await room.audit.verify(AUDITOR)
    rows = await room.store.list_audit(after=noted.number - 4, limit=1)
    (kept,) = rows
    edit(
        path,
        f"DELETE FROM audit WHERE number > {kept.number}",
        f"UPDATE revision SET audit_number = {kept.number}, audit_digest = '{kept.digest}'",
    )
    assert (await room.audit.verify(AUDITOR)).number == kept.number + 1
    with pytest.raises(AuditBroken, match="end was cut off"):
        await room.audit.verify(AUDITOR, noted=noted)
    for _ in range(9):
        await room.audit.list_page(AUDITOR)
    with pytest.raises(AuditBroken, match=f"Row {noted.number} is not the one that was noted"):
        await room.audit.verify(AUDITOR, noted=noted)


async def test_row_added_past_the_end_is_found_or_stops_everything(
    room: ControlRoom, path: Path
) -> None:
    """A forged row in the place of the next one leaves no place for that: nothing goes on."""
    head = await room.store.audit_head()
    (last,) = await room.store.list_audit(after=head.number - 1, limit=1)
    forged: AuditRow = append_row(AuditHead(head.number, head.digest), last.entry)
    edit(
        path,
        f"INSERT INTO audit SELECT {forged.number}, {COLUMNS}, '{forged.digest}'"
        f" FROM audit WHERE number = {last.number}",
    )
    with pytest.raises(StoreUnavailable):
        await room.audit.verify(AUDITOR)
    with pytest.raises(StoreUnavailable):
        await room.clients.create(LOCAL, GRANTS)


# A trail that cannot be written


def broken_by_trigger(path: Path) -> DatabaseStore:
    edit(
        path,
        "CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    return DatabaseStore.open(f"sqlite+aiosqlite:///{path}")


def broken_by_full_disk(path: Path) -> DatabaseStore:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("VACUUM")
    connection.execute("PRAGMA synchronous = OFF")  # nobody waits for a disk that gets full
    connection.execute("PRAGMA max_page_count = 1")  # never less than there is: no page more
    with suppress(sqlite3.OperationalError):  # until the last page is full too
        for size in range(8, 9_000, 8):
            connection.execute(
                "UPDATE audit SET detail = hex(zeroblob(?))"
                " WHERE number = (SELECT max(number) FROM audit)",
                (size,),
            )
        raise AssertionError
    connection.close()
    engine = open_engine(f"sqlite+aiosqlite:///{path}")
    event.listen(
        engine.sync_engine,
        "connect",
        lambda opened, _record: opened.execute("PRAGMA max_page_count = 1"),
    )
    return DatabaseStore(engine)


def broken_by_read_only_file(path: Path) -> DatabaseStore:
    return DatabaseStore(create_async_engine(f"sqlite+aiosqlite:///file:{path}?mode=ro&uri=true"))


BREAKS = [broken_by_trigger, broken_by_full_disk, broken_by_read_only_file]

Attempt = Callable[[ControlRoom], Awaitable[object]]


ALL = LogSpan(datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC))

ATTEMPTS: list[Attempt] = [
    lambda room: room.clients.create(LOCAL, GRANTS),
    lambda room: room.clients.create(AUDITOR, GRANTS),  # refused
    lambda room: room.clients.disable(LOCAL, "c-unknown"),  # refused inside
    lambda room: room.keys.rotate(LOCAL, KeyUse.SIGNING),
    lambda room: room.revocations.revoke(LOCAL, RevocationKind.EVERYTHING),
    lambda room: room.retention.read(LOCAL, ALL),
    lambda room: room.retention.read(principal(Role.OWNER), ALL),  # refused
    lambda room: room.retention.purge(LOCAL, older_than_days=0),
    lambda room: room.audit.list_page(AUDITOR),
    lambda room: room.audit.verify(AUDITOR),
    lambda room: room.audit.export(AUDITOR),
    lambda room: room.audit.export(principal(Role.OPERATOR)),  # refused
]


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize("broken", BREAKS)
async def test_nothing_happens_without_its_row(
    room: ControlRoom, path: Path, broken: Callable[[Path], DatabaseStore], attempt: Attempt
) -> None:
    """While the trail takes no row no act is done, none is refused and nothing is read: 503."""
    store = broken(path)
    before = contents(path)
    unable = open_room(path, store)
    try:
        with pytest.raises(StoreUnavailable):
            await attempt(unable)
    finally:
        await unable.close()
    assert contents(path) == before
    assert len(list((path.parent / "access").glob("*.seg"))) == 1


@pytest.mark.parametrize(
    ("method", "call", "role"),
    [
        ("POST", "clients", Role.OPERATOR),
        ("POST", "clients", Role.AUDITOR),  # refused
        ("POST", "keys/signing/rotate", Role.OPERATOR),
        ("POST", "access-log/purge", Role.OPERATOR),
        ("GET", "audit", Role.AUDITOR),
        ("GET", "audit/verify", Role.AUDITOR),
        ("GET", "audit/export", Role.AUDITOR),
        ("GET", "access-log", Role.AUDITOR),
        ("GET", "access-log/segments", Role.AUDITOR),
    ],
)
async def test_broken_trail_is_503_and_mends_without_a_restart(
    room: ControlRoom, path: Path, method: str, call: str, role: Role
) -> None:
    """Over HTTP it is a 503 that names no reason, and the next call after the mending works."""
    token = await token_of(room, role)
    broken_by_trigger(path)
    before = contents(path)
    body = {"json": {}} if call == "clients" else {}
    async with http(build_admin_app(room, proofs_for(room)), token=token) as client:
        refused = await client.request(method, f"/admin/v1/{call}", **body)
        assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
        assert "trigger" not in refused.text
        assert contents(path) == before
        edit(path, "DROP TRIGGER no_audit")
        mended = await client.request(method, f"/admin/v1/{call}", **body)
    assert mended.status_code in {200, 201, 403}


# Secrets


async def test_no_secret_is_ever_in_the_trail(room: ControlRoom, path: Path) -> None:
    """Every act that has to do with a secret leaves none of it in any column."""
    secrets = []
    issued = await room.clients.create(LOCAL, GRANTS)
    added = await add_secret(room, LOCAL, issued.client_id)
    token = (await room.tokens.issue(proof(issued))).token
    changed = await room.clients.assign_role(LOCAL, issued.client_id, Role.OPERATOR)
    assert changed.issued is not None
    secrets += [issued.secret, added.secret, token, changed.issued.secret]
    jti = token.reveal().split(".")[1]
    await room.revocations.revoke(LOCAL, RevocationKind.JTI, subject="the-jti")
    for use in KeyUse:
        await room.keys.rotate(LOCAL, use)
    canaries = [secret.reveal() for secret in secrets] + [jti]
    for stored in (await room.store.load()).keys:
        assert stored.wrapped_private is not None
        private = (await WRAP.unwrap(stored.wrapped_private, kid=stored.kid)).reveal()
        for data in (private, stored.wrapped_private):
            canaries += [data.hex(), base64.b64encode(data).decode().rstrip("=")]
            canaries += [base64.urlsafe_b64encode(data).decode().rstrip("="), repr(data)[2:-1]]
    for credential in await room.store.list_credentials(issued.client_id):
        canaries.append(credential.verifier)
    with pytest.raises(PermissionDenied):
        await add_secret(room, principal(Role.AUDITOR), issued.client_id)
    connection = sqlite3.connect(path)
    trail = repr(connection.execute("SELECT * FROM audit").fetchall())
    connection.close()
    assert "client.create" in trail
    assert "credential.add" in trail
    for canary in canaries:
        assert len(canary) > 8
        assert canary not in trail
        assert canary[-16:] not in trail
