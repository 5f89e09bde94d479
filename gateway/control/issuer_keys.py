"""The keys of other issuers: fetched in the background, kept for a while when a fetch fails.

No request ever waits for a fetch or causes one by its content alone: a token that names an unknown
key is refused now, and the next fetch is brought forward, at most once in half a minute. A fetch
that succeeds replaces all keys of the issuer, so a key that it withdrew is gone at once. While
fetches fail, the last keys stay good for a day at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gateway.control.snapshot import MonotonicClock
from gateway.core.errors import StoreUnavailable
from gateway.core.external_tokens import ExternalIssuer, IssuerKeys
from gateway.core.jwk import VerificationKey, parse_jwk_set
from gateway.core.jws import Unreadable

CHECK_SECONDS: Final = 1.0
"""How often it is looked whether a fetch is due."""

EARLY_SECONDS: Final = 30.0
"""How long after a fetch an unknown key may cause the next one."""

_FIRST_RETRY_SECONDS: Final = 5.0

FetchKeys = Callable[[], Awaitable[bytes]]
"""Returns a JWK set as it was sent. Raises ``StoreUnavailable``."""


@dataclass(frozen=True, slots=True)
class IssuerFeed:
    """One issuer, how its keys are fetched and how often, and how long old ones are good."""

    issuer: ExternalIssuer
    fetch: FetchKeys
    refresh_seconds: float = 300.0
    max_stale_seconds: float = 86_400.0


@dataclass(slots=True)
class _State:
    feed: IssuerFeed
    keys: Mapping[str, VerificationKey] = field(default_factory=lambda: MappingProxyType({}))
    read_at: float = float("-inf")  # when the fetch that gave the keys began
    tried_at: float = float("-inf")
    due_at: float = float("-inf")
    failures: int = 0


class IssuerKeyHolder:
    """Holds the keys of all configured issuers. An ``IssuerKeySource``."""

    def __init__(self, feeds: Sequence[IssuerFeed], *, monotonic: MonotonicClock) -> None:
        self._states = [_State(feed) for feed in feeds]
        self._monotonic = monotonic

    def current(self) -> Sequence[IssuerKeys]:
        """Return the issuers whose keys may be trusted now."""
        now = self._monotonic()
        return [
            IssuerKeys(state.feed.issuer, state.keys)
            for state in self._states
            if now - state.read_at <= state.feed.max_stale_seconds
        ]

    def note_unknown_key(self) -> None:
        """Bring the next fetch forward, unless there was one just now."""
        now = self._monotonic()
        for state in self._states:
            if now - state.tried_at >= EARLY_SECONDS:
                state.due_at = now

    async def refresh_due(self) -> None:
        """Fetch the keys of each issuer whose time has come. Background task."""
        now = self._monotonic()
        due = [state for state in self._states if state.due_at <= now]
        await asyncio.gather(*(self._refresh(state) for state in due))

    async def _refresh(self, state: _State) -> None:
        feed, began = state.feed, self._monotonic()
        state.tried_at = began
        try:
            data = await feed.fetch()
            state.keys = parse_jwk_set(data, rsa_algorithm=feed.issuer.rsa_algorithm)
        except (StoreUnavailable, Unreadable):
            pause = min(_FIRST_RETRY_SECONDS * 2**state.failures, feed.refresh_seconds)
            state.failures = min(state.failures + 1, 16)
            state.due_at = began + pause
        else:
            state.failures = 0
            state.read_at = began
            state.due_at = began + feed.refresh_seconds
