"""Event streams, whatever the shape of their events."""

from itertools import takewhile

import pytest

from gateway.core.answers.event_stream import EventStreamScrubber
from gateway.core.errors import ScrubFailed, UpstreamUnavailable
from gateway.core.sse import ServerSentEvent


class Echo:
    """Rebuilds each event as its data in capitals; some data make it fail.

    Ordinary events are those whose data is digits, which it takes by twos.
    """

    def __init__(self) -> None:
        self.is_done = False

    def take(self, event: ServerSentEvent) -> bytes:
        """Return the data."""
        if event.data == b"bug":
            raise ZeroDivisionError
        if event.data == b"error":
            raise UpstreamUnavailable
        self.is_done = event.name == "end"
        return event.data.upper()

    def take_ordinary(self, blocks: list[bytes], at: int) -> tuple[bytes, int]:
        """Return the digits of the next events that have nothing else, two at the most."""
        digits = [*takewhile(bytes.isdigit, (b.removeprefix(b"data: ") for b in blocks[at:]))][:2]
        return b"".join(digits), len(digits)


def test_cuts_between_reads_do_not_matter() -> None:
    """Every event is rebuilt once it is there."""
    digits = b"1" * 100
    said = (b"A" + digits) * 5 + b"B"
    stream = b"data: a\n\n: comment\n\n" + b"data: " + digits + b"\n\n"
    stream = stream * 5 + b"event: end\ndata: b\n\n: c\n"
    for size in (1, 2, 5, 40, 100, 150, 1000):
        scrubber = EventStreamScrubber(Echo())
        reads = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert b"".join([scrubber.feed(read) for read in reads]) + scrubber.finish() == said


@pytest.mark.parametrize(
    ("bad", "raised", "then"),
    [
        (b"data: bug\n\n", ZeroDivisionError, ScrubFailed),
        (b"data: error\n\n", UpstreamUnavailable, UpstreamUnavailable),
        (b"data: \xff\n\n", ScrubFailed, ScrubFailed),
        (b"data: " + b"x" * 101, ScrubFailed, ScrubFailed),
    ],
)
def test_after_an_error_nothing_comes_out(
    bad: bytes, raised: type[Exception], then: type[Exception]
) -> None:
    """Not even what was safe in the same read, and never again."""
    scrubber = EventStreamScrubber(Echo(), max_event_bytes=100)
    with pytest.raises(raised):
        scrubber.feed(b"data: a\n\ndata: " + b"7" * 90 + b"\n\n" + bad)
    for again in (lambda: scrubber.feed(b"data: a\n\n"), scrubber.finish):
        with pytest.raises(then):
            again()


@pytest.mark.parametrize("end", [b"", b"data: a\n", b"data: a\n\n"])
def test_a_stream_needs_its_end(end: bytes) -> None:
    """What breaks off, even between two events, is no whole answer."""
    scrubber = EventStreamScrubber(Echo())
    scrubber.feed(end)
    for _ in range(2):
        with pytest.raises(UpstreamUnavailable):
            scrubber.finish()
