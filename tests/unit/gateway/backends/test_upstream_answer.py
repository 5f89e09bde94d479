"""Answers, good and hostile, without a socket."""

from __future__ import annotations

import asyncio
import weakref
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.backends.upstream_answer import AnswerLimits, StaleConnection
from gateway.core.errors import UpstreamTimedOut, UpstreamUnavailable
from tests.fakes.connections import Exchange

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\ncontent-type: text/event-stream; x=y\r\n\r\n"
WHOLE = HEAD + b"Content-Type: Application/JSON\r\ncontent-length: 5\r\n\r\nhello"
SMALL = AnswerLimits(max_bytes=100_000)

HOSTILE = {
    "rubbish": b"rubbish\r\n\r\n",
    "tls alert": b"\x15\x03\x01\x00\x02\x02\x50",
    "another protocol": b"SSH-2.0-x\r\n",
    "an endless head": HEAD + b"x: y\r\n" * 20_000,
    "a long head with its body": HEAD + b"x: %s\r\n" % (b"y" * 70_000) + WHOLE[len(HEAD) :],
    "an endless header": HEAD + b"x: " + b"y" * 100_000,
    "an endless status line": b"HTTP/1.1 200 " + b"y" * 100_000,
    "a head that ends in the middle": HEAD + b"content-length: 5\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 2x0 OK\r\ncontent-length: 0\r\n\r\n",
    "a version that is none": b"HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n",
    "an interim answer": b"HTTP/1.1 103 Early Hints\r\n\r\n" + WHOLE,
    "a flood of interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 5000,
    "another protocol by upgrade": (
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nhello"
    ),
    "a length that is no number": HEAD + b"content-length: five\r\n\r\nhello",
    "a length below zero": HEAD + b"content-length: -5\r\n\r\nhello",
    "a length beyond all numbers": HEAD + b"content-length: " + b"9" * 30 + b"\r\n\r\nhello",
    "two lengths": HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    "a body that is shorter": HEAD + b"content-length: 50\r\n\r\nhello",
    "a body that is longer": WHOLE + b"hello",
    "a second answer": WHOLE + WHOLE,
    "length and chunks": (
        HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    ),
    "a chunk that is no number": CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n",
    "a chunk beyond all numbers": CHUNKED + b"f" * 20 + b"\r\nhello",
    "a chunk that is longer": CHUNKED + b"2\r\nhello\r\n0\r\n\r\n",
    "chunks without an end": CHUNKED + b"5\r\nhello\r\n",
    "an endless chunk extension": CHUNKED + b"5;" + b"x" * 100_000,
    "endless trailers": CHUNKED + b"5\r\nhello\r\n0\r\n" + b"x: y\r\n" * 20_000,
    "an endless body": CHUNKED + b"5\r\nhello\r\n" * 11_000,
    "an endless body without a frame": HEAD + b"\r\n" + b"x" * 100_001,
}


@pytest.mark.parametrize("cut", [None, 1000])
@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_answers_are_refused(raw: bytes, cut: int | None) -> None:
    """Whatever is no whole answer is one error, in one piece or in many; the connection is cut."""
    step = cut or len(raw)
    exchange = Exchange([raw[at : at + step] for at in range(0, len(raw), step)], SMALL)
    with pytest.raises(UpstreamUnavailable) as caught:
        await exchange.read()
    assert caught.value.detail == UpstreamUnavailable.default_detail
    assert exchange.transport.aborted
    assert exchange.released == []


async def test_a_trailer_says_nothing() -> None:
    """The type of an answer is that of its head, also where all of it comes at once."""
    exchange = Exchange([CHUNKED + b"5\r\nhello\r\n0\r\ncontent-type: a/b\r\n\r\n"], stays=True)
    assert await exchange.read() == b"hello"
    assert exchange.answer.content_type == "text/event-stream"


async def test_of_a_head_only_status_and_type_are_taken() -> None:
    """Cookies, places to go and names of servers are nowhere in what is handed on."""
    raw = (
        b"HTTP/1.1 302 Found\r\nset-cookie: canary\r\nlocation: canary\r\nserver: canary\r\n"
        b"content-type: text/html;charset=canary\r\nx-canary: canary\r\ncontent-length: 0\r\n\r\n"
    )
    exchange = Exchange([raw])
    assert await exchange.read() == b""
    assert (exchange.answer.status, exchange.answer.content_type) == (302, "text/html")
    assert "canary" not in str({s: getattr(exchange.answer, s) for s in vars(exchange.answer)})


@given(st.lists(st.integers(1, len(WHOLE) - 1)), st.booleans())
def test_any_cutting_gives_the_same_answer(cuts: list[int], chunked: bool) -> None:
    """How a message is cut on the way makes no difference."""
    raw = CHUNKED + b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n" if chunked else WHOLE
    ends = [0, *sorted(set(cuts)), len(raw)]
    pieces = [raw[a:b] for a, b in pairwise(ends)]

    async def run() -> None:
        exchange = Exchange([p for p in pieces if p], stays=True)
        assert await exchange.read() == b"hello"
        expected = "text/event-stream" if chunked else "application/json"
        assert exchange.answer.content_type == expected
        assert exchange.released == [exchange.connection]

    asyncio.run(run())


@given(st.binary(max_size=400))
def test_no_bytes_are_anything_but_an_answer_or_refused(raw: bytes) -> None:
    """Random bytes after a good beginning never raise what is not ours."""

    async def run() -> None:
        for beginning in (b"", HEAD, CHUNKED, WHOLE):
            with suppress(UpstreamUnavailable, StaleConnection):
                await Exchange([beginning + raw], SMALL).read()

    asyncio.run(run())


async def test_nothing_at_all_is_told_apart() -> None:
    """Only a connection that ended without a byte may be replaced."""
    with pytest.raises(StaleConnection):
        await Exchange([]).read()


async def test_a_head_that_does_not_come_is_not_waited_for() -> None:
    """Too slow is an error of its own."""
    exchange = Exchange([HEAD], AnswerLimits(head=0.02), stays=True)
    with pytest.raises(UpstreamTimedOut):
        await exchange.read()
    assert exchange.transport.aborted


@pytest.mark.parametrize("status", [200, 400, 500, 502, 503, 504])
async def test_only_answers_that_are_not_the_engines_count_against_a_server(status: int) -> None:
    """An error that a caller's own request can provoke takes no server from the others."""
    raw = b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % status
    exchange = Exchange([raw], stays=True)
    await exchange.read()
    assert exchange.answer.has_failed == (status in {502, 503})


@pytest.mark.parametrize(("size", "has_failed"), [(1000, True), (200_000, False)])
async def test_an_answer_that_is_too_long_does_not_count_against_a_server(
    size: int, has_failed: bool
) -> None:
    """A caller can ask for one; an answer that breaks off counts."""
    exchange = Exchange([HEAD + b"content-length: 300000\r\n\r\n"], SMALL, stays=True)
    await exchange.answer.read_head()
    exchange.connection.data_received(b"x" * size)
    exchange.connection.connection_lost(None)
    with pytest.raises(UpstreamUnavailable):
        async for _ in exchange.answer.chunks():
            pass
    await exchange.answer.close()
    assert exchange.answer.has_failed == has_failed


async def test_a_large_body_may_come_with_its_head() -> None:
    """Head and a long body in one piece are an answer like any other."""
    body = b"x" * 200_000
    raw = HEAD + b"content-length: 200000\r\n\r\n" + body
    assert await Exchange([raw]).read() == body


async def test_a_connection_is_given_back_once() -> None:
    """An answer that is closed again touches no connection that may be another answer's."""
    exchange = Exchange([WHOLE], stays=True)
    await exchange.read()
    await exchange.answer.close()
    assert exchange.released == [exchange.connection]
    assert not exchange.transport.aborted


async def test_a_connection_that_the_server_closes_is_not_kept() -> None:
    """Nor is one with unread bytes."""
    raw = HEAD + b"connection: close\r\ncontent-length: 0\r\n\r\n"
    exchange = Exchange([raw], stays=True)
    await exchange.read()
    assert (exchange.released, exchange.transport.aborted) == ([], True)


@pytest.mark.parametrize("pieces", [[WHOLE], [CHUNKED], []])
async def test_an_answer_that_is_over_is_free_at_once(pieces: list[bytes]) -> None:
    """However it ended it waits for no collection of cycles, nor does what it holds."""
    exchange = Exchange(pieces)
    with suppress(UpstreamUnavailable, StaleConnection):
        await exchange.read()
    alive = weakref.ref(exchange.answer)
    del exchange
    assert alive() is None


async def test_an_answer_that_did_not_begin_is_free_at_once() -> None:
    """Nobody gets it, so nobody closes it."""
    exchange = Exchange([])
    with suppress(StaleConnection):
        await exchange.answer.read_head()
    alive = weakref.ref(exchange.answer)
    del exchange
    assert alive() is None
