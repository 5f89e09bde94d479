"""The life of a key: legal transitions, what each one removes, and identifiers that rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.errors import Conflict
from gateway.core.keyring import (
    TRANSITIONS,
    KeyAlgorithm,
    KeyState,
    KeyUse,
    StoredKey,
    next_key_id,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEY = StoredKey(
    kid="k",
    use=KeyUse.ENCRYPTION,
    algorithm=KeyAlgorithm.X25519,
    state=KeyState.PENDING,
    key_id=7,
    created_at=NOW,
    activated_at=None,
    retires_at=None,
    revoked_at=None,
    public=b"public",
    wrapped_private=b"wrapped",
)


@pytest.mark.parametrize("start", KeyState)
@pytest.mark.parametrize("end", KeyState)
def test_only_the_table_is_legal(start: KeyState, end: KeyState) -> None:
    """A key moves where the table says, and nowhere else."""
    key = replace(KEY, state=start)
    if end in TRANSITIONS[start]:
        assert key.moved_to(end).state is end
    else:
        with pytest.raises(Conflict):
            key.moved_to(end)


def test_whole_life_ends_without_a_private_half() -> None:
    """Activated, retired and destroyed, a key has its dates and no private half."""
    key = KEY.activated(at=NOW).retiring(until=NOW + timedelta(hours=1)).destroyed()
    assert (key.activated_at, key.retires_at) == (NOW, NOW + timedelta(hours=1))
    assert key.wrapped_private is None


def test_revoked_key_loses_its_private_half() -> None:
    """Revoking removes the private half in the same step."""
    key = KEY.revoked(at=NOW)
    assert (key.state, key.revoked_at, key.wrapped_private) == (KeyState.REVOKED, NOW, None)


def test_leave_to_drain_is_only_ever_taken_back() -> None:
    """Revoked again, a key keeps its date, and drains only if both times said so."""
    drained = KEY.revoked(at=NOW, drain=True)
    later = NOW + timedelta(hours=1)
    assert drained.drain
    assert drained.revoked(at=later, drain=True) == drained
    cut = drained.revoked(at=later)
    assert (cut.drain, cut.revoked_at) == (False, NOW)
    assert cut.revoked(at=later, drain=True) == cut


def test_pending_key_knows_when_it_is_published() -> None:
    """A scheduled key is still pending."""
    key = KEY.scheduled(at=NOW)
    assert (key.state, key.activates_at) == (KeyState.PENDING, NOW)


def test_keys_of_one_moment_count_on_from_the_last() -> None:
    """Of keys made in the same moment the last one is the newest."""
    pair = [replace(KEY, key_id=number) for number in (7, 8)]
    assert next_key_id(pair, now=NOW) == 9


def test_wrapped_half_is_not_printed() -> None:
    """The representation of a key holds no byte of its private half."""
    assert "wrapped" not in repr(KEY)


def test_identifiers_are_sequential_and_wrap() -> None:
    """Identifiers start at 0, count up by one, and go on at 0 after 255."""
    assert next_key_id([], now=NOW) == 0
    assert next_key_id([KEY], now=NOW) == 8
    assert next_key_id([replace(KEY, key_id=255)], now=NOW) == 0


@pytest.mark.parametrize(("days", "expected"), [(29, 1), (30, 0)])
def test_identifier_rests_for_thirty_days(days: int, expected: int) -> None:
    """An identifier is allotted again only 30 days after its key ended."""
    ended = replace(
        KEY, key_id=0, created_at=NOW - timedelta(days=90), revoked_at=NOW - timedelta(days=days)
    )
    ended = replace(ended, state=KeyState.REVOKED)
    last = replace(KEY, key_id=255, state=KeyState.ACTIVE)
    assert next_key_id([ended, last], now=NOW) == expected


def test_exhausted_identifiers_are_a_conflict() -> None:
    """When all 256 are in use or resting, there is no other one."""
    with pytest.raises(Conflict):
        next_key_id([replace(KEY, key_id=number) for number in range(256)], now=NOW)
