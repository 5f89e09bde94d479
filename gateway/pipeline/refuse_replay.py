"""Between authenticate and authorize: a sealed request is taken once (RFC 9458 §6.5).

A recorded request that is sent again reveals nothing, since only the original client can open the
answer, but it would cost computing time and quota. So each carries a date, and its encapsulated key
is remembered for as long as the date would pass. When the memory cannot be asked the request is
refused: a gateway that cannot tell a replay from an original serves neither. A DPoP proof is taken
once too (RFC 9449 §11.1), in the same memory.
"""

from __future__ import annotations

from gateway.core.dpop import ProvenKey
from gateway.core.errors import ProofRequired, Replayed
from gateway.core.ports import Clock, ReplayStore
from gateway.core.replay import replay_until, verify_date
from gateway.pipeline.exchange import Authenticated, Fresh


class RefuseReplay:
    """Checks the date inside, then claims the encapsulated key and the DPoP proof for good."""

    def __init__(self, store: ReplayStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def __call__(self, authenticated: Authenticated) -> Fresh:
        """Return *authenticated* as taken for the first time.

        Raises ``DateRefused``, ``Replayed``, ``StoreUnavailable``, or ``ProofRequired`` for a proof
        that was here before. A request in the clear has no encapsulated key: whoever may send those
        relies on TLS, which has its own protection.
        """
        decapsulated = authenticated.decapsulated
        if decapsulated.seal is not None:
            now = self._clock()
            verify_date(dict(decapsulated.request.headers).get(b"date"), now=now)
            await self._store.claim(decapsulated.seal.replay_tag, until=replay_until(now))
        if authenticated.proven is not None:
            await self._claim_proof(authenticated.proven)
        return Fresh(authenticated)

    async def _claim_proof(self, proven: ProvenKey) -> None:
        try:
            await self._store.claim(proven.jti_tag, until=proven.expires_at)
        except Replayed:
            raise ProofRequired from None
