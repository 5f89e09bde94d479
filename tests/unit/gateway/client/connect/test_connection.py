"""One connection of a local application, byte by byte."""

import asyncio

import httpx2
import pytest

from gateway.client.connect.connection import Limits

GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
END = b"0\r\n\r\n"


def post(body: bytes, *headers: bytes) -> bytes:
    """Return a request with *body*."""
    lines = [
        b"POST /v1/x HTTP/1.1",
        b"Host: localhost",
        b"Content-Length: %d" % len(body),
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def test_pieces_arrive_as_they_come(connect, transport):
    """A piece is written before the next one exists, and the end only after the verified end."""
    more = asyncio.Event()
    transport.says(b"one", more, b"two", headers=[("content-type", "text/event-stream")])
    peer = await connect()
    peer.send(GET)
    assert (await peer.until(b"one\r\n")).startswith(b"HTTP/1.1 200")
    more.set()
    assert (await peer.until(END)).endswith(b"3\r\ntwo\r\n0\r\n\r\n")


async def test_connection_is_kept(connect, transport):
    """Several requests use one connection, also when the next comes early."""
    peer = await connect()
    peer.send(post(b"1"))
    await peer.until(END)
    more = asyncio.Event()
    transport.says(more, b"late")
    peer.send(post(b"2"))
    await asyncio.sleep(0.05)
    peer.send(post(b"3"))
    more.set()
    answers = await peer.until(END) + await peer.until(END)
    assert answers.count(b"late") == 2
    assert [request.content for request in transport.requests] == [b"1", b"2", b"3"]


@pytest.mark.parametrize("headers", [[], [("content-length", "99")], [("content-length", "4")]])
async def test_cut_answer(connect, transport, headers):
    """A cut answer ends the connection without the end of the message."""
    transport.says(b"half", httpx2.RemoteProtocolError("cut"), headers=headers)
    peer = await connect()
    peer.send(GET)
    received = await peer.rest()
    assert b"half" in received
    assert b"content-length" not in received.lower()
    assert END not in received


@pytest.mark.parametrize("status", [204, 304])
async def test_cut_answer_without_content(connect, transport, status):
    """An answer that is only a head is not written before its end is verified."""
    transport.says(httpx2.RemoteProtocolError("cut"), status=status)
    peer = await connect()
    peer.send(GET)
    assert await peer.rest() == b""


@pytest.mark.parametrize("pieces", [[b"abc"], [b"abcdefgh"]])
async def test_wrong_length(connect, transport, pieces):
    """An answer with another length than it announced is not made to look whole."""
    transport.says(*pieces, headers=[("content-length", "5")])
    peer = await connect()
    peer.send(GET)
    received = await peer.rest()
    assert pieces[0] in received
    assert END not in received


async def test_application_that_leaves(connect, transport):
    """When the application goes away, the exchange with the gateway ends at once."""
    body = transport.says(b"one", None)
    peer = await connect()
    peer.send(GET)
    await peer.until(b"one")
    peer.close()
    await asyncio.wait_for(body.is_closed.wait(), 30)


@pytest.mark.parametrize("early", [b"\r\n", GET, GET[:9]])
async def test_application_that_leaves_after_early_bytes(connect, transport, early):
    """Bytes that come before the answer is over do not hide that the application goes away."""
    body = transport.says(b"one", None)
    peer = await connect()
    peer.send(GET)
    await peer.until(b"one")
    peer.send(early)
    await asyncio.sleep(0.05)
    peer.close()
    await asyncio.wait_for(body.is_closed.wait(), 30)


async def test_application_that_sends_ahead(connect, transport):
    """More than one further request is not kept: the exchange ends instead."""
    body = transport.says(b"one", None)
    peer = await connect()
    peer.send(GET)
    await peer.until(b"one")
    peer.send(b"x" * 1_000_000)
    await asyncio.wait_for(body.is_closed.wait(), 30)


async def test_body_limit(connect, transport):
    """A body above the limit is refused, and the refusal arrives although more was sent."""
    peer = await connect()
    peer.send(post(b"x" * 500_000))
    answer = await peer.rest()
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"payload_too_large" in answer
    assert transport.requests == []


async def test_expected_continue(connect, transport):
    """A client that waits for permission to send its body gets it."""
    peer = await connect()
    head, _, body = post(b"hi", b"Expect: 100-continue").rpartition(b"\r\n\r\n")
    peer.send(head + b"\r\n\r\n")
    assert (await peer.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    peer.send(body)
    await peer.until(b"ok")
    assert transport.requests[0].content == b"hi"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /v1/a HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 70_000, 431),
        (b"POST /v1/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: x\r\n\r\n", 501),
    ],
)
async def test_malformed(connect, transport, data, status):
    """What is no proper request is refused with a reason, and nothing is sent on."""
    peer = await connect()
    peer.send(data)
    assert (await peer.rest()).startswith(b"HTTP/1.1 %d" % status)
    assert transport.requests == []


async def test_malformed_body(connect):
    """A body whose framing breaks in the middle is refused."""
    peer = await connect()
    head = b"POST /v1/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    peer.send(head + b"nonsense\r\n")
    assert (await peer.rest()).startswith(b"HTTP/1.1 400")


async def test_refusal_of_the_gateway(connect, transport):
    """A gateway that is down is an error in OpenAI's shape."""
    transport.fails(httpx2.ConnectError("x"))
    peer = await connect()
    peer.send(GET)
    answer = await peer.rest()
    assert answer.startswith(b"HTTP/1.1 502")
    assert b'"code": "gateway_down"' in answer


async def test_answer_without_content(connect, transport):
    """An answer that has no body by its status has none here either."""
    transport.says(b"surplus", status=204)
    peer = await connect()
    peer.send(GET)
    assert (await peer.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
    peer.send(GET)
    assert (await peer.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")


async def test_application_that_says_nothing(connect):
    """A connection that closes without a request is simply closed."""
    peer = await connect()
    peer.writer.write_eof()
    assert await peer.rest() == b""


@pytest.mark.parametrize("limits", [Limits(1000, idle_seconds=0.5, request_seconds=0.1)])
async def test_slow_application(connect):
    """Idle connections are closed, and a request that does not arrive is refused."""
    silent = await connect()
    assert await silent.rest() == b""
    slow = await connect()
    slow.send(post(b"12345678")[:-4])
    assert (await slow.rest()).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("limits", [Limits(1000, write_seconds=0.1)])
async def test_application_that_does_not_read(connect, transport):
    """An application that stops reading ends its exchange instead of filling our memory."""
    body = transport.says(*[b"x" * 1_000_000] * 50)
    peer = await connect()
    peer.send(GET)
    await asyncio.wait_for(body.is_closed.wait(), 30)
