"""Between authorize and forward: quotas."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.errors import QuotaExceeded, StoreUnavailable, UpstreamUnavailable
from gateway.core.grants import DataClass, Grant, Operation, Quota
from gateway.core.identity import Principal
from gateway.core.policy import Permission
from gateway.core.upstream_port import UpstreamRequest
from gateway.pipeline.exchange import Authorized, ModelCall
from gateway.pipeline.meter import Meter
from tests.fakes.waiting import until
from tests.fakes.world import NOW, with_client

BODY = b"x" * 400


class Counts:
    """A QuotaStore that remembers what it was told, and fails on demand."""

    def __init__(self, *, refuses=None, cannot_count=False) -> None:
        self.refuses, self.cannot_count = refuses, cannot_count
        self.taken: list[tuple[str, Quota]] = []
        self.tokens: list[tuple[str, int]] = []

    async def take(self, client_id, quota):
        if self.refuses:
            raise self.refuses
        self.taken.append((client_id, quota))

    async def count_tokens(self, client_id, quota, tokens):
        if self.cannot_count:
            raise StoreUnavailable
        self.tokens.append((client_id, tokens))


class World:
    """A meter with everything around it in sight."""

    def __init__(self, **store) -> None:
        self.store, self.refusals = Counts(**store), 0
        self.meter = Meter(self.store, count_refusal=self.refuse)

    def refuse(self) -> None:
        self.refusals += 1


def authorized(*, streams=None, client_id="c-app", call=True, **quota):
    client = with_client(
        client_id=client_id, quota=Quota(concurrent_streams=streams, tokens_per_minute=9, **quota)
    )
    grant = Grant("tiny", Operation.CHAT_COMPLETIONS)
    return Authorized(
        principal=Principal(client, "token-1", "sig-1", NOW, NOW),
        permission=Permission.CALL_MODEL if call else Permission.LIST_MODELS,
        call=ModelCall(grant, DataClass.INTERNAL) if call else None,
        upstream_request=UpstreamRequest("POST", "/v1/chat/completions", BODY),
        new_scrubber=object,
        streamed=True,
    )


async def test_call_is_counted_and_its_cost_at_the_end():
    """A request is taken before the model is asked, tokens when the answer is over."""
    world, call = World(), authorized()
    async with world.meter(call) as metered:
        assert metered.authorized is call
        assert [taken[0] for taken in world.store.taken] == ["c-app"]
        call.tally.see_usage(27)
        assert world.store.tokens == []
    assert world.store.tokens == [("c-app", 27)]
    assert world.refusals == 0


async def test_refused_call_goes_no_further_and_holds_no_place():
    """A quota that is used up ends the call here; the refusal is counted and keeps no place."""
    world, call = World(refuses=QuotaExceeded(retry_after_seconds=9)), authorized(streams=1)
    for number in (1, 2):
        with pytest.raises(QuotaExceeded) as caught:
            async with world.meter(call):
                pytest.fail("let through")
        assert caught.value.retry_after_seconds == 9
        assert world.refusals == number
    assert world.store.tokens == []


async def test_store_that_cannot_be_asked_refuses():
    """Who cannot look at the count lets nothing through; that is no quota used up."""
    world = World(refuses=StoreUnavailable())
    with pytest.raises(StoreUnavailable):
        async with world.meter(authorized(streams=1)):
            pytest.fail("let through")
    assert world.refusals == 0


async def test_so_many_answers_at_once_and_no_more():
    """The quota bounds the answers under way; one more costs no request and may come at once."""
    world = World()
    async with world.meter(authorized(streams=2)), world.meter(authorized(streams=2)):
        with pytest.raises(QuotaExceeded) as caught:
            async with world.meter(authorized(streams=2)):
                pytest.fail("let through")
        assert caught.value.retry_after_seconds == 1
        assert len(world.store.taken) == 2
        assert world.refusals == 1
        async with world.meter(authorized(streams=2, client_id="c-other")):
            pass
    async with world.meter(authorized(streams=2)):
        pass


@pytest.mark.parametrize("error", [UpstreamUnavailable(), RuntimeError(), asyncio.CancelledError()])
async def test_every_way_out_frees_the_place_and_counts(error):
    """Whether vLLM breaks off, a bug strikes or the client leaves: what was seen is counted."""
    world, call = World(), authorized(streams=1)
    call.tally.see_pieces(5)
    with pytest.raises(type(error)):
        async with world.meter(call):
            raise error
    assert world.store.tokens == [("c-app", 5 + len(BODY) // 4)]
    async with world.meter(authorized(streams=1)):
        pass


async def test_call_that_was_never_answered_costs_no_tokens():
    """Without a word from the model nothing is counted but the request."""
    world = World()
    with pytest.raises(UpstreamUnavailable):
        async with world.meter(authorized()):
            raise UpstreamUnavailable
    assert (len(world.store.taken), world.store.tokens) == (1, [])


async def test_store_that_cannot_count_does_not_spoil_the_answer():
    """The answer is out when its tokens are counted, so it is not turned into an error."""
    world, call = World(cannot_count=True), authorized(streams=1)
    for _ in range(2):
        async with world.meter(call):
            call.tally.see_usage(3)


async def test_cost_is_counted_though_the_call_is_cut_meanwhile():
    """Whoever leaves, or is cut, while the store is being told does not get the answer for free."""
    world, call = World(), authorized(streams=1)
    telling = asyncio.Event()

    async def count_slowly(client_id, quota, tokens):
        telling.set()
        await asyncio.sleep(0.02)
        world.store.tokens.append((client_id, tokens))

    world.store.count_tokens = count_slowly

    async def answer():
        async with world.meter(call):
            call.tally.see_usage(27)

    task = asyncio.create_task(answer())
    await telling.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: world.store.tokens and not world.meter._running)
    assert world.store.tokens == [("c-app", 27)]


async def test_quota_set_while_answers_run_counts_them():
    """An answer that began without a limit takes a place of the limit set meanwhile."""
    world = World()
    async with world.meter(authorized(streams=None)):
        with pytest.raises(QuotaExceeded):
            async with world.meter(authorized(streams=1)):
                pytest.fail("let through")


async def test_list_of_models_costs_a_request_and_nothing_else():
    """Whoever used up tokens or places may still see what there is."""
    world = World()
    async with (
        world.meter(authorized(streams=1)),
        world.meter(authorized(streams=1, call=False, requests_per_day=7)),
    ):
        pass
    [_, (_, quota)] = world.store.taken
    assert quota == Quota(concurrent_streams=1, requests_per_day=7)
    assert world.store.tokens == []


class Places:
    """AnswerPlaces of which another process has all but *left*."""

    def __init__(self, left: int) -> None:
        self.left, self.asked = left, []

    def take(self, client_id, limit):
        self.asked.append((client_id, limit))
        if not self.left:
            return None
        self.left -= 1
        return 7

    def give_back(self, client_id, place):
        assert (client_id, place) == ("c-app", 7)
        self.left += 1


async def test_places_of_other_processes_count():
    """What another process has is not there to be had; a place is given back however it ends."""
    world, places = World(), Places(left=1)
    meter = Meter(world.store, count_refusal=world.refuse, places=places)
    async with meter(authorized(streams=3)):
        with pytest.raises(QuotaExceeded):
            async with meter(authorized(streams=3)):
                pytest.fail("let through")
    with pytest.raises(UpstreamUnavailable):
        async with meter(authorized(streams=3)):
            raise UpstreamUnavailable
    assert (places.left, places.asked, world.refusals) == (1, [("c-app", 3)] * 3, 1)
    assert len(world.store.taken) == 2
    assert not meter._running


async def test_places_are_asked_for_those_with_a_limit_alone():
    """Nobody else pays for the look, and a place that cannot be counted is none."""
    world, places = World(), Places(left=1)
    meter = Meter(world.store, count_refusal=world.refuse, places=places)
    async with meter(authorized(streams=None)):
        assert places.asked == []

    def fail(client_id, limit):
        raise StoreUnavailable

    places.take = fail
    with pytest.raises(StoreUnavailable):
        async with meter(authorized(streams=1)):
            pytest.fail("let through")


async def test_nobody_is_remembered_once_nothing_runs():
    """Clients that come and go leave nothing behind."""
    world = World()
    for number in range(3):
        async with world.meter(authorized(client_id=f"c-{number}")):
            pass
    assert not world.meter._running
