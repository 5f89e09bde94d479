"""Server-sent events."""

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import ScrubFailed, UpstreamUnavailable
from gateway.core.sse import EventParser, ServerSentEvent, encode_event


def parse(pieces: list[bytes]) -> list[ServerSentEvent]:
    """Return all events of *pieces*."""
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_all_line_ends_mean_the_same(end: bytes) -> None:
    """LF, CR and CRLF end a line; two in a row end an event."""
    lines = [
        b"event: ping",
        b"data: one",
        b"data:two",
        b"",
        b": comment",
        b"data",
        b"",
        b"id: 7",
        b"",
    ]
    events = parse([end.join(lines) + end])
    assert events == [ServerSentEvent("ping", b"one\ntwo"), ServerSentEvent("", b"")]


PARTS = [
    "data: ",
    "data: y\n\n",
    "data: z\n",
    "语",
    "x" * 50,
    "\r",
    "\n",
    "\n\n",
    ": c",
    "event: e",
    "event: e\ndata: n\n\n",
]


@given(st.lists(st.sampled_from(PARTS).map(str.encode)))
def test_reads_may_be_cut_anywhere(parts: list[bytes]) -> None:
    """Byte by byte, through characters and line ends: the events are the same."""
    first, whole = b"data: " + b"0" * 999 + b"\n\n", b"".join(parts)
    single = parse([first, *[whole[i : i + 1] for i in range(len(whole))]])
    assert single == parse([first, *parts]) == parse([first, whole]) == parse([first + whole])


def test_a_byte_order_mark_is_not_data() -> None:
    """One mark at the very beginning is dropped."""
    assert parse([b"\xef\xbb\xbfdata: x\n\n"]) == [ServerSentEvent("", b"x")]


@pytest.mark.parametrize("size", [15, 16, 17])
def test_a_byte_order_mark_is_not_counted(size: int) -> None:
    """Whether an event behind a mark is too long does not depend on where the reads end."""
    stream = b"\xef\xbb\xbfdata:" + b"x" * (size - 5) + b"\n\n"
    for cut in range(len(stream) + 1):
        parser = EventParser(max_event_bytes=16)
        with pytest.raises(ScrubFailed) if size > 16 else nullcontext():
            assert len(parser.feed(stream[:cut]) + parser.feed(stream[cut:])) == 1


@pytest.mark.parametrize("start", [b"\xef", b"\xef\xbb", b"\xef\xbbdata: x\n\n"])
def test_a_part_of_a_byte_order_mark_is_no_mark(start: bytes) -> None:
    """The beginning of a mark is kept until it is known to be one, and then counts as any byte."""
    parser = EventParser()
    assert [parser.feed(start[at : at + 1]) for at in range(len(start))] == [[]] * len(start)
    with pytest.raises(UpstreamUnavailable) if len(start) < 3 else nullcontext():
        parser.finish()


def test_comments_and_empty_events_are_dropped() -> None:
    """Keep-alive comments and events without data give nothing."""
    assert parse([b": keep-alive\n\n", b"event: x\n\n", b"retry: 1\n\n"]) == []


@pytest.mark.parametrize(
    "piece", [b"data: " + b"x" * 20, b"data: 123\ndata: 45\n", b":" * 20 + b"\n"]
)
def test_too_long_an_event_is_refused(piece: bytes) -> None:
    """The limit holds for one line, for several, and for comments."""
    with pytest.raises(ScrubFailed):
        EventParser(max_event_bytes=16).feed(piece)


@pytest.mark.parametrize("piece", [b"data: \xff\n", b"event: \xc3\n", b"data: \xed\xa0\x80\n"])
def test_bytes_that_are_not_utf8_are_refused(piece: bytes) -> None:
    """Nothing that two readers could decode differently is passed on."""
    with pytest.raises(ScrubFailed):
        EventParser().feed(piece)


@pytest.mark.parametrize("piece", [b"data: x", b"data: x\n", b"event: x\n"])
def test_an_end_inside_an_event_is_an_error(piece: bytes) -> None:
    """A stream that was cut off is noticed."""
    parser = EventParser()
    parser.feed(piece)
    with pytest.raises(UpstreamUnavailable):
        parser.finish()


def test_an_end_between_events_is_fine() -> None:
    """A whole stream finishes quietly."""
    parser = EventParser()
    parser.feed(b"data: x\r\n\r")
    parser.finish()


def test_an_encoded_event_is_parsed_again() -> None:
    """What is encoded comes back."""
    assert parse([encode_event(b'{"a":1}')]) == [ServerSentEvent("", b'{"a":1}')]
    assert parse([encode_event(b"1", name="end")]) == [ServerSentEvent("end", b"1")]


@pytest.mark.parametrize("data", [b"a\nb", b"a\rb"])
def test_data_cannot_begin_a_line_of_its_own(data: bytes) -> None:
    """A line end in the data would let it forge fields."""
    with pytest.raises(ValueError, match="one line"):
        encode_event(data)


def test_errors_and_events_show_no_text() -> None:
    """Neither the codec's error nor the repr of an event carries what the model wrote."""
    with pytest.raises(ScrubFailed) as caught:
        EventParser().feed(b"data: canary \xff\n")
    assert caught.value.__context__ is None
    assert "canary" not in repr(ServerSentEvent("canary", b"canary"))
