"""One transaction on the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gateway.backends.database.change import DatabaseChange
from gateway.backends.database.store import DatabaseStore
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from tests.fakes.database import make_database

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEY = StoredKey(
    kid="k",
    use=KeyUse.SIGNING,
    algorithm=KeyAlgorithm.ED25519,
    state=KeyState.ACTIVE,
    key_id=None,
    created_at=NOW,
    activated_at=NOW,
    retires_at=None,
    revoked_at=None,
    public=b"\x01",
    wrapped_private=b"\x02",
)


async def test_change_knows_whether_it_erased_a_key(tmp_path: Path) -> None:
    """Only a change that takes a private half out of the store asks for the log to be emptied."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    make_database(url)
    store = DatabaseStore.open(url)
    async with store.change() as change:
        assert isinstance(change, DatabaseChange)
        await change.add_key(KEY)
        await change.save_key(replace(KEY, state=KeyState.RETIRING))
        assert not change.has_erased
        await change.save_key(replace(KEY, state=KeyState.REVOKED, wrapped_private=None))
        assert change.has_erased
    await store.close()


async def test_key_that_was_wrapped_anew_counts_as_erased(tmp_path: Path) -> None:
    """The old form would open under the old wrapping key, so it is cleaned away as well."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    make_database(url)
    store = DatabaseStore.open(url)
    async with store.change() as change:
        assert isinstance(change, DatabaseChange)
        await change.add_key(KEY)
        await change.save_key(replace(KEY, wrapped_private=b"wrapped anew"))
        assert change.has_erased
    await store.close()
