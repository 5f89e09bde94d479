"""Calls that are done once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.backends.memory_idempotency import MemoryIdempotencyStore
from gateway.control.idempotency import KEEP_ANSWERS, IdempotentCalls, KeptAnswer
from gateway.core.errors import CommitUnconfirmed, KeyReused, OutcomeUnknown, StoreUnavailable
from gateway.core.idempotency import CallClaim
from gateway.core.identity import Role
from tests.fakes.control import FakeClock, make_wrap, principal

OPERATOR = principal(Role.OPERATOR)
ANSWER = KeptAnswer(201, (("content-type", "application/json"), ("etag", '"1"')), b'\n{"x":1}\n')


@pytest.fixture
def store() -> MemoryIdempotencyStore:
    """Return an empty store."""
    return MemoryIdempotencyStore()


@pytest.fixture
def calls(store: MemoryIdempotencyStore, clock: FakeClock) -> IdempotentCalls:
    """Return the use cases over the store."""
    return IdempotentCalls(store, make_wrap(), clock)


async def begin(calls: IdempotentCalls, fingerprint: str = "f") -> CallClaim:
    """Begin a call that was not made before."""
    claim = await calls.begin(OPERATOR, "k", fingerprint=fingerprint)
    assert isinstance(claim, CallClaim)
    return claim


async def test_answer_comes_back_whole(calls: IdempotentCalls) -> None:
    """The second call gets status, headers and body of the first, byte for byte."""
    await calls.finish(await begin(calls), ANSWER)
    for _ in range(2):
        assert await calls.begin(OPERATOR, "k", fingerprint="f") == ANSWER


async def test_another_request_is_refused(calls: IdempotentCalls) -> None:
    """Under one key there is one request, answered or not."""
    claim = await begin(calls)
    for _ in range(2):
        with pytest.raises(KeyReused):
            await calls.begin(OPERATOR, "k", fingerprint="g")
        await calls.finish(claim, ANSWER)


class Unconfirming(MemoryIdempotencyStore):
    """A store that remembers the first claim, and does not say so."""

    has_claimed = False

    async def claim(self, claim: CallClaim) -> CallClaim:
        """Remember *claim*."""
        held = await super().claim(claim)
        if not self.has_claimed:
            self.has_claimed = True
            raise CommitUnconfirmed
        return held


async def test_claim_that_nobody_confirmed_is_in_no_ones_way(clock: FakeClock) -> None:
    """Nothing was done under it, so the call is refused as such and can be sent again."""
    calls = IdempotentCalls(Unconfirming(), make_wrap(), clock)
    with pytest.raises(StoreUnavailable) as caught:
        await begin(calls)
    assert type(caught.value) is StoreUnavailable
    await begin(calls)


async def test_running_call_is_told_from_a_dead_one(
    calls: IdempotentCalls, clock: FakeClock
) -> None:
    """Without an answer nothing is done again; after a minute the text says that it is lost."""
    await begin(calls)
    texts = []
    for _ in range(2):
        with pytest.raises(OutcomeUnknown) as unknown:
            await calls.begin(OPERATOR, "k", fingerprint="f")
        texts.append(unknown.value.detail)
        clock.advance(seconds=61)
    assert "still running" in texts[0]
    assert "Nobody knows" in texts[1]


async def test_key_is_free_again(calls: IdempotentCalls, clock: FakeClock) -> None:
    """After a refusal, and after a day, the key may be used for anything."""
    await calls.release(await begin(calls))
    await calls.finish(await begin(calls, "g"), ANSWER)
    clock.now += KEEP_ANSWERS
    await begin(calls, "h")


async def test_keys_are_of_one_caller(calls: IdempotentCalls) -> None:
    """Neither another client nor the same one in another role gets the answer."""
    await calls.finish(await begin(calls), ANSWER)
    others = [principal(Role.OPERATOR, "other"), principal(Role.AUDITOR)]
    for other in others:
        assert isinstance(await calls.begin(other, "k", fingerprint="f"), CallClaim)


async def test_kept_answer_is_wrapped_and_bound(
    calls: IdempotentCalls, store: MemoryIdempotencyStore
) -> None:
    """No word of the answer is readable in the store, and it opens for its own call alone."""
    claim = await begin(calls)
    await calls.finish(claim, KeptAnswer(201, (), b"canary"))
    held = await store.claim(claim)
    assert held.answer is not None
    assert b"canary" not in held.answer
    moved = await calls.begin(OPERATOR, "k2", fingerprint="f")
    assert isinstance(moved, CallClaim)
    await store.finish(replace(moved, answer=held.answer))
    with pytest.raises(StoreUnavailable):
        await calls.begin(OPERATOR, "k2", fingerprint="f")


async def test_old_answers_are_forgotten(calls: IdempotentCalls, clock: FakeClock) -> None:
    """The background task erases what was kept for its day."""
    await begin(calls)
    assert await calls.forget_expired() == 0
    clock.now += KEEP_ANSWERS
    assert await calls.forget_expired() == 1
    await calls.close()
