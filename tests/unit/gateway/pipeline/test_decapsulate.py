"""Stage 2."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import (
    EncryptionRequired,
    MalformedRequest,
    NotFound,
    OpenFailed,
    PayloadTooLarge,
    SealgateError,
    UnknownKey,
)
from gateway.pipeline.decapsulate import Decapsulate, ReadRequest
from gateway.pipeline.exchange import Admitted, Opened
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


async def opened(received, *, max_body_bytes=65_536) -> Opened:
    stage = Decapsulate(FixedSnapshots(), max_body_bytes=max_body_bytes)
    return await stage(Admitted(address=PEER, received=received))


async def test_sealed_request_opens_to_what_was_meant():
    """What the application sealed is what the next stage sees."""
    data, _ = seal(inner_request())
    result = READ(await opened(sealed_received(data)))
    assert result.sealed
    assert result.request == inner_request()


async def test_clear_request_is_read_as_it_is():
    """A request that only TLS protects is read too; whether it may pass is decided later."""
    result = READ(await opened(clear_received(inner_request())))
    assert not result.sealed
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
        READ(Opened(PEER, b"\x00rubbish", response_sealer=None))
