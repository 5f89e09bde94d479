"""Calls with an idempotency key in SQLite: shared by processes, erased for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.backends.database.idempotency import DatabaseIdempotencyStore
from gateway.backends.database.store import DatabaseStore
from gateway.core.errors import StoreUnavailable
from gateway.core.idempotency import CallClaim
from tests.fakes.database import make_database

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CLAIM = CallClaim("t", "f", "c", claimed_at=NOW, expires_at=NOW + timedelta(days=1))
CANARY = b"canary" * 50


@pytest.fixture
async def url(tmp_path: Path) -> str:
    """Return the address of an empty database."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    make_database(url)
    return url


def everything(directory: Path) -> bytes:
    """Return what all files hold."""
    return b"".join(file.read_bytes() for file in directory.iterdir())


async def test_processes_share_claims(url: str) -> None:
    """Two stores on one file see each other's claims, after one was closed too."""
    one, two = DatabaseIdempotencyStore.open(url), DatabaseIdempotencyStore.open(url)
    assert await one.claim(CLAIM) == CLAIM
    await one.close()
    assert await two.claim(replace(CLAIM, claim_id="d")) == CLAIM
    await two.close()


async def test_no_process_reloads_for_a_claim(url: str) -> None:
    """The revision of the control store stays as it is."""
    control, store = DatabaseStore.open(url), DatabaseIdempotencyStore.open(url)
    before = await control.revision()
    await store.claim(CLAIM)
    await store.finish(replace(CLAIM, answer=b"x"))
    await store.forget_expired(now=CLAIM.expires_at)
    assert await control.revision() == before
    await control.close()
    await store.close()


@pytest.mark.parametrize("is_claimed_again", [False, True])
async def test_erased_answer_is_in_no_file(
    url: str, tmp_path: Path, is_claimed_again: bool
) -> None:
    """An answer that is over stays neither in the database nor in its log."""
    store = DatabaseIdempotencyStore.open(url)
    await store.claim(CLAIM)
    await store.finish(replace(CLAIM, answer=CANARY))
    assert CANARY in everything(tmp_path)
    if is_claimed_again:
        await store.claim(replace(CLAIM, claim_id="d", claimed_at=CLAIM.expires_at))
    await store.forget_expired(now=CLAIM.expires_at)
    assert b"canarycanary" not in everything(tmp_path)
    await store.close()


async def test_lost_database_is_unavailable(tmp_path: Path) -> None:
    """Without its table every method says that the store does not answer."""
    store = DatabaseIdempotencyStore.open(f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}")
    for call in (
        store.claim(CLAIM),
        store.finish(CLAIM),
        store.release(CLAIM),
        store.forget_expired(now=NOW),
    ):
        with pytest.raises(StoreUnavailable):
            await call
    await store.close()
