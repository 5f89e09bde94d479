"""What all requests of a transport share: keys, token, and how far our clock is off."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.client.account import Account, TrustsTlsAlone, utc_now
from gateway.client.dpop import DpopProver
from gateway.client.key_cache import KeyCache
from gateway.client.outer import OuterAnswer, OuterRequest
from gateway.client.pinned_keys import PinnedKeys, SequenceMemory
from gateway.client.token_cache import TOKEN_PATH, Token, TokenCache, wants_nonce
from gateway.core.hpke import RandomBytes
from gateway.core.ohttp_keys import KeyConfig

Clock = Callable[[], datetime]

_WHO_MADE_THE_TRANSPORT = 3
"""Stack level of the warning: not this module, not the transport, but who built it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a request is sealed with: a key and a token."""

    config: KeyConfig
    token: Token


@dataclass(frozen=True, slots=True)
class Fetch:
    """A request that is due; give its answer to ``store``.

    When *is_early*, the request at hand could still go without it: call ``begin()`` before the
    fetch, so that others go on with what there is, and let its failure pass.
    """

    request: OuterRequest
    store: Callable[[OuterAnswer], None]
    begin: Callable[[], None]
    is_early: bool = False


class Session:
    """Keys and token of one account, shared by all requests of a transport.

    The caller lets one thread or task at a time carry out fetches. Warns with ``TrustsTlsAlone``
    when the account has neither a pin nor ``trust_tls``.
    """

    def __init__(
        self,
        account: Account,
        *,
        now: Clock = utc_now,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        self.account = account
        self.now = now
        self.random_bytes = random_bytes
        self.keys = _make_keys(account)
        self.tokens = TokenCache(account)
        self.dpop = DpopProver(random_bytes=random_bytes) if account.dpop else None
        self._may_retry_nonce = True
        self._clock_offset = timedelta(0)

    @property
    def gateway_time(self) -> datetime:
        """The present time as the gateway sees it: our clock, corrected."""
        return self.now() + self._clock_offset

    def correct_clock(self, gateway_time: datetime) -> None:
        """Take over the gateway's time, which it told inside a sealed answer.

        Only the date inside requests follows it. How long a token or a key lasts is counted by
        our own clock, which nobody else can set.
        """
        self._clock_offset = gateway_time - self.now()

    def next_step(self) -> Grant | Fetch:
        """Return the key and the token, or the fetch that is needed to have them."""
        now = self.now()
        config = self.keys.find(now=now)
        if config is None:
            return Fetch(self.keys.request, self._store_keys, _nothing)
        token = self.tokens.find(now=now)
        if token is None:
            is_early = self.tokens.has_living(now=now)
            return Fetch(self._token_request(), self._store_token, self._begin_renewal, is_early)
        return Grant(config, token)

    def _store_keys(self, answer: OuterAnswer) -> None:
        self.keys.store(answer, now=self.now())

    def _token_request(self) -> OuterRequest:
        if self.dpop is None:
            return self.tokens.request()
        uri = self.account.origin + TOKEN_PATH
        return self.tokens.request(self.dpop.prove_token_request(uri, now=self.gateway_time))

    def _store_token(self, answer: OuterAnswer) -> None:
        """Take the token; or the nonce of a refusal, once, so that the next step asks again."""
        if self.dpop is not None:
            is_new = self.dpop.take_nonce(answer.head.headers.get("dpop-nonce"))
            if is_new and self._may_retry_nonce and wants_nonce(answer):
                self._may_retry_nonce = False
                return
        self._may_retry_nonce = True
        self.tokens.store(answer, now=self.now())

    def _begin_renewal(self) -> None:
        self.tokens.postpone(now=self.now())


def _make_keys(account: Account) -> KeyCache | PinnedKeys:
    if account.pinned_key is not None:
        return PinnedKeys(account.pinned_key, memory=SequenceMemory(account.state_file))
    if not account.trust_tls:
        warnings.warn(
            "No pin was given, so the gateway's encryption keys are trusted because TLS is: "
            "whoever can end this TLS can read what is sealed. Give pin=, or trust_tls=True.",
            TrustsTlsAlone,
            stacklevel=_WHO_MADE_THE_TRANSPORT + 1,
        )
    return KeyCache()


def _nothing() -> None:
    """Keys have no early renewal: nothing is to be marked."""
