"""Revocation entries: kept for as long as anything they refuse could be accepted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.control.revocation_entries import (
    client_revocation,
    key_revocation,
    token_revocation,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_entries_outlive_what_they_refuse() -> None:
    """A token's and a client's entry outlive the leeway; a key's has no end."""
    token = token_revocation("j", at=NOW, expires_at=NOW + timedelta(minutes=5))
    assert token.expires_at == NOW + timedelta(minutes=6)
    assert client_revocation("c", at=NOW).expires_at == NOW + timedelta(seconds=3660)
    assert key_revocation("k", at=NOW).expires_at is None
