"""The revocation entries that more than one use case writes, and how long each must be kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.core.registry import Revocation, RevocationKind
from gateway.core.tokens import MAX_LEEWAY, MAX_LIFETIME

LONGEST_USE: Final = MAX_LIFETIME + 2 * MAX_LEEWAY
"""How long a token issued by now can still be accepted, by a machine with another clock."""


def client_revocation(client_id: str, *, at: datetime) -> Revocation:
    """Return the entry that refuses every token issued to *client_id* up to *at*."""
    return cut_revocation(RevocationKind.CLIENT_ID, client_id, at=at)


def cut_revocation(
    kind: RevocationKind, subject: str, *, at: datetime, issued_before: datetime | None = None
) -> Revocation:
    """Return the entry that refuses every token of *subject* issued up to *at*.

    With *issued_before* only those issued before that moment, to the second.

    Its ``revoked_at`` is later than *at* by the leeway that verification grants. So it also refuses
    tokens from a machine whose clock is ahead, and those issued before this clock was put back:
    whatever could be accepted at *at*. (A token from further ahead is refused by its time for now;
    withdraw its signing key after putting the clock back by more than the leeway.)
    """
    if issued_before is None:
        cut = (at + MAX_LEEWAY).replace(microsecond=0)  # tokens carry whole seconds
    else:
        # The cut is inclusive: the last second that ends before the moment.
        last = issued_before.astimezone(UTC) - timedelta(microseconds=1)
        cut = last.replace(microsecond=0)
    return Revocation(kind, subject, revoked_at=cut, expires_at=max(cut, at) + LONGEST_USE)


def issue_time(now: datetime, *, cut: datetime | None) -> datetime:
    """Return the moment that a new token names as its issue, given its client's revocation.

    In the leeway after a revocation that is the second after the *cut*, as soon as verification
    takes a token from there: a revoked client waits for the next second, not for the leeway. Never
    later than that, or a second revocation might not reach the token.
    """
    if cut is None or now.replace(microsecond=0) > cut:
        return now
    after_cut = cut + timedelta(seconds=1)
    return after_cut if after_cut <= now + MAX_LEEWAY else now


def jti_revocation(jti: str, *, at: datetime) -> Revocation:
    """Return the entry that refuses the token *jti*, of which nothing else is known."""
    return Revocation(RevocationKind.JTI, jti, revoked_at=at, expires_at=at + LONGEST_USE)


def token_revocation(jti: str, *, at: datetime, expires_at: datetime) -> Revocation:
    """Return the entry that refuses the token *jti*, which expires by itself at *expires_at*."""
    return Revocation(
        RevocationKind.JTI, jti, revoked_at=at, expires_at=expires_at + 2 * MAX_LEEWAY
    )


def key_revocation(kid: str, *, at: datetime) -> Revocation:
    """Return the entry that refuses the key *kid* for good."""
    return Revocation(RevocationKind.KID, kid, revoked_at=at, expires_at=None)
