"""Event streams: cuts change nothing, padding changes nothing, what is passed on is UTF-8."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.errors import ScrubFailed, UpstreamUnavailable
from gateway.core.padding import pad_events
from gateway.core.sse import MAX_EVENT_BYTES, EventParser, ServerSentEvent, encode_event
from tests.fuzz.cuts import pieces

LIMIT = 200
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _limit(data: bytes) -> int:
    # The three bytes of a mark count towards the limit or not, depending on where a read ends.
    return MAX_EVENT_BYTES if data.startswith(BYTE_ORDER_MARK) else LIMIT


def _read(parts: Iterable[bytes], *, limit: int) -> list[ServerSentEvent] | None:
    parser = EventParser(max_event_bytes=limit)
    events: list[ServerSentEvent] = []
    try:
        for part in parts:
            events += parser.feed(part)
        parser.finish()
    except (ScrubFailed, UpstreamUnavailable):
        return None
    return events


def check(data: bytes) -> None:
    """Any stream is refused or read as the same events, however it is cut and padded."""
    limit = _limit(data[1:])
    events = _read([data[1:]], limit=limit)
    assert _read(pieces(data), limit=limit) == events
    for event in events or ():
        assert len(event.data) <= limit
        assert event.data.decode().encode() == event.data
        if b"\n" in event.data or b"\r" in event.data:
            continue
        bucket_bytes = 1 + data[0]
        encoded = encode_event(event.data)
        padded = pad_events(encoded, bucket_bytes=bucket_bytes)
        assert len(padded) % bucket_bytes == 0
        assert EventParser().feed(padded) == EventParser().feed(encoded)
