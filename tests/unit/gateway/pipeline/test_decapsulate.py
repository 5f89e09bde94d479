"""Stage 2."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_address
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.effort import EffortRules
from gateway.core.errors import (
    EncryptionRequired,
    MalformedRequest,
    NotFound,
    OpenFailed,
    Overloaded,
    PayloadTooLarge,
    RateLimited,
    RequestTimeout,
    SealgateError,
    UnknownKey,
)
from gateway.core.ohttp import WHOLE
from gateway.pipeline.decapsulate import BodyLimits, Decapsulate, ReadRequest
from gateway.pipeline.exchange import Admitted, Opened
from gateway.pipeline.spend import Spending
from tests.fakes.world import (
    AUTHORITY,
    PEER,
    FixedSnapshots,
    clear_received,
    inner_request,
    seal,
    sealed_received,
)

READ = ReadRequest(frozenset({AUTHORITY}))


def limits(**changes) -> BodyLimits:
    return replace(BodyLimits(max_body_bytes=65_536, max_total_bytes=2**20, seconds=5), **changes)


async def opened(received, *, snapshots=None, **changes) -> Opened:
    stage = Decapsulate(snapshots or FixedSnapshots(), limits(**changes))
    return await stage(Admitted(address=PEER, received=received))


async def test_sealed_request_opens_to_what_was_meant():
    """What the application sealed is what the next stage sees."""
    data, _ = seal(inner_request())
    result = READ(await opened(sealed_received(data)))
    assert result.seal.kid == "enc-7"
    assert len(result.seal.replay_tag) == 16
    assert result.request == inner_request()


async def test_clear_request_is_read_as_it_is():
    """A request that only TLS protects is read too; whether it may pass is decided later."""
    result = READ(await opened(clear_received(inner_request())))
    assert result.seal is None
    assert result.request.body == inner_request().body


@given(position=st.integers(min_value=0), bit=st.integers(0, 7))
async def test_one_flipped_bit_never_opens(position, bit):
    """A changed request is refused before anything in it is looked at."""
    data, _ = seal(inner_request())
    changed = bytearray(data)
    changed[position % len(data)] ^= 1 << bit
    with pytest.raises((OpenFailed, UnknownKey)):
        await opened(sealed_received(bytes(changed)))


async def test_cut_request_never_opens():
    """A request without its final chunk is not executed."""
    data, _ = seal(inner_request())
    with pytest.raises(OpenFailed):
        await opened(sealed_received(data[:-1]))


async def test_unknown_key_is_told_apart():
    """A request to a key that is gone says so, because the client can fetch the new one."""
    data, _ = seal(inner_request())
    with pytest.raises(UnknownKey):
        await opened(sealed_received(b"\xff" + data[1:]))


@pytest.mark.parametrize("sealed", [True, False])
async def test_too_much_is_refused(sealed):
    """The body limit counts for both ways in."""
    request = inner_request(b"x" * 5000)
    received = sealed_received(seal(request)[0]) if sealed else clear_received(request)
    with pytest.raises(PayloadTooLarge):
        await opened(received, max_body_bytes=2000)


async def test_entrance_takes_only_its_media_type():
    """Something else posted to the encrypted entrance is told that encapsulation is required."""
    received = replace(sealed_received(b"{}"), headers=((b"content-type", b"application/json"),))
    with pytest.raises(EncryptionRequired):
        await opened(received)


async def test_two_content_types_are_refused():
    """Two content types would let a proxy and the gateway see different things."""
    received = sealed_received(b"")
    twice = replace(received, headers=received.headers * 2)
    with pytest.raises(MalformedRequest):
        await opened(twice)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"authority": b"other.example"}, NotFound),
        ({"authority": b""}, NotFound),
        ({"scheme": b"http"}, MalformedRequest),
    ],
)
async def test_request_for_somebody_else_is_refused(change, error):
    """The gateway is no open proxy: authority and scheme must be its own."""
    data, _ = seal(replace(inner_request(), **change))
    result = await opened(sealed_received(data))
    with pytest.raises(error):
        READ(result)


async def test_opened_rubbish_is_refused_after_opening():
    """A sealed message that is no request is refused by the step whose errors are sealed."""
    with pytest.raises(SealgateError):
        READ(Opened(Admitted(PEER, sealed_received(b"")), b"\x00rubbish", seal=None))


async def test_plain_kind_opens_too():
    """A client that does not speak chunks is understood (RFC 9458 §4.3)."""
    data, _ = seal(inner_request(), profile=WHOLE)
    result = READ(await opened(sealed_received(data, profile=WHOLE)))
    assert result.request == inner_request()


@pytest.mark.parametrize(
    ("path", "fine"),
    [("/v1/chat/completions", True), ("/v1/completions", False), ("/v1/models", False)],
)
async def test_outer_path_must_be_the_inner_one(path, fine):
    """What a proxy in front routed or limited by is what is really asked for."""
    data, _ = seal(inner_request())
    result = await opened(sealed_received(data, path=path))
    if fine:
        assert READ(result)
    else:
        with pytest.raises(MalformedRequest):
            READ(result)


@pytest.mark.parametrize("fine", [True, False])
async def test_outer_token_must_be_the_inner_one(fine):
    """A proxy that checked a token has checked the one that counts."""
    data, _ = seal(inner_request())
    inner = dict(inner_request().headers)[b"authorization"]
    received = sealed_received(data)
    outer = (b"authorization", inner if fine else b"Bearer other")
    result = await opened(replace(received, headers=(*received.headers, outer)))
    if fine:
        assert READ(result)
    else:
        with pytest.raises(MalformedRequest):
            READ(result)


async def test_key_withdrawn_while_the_body_arrives_opens_nothing():
    """A slow body does not outlive the key that it is sealed to."""
    snapshots = FixedSnapshots()
    data, _ = seal(inner_request())

    async def slow():
        yield data[:60]
        snapshots.replace(replace(snapshots.value, recipient_keys={}))
        yield data[60:]

    with pytest.raises(UnknownKey):
        await opened(replace(sealed_received(b""), body=slow()), snapshots=snapshots)


async def test_body_that_takes_too_long_is_given_up():
    """A body has so much time and no more."""

    async def never():
        yield b"\x07"
        await asyncio.Event().wait()

    with pytest.raises(RequestTimeout):
        await opened(replace(sealed_received(b""), body=never()), seconds=0.05)


async def test_all_bodies_together_have_a_bound():
    """Many strangers at once cannot fill the memory; what ends gives its share back."""
    stage = Decapsulate(FixedSnapshots(), limits(max_total_bytes=5000))
    request = inner_request(b"x" * 3000)
    held, waiting = asyncio.Event(), asyncio.Event()

    async def holding():
        yield seal(request)[0][:-1]
        held.set()
        await waiting.wait()

    slow = replace(sealed_received(b""), body=holding())
    first = asyncio.create_task(stage(Admitted(PEER, slow)))
    await asyncio.wait_for(held.wait(), 30)
    with pytest.raises(Overloaded):
        await stage(Admitted(PEER, sealed_received(seal(request)[0])))
    waiting.set()
    with pytest.raises(OpenFailed):
        await first
    assert await stage(Admitted(PEER, sealed_received(seal(request)[0])))


async def test_bodies_of_one_address_leave_room_for_others():
    """Who sends much and never ends it gets four fifths of the room, then 429; others are read."""
    stage = Decapsulate(FixedSnapshots(), limits(max_total_bytes=10_000))
    waiting = asyncio.Event()

    def slow(number: int) -> Admitted:
        async def body():
            yield b"x" * 1000
            await waiting.wait()

        spending = Spending(EffortRules())
        received = replace(clear_received(inner_request()), body=body())
        return Admitted(PEER, received, spending.attempt(ip_address(f"192.0.2.{number}")))

    tasks = [asyncio.create_task(stage(slow(1))) for _ in range(10)]
    done, still_reading = await asyncio.wait(tasks, timeout=0.05)
    assert len(still_reading) == 8
    assert all(isinstance(task.exception(), RateLimited) for task in done)
    waiting.set()
    assert await stage(slow(2))
    for task in still_reading:
        assert await task
    assert await stage(slow(1))


@pytest.mark.parametrize("certificate", [None, b"DER"])
@pytest.mark.parametrize("sealed", [True, False])
async def test_client_certificate_stays_with_the_request(certificate, sealed):
    """What TLS knows of the client reaches the later stages, sealed or not."""
    received = (
        sealed_received(seal(inner_request())[0]) if sealed else clear_received(inner_request())
    )
    read = READ(await opened(replace(received, client_certificate=certificate)))
    assert read.client_certificate == certificate


async def test_sites_that_only_send_rubbish_are_refused_before_the_work():
    """After its share of failures nothing of a site is opened, not even read."""
    spending = Spending(EffortRules(), monotonic=lambda: 0.0, working=count(0.0, 0.06).__next__)
    stage = Decapsulate(FixedSnapshots(), limits())
    good, _ = seal(inner_request())
    rubbish = good[:60] + bytes(len(good) - 60)

    def admitted(data: bytes) -> Admitted:
        return Admitted(PEER, sealed_received(data), spending.attempt(PEER))

    failing = admitted(rubbish)
    with pytest.raises(OpenFailed), failing.attempt:
        await stage(failing)
    refused = admitted(good)
    with pytest.raises(RateLimited):
        await stage(refused)
    assert await anext(refused.received.body)


async def test_a_request_that_came_in_bits_is_refused_before_the_work_too():
    """What was let in while there was work to give is asked again when the key is whole."""
    spending = Spending(EffortRules(), monotonic=lambda: 0.0, working=count(0.0, 0.06).__next__)
    data, _ = seal(inner_request())

    async def bits():
        yield data[:20]
        spending.budget.charge("192.0.2.9", 1.0, 0.0)
        yield data[20:]

    attempt = spending.attempt(ip_address("192.0.2.9"))
    received = replace(sealed_received(b""), body=bits())
    with pytest.raises(RateLimited):
        await Decapsulate(FixedSnapshots(), limits())(Admitted(PEER, received, attempt))
