"""Calls with an idempotency key in memory: for tests and trials, and for one process alone."""

from __future__ import annotations

from datetime import datetime

from gateway.core.idempotency import CallClaim


class MemoryIdempotencyStore:
    """An ``IdempotencyStore`` for one event loop."""

    def __init__(self) -> None:
        self._claims: dict[str, CallClaim] = {}

    async def claim(self, claim: CallClaim) -> CallClaim:
        """Remember *claim* unless its tag is taken; return the claim that holds the tag."""
        held = self._claims.get(claim.tag)
        if held is not None and held.expires_at > claim.claimed_at:
            return held
        self._claims[claim.tag] = claim
        return claim

    async def finish(self, claim: CallClaim) -> None:
        """Remember the answer of *claim*, unless the tag is held by another attempt."""
        if self._holds(claim):
            self._claims[claim.tag] = claim

    async def release(self, claim: CallClaim) -> None:
        """Forget *claim*, unless the tag is held by another attempt."""
        if self._holds(claim):
            del self._claims[claim.tag]

    async def forget_expired(self, *, now: datetime) -> int:
        """Erase the claims that are over at *now*; return how many."""
        over = [tag for tag, claim in self._claims.items() if claim.expires_at <= now]
        for tag in over:
            del self._claims[tag]
        return len(over)

    async def close(self) -> None:
        """Nothing is open."""

    def _holds(self, claim: CallClaim) -> bool:
        held = self._claims.get(claim.tag)
        return held is not None and held.claim_id == claim.claim_id
