"""The revocation entries that more than one use case writes, and how long each must be kept."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gateway.core.registry import Revocation, RevocationKind
from gateway.core.tokens import MAX_LEEWAY, MAX_LIFETIME

LONGEST_USE: Final = MAX_LIFETIME + 2 * MAX_LEEWAY
"""How long a token issued by now can still be accepted, by a machine with another clock."""


def client_revocation(client_id: str, *, at: datetime) -> Revocation:
    """Return the entry that refuses every token issued to *client_id* up to *at*."""
    return Revocation(
        RevocationKind.CLIENT_ID, client_id, revoked_at=at, expires_at=at + LONGEST_USE
    )


def token_revocation(jti: str, *, at: datetime, expires_at: datetime) -> Revocation:
    """Return the entry that refuses the token *jti*, which expires by itself at *expires_at*."""
    return Revocation(
        RevocationKind.JTI, jti, revoked_at=at, expires_at=expires_at + 2 * MAX_LEEWAY
    )


def key_revocation(kid: str, *, at: datetime) -> Revocation:
    """Return the entry that refuses the key *kid* for good."""
    return Revocation(RevocationKind.KID, kid, revoked_at=at, expires_at=None)
