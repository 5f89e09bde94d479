"""The memory of refused tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.core.refused_tokens import Grounds, RefusedTokens
from gateway.core.token_verifier import NO_ISSUERS
from tests.fakes.world import VERIFICATION_KEY

NOW = datetime(2026, 11, 23, tzinfo=UTC)
GROUNDS = Grounds(1, {"sig-1": VERIFICATION_KEY}, NO_ISSUERS.current())


def test_a_refusal_is_remembered_for_a_moment() -> None:
    """It counts for seconds, and not at all once the clock is set back."""
    refused = RefusedTokens()
    refused.add(b"t", GROUNDS, NOW)
    held = [refused.holds(b"t", GROUNDS, NOW + timedelta(seconds=s)) for s in (-1, 0, 4, 5)]
    assert held == [False, True, True, False]
    assert not refused.holds(b"u", GROUNDS, NOW)


def test_other_grounds_are_another_question() -> None:
    """A change of policy or of keys ends all refusals that were found before it."""
    for changed in (
        GROUNDS._replace(revision=2),
        GROUNDS._replace(keys=dict(GROUNDS.keys)),
        GROUNDS._replace(issuers=["x"]),  # type: ignore[list-item]
    ):
        refused = RefusedTokens()
        refused.add(b"t", GROUNDS, NOW)
        assert not refused.holds(b"t", changed, NOW)
        refused.add(b"u", changed, NOW)
        assert refused.holds(b"u", changed, NOW)
        assert len(refused) == 1


def test_memory_is_bounded() -> None:
    """Of a flood of different tokens the last ones are remembered."""
    refused = RefusedTokens(max_entries=3)
    for number in range(10):
        refused.add(b"%d" % number, GROUNDS, NOW)
    assert len(refused) == 3
    assert refused.holds(b"9", GROUNDS, NOW)
    assert not refused.holds(b"6", GROUNDS, NOW)
