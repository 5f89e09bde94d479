"""What is remembered of a call that came with an ``Idempotency-Key``, so that it is done once.

A call is known by its *tag*, a digest of who called and the key they chose; the *fingerprint* is a
digest of what they asked for. Between the claim and the answer nobody can tell a call that is still
running from one whose process died: both have no answer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CallClaim:
    """A call that was begun. *claim_id* is of this attempt alone; the claim ends at *expires_at*.

    *answer* is what it was answered with, wrapped; None while that is not known.
    """

    tag: str
    fingerprint: str
    claim_id: str
    claimed_at: datetime
    expires_at: datetime
    answer: bytes | None = None


def call_tag(caller: str, key: str) -> str:
    """Return the tag of a call of *caller* with the idempotency key *key*, in hexadecimal."""
    return _digest("tag", caller.encode(), key.encode("ascii"))


def call_fingerprint(method: str, target: bytes, body: bytes) -> str:
    """Return the fingerprint of a request, in hexadecimal. *target* is path and query, raw."""
    return _digest("fingerprint", method.encode(), target, body)


def _digest(purpose: str, *parts: bytes) -> str:
    """Return a SHA-256 over *parts*, no two of which can run into each other."""
    digest = hashlib.sha256(f"sealgate idempotency {purpose}\0".encode())
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.hexdigest()
