"""Revocation entries: kept for as long as anything they refuse could be accepted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.control.revocation_entries import (
    client_revocation,
    issue_time,
    key_revocation,
    token_revocation,
)
from gateway.core.tokens import MAX_LEEWAY

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_entries_outlive_what_they_refuse() -> None:
    """A token's and a client's entry outlive the leeway; a key's has no end."""
    token = token_revocation("j", at=NOW, expires_at=NOW + timedelta(minutes=5))
    assert token.expires_at == NOW + timedelta(minutes=6)
    assert client_revocation("c", at=NOW).expires_at == NOW + timedelta(seconds=3690)
    assert key_revocation("k", at=NOW).expires_at is None


def test_cut_covers_the_leeway() -> None:
    """A client's entry refuses all that could be accepted then, in whole seconds."""
    at = NOW + timedelta(milliseconds=900)
    assert client_revocation("c", at=at).revoked_at == NOW + timedelta(seconds=30)


def test_issue_is_now_without_a_revocation_that_counts() -> None:
    """Without a cut, or with one that is over, a token names the present moment."""
    assert issue_time(NOW, cut=None) == NOW
    assert issue_time(NOW, cut=NOW - timedelta(seconds=1)) == NOW


def test_issue_is_after_the_cut_but_never_beyond_the_leeway() -> None:
    """In the leeway a token names the second after the cut; before that can be verified, now."""
    cut = client_revocation("c", at=NOW).revoked_at
    later = NOW + timedelta(seconds=1)
    assert issue_time(NOW, cut=cut) == NOW
    assert issue_time(later, cut=cut) == cut + timedelta(seconds=1) == later + MAX_LEEWAY
    assert issue_time(cut, cut=cut) == cut + timedelta(seconds=1)
    assert issue_time(cut + timedelta(seconds=1), cut=cut) == cut + timedelta(seconds=1)
