"""A change whose end nobody heard of: the caller is told so, and it is not done twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.backends.database.engine import open_engine
from gateway.backends.database.idempotency import DatabaseIdempotencyStore
from gateway.backends.database.store import DatabaseStore
from gateway.core.errors import CommitUnconfirmed
from gateway.core.idempotency import CallClaim
from gateway.core.registry import Revocation, RevocationKind
from tests.fakes.engines import PostgresServer
from tests.fakes.lost_commit import losing_commits


@pytest.mark.parametrize("is_silent", [False, True], ids=["broken", "silent"])
async def test_whoever_changed_something_hears_that_nobody_knows(
    postgresql: PostgresServer, postgresql_url: str, is_silent: bool
) -> None:
    """A commit without an answer is no "nothing was changed", and the store goes on."""
    revocation = Revocation(RevocationKind.JTI, "lost", datetime.now(UTC), None)
    async with losing_commits(postgresql.port) as way:
        url = postgresql_url.replace(f":{postgresql.port}/", f":{way.port}/")
        # Nothing is given up while the test runs, but for what is to be.
        store = DatabaseStore(open_engine(url, statement_seconds=0.5 if is_silent else None))
        way.word, way.is_silent = b"lost", is_silent
        with pytest.raises(CommitUnconfirmed):
            async with store.change() as change:
                await change.add_revocation(revocation)
        assert way.losses == 1
        assert (await store.load()).revocations == (revocation,)
        async with store.change() as change:
            await change.raise_document_seq()
        await store.close()


async def test_call_that_nobody_knows_to_be_claimed(
    postgresql: PostgresServer, postgresql_url: str
) -> None:
    """Whoever claims an idempotency key hears it too, and may give the claim back."""
    now = datetime.now(UTC)
    claim = CallClaim("lost", "f", "one", claimed_at=now, expires_at=now + timedelta(hours=1))
    async with losing_commits(postgresql.port) as way:
        url = postgresql_url.replace(f":{postgresql.port}/", f":{way.port}/")
        store = DatabaseIdempotencyStore.open(url)
        way.word = b"lost"
        with pytest.raises(CommitUnconfirmed):
            await store.claim(claim)
        other = replace(claim, claim_id="other")
        assert await store.claim(other) == claim
        await store.release(claim)
        assert await store.claim(other) == other
        await store.close()
