"""Calls that are done once, however often they are sent: the ``Idempotency-Key`` of admin writes.

The answer of the first call is kept for a day, wrapped as private keys are, since it may hold a
fresh secret. A refusal that changed nothing is forgotten, so that the mended call may use the key.
A call whose process died before it was answered stays taken: whether it was done, nobody can say.
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final, NamedTuple

from gateway.control.actors import Staff
from gateway.core.errors import CommitUnconfirmed, KeyReused, OutcomeUnknown, StoreUnavailable
from gateway.core.idempotency import CallClaim, call_tag
from gateway.core.ports import Clock, IdempotencyStore, KeyWrap
from gateway.core.secret import Secret

KEEP_ANSWERS: Final = timedelta(hours=24)
_RUNS_AT_MOST: Final = timedelta(minutes=1)  # no call takes as long as that
_UNKNOWN: Final = (
    "Nobody knows how the first call with this Idempotency-Key ended. "
    "Look at what it was to change before you send it with a new key."
)


class KeptAnswer(NamedTuple):
    """What a call was answered with. *headers* are those that are part of the answer.

    Not shown: the body may hold a secret.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __repr__(self) -> str:
        return f"KeptAnswer({self.status})"


class IdempotentCalls:
    """Remembers calls by who made them and the key they chose.

    Every method raises ``StoreUnavailable`` when the store or the key wrap does not answer.
    """

    def __init__(self, store: IdempotencyStore, key_wrap: KeyWrap, clock: Clock) -> None:
        self._store = store
        self._key_wrap = key_wrap
        self._clock = clock

    async def begin(self, caller: Staff, key: str, *, fingerprint: str) -> CallClaim | KeptAnswer:
        """Return the answer of this very call, or the claim of *caller* to make it now.

        Raises ``KeyReused`` for another request under the same key, and ``OutcomeUnknown`` while
        the first call has no answer. A caller whose role changed is another caller.
        """
        now = self._clock()
        claim = CallClaim(
            tag=call_tag(f"{caller.name} {caller.principal.client.role}", key),
            fingerprint=fingerprint,
            claim_id=secrets.token_hex(16),
            claimed_at=now,
            expires_at=now + KEEP_ANSWERS,
        )
        try:
            held = await self._store.claim(claim)
        except CommitUnconfirmed:
            # Nothing is done under it, so it must not be in the way of the same call sent again.
            with suppress(StoreUnavailable):
                await self._store.release(claim)
            raise StoreUnavailable from None
        if held.claim_id == claim.claim_id:
            return claim
        if held.fingerprint != fingerprint:
            raise KeyReused
        if held.answer is None:
            raise OutcomeUnknown(_UNKNOWN if now - held.claimed_at > _RUNS_AT_MOST else None)
        return _parse(await self._key_wrap.unwrap(held.answer, kid=_kid(held)))

    async def finish(self, claim: CallClaim, answer: KeptAnswer) -> None:
        """Keep *answer* for those who send the call again."""
        wrapped = await self._key_wrap.wrap(_encode(answer), kid=_kid(claim))
        await self._store.finish(replace(claim, answer=wrapped))

    async def release(self, claim: CallClaim) -> None:
        """Forget a call that changed nothing."""
        await self._store.release(claim)

    async def forget_expired(self) -> int:
        """Erase what was kept for its day; return how many. Background task."""
        return await self._store.forget_expired(now=self._clock())

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()


def _kid(claim: CallClaim) -> str:
    """Return what the wrapped answer is bound to: it opens for no other call."""
    return f"idempotency:{claim.tag}"


def _encode(answer: KeptAnswer) -> Secret[bytes]:
    head = json.dumps([answer.status, answer.headers])  # which holds no line feed
    return Secret(head.encode("ascii") + b"\n" + answer.body)


def _parse(kept: Secret[bytes]) -> KeptAnswer:
    head, _, body = kept.reveal().partition(b"\n")
    status, headers = json.loads(head)
    return KeptAnswer(status, tuple((name, value) for name, value in headers), body)
