"""Remembers for a moment which tokens were refused, so that a flood of one costs one signature.

A refusal counts only on the grounds on which it was found: another revision, other keys, ours or
those of another issuer, and all are forgotten. Nothing outlasts a few seconds, so a token that
becomes valid by time alone is taken soon. An entry is named by a digest of the whole token: to ask
for it one must have the token.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from gateway.core.external_tokens import IssuerKeys
from gateway.core.jwk import VerificationKey

MAX_REFUSED: Final = 4096
_LIFE: Final = timedelta(seconds=5)


class Grounds(NamedTuple):
    """What a refusal rests on. Holds public keys alone, so that no withdrawn secret lives on."""

    revision: int
    keys: Mapping[str, VerificationKey]
    issuers: Sequence[IssuerKeys]

    def are(self, other: Grounds) -> bool:
        """Return whether a refusal on *other* is one on these."""
        is_same = self.revision == other.revision and self.keys is other.keys
        return is_same and list(self.issuers) == list(other.issuers)


class RefusedTokens:
    """Up to *max_entries* refusals, those that came last."""

    def __init__(self, max_entries: int = MAX_REFUSED) -> None:
        self._max_entries = max_entries
        self._grounds: Grounds | None = None
        self._refused: OrderedDict[bytes, datetime] = OrderedDict()

    def __len__(self) -> int:
        return len(self._refused)

    def holds(self, tag: bytes, grounds: Grounds, now: datetime) -> bool:
        """Return whether the token of this digest was refused on *grounds* just now."""
        if self._grounds is None or not self._grounds.are(grounds):
            return False
        refused_at = self._refused.get(tag)
        # A clock that was set back must not make the moment long.
        return refused_at is not None and timedelta(0) <= now - refused_at < _LIFE

    def add(self, tag: bytes, grounds: Grounds, now: datetime) -> None:
        """Remember that the token of this digest was refused."""
        if self._grounds is None or not self._grounds.are(grounds):
            self._grounds = grounds
            self._refused.clear()
        self._refused[tag] = now
        self._refused.move_to_end(tag)
        if len(self._refused) > self._max_entries:
            self._refused.popitem(last=False)
