"""One request and its answer."""

from __future__ import annotations

import asyncio

import pytest

from gateway.backends.http_exchange import HttpExchange, response_head
from gateway.core.errors import ClientStalled, RequestTimeout

BODY = "http.response.body"


class Peer:
    """A connection that remembers what was done with it."""

    def __init__(self) -> None:
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.default_headers = [(b"date", b"now")]
        self.write_seconds = 60.0
        self.sent = b""
        self.held: list[bool] = []
        self.kept: list[bool] = []
        self.aborted = False

    def write(self, data):
        self.sent += data

    def hold_reading(self, *, hold):
        self.held.append(hold)

    def end_exchange(self, *, keep_alive):
        self.kept.append(keep_alive)

    def abort(self):
        self.aborted = True


def exchange(peer, *, method="POST", version="1.1", keep_alive=True, waits=False) -> HttpExchange:
    scope = {"type": "http", "method": method, "http_version": version}
    return HttpExchange(peer, scope, keep_alive=keep_alive, waits_for_continue=waits)


def start(*headers, status=200):
    return {"type": "http.response.start", "status": status, "headers": headers}


async def answered(*messages, method="POST", keep_alive=True) -> Peer:
    peer = Peer()
    one = exchange(peer, method=method, keep_alive=keep_alive)
    one.finish()
    for message in messages:
        await one.send(message)
    return peer


async def test_answer_without_a_length_is_chunked():
    """Pieces are sent as they come, and the end is told."""
    peer = await answered(
        start((b"A", b"b")),
        {"type": BODY, "body": b"hello", "more_body": True},
        {"type": BODY, "body": b"", "more_body": True},
        {"type": BODY},
    )
    head = b"HTTP/1.1 200 OK\r\ndate: now\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n"
    assert peer.sent == head + b"5\r\nhello\r\n0\r\n\r\n"
    assert peer.kept == [True]


async def test_answer_with_a_length_is_sent_as_it_is():
    """A length that was said is the frame."""
    peer = await answered(start((b"content-length", b"2")), {"type": BODY, "body": b"ok"})
    assert peer.sent.endswith(b"content-length: 2\r\n\r\nok")


async def test_old_client_gets_no_chunks():
    """In HTTP/1.0 an answer without a length ends with the connection."""
    peer = Peer()
    one = exchange(peer, version="1.0", keep_alive=False)
    await one.send(start())
    await one.send({"type": BODY, "body": b"ab", "more_body": True})
    await one.send({"type": BODY, "body": b"c"})
    assert peer.sent == b"HTTP/1.1 200 OK\r\ndate: now\r\nconnection: close\r\n\r\nabc"
    assert peer.kept == [False]


@pytest.mark.parametrize("body", [b"o", b"okk"])
async def test_wrong_length_is_a_bug(body):
    """An answer that is not as long as it said would shift the next one."""
    with pytest.raises(RuntimeError, match="length"):
        await answered(start((b"content-length", b"2")), {"type": BODY, "body": body})


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_answers_without_a_body_have_none(method, status):
    """HEAD, 204 and 304 end with their head (RFC 9112 §6.3)."""
    peer = await answered(start(status=status), {"type": BODY, "body": b"x"}, method=method)
    assert peer.sent.endswith(b"date: now\r\n\r\n")
    assert peer.kept == [True]


async def test_connection_ends_when_either_side_wants_it():
    """``close`` of client, application or server is said, and counts."""
    close = (b"connection", b"close")
    for peer in (
        await answered(start(close), {"type": BODY}),
        await answered(start(), {"type": BODY}, keep_alive=False),
    ):
        assert b"connection: close\r\n\r\n" in peer.sent
        assert peer.sent.count(b"connection") == 1
        assert peer.kept == [False]
    peer = Peer()
    peer.default_headers = [close]
    await exchange(peer).send(start())
    assert b"connection: close\r\n\r\n" in peer.sent


@pytest.mark.parametrize(
    "header", [(b"a", b"b\r\nc: d"), (b"a b", b"c"), (b"a", b"\x00"), (b"", b"")]
)
def test_header_that_is_none_is_a_bug(header):
    """No application can end a header early."""
    with pytest.raises(ValueError, match="none"):
        response_head(200, [header], keep_alive=True)


@pytest.mark.parametrize(
    "messages", [[{"type": BODY}], [start(), start()], [start(), {"type": BODY}, {"type": BODY}]]
)
async def test_order_of_messages_is_asgis(messages):
    """Start, body, end, and nothing after that."""
    with pytest.raises(RuntimeError, match="order"):
        await answered(*messages)


async def test_early_answer_says_that_it_is_the_last():
    """Before the request is whole there is no way to the next one."""
    peer = Peer()
    one = exchange(peer)
    one.feed(b"a")
    await one.send(start())
    one.finish()
    await one.send({"type": BODY})
    assert b"connection: close\r\n" in peer.sent
    assert peer.kept == [False]


async def test_body_is_received_in_pieces():
    """The application gets what has come, and learns when that is all."""
    one = exchange(Peer())
    one.feed(b"ab")
    one.feed(b"c")
    assert await one.receive() == {"type": "http.request", "body": b"abc", "more_body": True}
    one.finish()
    assert await one.receive() == {"type": "http.request", "body": b"", "more_body": False}
    one.leave()
    assert await one.receive() == {"type": "http.disconnect"}


async def test_what_is_wrong_with_a_body_is_raised():
    """An application learns the fault where it reads, answers, and the connection ends."""
    peer = Peer()
    one = exchange(peer)
    one.fail(RequestTimeout())
    with pytest.raises(RequestTimeout):
        await one.receive()
    await one.send(start())
    await one.send({"type": BODY})
    assert peer.kept == [False]
    assert await one.receive() == {"type": "http.disconnect"}


async def test_unread_body_is_left_in_the_socket():
    """What the application does not ask for is not collected in memory."""
    peer = Peer()
    one = exchange(peer)
    one.feed(b"x" * 65_536)
    assert peer.held == []
    one.feed(b"x")
    assert peer.held == [True]
    await one.receive()
    assert peer.held == [True, False]


async def test_continue_is_said_when_the_body_is_wanted():
    """Once, and not if the answer is there already (RFC 9110 §10.1.1)."""
    peer = Peer()
    one = exchange(peer, waits=True)
    assert peer.sent == b""
    one.finish()
    await one.receive()
    assert peer.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    peer = Peer()
    one = exchange(peer, waits=True)
    await one.send(start())
    one.finish()
    await one.receive()
    assert b"100" not in peer.sent


async def test_writer_waits_for_the_reader():
    """Nothing is written while the client does not take it, and nothing at all once it is gone."""
    peer = Peer()
    one = exchange(peer)
    peer.may_write.clear()
    sending = asyncio.ensure_future(one.send(start()))
    await asyncio.sleep(0)
    assert not sending.done()
    one.leave()
    peer.may_write.set()
    await sending
    assert peer.sent == b""


async def test_reader_that_takes_too_long_is_given_up():
    """An answer that nobody reads does not hold the model for ever."""
    peer = Peer()
    peer.write_seconds = 0.02
    one = exchange(peer)
    await one.send(start())
    peer.may_write.clear()
    with pytest.raises(ClientStalled):
        await one.send({"type": BODY, "body": b"x", "more_body": True})
    assert not peer.sent.endswith(b"x\r\n")


async def test_unfinished_answer_cuts_the_connection():
    """An application that ends too early, or by a fault, leaves no half answer."""

    async def silent(_scope, _receive, _send):
        return

    async def broken(_scope, _receive, send):
        await send(start())
        raise ZeroDivisionError

    peer = Peer()
    await exchange(peer).run(silent)
    assert peer.aborted
    peer = Peer()
    with pytest.raises(ZeroDivisionError):
        await exchange(peer).run(broken)
    assert peer.aborted
