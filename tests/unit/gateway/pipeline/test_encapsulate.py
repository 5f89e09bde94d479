"""Stage 7."""

from __future__ import annotations

import pytest

from gateway.core.bhttp_response import ResponseDecoder
from gateway.core.errors import OpenFailed
from gateway.pipeline.decapsulate import Decapsulate
from gateway.pipeline.encapsulate import encapsulate
from gateway.pipeline.exchange import Admitted, Opened
from tests.fakes.world import PEER, FixedSnapshots, inner_request, seal, sealed_received


async def sealed_exchange():
    data, sealer = seal(inner_request())
    stage = Decapsulate(FixedSnapshots(), max_body_bytes=65_536)
    opened = await stage(Admitted(PEER, sealed_received(data)))
    return encapsulate(opened), sealer.response_opener()


async def test_client_reads_status_type_and_pieces():
    """The client that asked reads the inner status, the type and each piece as it comes."""
    reply, opener = await sealed_exchange()
    decoder = ResponseDecoder()
    head = reply.head(418, "text/event-stream")
    assert (head.status, dict(head.headers)[b"content-type"]) == (200, b"message/ohttp-chunked-res")
    assert decoder.feed(opener.feed(head.data)) == b""
    assert decoder.head.status == 418
    assert decoder.feed(opener.feed(reply.feed(b"one"))) == b"one"
    assert decoder.feed(opener.feed(reply.feed(b"two"))) == b"two"
    decoder.feed(opener.feed(reply.finish()) + opener.finish())
    assert dict(decoder.finish().headers)[b"content-type"] == b"text/event-stream"


async def test_nothing_readable_is_on_the_wire():
    """Neither the text nor the inner type can be read by a proxy."""
    reply, _ = await sealed_exchange()
    wire = reply.head(200, "text/event-stream").data + reply.feed(b"secret words") + reply.finish()
    assert b"secret" not in wire
    assert b"event-stream" not in wire


async def test_cut_answer_is_noticed():
    """Without the final chunk the client knows that something is missing."""
    reply, opener = await sealed_exchange()
    opener.feed(reply.head(200, "text/event-stream").data + reply.feed(b"data: [DONE]\n\n"))
    with pytest.raises(OpenFailed):
        opener.finish()


def test_clear_request_gets_a_clear_reply():
    """What came under TLS alone is answered under TLS alone, with its own status."""
    reply = encapsulate(Opened(PEER, inner_request(), response_sealer=None))
    head = reply.head(404, "application/json")
    assert (head.status, head.data) == (404, b"")
    assert reply.started
    assert reply.feed(b"x") + reply.finish() == b"x"
    assert dict(head.headers)[b"cache-control"] == b"no-store"
