"""What the control plane remembers: hashes unprinted, revocations that only widen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.registry import Credential, Revocation, RevocationKind

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_hash_is_not_printed() -> None:
    """The representation of a credential does not hold its hash."""
    assert "argon" not in repr(Credential("i", "c", "$argon2id$…", NOW))


@pytest.mark.parametrize(
    ("mine", "other", "expected"), [(1, 2, 2), (2, 1, 2), (None, 1, None), (1, None, None)]
)
def test_widened_keeps_the_longer(
    mine: int | None, other: int | None, expected: int | None
) -> None:
    """Of two revocations of one thing, the later moment and the longer memory count."""

    def make(days: int | None) -> Revocation:
        end = None if days is None else NOW + timedelta(days=days)
        return Revocation(RevocationKind.JTI, "j", NOW + timedelta(days=days or 9), end)

    widened = make(mine).widened(make(other))
    assert widened.expires_at == (None if expected is None else NOW + timedelta(days=expected))
    assert widened.revoked_at == max(make(mine).revoked_at, make(other).revoked_at)
