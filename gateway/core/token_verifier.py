"""Remembers which tokens were found to be good, so that a signature is checked once per token.

Only what cannot change is remembered: that this very text was signed by that key with those claims.
The time, the key still being good, the client, every revocation and the binding are looked at on
each call, so a withdrawn token is refused as soon as without this memory. An entry is named by the
SHA-256 of the whole token: a token that shares its beginning with a good one is another token. What
was refused is remembered for a moment (``refused_tokens``).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

from gateway.core.compact_jws import MAX_COMPACT_CHARS
from gateway.core.errors import InvalidToken
from gateway.core.external_tokens import IssuerKeys, UnknownSigner, verify_external_token
from gateway.core.identity import Principal
from gateway.core.policy import Snapshot
from gateway.core.refused_tokens import Grounds, RefusedTokens
from gateway.core.tokens import (
    MAX_LEEWAY,
    Expectations,
    SignedToken,
    accept_token,
    verify_signed_token,
)

MAX_ENTRIES: Final = 4096


class IssuerKeySource(Protocol):
    """Where the keys of other issuers come from; they are fetched in the background."""

    def current(self) -> Sequence[IssuerKeys]:
        """Return the issuers whose keys may be trusted now."""

    def note_unknown_key(self) -> None:
        """Take notice that somebody named a key that is not known; never waits."""


class NoIssuers:
    """The source for a gateway that takes its own tokens only."""

    def current(self) -> Sequence[IssuerKeys]:
        """Return nothing."""
        return ()

    def note_unknown_key(self) -> None:
        """Do nothing."""


NO_ISSUERS: Final = NoIssuers()


class TokenVerifier:
    """Verifies access tokens, ours and those of *issuers*. Not for several threads at once.

    Keeps up to *max_entries* good tokens, those that were used last.
    """

    def __init__(
        self,
        expectations: Expectations,
        *,
        issuers: IssuerKeySource = NO_ISSUERS,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self._expectations = expectations
        self._issuers = issuers
        self._max_entries = max_entries
        self._good: OrderedDict[bytes, SignedToken] = OrderedDict()
        self._refused = RefusedTokens(max_entries)

    def __len__(self) -> int:
        return len(self._good)

    def verify(
        self,
        token: str,
        *,
        snapshot: Snapshot,
        now: datetime,
        before_work: Callable[[], None] = lambda: None,
    ) -> Principal:
        """Return who calls with *token*. Raises ``InvalidToken``, whatever the reason.

        *before_work* is called before a signature is checked, and may raise to refuse that.
        """
        if len(token) > MAX_COMPACT_CHARS or not token.isascii():
            raise InvalidToken
        tag = hashlib.sha256(token.encode("ascii")).digest()
        signed = self._find(tag, snapshot, now)
        if signed is not None:
            principal = accept_token(signed, snapshot=snapshot, now=now)
            self._keep(tag, signed, now)
            return principal
        grounds = Grounds(snapshot.revision, snapshot.verification_keys, self._issuers.current())
        if self._refused.holds(tag, grounds, now):
            raise InvalidToken
        before_work()
        try:
            signed = self._verify_anew(token, snapshot)
            principal = accept_token(signed, snapshot=snapshot, now=now)
        except InvalidToken:
            self._refused.add(tag, grounds, now)
            raise
        self._keep(tag, signed, now)
        return principal

    def _find(self, tag: bytes, snapshot: Snapshot, now: datetime) -> SignedToken | None:
        """Return what is known of a token, unless its key is no longer the same good one."""
        signed = self._good.get(tag)
        if signed is None:
            return None
        is_over = signed.claims.expires_at <= now - MAX_LEEWAY
        if not is_over and self._is_key_good(signed, snapshot):
            return signed
        del self._good[tag]
        return None

    def _is_key_good(self, signed: SignedToken, snapshot: Snapshot) -> bool:
        if signed.role is None:
            return snapshot.verification_keys.get(signed.kid) == signed.key
        return any(
            known.issuer.issuer == signed.claims.issuer
            and known.keys.get(signed.key.kid) == signed.key
            for known in self._issuers.current()
        )

    def _verify_anew(self, token: str, snapshot: Snapshot) -> SignedToken:
        try:
            return verify_signed_token(
                token, keys=snapshot.verification_keys, expectations=self._expectations
            )
        except InvalidToken:
            issuers = self._issuers.current()
            if not issuers:
                raise
        try:
            return verify_external_token(token, issuers)
        except UnknownSigner:
            self._issuers.note_unknown_key()
            raise InvalidToken from None

    def _keep(self, tag: bytes, signed: SignedToken, now: datetime) -> None:
        self._good[tag] = signed
        self._good.move_to_end(tag)
        while self._good:
            oldest = next(iter(self._good.values()))
            is_over = oldest.claims.expires_at <= now - MAX_LEEWAY
            if not is_over and len(self._good) <= self._max_entries:
                return
            self._good.popitem(last=False)
