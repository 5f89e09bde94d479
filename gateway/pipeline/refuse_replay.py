"""Between authenticate and authorize: a sealed request is taken once (RFC 9458 §6.5).

A recorded request that is sent again reveals nothing, since only the original client can open the
answer, but it would cost computing time and quota. So each carries a date, and its encapsulated key
is remembered for as long as the date would pass. When the memory cannot be asked the request is
refused: a gateway that cannot tell a replay from an original serves neither.
"""

from __future__ import annotations

from gateway.core.ports import Clock, ReplayStore
from gateway.core.replay import replay_until, verify_date
from gateway.pipeline.exchange import Authenticated, Fresh


class RefuseReplay:
    """Checks the date inside, then claims the encapsulated key for good."""

    def __init__(self, store: ReplayStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def __call__(self, authenticated: Authenticated) -> Fresh:
        """Return *authenticated* as taken for the first time.

        Raises ``DateRefused``, ``Replayed`` or ``StoreUnavailable``. A request in the clear has no
        encapsulated key: whoever may send those relies on TLS, which has its own protection.
        """
        decapsulated = authenticated.decapsulated
        if decapsulated.seal is not None:
            now = self._clock()
            verify_date(dict(decapsulated.request.headers).get(b"date"), now=now)
            await self._store.claim(decapsulated.seal.replay_tag, until=replay_until(now))
        return Fresh(authenticated)
