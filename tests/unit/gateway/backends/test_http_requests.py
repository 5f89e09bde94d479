"""Requests read from bytes."""

from __future__ import annotations

import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.backends.http_requests import RequestReader
from gateway.core.errors import MalformedRequest, SealgateError
from gateway.core.head_errors import HeadTooLarge, TargetTooLong


class Sink:
    """Remembers what was read."""

    def __init__(self) -> None:
        self.heads: list[tuple] = []
        self.body = b""
        self.ends = 0

    def take_head(self, line, headers, facts):
        self.heads.append((line, tuple(headers), facts))

    def take_body(self, piece):
        self.body += piece

    def take_end(self):
        self.ends += 1


def feed(reader: RequestReader, data: bytes, size: int) -> None:
    """Feed *data* in pieces of *size*."""
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])


def read(data: bytes, size: int = 0) -> Sink:
    """Return what a reader took of *data*, cut into pieces of *size*, by default into none."""
    sink = Sink()
    feed(RequestReader(sink), data, size or len(data) or 1)
    return sink


def outcome(data: bytes, size: int = 0):
    """Return what was read, or the error's class."""
    try:
        sink = read(data, size)
    except SealgateError as error:
        return type(error)
    return sink.heads, sink.body, sink.ends


HEAD = b"POST /a?b HTTP/1.1\r\nHost: x\r\n"
GOOD = [
    b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    b"\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
    HEAD + b"content-length: 3\r\n\r\nabc",
    HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n",
    HEAD + b"a:\tb \r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\nc",
    HEAD + b"content-length: 1\r\nconnection: close\r\n\r\nc\r\n",
]
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
BAD_HEADS = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nHOST: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost:\r\n\r\n",
    HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc",
    HEAD
    + b"content-length: 30\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n",
    HEAD + b"content-length: 4\r\ncontent-length: 4\r\n\r\nabcd",
    HEAD + b"content-length: 4, 4\r\n\r\nabcd",
    HEAD + b"content-length: +4\r\n\r\nabcd",
    HEAD + b"content-length : 4\r\n\r\nabcd",
    HEAD + b"content-length: 4 4\r\n\r\nabcd",
    HEAD + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    HEAD + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    HEAD + b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\nhost: x\n\n",
    b"GET / HTTP/1.1\r\nhost: x\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\n\n",
    b"GET / HTTP/1.1\rhost: x\r\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\na: b\r\n c\r\n\r\n",
    b"GET / HTTP/1.1\r\n host: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\na: b\x00\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\na: b\x07\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\na: b\x7f\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\na: b\rc: d\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\n: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nx_forwarded_for: 10.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nconnection: authorization\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nauthorization: a\r\nauthorization: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    b"GET https://other.example/admin HTTP/1.1\r\nhost: x\r\n\r\n",
    b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]
BAD_BODIES = [
    CHUNKED + b"1;a\nx\r\n0\r\n\r\n",
    CHUNKED + b"1;a=\rb\r\nx\r\n0\r\n\r\n",
    CHUNKED + b"1;a=\x00\r\nx\r\n0\r\n\r\n",
    CHUNKED + b"1\nx\r\n0\r\n\r\n",
    CHUNKED + b"1\r\nxx\r\n0\r\n\r\n",
    CHUNKED + b"1 \r\nx\r\n0\r\n\r\n",
    CHUNKED + b"0x1\r\nx\r\n0\r\n\r\n",
    CHUNKED + b"-1\r\nx\r\n0\r\n\r\n",
    CHUNKED + b"fffffffffffffffff\r\nx\r\n0\r\n\r\n",
    CHUNKED + b"1\r\nx\r\n0\r\na: b\r\n\r\n",
    CHUNKED + b"0\r\ncontent-length: 3\r\n\r\n",
    CHUNKED + b"1\r\nx\n0\r\n\r\n",
]
PIPELINED = [good + b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" for good in GOOD]


@pytest.mark.parametrize("data", GOOD)
def test_request_is_read_once_however_it_is_cut(data):
    """One head, one body and one end, the same for every size of the pieces."""
    heads, body, ends = outcome(data)
    assert (len(heads), ends) == (1, 1)
    assert body in {b"", b"abc", b"c"}
    assert all(outcome(data, size) == (heads, body, ends) for size in range(1, len(data)))


@pytest.mark.parametrize("data", BAD_HEADS)
def test_bad_head_reaches_nobody_however_it_is_cut(data):
    """What servers read in different ways is refused before anybody is told of a request."""
    for size in range(1, len(data) + 1):
        sink = Sink()
        reader = RequestReader(sink)
        with pytest.raises(SealgateError):
            feed(reader, data, size)
        assert not sink.heads


@pytest.mark.parametrize("data", BAD_BODIES)
def test_bad_body_never_ends_well(data):
    """Broken frames and trailers are an error, and the request is never said to be whole."""
    for size in range(1, len(data) + 1):
        sink = Sink()
        reader = RequestReader(sink)
        with pytest.raises(MalformedRequest):
            feed(reader, data, size)
        assert not sink.ends


@pytest.mark.parametrize("data", PIPELINED)
def test_second_request_must_wait(data):
    """A request that comes before the answer to the last is refused, at once or piece by piece."""
    assert [outcome(data, size) for size in (0, 1, 7)] == [MalformedRequest] * 3


def test_next_request_is_read_when_the_last_is_answered():
    """On a connection that is kept, one request follows the other."""
    sink = Sink()
    reader = RequestReader(sink)
    for data in GOOD[:5]:
        assert not reader.is_reading
        reader.feed(data[:5])
        assert reader.is_reading
        reader.feed(data[5:])
        assert not reader.is_reading
        reader.feed(b"\r\n")  # as old clients end a body
        reader.next_request()
    assert (len(sink.heads), sink.ends) == (5, 5)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"GET /" + b"a" * 8192, TargetTooLong),
        (b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\nhost: x\r\n\r\n", TargetTooLong),
        (b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 100 + b"c", HeadTooLarge),
        (b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"b" * 16_384 + b"\r\n\r\n", HeadTooLarge),
        (b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"b" * 30_000, HeadTooLarge),
        (b"GET / HTTP/1.1\r\nhost: x\r\n" + b"b" * 30_000, HeadTooLarge),
        (CHUNKED + b"1;" + b"a" * 17_000, MalformedRequest),
        (CHUNKED + b"1;aaaaaaaaa\r\nx\r\n" * 2000, MalformedRequest),
        (CHUNKED + b"1\r\nx\r\n" * 9000, MalformedRequest),
    ],
)
def test_what_costs_more_than_it_brings_is_refused(data, error):
    """Lines, heads and the frames of a body have a bound, whole or in pieces, ended or not."""
    assert [outcome(data, size) for size in (0, 100, 4096)] == [error] * 3


def test_large_body_in_ordinary_chunks_is_read():
    """A body may have as many frames as its content is worth."""
    sink = read(CHUNKED + b"40\r\n%b\r\n" % (b"x" * 64) * 5000 + b"0\r\n\r\n", 65_536)
    assert (len(sink.body), sink.ends) == (320_000, 1)


@given(st.binary(max_size=60), st.integers(1, 20))
def test_cuts_change_nothing(tail, size):
    """Whatever follows a good beginning, the pieces in which it comes change no outcome."""
    for start in (b"", b"GET / HTTP/1.1\r\nhost: x\r\n", CHUNKED):
        whole, cut = outcome(start + tail), outcome(start + tail, size)
        if isinstance(whole, type) or isinstance(cut, type):
            assert whole is cut
        else:
            assert whole == cut


def test_bug_in_a_callback_is_not_hidden():
    """An error that is none of ours is raised, not taken for a bad request."""

    class Broken(Sink):
        def take_head(self, line, headers, facts):
            raise ZeroDivisionError

    with pytest.raises(Exception, match="callback"):
        RequestReader(Broken()).feed(GOOD[0])


def test_a_closed_reader_keeps_nobody() -> None:
    """Reader and sink are free at once, without a collection of cycles."""
    sink = Sink()
    reader = sink.reader = RequestReader(sink)
    reader.feed(GOOD[0])
    alive = weakref.ref(sink), weakref.ref(reader)
    reader.close()
    del sink, reader
    assert [each() for each in alive] == [None, None]
