"""Stage 7."""

from __future__ import annotations

import pytest

from gateway.core.bhttp_response import ResponseDecoder, parse_response
from gateway.core.errors import OpenFailed
from gateway.core.ohttp import CHUNKED, WHOLE
from gateway.pipeline.decapsulate import BodyLimits, Decapsulate
from gateway.pipeline.encapsulate import Encapsulate
from gateway.pipeline.exchange import Admitted, Opened, WholeAnswer
from tests.fakes.world import (
    PEER,
    FixedSnapshots,
    clear_received,
    clock,
    inner_request,
    seal,
    sealed_received,
)

LIMITS = BodyLimits(max_body_bytes=65_536, max_total_bytes=2**20, seconds=5)
EVENT = b'data: {"x":"one"}\n\n'


async def sealed_exchange(*, profile=CHUNKED, event_bucket_bytes=1):
    data, sealer = seal(inner_request(), profile=profile)
    stage = Decapsulate(FixedSnapshots(), LIMITS)
    opened = await stage(Admitted(PEER, sealed_received(data, profile=profile)))
    reply = Encapsulate(clock, event_bucket_bytes=event_bucket_bytes)(opened)
    return reply, sealer.response_opener()


async def test_client_reads_status_type_and_pieces():
    """The client that asked reads the inner status, the fields and each piece as it comes."""
    reply, opener = await sealed_exchange()
    decoder = ResponseDecoder()
    head = reply.head(418, "text/event-stream")
    assert (head.status, dict(head.headers)[b"content-type"]) == (200, b"message/ohttp-chunked-res")
    assert decoder.feed(opener.feed(head.data)) == b""
    assert decoder.head.status == 418
    assert decoder.feed(opener.feed(reply.feed(EVENT))) == EVENT
    assert decoder.feed(opener.feed(reply.feed(b"data: 2\n\n"))) == b"data: 2\n\n"
    decoder.feed(opener.feed(reply.finish()) + opener.finish())
    fields = dict(decoder.finish().headers)
    assert fields[b"content-type"] == b"text/event-stream"
    assert fields[b"date"] == b"Mon, 04 May 2026 12:00:00 GMT"


async def test_pieces_of_a_stream_fill_their_buckets():
    """Short pieces of different length look the same from outside, and read the same inside."""
    reply, opener = await sealed_exchange(event_bucket_bytes=256)
    opener.feed(reply.head(200, "text/event-stream").data)
    sealed = [reply.feed(b"data: " + b"x" * length + b"\n\n") for length in (1, 40, 200)]
    assert len({len(piece) for piece in sealed}) == 1
    assert b"x" * 40 in opener.feed(sealed[0] + sealed[1])


async def test_whole_answers_fill_buckets_too():
    """An answer that is there at once is padded as one message."""
    sizes = set()
    for length in (1, 300, 700):
        reply, opener = await sealed_exchange()
        head = reply.whole(WholeAnswer(404, "application/json", b"y" * length))
        sizes.add(len(head.data))
        response = parse_response(opener.feed(head.data) + opener.finish())
        assert (response.status, response.body) == (404, b"y" * length)
    assert len(sizes) == 1


async def test_nothing_readable_is_on_the_wire():
    """Neither the text nor the inner type can be read by a proxy."""
    reply, _ = await sealed_exchange()
    wire = reply.head(200, "text/event-stream").data + reply.feed(b"secret\n\n") + reply.finish()
    assert b"secret" not in wire
    assert b"event-stream" not in wire


async def test_cut_answer_is_noticed():
    """Without the final chunk the client knows that something is missing."""
    reply, opener = await sealed_exchange()
    opener.feed(reply.head(200, "text/event-stream").data + reply.feed(b"data: [DONE]\n\n"))
    with pytest.raises(OpenFailed):
        opener.finish()


async def test_client_that_does_not_speak_chunks_gets_one_message():
    """A request of the plain kind is answered in that kind, whole (RFC 9458 §4.4)."""
    reply, opener = await sealed_exchange(profile=WHOLE)
    head = reply.head(200, "text/event-stream")
    assert dict(head.headers)[b"content-type"] == b"message/ohttp-res"
    wire = head.data + reply.feed(EVENT) + reply.finish()
    response = parse_response(opener.feed(wire) + opener.finish())
    assert (response.status, response.body) == (200, EVENT)


def test_clear_request_gets_a_clear_reply():
    """What came under TLS alone is answered under TLS alone, with its own status."""
    request = inner_request()
    reply = Encapsulate(clock)(Opened(Admitted(PEER, clear_received(request)), request, seal=None))
    head = reply.head(404, "application/json")
    assert (head.status, head.data) == (404, b"")
    assert reply.started
    assert reply.feed(b"x") + reply.finish() == b"x"
    assert dict(head.headers)[b"cache-control"] == b"no-store"


def test_request_that_was_not_opened_gets_a_clear_reply():
    """A refusal before opening can only be in the clear."""
    head = Encapsulate(clock).clear().whole(WholeAnswer(400, "application/problem+json", b"{}"))
    assert (head.status, head.data) == (400, b"{}")


async def test_headers_of_an_answer_travel_inside_the_seal():
    """What an answer says in headers of its own is read by the client and by nobody else."""
    answer = WholeAnswer(429, "application/json", b"{}", ((b"retry-after", b"17"),))
    reply, opener = await sealed_exchange()
    head = reply.whole(answer)
    assert b"retry-after" not in dict(head.headers)
    response = parse_response(opener.feed(head.data) + opener.finish())
    assert dict(response.headers)[b"retry-after"] == b"17"


def test_headers_of_an_answer_travel_in_the_clear():
    """A clear answer carries headers of its own as they are."""
    answer = WholeAnswer(429, "application/json", b"{}", ((b"retry-after", b"17"),))
    assert dict(Encapsulate(clock).clear().whole(answer).headers)[b"retry-after"] == b"17"
