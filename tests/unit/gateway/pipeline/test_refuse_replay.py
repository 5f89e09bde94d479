"""Taken once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest

from gateway.backends.memory_replay import MemoryReplayStore
from gateway.core.dpop import ProvenKey
from gateway.core.errors import DateRefused, ProofRequired, Replayed, StoreUnavailable
from gateway.core.identity import Principal
from gateway.pipeline.exchange import Authenticated
from gateway.pipeline.refuse_replay import RefuseReplay
from tests.fakes.world import APPLICATION, NOW, clock, decapsulated, inner_request

PRINCIPAL = Principal(APPLICATION, "token-1", "sig-1", NOW, NOW)


class BrokenStore:
    """A store that cannot be asked."""

    async def claim(self, tag, *, until):
        """Fail."""
        raise StoreUnavailable

    async def close(self):
        """Do nothing."""


def dated(value: bytes | None):
    headers = [item for item in inner_request().headers if item[0] != b"date"]
    if value is not None:
        headers.append((b"date", value))
    return replace(inner_request(), headers=tuple(headers))


def stage(store=None):
    return RefuseReplay(store or MemoryReplayStore(clock), clock)


async def test_first_time_passes_second_time_does_not():
    """The same sealed request is taken once."""
    refuse_replay, request = stage(), Authenticated(PRINCIPAL, decapsulated())
    assert (await refuse_replay(request)).authenticated is request
    with pytest.raises(Replayed):
        await refuse_replay(request)


@pytest.mark.parametrize("seconds", [-121, 121])
async def test_date_outside_the_window_is_refused(seconds):
    """A date that is too old could be a replay whose tag was forgotten."""
    wrong = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True).encode()
    with pytest.raises(DateRefused):
        await stage()(Authenticated(PRINCIPAL, decapsulated(dated(wrong))))


@pytest.mark.parametrize("value", [None, b"", b"yesterday"])
async def test_missing_or_malformed_date_is_refused(value):
    """Without a date a tag would have to be kept for the life of the key."""
    with pytest.raises(DateRefused):
        await stage()(Authenticated(PRINCIPAL, decapsulated(dated(value))))


async def test_store_that_cannot_be_asked_refuses():
    """A gateway that cannot tell a replay from an original serves neither."""
    with pytest.raises(StoreUnavailable):
        await stage(BrokenStore())(Authenticated(PRINCIPAL, decapsulated()))


async def test_clear_request_has_nothing_to_claim():
    """A request in the clear has no encapsulated key, and may be sent again."""
    clear = Authenticated(PRINCIPAL, decapsulated(dated(None), seal=None))
    for _ in range(2):
        await stage(BrokenStore())(clear)


async def test_a_proof_is_taken_once():
    """The same proof with another request is refused, sealed or not, until it has expired."""
    refuse_replay = stage()
    proven = ProvenKey("key", b"0123456789abcdef", NOW + timedelta(seconds=90))
    await refuse_replay(Authenticated(PRINCIPAL, decapsulated(), proven))
    again = Authenticated(PRINCIPAL, decapsulated(seal=None), proven)
    with pytest.raises(ProofRequired) as caught:
        await refuse_replay(again)
    assert caught.value.nonce is None
    other = proven._replace(jti_tag=b"fedcba9876543210")
    assert await refuse_replay(replace(again, proven=other))
    with pytest.raises(StoreUnavailable):
        await stage(BrokenStore())(again)
